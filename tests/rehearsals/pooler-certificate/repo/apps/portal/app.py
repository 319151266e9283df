import os

import psycopg


def pages():
    with psycopg.connect(os.environ["DATABASE_URL"]) as conn:
        return conn.execute("select slug from page where live = %s", (True,)).fetchall()
