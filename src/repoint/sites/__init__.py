"""Find every place in one parsed file that names a PostgreSQL server."""
