"""Connections of the tenants' service: one per worker, tied to a tenant."""

import os

import psycopg


def connect(tenant: str) -> psycopg.Connection:
    connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    connection.execute("SELECT set_config('app.current_tenant', %s, false)", [tenant])
    return connection
