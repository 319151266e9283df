"""PostgreSQL's frontend/backend protocol, bytes in and bytes out; no socket here."""
