"""Rows 4.1 and 4.2: a way to the new cluster beside the old one, for developers.

Local development is added to, never replaced (P4): an Atlas environment that stands is
repeated under a new name with the direct host, and the Makefile targets that use it are
repeated under new names, each in the file's own words.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from repoint.dsn.parse import parse
from repoint.kube.files import join
from repoint.model.plan import Applicability, Edit, Op, PartEdit
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.site_edits import weaker_sslmode
from repoint.rules.routing import LOCAL_DEVELOPMENT

_LOCAL = ("local", "dev", "development")
_ENV = re.compile(r'^env\s+"([\w-]+)"\s*\{', re.MULTILINE)
_TARGET = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*:(?![=:])([^#\n]*)(##[^\n]*)?$", re.MULTILINE)
_STARTER = re.compile(r"\b(docker|podman|compose)\b")
_HELP = re.compile(r"\A( ?)(.*?)(\s*\([^()]*\))?(\s*)\Z")
_USES_ATLAS = re.compile(r"\batlas\b[^\n]*\bmigrate\s+(?:apply|status)\b")


@dataclass(frozen=True, slots=True)
class AtlasEnvironment:
    """An `env` block with a connection string of its own: `[start, end)` are whole lines."""

    path: str
    name: str
    text: str
    start: int
    end: int
    line: int


def atlas_edits(
    path: str, text: str, direct_host: str, sslmode: str
) -> tuple[tuple[PlannedEdit, ...], str]:
    """Repeat the local `env` block with the direct host.

    Args:
        path: An `atlas.hcl`.
        text: Its text; offsets become bytes of its UTF-8 encoding.
        direct_host: Host of the Cluster's read-write Service in the development environment.
        sslmode: The least sslmode wanted.

    Returns:
        The edits and the new environment's name; nothing when there is no local block with
        one literal connection string, or when one with the direct host is there already.
    """
    blocks = list(_blocks(path, text))
    if any(direct_host in block.text for block in blocks):
        return (), ""
    for block in blocks:
        dsn = parse(block.text) if block.name in _LOCAL else None
        if dsn is None or len(dsn.hosts) != 1:
            continue
        name = f"{block.name}_cnpg"
        if any(other.name == name for other in blocks):
            return (), ""
        mode = dsn.param("sslmode")
        present = mode.value.text if mode is not None else ""
        parts = [
            PartEdit("key", block.name, name),
            PartEdit("host", dsn.hosts[0].text, direct_host),
        ]
        port = dsn.ports[0]
        if port is not None and port.text != "5432":
            parts.append(PartEdit("port", port.text, "5432"))
        if sslmode and weaker_sslmode(present, sslmode):
            parts.append(PartEdit("param", present, sslmode, "sslmode"))
        return _repeated(block, name, tuple(parts), "\r\n" if "\r\n" in text else "\n"), name
    return (), ""


def _repeated(
    block: AtlasEnvironment, name: str, parts: tuple[PartEdit, ...], newline: str
) -> tuple[PlannedEdit, ...]:
    told = "direct connection to the CNPG cluster, for local development"
    comment = f'# The "{name}" environment: {told}'
    common = {
        "line": block.line,
        "key": name,
        "rule": LOCAL_DEVELOPMENT.code,
        "applicability": Applicability.SAFE,
        "start": block.end,
        "end": block.end,
    }
    above = Edit(
        op=Op.SPLICE,
        pointer=f"/env/{name}",
        reason="separates the added environment",
        after=f"{newline}{comment}{newline}",
        **common,  # type: ignore[arg-type]
    )
    copy = Edit(
        op=Op.DUPLICATE,
        pointer=f"/env/{name}",
        reason=f"adds `{name}` beside `{block.name}`, which stays (P4)",
        parts=parts,
        **{**common, "start": block.start},  # type: ignore[arg-type]
    )
    return PlannedEdit(block.path, above), PlannedEdit(block.path, copy)


def _blocks(path: str, text: str) -> Iterable[AtlasEnvironment]:
    for match in _ENV.finditer(text):
        end = _closing(text, match.end())
        if end is None:
            continue
        stop = text.find("\n", end)
        stop = len(text) if stop < 0 else stop + 1
        start = len(text[: match.start()].encode())
        yield AtlasEnvironment(
            path=path,
            name=match[1],
            text=text[match.start() : stop],
            start=start,
            end=start + len(text[match.start() : stop].encode()),
            line=text.count("\n", 0, match.start()) + 1,
        )


def _closing(text: str, cursor: int) -> int | None:
    """Offset behind the brace that closes the block opened before `cursor`."""
    depth = 1
    for match in re.compile(
        r'"(?:\\.|[^"\\\n])*"|#[^\n]*|//[^\n]*|/\*.*?\*/|[{}]', re.DOTALL
    ).finditer(text, cursor):
        if match[0] in "{}":
            depth += 1 if match[0] == "{" else -1
            if depth == 0:
                return match.end()
    return None


@dataclass(frozen=True, slots=True)
class _Target:
    name: str
    start: int
    end: int
    lines: tuple[str, ...]


def makefile_edits(path: str, text: str, old_env: str, new_env: str) -> tuple[PlannedEdit, ...]:
    """Repeat the Makefile's Atlas targets for the new environment.

    Targets that run `atlas migrate apply` or `status` with `--env <old_env>` are repeated
    as `<target>-cnpg`, with their `.PHONY` line and `##` help, behind the last of them.
    """
    targets = list(_targets(text))
    chosen = [t for t in targets if _runs_atlas(t, old_env)]
    names = {target.name for target in targets}
    chosen = [t for t in chosen if f"{t.name}-cnpg" not in names]
    if not chosen:
        return ()
    newline = "\r\n" if "\r\n" in text else "\n"
    starters = {t.name for t in targets if _STARTER.search("".join(t.lines))}
    blocks = [_renamed(target, old_env, new_env, starters) for target in chosen]
    body = f"{newline}# CNPG migration targets{newline}" + newline.join(blocks)
    at = chosen[-1].end
    if at == len(text) and not text.endswith("\n"):
        body = newline + body.removesuffix(newline)
    edits = [_insertion(path, text, at, body, chosen)]
    edits += _phony_edits(path, text, chosen)
    return tuple(edits)


def _insertion(path: str, text: str, at: int, body: str, chosen: list[_Target]) -> PlannedEdit:
    offset = len(text[:at].encode())
    added = ", ".join(f"`{target.name}-cnpg`" for target in chosen)
    return PlannedEdit(
        path,
        Edit(
            op=Op.SPLICE,
            pointer=f"line/{text.count(chr(10), 0, at) + 1}",
            line=text.count("\n", 0, at) + 1,
            key=f"{chosen[0].name}-cnpg",
            rule=LOCAL_DEVELOPMENT.code,
            reason=f"adds {added} for the CNPG cluster; the old targets stay (P4)",
            applicability=Applicability.SAFE,
            start=offset,
            end=offset,
            after=body,
        ),
    )


def _targets(text: str) -> Iterable[_Target]:
    for match in _TARGET.finditer(text):
        end = match.end() + 1
        recipe = re.compile(r"(?:\t[^\n]*(?:\n|\Z))*").match(text, min(end, len(text)))
        stop = recipe.end() if recipe else min(end, len(text))
        start = match.start()
        above = text.rfind("\n", 0, max(start - 1, 0)) + 1
        if re.match(rf"\.PHONY\s*:\s*{re.escape(match[1])}\s*$", text[above:start].rstrip("\r\n")):
            start = above
        yield _Target(match[1], start, stop, tuple(text[start:stop].splitlines(keepends=True)))


def _runs_atlas(target: _Target, env: str) -> bool:
    recipe = "".join(target.lines).replace("\\\n", " ")
    return any(
        _USES_ATLAS.search(line) and re.search(rf"--env[ =]\"?{re.escape(env)}\"?(?![\w-])", line)
        for line in recipe.splitlines()
    )


def _renamed(target: _Target, old_env: str, new_env: str, starters: set[str]) -> str:
    """The target's lines under its new name; it needs no server that another one starts."""
    new = f"{target.name}-cnpg"
    flag = re.compile(rf"(--env[ =]\"?){re.escape(old_env)}(?![\w-])")
    lines = []
    for line in target.lines:
        if line.startswith("\t"):
            lines.append(flag.sub(rf"\g<1>{new_env}", line))
        elif line.startswith(".PHONY"):
            lines.append(line.replace(target.name, new))
        else:
            lines.append(_head(line, new, starters))
    block = "".join(lines)
    return block if block.endswith("\n") else block + "\n"


