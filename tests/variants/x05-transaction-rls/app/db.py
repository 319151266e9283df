"""Connections of the shop. One per worker, tied to a tenant."""

import os

import psycopg
from psycopg import sql


def connect(tenant: str) -> psycopg.Connection:
    connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    connection.execute("SELECT set_config('app.current_tenant', %s, false)", [tenant])
    return connection


def switch_tenant(connection: psycopg.Connection, tenant: str) -> None:
    literal = sql.Literal(tenant)
    connection.execute(sql.SQL("SET app.current_tenant = {}").format(literal))
