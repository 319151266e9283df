"""Manifests: which driver a component depends on, and what is none."""

from __future__ import annotations

import pytest

from repoint.rules.drivers import drivers_in

GO_MOD = "module shop\n\ngo 1.23\n\nrequire (\n\t{}\n)\n"
CATALOG = '[versions]\npg = "42.7.4"\n[libraries]\n{}\n'

FOUND = [
    pytest.param("go.mod", GO_MOD.format("github.com/jackc/pgx/v5 v5.7.0"), ["pgx"], id="pgx"),
    pytest.param("go.mod", GO_MOD.format("github.com/lib/pq v1.10.9"), ["lib/pq"], id="lib/pq"),
    pytest.param("go.mod", GO_MOD.format("gorm.io/driver/postgres v1.5.0"), ["pgx"], id="gorm"),
    pytest.param(
        "go.mod",
        GO_MOD.format("github.com/uptrace/bun/driver/pgdriver v1.2.0"),
        ["pgdriver"],
        id="bun's own driver",
    ),
    pytest.param(
        "go.mod", GO_MOD.format("github.com/go-pg/pg/v10 v10.11.0"), ["go-pg"], id="go-pg"
    ),
    pytest.param("package.json", '{"dependencies": {"pg": "^8.1"}}', ["node-postgres"], id="pg"),
    pytest.param(
        "package.json", '{"dependencies": {"pg": "workspace:*"}}', ["node-postgres"], id="workspace"
    ),
    pytest.param(
        "apps/a/package.json",
        '{"dependencies": {"pg": "catalog:"}}',
        ["node-postgres"],
        id="a pnpm catalog",
    ),
    pytest.param("package.json", '{"dependencies":{"postgres":"3"}}', ["postgres.js"], id="js"),
    pytest.param(
        "package.json", '{"dependencies":{"pg-promise":"1"}}', ["node-postgres"], id="pgp"
    ),
    pytest.param(
        "package.json", '{"dependencies":{"@prisma/client":"6"}}', ["prisma"], id="prisma"
    ),
    pytest.param(
        "package.json",
        '{"dependencies":{"@prisma/adapter-pg":"6"}}',
        ["node-postgres"],
        id="prisma with an adapter",
    ),
    pytest.param(
        "package.json", '{"dependencies":{"graphile-worker":"0.16"}}', ["node-postgres"], id="gw"
    ),
    pytest.param(
        "package.json", '{"dependencies":{"pg-boss":"10"}}', ["node-postgres"], id="pg-boss"
    ),
    pytest.param("requirements.txt", "psycopg[binary]==3.2.1\n", ["psycopg"], id="pip"),
    pytest.param("requirements/base.txt", "psycopg2-binary>=2.9\n", ["psycopg2"], id="pip folder"),
    pytest.param(
        "pyproject.toml", '[project]\ndependencies = ["asyncpg>=0.29"]\n', ["asyncpg"], id="uv"
    ),
    pytest.param(
        "pyproject.toml",
        '[tool.poetry.dependencies]\npsycopg = {extras = ["pool"], version = "^3"}\n',
        ["psycopg"],
        id="poetry",
    ),
    pytest.param(
        "pyproject.toml",
        '[dependency-groups]\ndev = []\n[project]\ndependencies = [\n  "pg8000",\n]\n',
        ["pg8000"],
        id="a list over lines",
    ),
    pytest.param("Pipfile", '[packages]\npsycopg2 = "*"\n', ["psycopg2"], id="pipenv"),
    pytest.param("setup.cfg", "install_requires =\n    asyncpg\n", ["asyncpg"], id="setup.cfg"),
    pytest.param("pom.xml", "<artifactId>postgresql</artifactId>", ["pgjdbc"], id="maven"),
    pytest.param(
        "pom.xml", "<artifactId>r2dbc-postgresql</artifactId>", ["r2dbc-postgresql"], id="r2dbc"
    ),
    pytest.param(
        "pom.xml", "<artifactId>quarkus-jdbc-postgresql</artifactId>", ["pgjdbc"], id="quarkus"
    ),
    pytest.param(
        "build.gradle", "runtimeOnly 'org.postgresql:postgresql:42.7.4'", ["pgjdbc"], id="gradle"
    ),
    pytest.param(
        "a/build.gradle.kts", 'runtimeOnly("org.postgresql:postgresql")', ["pgjdbc"], id="kts"
    ),
    pytest.param(
        "gradle/libs.versions.toml",
        CATALOG.format('postgres = { module = "org.postgresql:postgresql", version.ref = "pg" }'),
        ["pgjdbc"],
        id="a version catalog",
    ),
    pytest.param(
        "gradle/libs.versions.toml",
        CATALOG.format('pg = { group = "org.postgresql", name = "postgresql", version = "42" }'),
        ["pgjdbc"],
        id="a version catalog by group",
    ),
    pytest.param("Gemfile", "gem 'pg', '~> 1.5'\n", ["libpq"], id="gem"),
    pytest.param(
        "Gemfile", 'gem "activerecord-postgresql-adapter"\ngem "pg"\n', ["libpq"], id="gems"
    ),
    pytest.param(
        "Gemfile", 'gem "rails", "~> 7.2"\ngem "pg"\n', ["activerecord"], id="gem under Rails"
    ),
    pytest.param("app.gemspec", "s.add_dependency 'pg'\n", ["libpq"], id="gemspec"),
    pytest.param("composer.json", '{"require": {"ext-pdo_pgsql": "*"}}', ["libpq"], id="pdo"),
    pytest.param(
        "Dockerfile", "RUN docker-php-ext-install pdo pdo_pgsql\n", ["libpq"], id="php image"
    ),
    pytest.param("Cargo.toml", 'tokio-postgres = "0.7"\n', ["tokio-postgres"], id="tokio"),
    pytest.param(
        "Cargo.toml", 'sqlx = { version = "0.8", features = ["postgres"] }\n', ["sqlx"], id="sqlx"
    ),
    pytest.param(
        "Cargo.toml",
        '[dependencies.sqlx]\nversion = "0.8"\nfeatures = ["postgres"]\n',
        ["sqlx"],
        id="sqlx table",
    ),
    pytest.param(
        "Cargo.toml",
        'diesel = { version = "2", features = ["postgres"] }\n',
        ["libpq"],
        id="diesel",
    ),
    pytest.param(
        "Cargo.toml",
        'diesel-async = { version = "0.5", features = ["postgres"] }\n',
        ["tokio-postgres"],
        id="diesel-async",
    ),
    pytest.param(
        "Cargo.toml",
        'sea-orm = { version = "1", features = ["sqlx-postgres"] }\n',
        ["sqlx"],
        id="sea-orm",
    ),
    pytest.param("Cargo.toml", 'deadpool-postgres = "0.14"\n', ["tokio-postgres"], id="deadpool"),
    pytest.param(
        "Shop.csproj", '<PackageReference Include="Npgsql" Version="8" />', ["npgsql"], id="npgsql"
    ),
    pytest.param(
        "Shop.csproj",
        '<PackageReference Include="Npgsql.EntityFrameworkCore.PostgreSQL" />',
        ["npgsql"],
        id="ef core",
    ),
    pytest.param(
        "Directory.Packages.props", '<PackageVersion Include="Npgsql" />', ["npgsql"], id="central"
    ),
    pytest.param("mix.exs", '{:postgrex, ">= 0.0.0"},', ["postgrex"], id="elixir"),
    pytest.param(
        "app/db.py", 'URL = "postgresql+asyncpg://a@b/c"', ["asyncpg"], id="SQLAlchemy's URL"
    ),
    pytest.param(
        "app/db.py", 'URL = "postgresql+psycopg2://a@b/c"', ["psycopg2"], id="psycopg2 URL"
    ),
    pytest.param("app/db.py", "import psycopg\n", ["psycopg"], id="an import"),
    pytest.param(
        "app/db.py", "from asyncpg import create_pool\n", ["asyncpg"], id="an import from"
    ),
    pytest.param("main.go", '_ "github.com/lib/pq"', ["lib/pq"], id="a go import"),
    pytest.param("src/db.ts", "import { Pool } from 'pg'", ["node-postgres"], id="a js import"),
    pytest.param(
        "src/db.js", "const postgres = require('postgres')", ["postgres.js"], id="a require"
    ),
    pytest.param("src/Db.java", 'String u = "jdbc:postgresql://h/d";', ["pgjdbc"], id="a JDBC URL"),
]

