"""Migration tools' own tables: where the newest revision stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RevisionTable:
    """A tool's table; `newest` is SQL with `{0}` for the table, for columns that must be there."""

    tool: str
    name: str
    columns: tuple[str, ...]
    newest: str


def _by(tool: str, name: str, shown: str, order: str, condition: str = "") -> RevisionTable:
    where = f" WHERE {condition}" if condition else ""
    columns = tuple({shown, order})
    sql = f'SELECT "{shown}"::text FROM {{0}}{where} ORDER BY "{order}" DESC NULLS LAST LIMIT 1'
    return RevisionTable(tool, name, columns, sql)


KNOWN = (
    _by("Atlas", "atlas_schema_revisions", "version", "version"),
    RevisionTable(
        "golang-migrate",
        "schema_migrations",
        ("version", "dirty"),
        "SELECT version::text || CASE WHEN dirty THEN ' (dirty)' ELSE '' END FROM {0} "
        "ORDER BY version DESC LIMIT 1",
    ),
    _by("a tool with schema_migrations", "schema_migrations", "version", "version"),
    _by("Ory", "schema_migration", "version", "version"),
    _by("Flyway", "flyway_schema_history", "version", "installed_rank"),
    RevisionTable(
        "Alembic",
        "alembic_version",
        ("version_num",),
        "SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM {0}",
    ),
    RevisionTable(
        "Django",
        "django_migrations",
        ("app", "name", "id"),
        "SELECT app || '.' || name FROM {0} ORDER BY id DESC LIMIT 1",
    ),
    _by("Knex", "knex_migrations", "name", "id"),
    _by("Goose", "goose_db_version", "version_id", "id"),
    _by("Liquibase", "databasechangelog", "id", "orderexecuted"),
    _by("Prisma", "_prisma_migrations", "migration_name", "started_at"),
    _by("gorp", "gorp_migrations", "id", "id"),
    _by("sqlx", "_sqlx_migrations", "version", "version"),
    _by("Diesel", "__diesel_schema_migrations", "version", "version"),
    _by("Entity Framework", "__EFMigrationsHistory", "MigrationId", "MigrationId"),
    _by("node-pg-migrate", "pgmigrations", "name", "id"),
    _by("Drizzle", "__drizzle_migrations", "id", "id"),
    _by("TypeORM", "migrations", "name", "timestamp"),
    _by("Laravel", "migrations", "migration", "id"),
    _by("MikroORM", "mikro_orm_migrations", "name", "id"),
    _by("tern", "schema_version", "version", "version"),
    _by("Refinery", "refinery_schema_history", "version", "version"),
    _by("River", "river_migration", "version", "version"),
    _by("Sequelize", "SequelizeMeta", "name", "name"),
)


def revision_table(name: str, columns: Collection[str]) -> RevisionTable | None:
    """The tool whose table this is, by its own name and the columns that it has."""
    for one in KNOWN:
        if one.name == name and set(one.columns) <= set(columns):
            return one
    return None
