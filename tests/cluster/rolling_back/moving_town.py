"""A town with real servers on both sides, and the real command that takes it there and back."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repoint.adapters.runner import find_tool
from repoint.model.sensitive import Sensitive
from tests.cluster.objects import cluster, deployment, pooler
from tests.cluster.rolling_out.shop import command
from tests.cluster.verifying.town import PASSWORD, Town
from tests.documents import validated
from tests.prepared import run
from tests.servers.fix_lab import Ground

_TABLES = (
    "CREATE SCHEMA IF NOT EXISTS shop AUTHORIZATION {role}",
    "CREATE TABLE shop.orders (id int PRIMARY KEY, what text)",
    "CREATE TABLE shop.schema_migrations (version text PRIMARY KEY)",
    "INSERT INTO shop.schema_migrations VALUES ('20260101')",
    "INSERT INTO shop.orders SELECT n, 'thing ' || n FROM generate_series(1, 50) n",
    "ALTER TABLE shop.orders OWNER TO {role}",
    "ALTER TABLE shop.schema_migrations OWNER TO {role}",
)


@dataclass
class MovingTown:
    """The environment `local` of a repository; its source and its target hold the same."""

    town: Town
    source: Ground
    output: str = ""

    @property
    def folder(self) -> Path:
        return self.town.folder

    def settle(self, *command: str, **settings: Any) -> None:
        """Write and deploy the environment as it is before its move; the Job runs `command`."""
        town = self.town
        town.settings = {"gates": {"rollout": ["data"]}, **settings}
        secret = town.secret(DATABASE_URL=self.url_at_source())
        web, job = [town.web(), town.web_service()], town.migrate()
        [migrating] = job["spec"]["template"]["spec"]["containers"]
        migrating["env"][0]["valueFrom"]["secretKeyRef"]["key"] = "DATABASE_URL"
        migrating["command"] = list(command) or migrating["command"]
        source = self._source_objects()
        cnpg = [
            cluster(town.namespace),
            pooler(town.namespace, parameters={"default_pool_size": "5"}),
        ]
        town.write(source=source, target=cnpg, web=web, migrate=job, secret=secret)
        town.forward()
        behind = [one for one in town.target_objects() if one["kind"] not in ("Cluster", "Pooler")]
        # The stand-in for the operator would make a Deployment of a Pooler that has none.
        town.stand(*behind)
        town.stand(*source, *cnpg, secret, *web, job)
        self._same_on_both()
        self.git("init", "-q")
        self.commit()

    def url_at_source(self) -> str:
        return self.town.url(self.town.old, query="sslmode=disable")

    def _source_objects(self) -> list[dict[str, Any]]:
        made = deployment(self.town.namespace, "postgres")
        [service] = [one for one in self.town.source_objects() if one["kind"] == "Service"]
        return [made, service]

    def _same_on_both(self) -> None:
        role, database = self.town.role, self.town.ground.database
        quoted = PASSWORD.replace("'", "''")
        self.source.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{quoted}'")
        self.source.sql(f"CREATE DATABASE {database} OWNER {role}")
        tables = [one.format(role=role) for one in _TABLES]
        self.at_source(*tables, f"ALTER ROLE {role} IN DATABASE {database} SET search_path = shop")
        self.at_target(*tables, f"ALTER DATABASE {database} OWNER TO {role}")

    def at_source(self, *statements: str) -> Any:
        """Run SQL in the old database."""
        return _run(self.source, self.town.ground.database, statements)

    def at_target(self, *statements: str) -> Any:
        """Run SQL in the new database."""
        return _run(self.town.ground, self.town.ground.database, statements)

    def forget(self) -> None:
        """Take the old database away: its server is other tests', too."""
        with closing(self.source.lab.superuser()) as session:
            session.query(f'DROP DATABASE IF EXISTS "{self.town.ground.database}" WITH (FORCE)')
            session.query(f'DROP ROLE IF EXISTS "{self.town.role}"')

    # The repository and its command.

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", *args], cwd=self.folder, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "town")

    def environment(self) -> dict[str, str]:
        path = f"{Path(find_tool('kubectl')).parent}:{os.environ['PATH']}"
        state = {"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]}
        return {**self.town.api.environment(), **state, "PATH": path}

    def repoint(self, *args: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the real command to its end."""
        done = run(*args, cwd=self.folder, env=self.environment(), timeout=240)
        self.output += done.stdout + done.stderr
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def rollback(self, *more: str, status: int = 0) -> Any:
        """Go back through the cluster; what it tells as JSON."""
        done = self.repoint(
            *("rollback", "--env", "local", "--rollout", "--yes", "--format", "json", *more),
            status=status,
        )
        return validated("rollback", done.stdout) if done.stdout.strip() else None

    def cut_off(self, *args: str, at: str) -> None:
        """Run the command, and kill it at the first line that holds `at`."""
        with subprocess.Popen(
            command(*args),
            cwd=self.folder,
            env={**self.environment(), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as run:
            assert run.stderr is not None
            for line in run.stderr:
                self.output += line
                if at in line:
                    run.kill()
                    break
        assert run.returncode == -9, self.output

    def move(self) -> None:
        """Apply, compare and roll out."""
        self.repoint("apply", "--env", "local", "--yes")
        self.repoint("data", "compare", "--env", "local")
        self.commit()
        self.repoint("rollout", "--env", "local", "--yes")
        self.commit()

    def ledger(self) -> list[dict[str, Any]]:
        """The lines of the ledger."""
        text = (self.folder / ".repoint/ledger.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def phases(self) -> list[tuple[str, str]]:
        return [(one["phase"], one["verdict"]) for one in self.ledger()]

    def live_url(self) -> str:
        """What the cluster's Secret says now."""
        body = self.town.api.get(f"/api/v1/namespaces/{self.town.namespace}/secrets/db")
        return Sensitive(_decoded(body["data"]["DATABASE_URL"])).reveal()

    def snapshot(self) -> tuple[dict[str, bytes], str]:
        """The files without .repoint and .git, and the live connection."""
        files = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and path.relative_to(self.folder).parts[0] not in (".git", ".repoint")
        }
        return files, self.live_url()


def _run(ground: Ground, database: str, statements: tuple[str, ...]) -> Any:
    rows: Any = ()
    with closing(ground.lab.superuser(database)) as session:
        for statement in statements:
            rows = session.query(statement)
    return rows


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
