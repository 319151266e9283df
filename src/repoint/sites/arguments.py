"""Servers named on a command line: a client's options, wait loops, connection strings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from repoint.sites.commands import (
    CLIENTS,
    CONNECTOR_VALUES,
    CONNECTORS,
    PREFIXES,
    QUIET,
    SHELLS,
    TOOLS,
    WAITERS,
    Client,
    base_name,
)
from repoint.sites.frame import Draft, Form, Piece, Role, Value
from repoint.sites.hosts import (
    LOOPBACK,
    OTHER_PORTS,
    PG_PORTS,
    Slice,
    address,
    is_template,
    is_variable,
    literal_default,
)
from repoint.sites.keys import GENERIC, STRONG, looks_like_env, other_engine, words
from repoint.sites.split import Container, Entry, split_drafts
from repoint.sites.urls import dsn_drafts, name_before

_ASSIGNMENT = re.compile(r"^-{0,2}[A-Za-z_][\w.\-\[\]]*=")
_TCP = re.compile(r"(?i)(?<![\w])(?:tcp|tcp4|telnet|postgres)(?::(?://)?|@)([\w.\-]+):(\d{2,5})\b")
_DEV_TCP = re.compile(r"/dev/tcp/([^/\s'\"]+)/(\$?\{?\w+\}?)")
_FORWARD = re.compile(r"^(?:-L)?(?:(?:[\w.*]+|\[[^\]]*\]):)?\d+:([\w.\-]+):(\d+)$")
_ENV_OPTIONS = frozenset({"-e", "--env", "--from-literal", "--build-arg"})


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a command stands: the file's role, the program when the words name none.

    `own_server` tells that the command runs inside the server's container, so that a
    loopback address is the server itself. `templates` lets hosts be template actions.
    """

    role: Role
    program: str = ""
    own_server: bool = False
    templates: bool = False


def shell_script(args: Sequence[Value]) -> Value | None:
    """The script of `sh -c <script>` or `CMD-SHELL <script>`; None when there is none."""
    texts = [arg.text.strip() for arg in args]
    if texts and texts[0] == "CMD-SHELL" and len(args) > 1:
        return args[1]
    for index, text in enumerate(texts[:-1]):
        if text.startswith("-") and not text.startswith("--") and text.endswith("c"):
            before = [t for t in texts[:index] if not t.startswith("-")]
            if not before or base_name(before[-1]) in SHELLS or base_name(before[0]) in SHELLS:
                return args[index + 1] if index + 1 < len(args) else None
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
    yield from _clients(args, program, setting)
    yield from _waits(args, program, setting)
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
        known = name in CLIENTS or name in WAITERS or name in CONNECTORS
        if setting.program in TOOLS | CLIENTS.keys() and not known and name not in TOOLS:
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
            if not env and program not in TOOLS | CLIENTS.keys():
                option = arg.text.partition("=")[0] if arg.text.startswith("-") else previous
                program = option if option.startswith("--") else program
            if quiet and not name:
                continue
            if _hidden(draft.host.slice.text, setting):
                continue
            form = draft.form
            if not env and form in (Form.KEYWORD_VALUE, Form.JDBC):
                form = Form.ARGUMENT
            user = draft.user or _user_option(args)
            yield replace(draft, key=env or program, form=form, user=user)


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


def _hidden(host: str, setting: Setting) -> bool:
    return host.lower() in LOOPBACK and setting.own_server


def _clients(args: Sequence[Value], program: str, setting: Setting) -> Iterator[Draft]:
    for index, arg in enumerate(args):
        name = base_name(arg.text.strip())
        client = CLIENTS.get(name)
        before = args[index - 1].text if index else ""
        if client is None or before in {"which", "-v", "install", "--name", "--rm"}:
            continue
        if _run_later(args[index + 1 :]):
            continue
        inside = any(other.text == "exec" for other in args[:index])
        local = replace(setting, own_server=setting.own_server or inside)
        draft = _client_draft(args[index + 1 :], client, name, local)
        if draft is not None:
            yield draft
        return


