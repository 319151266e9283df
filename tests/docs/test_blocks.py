"""Reading pages: blocks with their lines, commands, classes, arguments, and shown output."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.doc_pages import kinds, running
from scripts.doc_pages.blocks import guessed, page_hint, read_blocks, read_commands
from scripts.doc_pages.parsing import complaint
from scripts.doc_pages.running import run_page
from scripts.doc_pages.shown import matches, renewed

PAGE = """# Title
<!-- sandbox: tests/variants/helm-values -->

Text with `code`.

<!-- exit: 1 -->
```sh
repoint scan \\
    --env local   # a comment
git commit -m "two
lines"
cat > file <<END
repoint no command
END
# only a comment

repoint check
```

1. a list

    ```console
    $ repoint init
    wrote repoint.yaml
    $ true
    ```

    repoint plan

<!-- file: a.yaml -->
```yaml
a: 1
```

```text
nothing
```
"""


def test_blocks_have_their_line_language_and_hints() -> None:
    blocks = read_blocks("page.md", PAGE)
    assert [(one.language, one.line) for one in blocks] == [
        ("sh", 8),
        ("console", 23),
        ("yaml", 32),
        ("text", 36),
    ]
    assert blocks[0].hints == {"exit": "1"}
    assert blocks[1].hints == {}
    assert blocks[2].hints == {"file": "a.yaml"}
    assert blocks[1].text.startswith("$ repoint init\n")
    assert page_hint(PAGE, "sandbox") == "tests/variants/helm-values"
    assert page_hint("# T\n\n## B\n<!-- sandbox: x -->\n", "sandbox") == ""


def test_an_indented_block_is_read_by_its_looks() -> None:
    (block,) = read_blocks("page.md", "Text\n\n    repoint plan\n    repoint apply --yes\n")
    assert (block.language, block.line) == ("sh", 3)
    assert [command.line for command in read_commands(block)] == [3, 4]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("repoint scan", "sh"),
        ("NO_COLOR=1 repoint scan", "sh"),
        ("export A=b", "sh"),
        ("gates:\n  apply: []", "yaml"),
        ("- a", "yaml"),
        ("ALTER ROLE a", "sql"),
        ("ok overlay deploy", ""),
        ("ENV    planned", ""),
    ],
)
def test_a_language_is_guessed(text: str, language: str) -> None:
    assert guessed(text) == language


def test_commands_have_their_lines_and_the_last_one_the_status() -> None:
    first, second, *_ = read_blocks("page.md", PAGE)
    commands = read_commands(first)
    assert [(one.line, one.status) for one in commands] == [(8, 0), (10, 0), (12, 0), (17, 1)]
    assert commands[0].text == "repoint scan \\\n    --env local   # a comment"
    assert commands[1].text == 'git commit -m "two\nlines"'
    assert [(one.text, one.shown) for one in read_commands(second)] == [
        ("repoint init", "wrote repoint.yaml\n"),
        ("true", ""),
    ]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("repoint plan -o plan.json", kinds.RUN),
        ("repoint -C shop plan | head", kinds.RUN),
        ("git add -A && git commit -qm x", kinds.RUN),
        ("kubectl kustomize deploy", kinds.RUN),
        ("repoint rollback --env a", kinds.RUN),
        ("repoint rehearse --show-ini", kinds.RUN),
        ("repoint rollout --help", kinds.RUN),
        ("REPOINT_CACHE=off repoint scan", kinds.RUN),
        ("repoint rehearse plan.json", kinds.SERVERS),
        ("repoint bench --svg x.svg", kinds.SERVERS),
        ("repoint rollback --env a --rollout", kinds.CLUSTER),
        ("repoint -C shop rollout --env a", kinds.CLUSTER),
        ("repoint data compare --env a", kinds.CLUSTER),
        ("repoint rbac --env a | kubectl apply -f -", kinds.CLUSTER),
        ("repoint apply && git push", kinds.NETWORK),
        ("pip install 'repoint[tools]'", kinds.NETWORK),
        ("python -m pip install x", kinds.NETWORK),
        ("repoint doctor --fetch", kinds.NETWORK),
        ("make bench GATE=1", kinds.MAKE),
        ("git clone <this repository> repoint && make test", kinds.NETWORK),
    ],
)
def test_a_line_is_of_the_class_of_its_most_demanding_command(line: str, kind: str) -> None:
    assert kinds.kind_of(line) == kind


def test_simple_commands_have_no_redirections_assignments_or_comments() -> None:
    line = "A=b repoint plan 'x y' 2> /dev/null > out.json # why\n| sed -n 1p && true"
    found = list(kinds.simple_commands(line))
    assert found == [["repoint", "plan", "x y"], ["sed", "-n", "1p"], ["true"]]


@pytest.mark.parametrize(
    "arguments",
    ["scan --env x", "data compare --env x", "apply no-such-plan.json", "--help", "", "verify -h"],
)
def test_arguments_that_repoint_takes(arguments: str) -> None:
    assert complaint(arguments.split()) == ""


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("scan --evn x", "--evn"),
        ("data compre", "compre"),
        ("plan -o", "requires an argument"),
        ("doctor --postgres x", "not a valid integer"),
        ("scan --format jsn", "jsn"),
        ("no-such-verb", "no-such-verb"),
    ],
)
def test_arguments_that_repoint_refuses(arguments: str, why: str) -> None:
    assert why in complaint(arguments.split())


@pytest.mark.parametrize(
    ("shown", "output", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a  \nb\n\n", True),
        ("a\nb\n", "a\nc\n", False),
        ("a\n...\nc\n", "a\nb\nb\nc\n", True),
        ("a\n...\nc\n", "a\nc\n", True),
        ("...\nc\n", "a\nb\n", False),
        ("", "", True),
        ("", "a\n", False),
        ("a.c\n", "abc\n", False),
        ("took … s\nb\n", "took 12 s\nb\n", True),
        ("took … s\n", "took 1\n2 s\n", False),
    ],
)
def test_shown_output_is_compared(shown: str, output: str, same: bool) -> None:
    assert matches(shown, output) is same


@pytest.mark.parametrize(
    ("shown", "output", "new"),
    [
        ("a\nb\n", "a\nc\n", "a c"),
        ("head\n...\nthe end of 9\n", "head\nx\ny\nthe end of 10\n", "head ... the end of 10"),
        ("the head\n...\nend\n", "the hat\nx\nend\n", "the hat ... end"),
        ("took … s\nold\n", "took 3 s\nnew\n", "took … s new"),
        ("a\n...\n", "a\nb\nc\n", "a ..."),
        ("a\n...\nrow 1\n...\nz\n", "a\nq\nrow 2\nq\nz\n", "a ... row 2 ... z"),
        ("a\n...\nnothing of this\n", "1\n2\n", "1 2"),
        ("", "a\n", "a"),
    ],
)
def test_a_new_output_leaves_out_what_was_left_out(shown: str, output: str, new: str) -> None:
    found = renewed(shown, output)
    assert " ".join(found) == new
    assert matches("\n".join(found), output)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of a page that only these tests have."""
    text = [""]
    monkeypatch.setattr(running, "load", lambda page: text[0])
    return text


