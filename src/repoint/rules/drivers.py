"""Which PostgreSQL drivers a component depends on, read from its manifest."""

from __future__ import annotations

import re

_COMMENT = {"go.mod": "//", "package.json": "", "composer.json": "", "pom.xml": ""}
# (manifest's name, what a line of it says, the driver as the facts call it)
_RULES: tuple[tuple[str, str, str], ...] = (
    (r"go\.mod", r"github\.com/jackc/pgx(?:/v\d+)?\s+v", "pgx"),
    (r"go\.mod", r"github\.com/lib/pq\s+v", "lib/pq"),
    (r"package\.json", r'"pg"\s*:\s*"', "node-postgres"),
    (r"package\.json", r'"postgres"\s*:\s*"', "postgres.js"),
    (r"package\.json", r'"(?:@prisma/client|prisma)"\s*:\s*"', "prisma"),
    (r"pom\.xml|build\.gradle(?:\.kts)?", r"<artifactId>postgresql</artifactId>", "pgjdbc"),
    (r"pom\.xml|build\.gradle(?:\.kts)?", r"org\.postgresql:postgresql\b", "pgjdbc"),
    (r"Gemfile", r"^\s*gem\s+['\"]pg['\"]", "libpq"),
    (r"composer\.json", r'"ext-(?:pgsql|pdo_pgsql)"\s*:', "libpq"),
    (r"Cargo\.toml", r"^\s*tokio-postgres\b", "tokio-postgres"),
    (r"Cargo\.toml", r"^\s*sqlx\b", "sqlx"),
    (r"[^/]+\.(?:cs|fs|vb)proj", r'Include="Npgsql(?:\.[\w.]+)?"', "npgsql"),
)
_PYTHON_MANIFEST = re.compile(r"requirements[^/]*\.(?:txt|in)|pyproject\.toml|setup\.py|Pipfile")
_PYTHON = re.compile(
    r"(?:^|[\"'\s\[,])(psycopg2(?:-binary)?|psycopg|asyncpg|pg8000)"
    r"(?=\[|[\"'\s=<>~!;,\]]|$)",
    re.IGNORECASE,
)


def drivers_in(path: str, text: str) -> tuple[tuple[str, int], ...]:
    """`(driver, line)` for each driver that the manifest at `path` depends on directly.

    psycopg2 and pg8000 keep their names: they behave unlike psycopg 3 at a pooler.
    """
    name = path.rpartition("/")[2]
    patterns = [(re.compile(p), driver) for n, p, driver in _RULES if re.fullmatch(n, name)]
    python = bool(_PYTHON_MANIFEST.fullmatch(name))
    if not patterns and not python:
        return ()
    found: dict[str, int] = {}
    mark = _COMMENT.get(name, "#")
    for number, written in enumerate(text.splitlines(), 1):
        if name == "go.mod" and "// indirect" in written:
            continue
        line = written.split(mark, 1)[0] if mark else written
        for pattern, driver in patterns:
            if pattern.search(line):
                found.setdefault(driver, number)
        if python:
            for match in _PYTHON.finditer(line):
                found.setdefault(match[1].lower().removesuffix("-binary"), number)
    return tuple(found.items())
