"""Commands that look at no repository: explain, schema, completion."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from repoint.cli.options import Session, examples, format_option
from repoint.cli.stdout import emit

_SCRIPTS = {"bash": "repoint.bash", "zsh": "_repoint", "fish": "repoint.fish"}
SHELLS = tuple(_SCRIPTS)


def _codes(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    """The codes that begin with `start`."""
    from repoint.rules import catalog

    return [code for code in catalog.pages() if code.startswith(start.upper())]


@click.command(
    epilog=examples(
        "repoint explain RP211",
        "repoint explain RP211 RP401 --no-pager",
        "repoint explain                     # every code with its title",
        "repoint explain --format json",
    ),
)
@click.argument("codes", nargs=-1, metavar="[CODE]...", shell_complete=_codes)
@click.option("--no-pager", is_flag=True, help="Print all at once (PAGER=cat does the same).")
@format_option("json", "markdown")
@click.pass_obj
def explain(session: Session, codes: tuple[str, ...], no_pager: bool, form: str) -> None:
    """Explain findings and errors: their evidence and their remedies.

    CODE is as findings and errors print it, such as RP211. Without it every code is listed with
    its title. On a terminal what does not fit goes through $PAGER, else `less`; in a pipe it is
    Markdown.
    """
    from repoint.rules import catalog

    found = [catalog.explain(code) for code in dict.fromkeys(codes)]
    pages = found or list(catalog.pages().values())
    if form == "json":
        emit(_pages_as_json(pages))
    elif form == "human" and sys.stdout.isatty():
        from repoint.cli.pager import show
        from repoint.views import pages as view

        width, color = session.terminal.width, session.terminal.color
        each = [view.page(one, width=width, color=color) for one in found]
        text = "\n".join(each) or view.titles(pages, width=width, color=color)
        show(text, wanted=not no_pager)
    elif found:
        emit("\n".join(found))
    else:
        emit("".join(f"{_title(one)}\n" for one in pages))


def _title(page: str) -> str:
    return page.partition("\n")[0].removeprefix("# ")


def _pages_as_json(pages: list[str]) -> str:
    import json

    titles = [_title(one).partition(": ") for one in pages]
    listed = [
        {"code": code, "title": title, "page": page}
        for (code, _, title), page in zip(titles, pages, strict=True)
    ]
    return json.dumps({"format": 1, "codes": listed}, indent=2, ensure_ascii=False)


SCHEMAS = ("config", "knowledge")


@click.command(
    epilog=examples(
        "repoint schema > repoint.schema.json",
        "repoint schema knowledge > knowledge.schema.json",
    )
)
@click.argument("what", type=click.Choice(SCHEMAS), default="config", metavar="[config|knowledge]")
def schema(what: str) -> None:
    """Print the JSON schema of repoint.yaml, for editors.

    With `knowledge` it is that of the files which `knowledge.files` in repoint.yaml names.
    """
    import json

    from repoint.planning import config, knowledge

    emit(json.dumps(knowledge.schema() if what == "knowledge" else config.schema(), indent=2))


@click.command(
    epilog=examples(
        "repoint completion bash > ~/.local/share/bash-completion/completions/repoint",
        "repoint completion zsh > ~/.zfunc/_repoint",
        "repoint completion fish > ~/.config/fish/completions/repoint.fish",
    )
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="|".join(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    Commands, options and their values are completed, with the environments of the repository at
    hand, the contexts of the kubeconfig and the codes of `explain`.
    """
    folder = Path(__file__).parents[1] / "data" / "completion"
    emit((folder / _SCRIPTS[shell]).read_text(encoding="utf-8"))


COMMANDS = (explain, schema, completion)