def _run_later(args: Sequence[Value]) -> bool:
    """Whether a client stands behind `--`, so that the name before it is only a name."""
    pairs = zip(args, args[1:], strict=False)
    return any(one.text == "--" and base_name(two.text) in CLIENTS for one, two in pairs)


def _client_draft(
    args: Sequence[Value], client: Client, name: str, setting: Setting
) -> Draft | None:
    options = _read_options(args, client)
    host = options.get("host")
    if host is None:
        return None
    text = host.slice.text
    if not text or text.startswith("/") or _hidden(text, setting) or "://" in text:
        return None
    if is_variable(text) or (is_template(text) and not setting.templates):
        return None
    port = options.get("port")
    found = address(text)
    if found is None:
        return None
    if found.port is not None and port is None:
        port = Piece(host.value, Slice(found.port.text, host.slice.start + found.port.start))
    host = Piece(host.value, Slice(found.host.text, host.slice.start + found.host.start))
    return Draft(
        form=Form.ARGUMENT,
        role=setting.role,
        key=name,
        host=host,
        port=port,
        database=_name(options.get("database")),
        user=_name(options.get("user")),
        start=host.value.offset + host.slice.start - host.value.offset,
    )


def _name(piece: Piece | None) -> str | None:
    if piece is None or "=" in piece.slice.text or "://" in piece.slice.text:
        return None
    return piece.slice.text


def _read_options(args: Sequence[Value], client: Client) -> dict[str, Piece]:
    """The pieces of a client's command line by meaning: host, port, user, database."""
    names = {
        option: meaning
        for meaning in ("host", "port", "user", "database")
        for option in getattr(client, meaning)
    }
    found: dict[str, Piece] = {}
    free: list[Piece] = []
    index = 0
    while index < len(args):
        arg = args[index]
        text = arg.text
        index += 1
        if text in {"--", "|", "&&", ";", "||"}:
            continue
        option, piece, eaten = _one_option(args, index - 1, client, names)
        if option is None:
            if not text.startswith("-") and text not in {">", "<", ">>"}:
                free.append(Piece(arg, literal_default(Slice(text, 0))))
            continue
        index += eaten
        if piece is not None and option in names:
            found.setdefault(names[option], piece)
    for meaning, piece in zip(client.positional, free, strict=False):
        found.setdefault(meaning, piece)
    return found


def _one_option(
    args: Sequence[Value], index: int, client: Client, names: dict[str, str]
) -> tuple[str | None, Piece | None, int]:
    """The option at `index`, its value, and how many further words it takes."""
    arg = args[index]
    text = arg.text
    following = args[index + 1] if index + 1 < len(args) else None
    if text.startswith("--"):
        option, equals, _ = text[2:].partition("=")
        if equals:
            return option, _piece(arg, len(option) + 3), 0
        if option in names or option in client.long_values:
            return option, _piece(following, 0), 1
        return option, None, 0
    if not text.startswith("-") or len(text) < 2:
        return None, None, 0
    for position, letter in enumerate(text[1:], start=1):
        if letter in client.takes_value:
            if position + 1 < len(text):
                return letter, _piece(arg, position + 1), 0
            return letter, _piece(following, 0), 1
    return text[1:], None, 0


def _piece(arg: Value | None, start: int) -> Piece | None:
    if arg is None:
        return None
    text = arg.text[start:]
    lead = len(text) - len(text.lstrip(" ="))
    return Piece(arg, literal_default(Slice(text.strip(" ="), start + lead)))


def _waits(args: Sequence[Value], program: str, setting: Setting) -> Iterator[Draft]:
    if any(base_name(arg.text) in CONNECTORS for arg in args[:3]):
        yield from _connector(args, setting)
    waiter = next((i for i, arg in enumerate(args) if base_name(arg.text) in WAITERS), None)
    if waiter is not None:
        yield from _waiter(args[waiter + 1 :], base_name(args[waiter].text), setting, args[waiter])
    for arg in args:
        for match in _TCP.finditer(arg.text):
            yield from _endpoint(
                arg, Slice(match[1], match.start(1)), Slice(match[2], match.start(2)), program,
                setting,
            )  # fmt: skip
    for before, arg in zip(args, args[1:], strict=False):
        forward = _FORWARD.match(arg.text) if before.text == "-L" else None
        if forward:
            yield from _endpoint(
                arg, Slice(forward[1], forward.start(1)), Slice(forward[2], forward.start(2)),
                program, setting,
            )  # fmt: skip


