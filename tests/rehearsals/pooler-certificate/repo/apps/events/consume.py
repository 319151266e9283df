import os

import psycopg


def store(event):
    with psycopg.connect(os.environ["DATABASE_URL"]) as conn:
        conn.execute("insert into event (body) values (%s)", (event,))