def _head(line: str, name: str, starters: set[str]) -> str:
    """The line that names the target, with its prerequisites and its `##` help."""
    written, mark, told = line.partition("##")
    needs = written.partition(":")[2].split()
    kept = "".join(f" {need}" for need in needs if need not in starters)
    if not mark:
        return f"{name}:{kept}{line[len(line.rstrip()) :]}"
    return f"{name}:{kept} {mark}" + _HELP.sub(r"\1\2 on the CNPG cluster\3\4", told)


def _phony_edits(path: str, text: str, chosen: list[_Target]) -> list[PlannedEdit]:
    """Add the new names to a `.PHONY` list that the file keeps in one place."""
    edits = []
    for target in chosen:
        if target.lines[0].startswith(".PHONY"):
            continue
        for match in re.finditer(r"^\.PHONY\s*:(?:[^\n]*\\\n)*[^\n]*", text, re.MULTILINE):
            word = re.search(rf"(?<![\w.-]){re.escape(target.name)}(?![\w.-])", match[0])
            if word is None:
                continue
            at = match.start() + word.end()
            edits.append(_insertion(path, text, at, f" {target.name}-cnpg", [target]))
            break
    return edits


def makefiles_for(atlas_path: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Makefiles that may run the Atlas of `atlas_path`: beside it, and in parent folders."""
    directory = posixpath.dirname(atlas_path)
    parents = {directory}
    while directory:
        directory = posixpath.dirname(directory)
        parents.add(directory)
    names = ("Makefile", "makefile", "GNUmakefile")
    wanted = {join(parent, name) for parent in parents for name in names}
    return tuple(sorted(path for path in paths if path in wanted))
