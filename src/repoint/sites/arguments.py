"""Servers named on a command line: a client's options, wait loops, connection strings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from repoint.sites.clients import Setting, client_drafts, is_hidden
from repoint.sites.commands import (
    CONNECTORS,
    PREFIXES,
    QUIET,
    SHELLS,
    TOOLS,
    base_name,
    clients,
    waiters,
)
from repoint.sites.frame import Draft, Form, Value
from repoint.sites.keys import looks_like_env
from repoint.sites.split import Container, Entry, split_drafts
from repoint.sites.urls import dsn_drafts, name_before
from repoint.sites.waits import wait_drafts

_NAME = re.compile(r"[\w./+@-]+")
_ASSIGNMENT = re.compile(r"^-{0,2}[A-Za-z_][\w.\-\[\]]*=")
_ENV_OPTIONS = frozenset({"-e", "--env", "--from-literal", "--build-arg"})


def shell_script(args: Sequence[Value]) -> Value | None:
    """The script of `sh -c <script>` or `CMD-SHELL <script>`; None when there is none."""
    texts = [arg.text.strip() for arg in args]
    if texts and texts[0] == "CMD-SHELL" and len(args) > 1:
        return args[1]
    for index, text in enumerate(texts[:-1]):
        if text.startswith("-") and not text.startswith("--") and text.endswith("c"):
            before = [t for t in texts[:index] if not t.startswith("-")]
            if not before or base_name(before[-1]) in SHELLS or base_name(before[0]) in SHELLS:
                following = [arg for arg in args[index + 1 :] if arg.text.strip() != "--"]
                return following[0] if following else None
    return None


def argv_drafts(args: Sequence[Value], setting: Setting) -> Iterator[Draft]:
    """A draft for every server that one command's words name."""
    if not args:
        return
    at = _program_at(args, setting)
    program = setting.program if at is None else base_name(args[at].text)
    quiet = program in QUIET
    yield from _strings(args, program, setting, quiet=quiet)
    if quiet:
        return
    yield from client_drafts(args, setting)
    yield from wait_drafts(args, program, setting)
    yield from _options(args, program, setting)


def _program_at(args: Sequence[Value], setting: Setting) -> int | None:
    for index, arg in enumerate(args):
        text = arg.text.strip()
        if text.startswith("-") and index == 0 and setting.program:
            return None
        name = base_name(text)
        if text in {"CMD", "CMD-SHELL"} or name in PREFIXES or text.startswith("-"):
            continue
        if _ASSIGNMENT.match(text) or text.isdigit():
            continue
        if name == "migrate" and setting.program and setting.program not in TOOLS:
            return None  # golang-migrate's name is many programs' subcommand
        known = name in clients() or name in waiters() or name in CONNECTORS
        if setting.program in TOOLS | clients().keys() and not known and name not in TOOLS:
            return None
        return index
    return None


def _strings(
    args: Sequence[Value], program: str, setting: Setting, *, quiet: bool
) -> Iterator[Draft]:
    for previous, arg in zip(["", *(arg.text for arg in args)], args, strict=False):
        for draft in dsn_drafts(arg, program, setting.role):
            name = name_before(arg.text, draft.start)
            env = name if looks_like_env(name) else ""
            if not env and program not in TOOLS | clients().keys():
                option = arg.text.partition("=")[0] if arg.text.startswith("-") else previous
                program = option if option.startswith("--") else program
            if quiet and not name:
                continue
            if is_hidden(draft.host.slice.text, setting):
                continue
            form = draft.form
            if not env and form in (Form.KEYWORD_VALUE, Form.JDBC):
                form = Form.ARGUMENT
            user = draft.user or _user_option(args)
            # A first word that is no name (a string with a password, say) is never shown as one.
            named = env or (program if _NAME.fullmatch(program) else "")
            yield replace(draft, key=named, form=form, user=user)


def _user_option(args: Sequence[Value]) -> str | None:
    """The user that a migration tool gets beside its JDBC URL (`--username=app`)."""
    for index, arg in enumerate(args):
        name, equals, text = arg.text.lstrip("-").partition("=")
        if not arg.text.startswith("-") or name.lower() not in {"user", "username", "dbuser"}:
            continue
        if equals:
            return text
        return args[index + 1].text if index + 1 < len(args) else None
    return None


def _options(args: Sequence[Value], program: str, setting: Setting) -> Iterator[Draft]:
    """Settings given as words: `-e DB_HOST=pg`, `--set db.host=pg`, `--db-host pg`."""
    if base_name(program) in clients():
        return
    variables: list[Entry] = []
    options: list[Entry] = []
    for index, arg in enumerate(args):
        head, equals, _ = arg.text.partition("=")
        name = head.lstrip("-")
        if equals and name.startswith("D") and "." in name and head.startswith("-D"):
            name = name[1:]
        if equals:
            after_env = index > 0 and args[index - 1].text in _ENV_OPTIONS
            if name in {"set", "set-string", "from-literal", "env", "build-arg"}:
                inner = arg.cut(len(head) + 1, len(arg.text))
                (options if name.startswith("set") else variables).extend(_pairs(inner))
                continue
            target = variables if after_env and looks_like_env(name) else options
            if "," in arg.text and args[index - 1].text == "--set":
                target += _pairs(arg)
            else:
                target.append(Entry(name, arg.cut(len(head) + 1, len(arg.text))))
        elif head.startswith("-") and index + 1 < len(args) and len(name) > 2:
            options.append(Entry(name, args[index + 1]))
    for entries, env in ((variables, True), (options, False)):
        yield from split_drafts(
            Container(
                entries,
                setting.role,
                hint=setting.program,
                env=env,
                form=Form.VARIABLE if env else Form.ARGUMENT,
                command="" if env else program,
                templates=setting.templates,
                bare=False,
            )
        )


def _pairs(value: Value) -> list[Entry]:
    """The `a=1,b=2` of one word."""
    entries: list[Entry] = []
    position = 0
    for pair in value.text.split(","):
        name, equals, _ = pair.partition("=")
        if equals:
            entries.append(Entry(name, value.cut(position + len(name) + 1, position + len(pair))))
        position += len(pair) + 1
    return entries
