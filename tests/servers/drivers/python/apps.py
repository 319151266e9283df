"""Django, SQLAlchemy and Alembic as applications use them, for program.py.

`place` is where to log in: host, port, user, password, dbname.
"""

from __future__ import annotations

import asyncio
import itertools

import django
import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from django.conf import settings
from sqlalchemy.ext.asyncio import create_async_engine

_ALIASES = itertools.count(1)


def _database(request):
    """A new Django connection alias for the place."""
    if not settings.configured:
        settings.configure(
            DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "unused"}},
            INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            USE_TZ=True,
        )
        django.setup()
    from django.db import connections

    place, alias = request["place"], f"place{next(_ALIASES)}"
    connections.settings[alias] = {
        **connections.settings["default"],
        "NAME": place["dbname"],
        "USER": place["user"],
        "PASSWORD": place["password"],
        "HOST": place["host"],
        "PORT": str(place["port"]),
        "OPTIONS": {"sslmode": "disable"},
        "DISABLE_SERVER_SIDE_CURSORS": request.get("no_cursors", False),
    }
    return connections, alias


def django_iterator(request):
    """Iterate over a table in autocommit while another client takes the server in between."""
    connections, alias = _database(request)
    from django.contrib.contenttypes.models import ContentType

    model = ContentType.objects.using(alias)
    with psycopg.connect(**request["place"], sslmode="disable") as other:
        read = 0
        try:
            for _ in model.order_by("id").iterator(chunk_size=2):
                read += 1
                if read == 1:
                    other.execute("select 1")
        finally:
            other.rollback()
            connections[alias].close()
    return {"read": read}


def django_migrate(request):
    """`manage.py migrate` of Django's own applications; the tables that are there then."""
    connections, alias = _database(request)
    from django.core.management import call_command

    call_command("migrate", database=alias, verbosity=0, interactive=False)
    tables = connections[alias].introspection.table_names()
    connections[alias].close()
    return {"tables": tables}


def alembic_upgrade(request):
    """`alembic upgrade head` with the scripts of `folder`."""
    config = Config()
    config.set_main_option("script_location", request["folder"])
    config.attributes["engine"] = sqlalchemy.create_engine(_url(request["place"]))
    command.upgrade(config, "head")
    config.attributes["engine"].dispose()
    return {}


def sqlalchemy_search_path(request):
    """Engines that SET search_path on connect take turns to read; what each read."""
    engines = [_engine(request["place"], schema) for schema in request["schemas"]]
    seen = []
    for _ in range(3):
        for engine in engines:
            with engine.connect() as conn:
                seen.append(conn.execute(sqlalchemy.text("select name from who")).scalar_one())
    for engine in engines:
        engine.dispose()
    return {"seen": seen}


def _url(place):
    return sqlalchemy.URL.create(
        "postgresql+psycopg",
        username=place["user"],
        password=place["password"],
        host=place["host"],
        port=place["port"],
        database=place["dbname"],
        query={"sslmode": "disable"},
    )


def _engine(place, schema):
    made = sqlalchemy.create_engine(
        _url(place),
        pool_size=1,
        max_overflow=0,
    )

    @sqlalchemy.event.listens_for(made, "connect")
    def _set(connection, record):
        connection.autocommit = True
        connection.execute(f"set search_path to {schema}")
        connection.autocommit = False

    return made


def sqlalchemy_asyncpg(request):
    """Ask twice with the cache of prepared statements switched off in the URL."""
    return asyncio.get_event_loop().run_until_complete(_ask_asyncpg(request["place"]))


async def _ask_asyncpg(place):
    url = _url(place).set(
        drivername="postgresql+asyncpg",
        query={"ssl": "disable", "prepared_statement_cache_size": "0"},
    )
    engine = create_async_engine(url)
    try:
        async with engine.connect() as conn:
            asked = sqlalchemy.text("select cast(:a as int)")
            return {"seen": [(await conn.execute(asked, {"a": n})).scalar_one() for n in (1, 2)]}
    finally:
        await engine.dispose()


APPS = {
    "sqlalchemy asyncpg": sqlalchemy_asyncpg,
    "django iterator": django_iterator,
    "django migrate": django_migrate,
    "alembic upgrade": alembic_upgrade,
    "sqlalchemy search_path": sqlalchemy_search_path,
}
