"""Commands that look at no repository: explain, schema, completion."""

from __future__ import annotations

import click

from repoint.cli.options import examples
from repoint.cli.stdout import emit

SHELLS = ("bash", "zsh", "fish")


def _codes(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    """The codes that begin with `start`."""
    from repoint.rules import catalog

    return [code for code in catalog.pages() if code.startswith(start.upper())]


@click.command(
    epilog=examples("repoint explain RP211", "repoint explain"),
)
@click.argument("code", required=False, metavar="[CODE]", shell_complete=_codes)
def explain(code: str | None) -> None:
    """Explain a finding or an error: its evidence and its remedies.

    CODE is as findings and errors print it, such as RP211. Without it every code is
    listed with its title.
    """
    from repoint.rules import catalog

    if code:
        emit(catalog.explain(code))
    else:
        titles = (page.partition("\n")[0].removeprefix("# ") for page in catalog.pages().values())
        emit("".join(f"{title}\n" for title in titles))


@click.command(epilog=examples("repoint schema > repoint.schema.json"))
def schema() -> None:
    """Print the JSON schema of repoint.yaml, for editors."""
    import json

    from repoint.planning.config import schema as config_schema

    emit(json.dumps(config_schema(), indent=2))


@click.command(
    epilog=examples(
        "repoint completion bash > ~/.local/share/bash-completion/completions/repoint",
        "repoint completion zsh > ~/.zfunc/_repoint",
        "repoint completion fish > ~/.config/fish/completions/repoint.fish",
    )
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="|".join(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell."""
    from click.shell_completion import ShellComplete, get_completion_class

    factory = get_completion_class(shell)
    if factory is None:
        raise click.UsageError(f"no completion for {shell}", ctx)
    made = factory(ctx.find_root().command, {}, "repoint", "_REPOINT_COMPLETE")
    # bash's own `source` first runs bash, with all of the environment, to warn of version 3.
    emit(ShellComplete.source(made))


COMMANDS = (explain, schema, completion)