def test_a_page_runs_in_one_shell_that_keeps_folder_and_variables(
    shown: list[str], tmp_path: Path
) -> None:
    shown[0] = (
        "# T\n\n<!-- file: note.txt -->\n```text\nwritten\n```\n\n"
        "```console\n$ export A=b\n$ mkdir x && cd x\n$ echo $A $(basename $PWD)\nb y\n"
        "$ cat ../note.txt\nwritten\n$ echo $HOME\n~\n```\n"
    )
    ran = list(run_page("page.md", tmp_path))
    assert [one.done.output for one in ran] == ["", "", "b x\n", "written\n", "~\n"]
    assert [bool(one.fault) for one in ran] == [False, False, True, False, False]
    assert "page.md:11: `echo $A $(basename $PWD)` prints\n- b y\n+ b x" in ran[2].fault
    assert running.rewritten("page.md", ran) == shown[0].replace("b y\n", "b x\n")


def test_another_status_than_the_page_expects_is_a_fault(shown: list[str], tmp_path: Path) -> None:
    shown[0] = "# T\n\n```sh\nrepoint scan --env nowhere\n```\n"
    (ran,) = run_page("page.md", tmp_path / "a")
    assert "ended with 2, not 0" in ran.fault
    shown[0] = shown[0].replace("```sh", "<!-- exit: 2 -->\n```sh")
    (ran,) = run_page("page.md", tmp_path / "b")
    assert ran.fault == ""


def test_a_new_output_keeps_the_blank_line_before_the_next_command(
    shown: list[str], tmp_path: Path
) -> None:
    shown[0] = "# T\n\n```console\n$ echo a\n\n$ echo b; echo c\nold\nold\n\n$ echo d\nd\n```\n"
    ran = list(run_page("page.md", tmp_path))
    assert running.rewritten("page.md", ran) == (
        "# T\n\n```console\n$ echo a\na\n\n$ echo b; echo c\nb\nc\n\n$ echo d\nd\n```\n"
    )


def test_the_reader_says_yes(shown: list[str], tmp_path: Path) -> None:
    shown[0] = "# T\n\n```sh\nrepoint apply --env local\nread answer\ncat\n```\n"
    assert [one.done.status for one in run_page("page.md", tmp_path)] == [0, 0, 0]


def test_a_fixture_in_clear_is_sealed_for_its_own_keys(
    shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "fixture"
    repository.mkdir()
    rules = "creation_rules:\n  - path_regex: live\n    age: AGE_LIVE\n  - age: AGE_STAGE\n"
    (repository / ".sops.yaml").write_text(rules)
    (repository / "live.enc.yaml").write_text("stringData: {a: canary-live}\n")
    (repository / "stage.enc.yaml").write_text("stringData: {a: canary-stage}\n")
    shown[0] = (
        f"<!-- sandbox: {repository} -->\n```sh\n! git grep canary\nsops decrypt live.enc.yaml\n"
        "export SOPS_AGE_KEY_FILE=../keys/stage.txt\nsops decrypt stage.enc.yaml\n"
        "! sops decrypt live.enc.yaml\n```\n"
    )
    monkeypatch.setattr(running, "_begins_with_init", lambda blocks: True)
    faults = [one.fault for one in run_page("page.md", tmp_path / "run") if one.fault]
    assert faults == []


def test_a_page_may_start_anew(shown: list[str], tmp_path: Path) -> None:
    shown[0] = (
        "# T\n\n```sh\ntouch seen\ntest -e repoint.yaml\n```\n\n"
        "<!-- sandbox: fresh -->\n```sh\n! test -e seen\n! test -e repoint.yaml\n"
        "repoint init\n```\n"
    )
    assert [one.fault for one in run_page("page.md", tmp_path) if one.fault] == []