NOTHING = [
    pytest.param("go.mod", "github.com/lib/pq v1.10.9 // indirect", id="an indirect module"),
    pytest.param("go.mod", "// github.com/lib/pq v1.10.9", id="a comment"),
    pytest.param("go.mod", GO_MOD.format("entgo.io/ent v0.14.0"), id="ent names no driver"),
    pytest.param(
        "go.mod", GO_MOD.format("github.com/uptrace/bun v1.2.0"), id="bun names no driver"
    ),
    pytest.param("package.json", '{"devDependencies": {"@types/pg": "8"}}', id="types"),
    pytest.param("package.json", '{"name": "pg"}', id="a name"),
    pytest.param("package.json", '{"scripts": {"pg": "docker run postgres"}}', id="a script"),
    pytest.param("package.json", '{"dependencies": {"knex": "3"}}', id="knex names no driver"),
    pytest.param("pyproject.toml", '[tool.mypy]\nmodule = ["asyncpg.*"]\n', id="a tool's setting"),
    pytest.param("requirements.txt", "# psycopg2\nsqlalchemy\n", id="a python comment"),
    pytest.param("requirements.txt", "psycopg2cffi-compat-layer\n", id="another package"),
    pytest.param("pom.xml", "<!-- <artifactId>postgresql</artifactId> -->", id="an xml comment"),
    pytest.param(
        "pom.xml",
        "<groupId>org.testcontainers</groupId><artifactId>postgresql</artifactId>",
        id="testcontainers",
    ),
    pytest.param(
        "build.gradle", "testImplementation 'org.postgresql:postgresql:42'", id="tests only"
    ),
    pytest.param(
        "build.gradle", "// runtimeOnly 'org.postgresql:postgresql:42'", id="gradle comment"
    ),
    pytest.param("Gemfile", "# gem 'pg'\ngem 'pg_search'\n", id="a gem like it"),
    pytest.param(
        "Cargo.toml", 'sqlx = { version = "0.8", features = ["mysql"] }\n', id="sqlx for mysql"
    ),
    pytest.param(
        "Cargo.toml", 'diesel = { version = "2", features = ["sqlite"] }\n', id="diesel sqlite"
    ),
    pytest.param("Cargo.toml", '[dev-dependencies]\ntokio-postgres = "0.7"\n', id="rust tests"),
    pytest.param("composer.json", '{"require": {"ext-pdo_mysql": "*"}}', id="php for mysql"),
    pytest.param("Shop.csproj", '<!-- <PackageReference Include="Npgsql" /> -->', id="xml comment"),
    pytest.param("README.md", "uses lib/pq and psycopg2", id="prose"),
    pytest.param("app/db.py", "# import psycopg2", id="a comment in a program"),
    pytest.param("tests/test_db.py", "import psycopg2", id="a test's import"),
]


@pytest.mark.parametrize(("path", "text", "expected"), FOUND)
def test_finds(path: str, text: str, expected: list[str]) -> None:
    assert sorted({driver for driver, _ in drivers_in(path, text)}) == expected


@pytest.mark.parametrize(("path", "text"), NOTHING)
def test_leaves_alone(path: str, text: str) -> None:
    assert drivers_in(path, text) == ()


def test_the_line_is_the_dependency_s() -> None:
    text = '{\n  "dependencies": {\n    "pg": "^8"\n  }\n}\n'
    assert drivers_in("package.json", text) == (("node-postgres", 3),)
