"""Which PostgreSQL drivers a component depends on, read from its manifest or its imports.

A library that brings its driver along counts for it (gorm's `driver/postgres` is pgx,
graphile-worker is node-postgres); one that leaves the choice open (ent, knex) does not.
Drivers keep their own names where they behave unlike each other at a pooler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from repoint.rules.source_text import is_skipped

_M = re.MULTILINE
_HASH = re.compile(r"(?:^|(?<=\s))#[^\n]*", _M)
_XML = re.compile(r"<!--.*?-->", re.DOTALL)
_SLASHES = re.compile(r"(?:^|(?<=\s))//[^\n]*|/\*.*?\*/", _M | re.DOTALL)
_INDIRECT = re.compile(r"^[^\n]*// indirect[^\n]*|//[^\n]*", _M)
_NONE = re.compile(r"(?!)")

_NPM = {
    "pg": "node-postgres",
    "pg-promise": "node-postgres",
    "pg-boss": "node-postgres",
    "graphile-worker": "node-postgres",
    "postgraphile": "node-postgres",
    "slonik": "node-postgres",
    "node-pg-migrate": "node-postgres",
    "@prisma/adapter-pg": "node-postgres",
    "postgres": "postgres.js",
    "@prisma/client": "prisma",
    "prisma": "prisma",
}
_NPM_NAMES = "|".join(re.escape(name) for name in _NPM)
_NPM_LINE = re.compile(rf'"(?P<name>{_NPM_NAMES})"\s*:\s*"')
_NPM_BLOCK = re.compile(r'"(?:dependencies|devDependencies|optionalDependencies)"\s*:\s*\{[^}]*\}')

_PY = r"psycopg2(?:-binary)?|psycopg|asyncpg|pg8000"
_PY_LINE = re.compile(rf"(?:^|[\"'\s\[,])(?P<name>{_PY})(?=\[|[\"'\s=<>~!;,\]]|$)", re.I | _M)
_PY_SECTION = re.compile(r"project|dependency-groups|packages|tool\.(?:poetry|uv|pdm|hatch|rye)")

_CRATES: tuple[tuple[str, str, str], ...] = (
    (r"tokio-postgres|deadpool-postgres|bb8-postgres|cornucopia", "", "tokio-postgres"),
    (r"sqlx", r"postgres|workspace\s*=\s*true", "sqlx"),
    (r"sea-orm", r"postgres|workspace\s*=\s*true", "sqlx"),
    (r"diesel", r"postgres|workspace\s*=\s*true", "libpq"),
    (r"diesel-async", r"postgres|workspace\s*=\s*true", "tokio-postgres"),
)
_DOTNET = (_XML, ((r'Include="Npgsql(?:\.[\w.]+)?"', "npgsql"),))

# (manifest's name, its comments, what it says and the driver as the facts call it)
_PLAIN: tuple[tuple[str, re.Pattern[str], tuple[tuple[str, str], ...]], ...] = (
    (
        r"go\.mod",
        _INDIRECT,
        (
            (r"github\.com/jackc/pgx(?:/v\d+)?\s+v|gorm\.io/driver/postgres\s+v", "pgx"),
            (r"github\.com/lib/pq\s+v", "lib/pq"),
            (r"github\.com/uptrace/bun/driver/pgdriver\s+v", "pgdriver"),
            (r"github\.com/go-pg/pg(?:/v\d+)?\s+v", "go-pg"),
        ),
    ),
    (
        r"pom\.xml",
        _XML,
        (
            (r"(?:org\.postgresql</groupId>\s*|\A)<artifactId>postgresql</artifactId>", "pgjdbc"),
            (r"<artifactId>quarkus-jdbc-postgresql</artifactId>", "pgjdbc"),
            (r"<artifactId>r2dbc-postgresql</artifactId>", "r2dbc-postgresql"),
            (r"<artifactId>(?:quarkus-reactive-pg-client|vertx-pg-client)</", "vertx-pg-client"),
        ),
    ),
    (
        r"build\.gradle(?:\.kts)?|[^/]*\.versions\.toml",
        re.compile(rf"^\s*test\w*[ (][^\n]*|{_SLASHES.pattern}|{_HASH.pattern}", _M | re.DOTALL),
        (
            (r"org\.postgresql:postgresql\b", "pgjdbc"),
            (r"org\.postgresql['\"]\s*,\s*name\s*[=:]\s*['\"]postgresql['\"]", "pgjdbc"),
            (r"org\.postgresql:r2dbc-postgresql\b", "r2dbc-postgresql"),
        ),
    ),
    (
        r"Gemfile|gems\.rb|[^/]+\.gemspec",
        _HASH,
        ((r"(?:\bgem|add(?:_runtime)?_dependency)[ (]+['\"]pg['\"]", "libpq"),),
    ),
    (r"composer\.json", _NONE, ((r'"ext-(?:pgsql|pdo_pgsql)"\s*:', "libpq"),)),
    (
        r"(?:Dockerfile|Containerfile)[^/]*",
        _HASH,
        ((r"docker-php-ext-install[^\n]*\b(?:pdo_)?pgsql\b|\bphp\d*-pgsql\b", "libpq"),),
    ),
    (r"[^/]+\.(?:cs|fs|vb)proj|Directory\.Packages\.props", *_DOTNET),
    (r"mix\.exs", _HASH, ((r"\{\s*:postgrex\b", "postgrex"),)),
)
# Rails reads DATABASE_URL itself, and libpq gets what is left of it.
_RAILS = re.compile(r"\bgem[ (]+['\"](?:rails|activerecord)['\"]")
_TEXTS = re.compile(
    r"requirements[^/]*\.(?:txt|in)|setup\.(?:py|cfg)|pyproject\.toml|Pipfile|package\.json"
    r"|Cargo\.toml"
)
_PYTHON = re.compile(r"requirements[^/]*\.(?:txt|in)|setup\.(?:py|cfg)|pyproject\.toml|Pipfile")

# (a program's ending, what a line of it says)
_IMPORTS: tuple[tuple[str, re.Pattern[str], dict[str, str]], ...] = (
    (
        r"py",
        re.compile(
            r"^[ \t]*(?:import|from)\s+(?P<name>psycopg2|psycopg|asyncpg|pg8000)\b"
            r"|^[^#\n]*\bpostgres(?:ql)?\+(?P<scheme>asyncpg|psycopg2?|pg8000)\b",
            _M,
        ),
        {},
    ),
    (
        r"go",
        re.compile(
            r"^\s*(?:import\s+)?(?:[\w.]+\s+)?\"(?P<name>github\.com/(?:lib/pq|jackc/pgx))[/\"]", _M
        ),
        {"github.com/lib/pq": "lib/pq", "github.com/jackc/pgx": "pgx"},
    ),
    (
        r"[cm]?[jt]sx?",
        re.compile(
            r"^(?![ \t]*(?://|\*))[^\n]*(?:\bfrom\s*|\brequire\(\s*)['\"](?P<name>pg|postgres)['\"]",
            _M,
        ),
        {"pg": "node-postgres", "postgres": "postgres.js"},
    ),
    (
        r"java|kts?|scala|properties|ya?ml",
        re.compile(r"^(?![ \t]*(?://|\*|#))[^\n]*\b(?P<name>jdbc:postgresql):", _M),
        {"jdbc:postgresql": "pgjdbc"},
    ),
)


def is_manifest(path: str) -> bool:
    """Whether a file of this name may name drivers as dependencies."""
    name = path.rpartition("/")[2]
    return bool(_TEXTS.fullmatch(name)) or any(re.fullmatch(n, name) for n, _, _ in _PLAIN)


def drivers_in(path: str, text: str) -> tuple[tuple[str, int], ...]:
    """`(driver, line)` of each driver that a manifest depends on, or a program imports."""
    if is_skipped(path):
        return ()
    found: dict[str, int] = {}
    for driver, offset in _found(path, text):
        found.setdefault(driver, text.count("\n", 0, offset) + 1)
    return tuple(found.items())


def _found(path: str, text: str) -> Iterator[tuple[str, int]]:
    name = path.rpartition("/")[2]
    if name == "package.json":
        for block in _NPM_BLOCK.finditer(text):
            for match in _NPM_LINE.finditer(text, block.start(), block.end()):
                yield _NPM[match["name"]], match.start()
        return
    if _PYTHON.fullmatch(name) or re.search(r"(?:^|/)requirements/[^/]+\.(?:txt|in)$", path):
        for start, section in _sections(_blank(text, _HASH)):
            toml = name.endswith(".toml") or name == "Pipfile"
            if not toml or _PY_SECTION.match(section.partition("]")[0].lstrip("[")):
                for match in _PY_LINE.finditer(section):
                    yield match["name"].lower().removesuffix("-binary"), start + match.start("name")
        return
    if name == "Cargo.toml":
        yield from _crates(_blank(text, _HASH))
        return
    for pattern, comments, rows in _PLAIN:
        if re.fullmatch(pattern, name):
            clean = _blank(text, comments)
            for said, driver in rows:
                for match in re.finditer(said, clean, _M):
                    rails = driver == "libpq" and _RAILS.search(clean)
                    yield "activerecord" if rails else driver, match.start()
    yield from _imports(name, text)


def _imports(name: str, text: str) -> Iterator[tuple[str, int]]:
    ending = name.rpartition(".")[2]
    for endings, pattern, names in _IMPORTS:
        if re.fullmatch(endings, ending):
            for match in pattern.finditer(text):
                said = next(group for group in match.groups() if group)
                yield names.get(said, said), match.start(match.lastgroup or 0)


def _blank(text: str, comments: re.Pattern[str]) -> str:
    """The text with its comments as spaces, lines and offsets kept."""
    return comments.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def _sections(text: str) -> Iterator[tuple[int, str]]:
    """The sections of a TOML file with their offsets; a file without headers is one."""
    starts = [0, *(match.start() for match in re.finditer(r"^\[", text, _M))]
    for start, end in pairwise([*starts, len(text)]):
        yield start, text[start:end]


def _crates(text: str) -> Iterator[tuple[str, int]]:
    """Crates of dependencies that ship; sqlx and diesel serve other databases, too."""
    for start, section in _sections(text):
        header = section.partition("\n")[0].strip() if section.startswith("[") else "[dependencies]"
        if "dependencies" not in header or "dev-" in header or "build-" in header:
            continue
        for names, needs, driver in _CRATES:
            own = re.fullmatch(rf"\[.*dependencies\.(?:{names})\]", header)
            entry = rf"^(?:{names})\s*=\s*(?P<rest>\{{[^}}]*\}}|[^\n]*)"
            for match in [own] if own else re.finditer(entry, section, _M):
                rest = section if own else match["rest"]
                if re.search(needs, rest):
                    yield driver, start + (0 if own else match.start())