def _connector(args: Sequence[Value], setting: Setting) -> Iterator[Draft]:
    at = next(i for i, arg in enumerate(args) if base_name(arg.text) in CONNECTORS)
    name = base_name(args[at].text)
    client = Client(host=(), port=(), user=(), database=(), takes_value=CONNECTOR_VALUES.get(name, ""))
    free: list[Value] = []
    index = at + 1
    while index < len(args):
        option, _, eaten = _one_option(args, index, client, {})
        if option is None:
            free.append(args[index])
        index += 1 + eaten
    if len(free) >= 2:
        host, port = free[0], free[1]
        yield from _pair(Piece(host, literal_default(Slice(host.text, 0))), port, name, setting)


def _pair(host: Piece, port: Value, name: str, setting: Setting) -> Iterator[Draft]:
    piece = Piece(port, literal_default(Slice(port.text, 0)))
    if _speaks_postgres(host.slice.text, piece.slice.text, setting):
        yield Draft(Form.ARGUMENT, setting.role, name, host, piece, start=host.slice.start)


def _waiter(
    args: Sequence[Value], name: str, setting: Setting, program: Value
) -> Iterator[Draft]:
    key = program.text.rsplit("/", 1)[-1]
    options = _read_options(args, Client())
    if "host" in options and "port" in options:
        host, port = options["host"], options["port"]
        if _speaks_postgres(host.slice.text, port.slice.text, setting):
            yield Draft(Form.ARGUMENT, setting.role, key, host, port, start=host.slice.start)
        return
    for arg in args:
        if arg.text == "--":
            return
        found = address(arg.text)
        if found is not None and found.port is not None and not arg.text.startswith("-"):
            yield from _endpoint(arg, found.host, found.port, key, setting)


def _endpoint(
    arg: Value, host: Slice, port: Slice, key: str, setting: Setting
) -> Iterator[Draft]:
    if _speaks_postgres(host.text, port.text, setting):
        yield Draft(
            Form.ARGUMENT, setting.role, key, Piece(arg, host), Piece(arg, port), start=host.start
        )


def _speaks_postgres(host: str, port: str, setting: Setting) -> bool:
    """Whether a bare host and port are a PostgreSQL server's, by the port or the names."""
    if not host or is_variable(host) or (is_template(host) and not setting.templates):
        return False
    if _hidden(host, setting) or host.startswith(("/", "-")):
        return False
    if port.isdigit():
        if port in PG_PORTS:
            return not other_engine(host)
        return port not in OTHER_PORTS and bool(set(words(host)) & STRONG)
    return bool(set(words(port)) & (STRONG | GENERIC)) and not other_engine(host + " " + port)


def dev_tcp_drafts(script: Value, setting: Setting) -> Iterator[Draft]:
    """Hosts that bash opens by `/dev/tcp/host/port`, outside comments."""
    if "/dev/tcp/" not in script.text:
        return
    for match in _DEV_TCP.finditer(script.text):
        line = script.text.rfind("\n", 0, match.start()) + 1
        if script.text[line : match.start()].lstrip().startswith("#"):
            continue
        host = Slice(match[1], match.start(1))
        yield from _endpoint(script, host, Slice(match[2], match.start(2)), "/dev/tcp", setting)


def _options(args: Sequence[Value], program: str, setting: Setting) -> Iterator[Draft]:
    """Settings given as words: `-e DB_HOST=pg`, `--set db.host=pg`, `--db-host pg`."""
    if base_name(program) in CLIENTS:
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
                entries, setting.role, hint=setting.program, env=env,
                form=Form.VARIABLE if env else Form.ARGUMENT,
                command="" if env else program, templates=setting.templates,
                bare=False,
            )  # fmt: skip
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
