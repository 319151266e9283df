"""ConfigMaps whose text names the server: ini, properties, JSON and YAML."""

from __future__ import annotations

from bench.layout import source_host, uses
from bench.marks import Wanted, site

_LOCAL = source_host("local")


def _config(app: str, service: str, file: str, lines: list[str]) -> str:
    body = "".join(f"    {line}\n" if line else "\n" for line in lines)
    return f"""apiVersion: v1
kind: ConfigMap
metadata:
  name: {app}-{service}-config
data:
  LOG_LEVEL: info
  # réglages
  {file}: |
{body}"""


def _text_site(app: str, service: str, key: str, file: str, purpose: str, style: str) -> str:
    readers = uses(app, f"Deployment/{app}-{service}/{service}", purpose)
    return site(_LOCAL, Wanted(key, f"/0/data/{file}", style, (purpose,), readers))


def _ini(app: str) -> str:
    host = _text_site(app, "mailer", "postgresql.host", "mailer.ini", "runtime", "config-text")
    lines = ["[smtp]", f"host = mail.{app}.example.org", "port = 587", "", "[postgresql]"]
    lines += [f"host = {host}", "port = 5432", f"user = {app}", f"dbname = {app}"]
    return _config(app, "mailer", "mailer.ini", lines)


def _properties(app: str) -> str:
    file = "application.properties"
    rows = [("spring.datasource.url", "runtime"), ("spring.flyway.url", "migration")]
    lines = ["server.port=8000", f"spring.application.name={app}-catalog"]
    for key, purpose in rows:
        host = _text_site(app, "catalog", key, file, purpose, "config-text")
        lines.append(f"{key}=jdbc:postgresql://{host}:5432/{app}?ApplicationName={app}")
    lines.append(f"spring.datasource.username={app}")
    return _config(app, "catalog", file, lines)


def _json(app: str) -> str:
    host = _text_site(app, "search", "database.host", "search.json", "runtime", "config-text")
    lines = ["{", '  "index": {"shards": 3, "refresh": "5s"},', '  "database": {']
    lines += [f'    "host": "{host}",', '    "port": 5432,', f'    "user": "{app}",']
    lines += [f'    "name": "{app}"', "  }", "}"]
    return _config(app, "search", "search.json", lines)


def _yaml(app: str) -> str:
    host = _text_site(app, "orders", "database.host", "orders.yaml", "runtime", "config-text")
    lines = ["http:", "  port: 8000", "database:", f"  host: {host}", "  port: 5432"]
    lines += [
        f"  user: {app}",
        f"  name: {app}",
        "cache:",
        f"  host: redis.{app}.svc",
        "  port: 6379",
    ]
    return _config(app, "orders", "orders.yaml", lines)


CONFIGS = {"mailer": _ini, "catalog": _properties, "search": _json, "orders": _yaml}
