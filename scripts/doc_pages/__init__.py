"""Runs the commands of the documentation, and writes what they print into its pages.

    python -m scripts.doc_pages           write outputs, and the list of what cannot run here
    python -m scripts.doc_pages PAGE..    the same, of these pages alone

`tests/docs` holds the pages to it. An author writes plain Markdown: a fence with a language.

    sh          commands, run line by line in the page's sandbox; status 0 is expected
    console     `$ command` with its output, which is compared and written by `make docs`
    yaml        keys of repoint.yaml, or any other YAML

and, where the plain form does not say enough, a comment that readers do not see:

    <!-- sandbox: tests/variants/helm-values -->   at the top: another repository than the example
    <!-- sandbox: fresh -->                        above a block: a new one from here on
    <!-- exit: 1 -->                               above a block: the status of its last command
    <!-- not run: why -->                          above a block: its arguments are only parsed
    <!-- file: repoint.yaml -->                    above a block: it is written to that file
"""
