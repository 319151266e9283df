"""The repository's own migrations, run through the direct route before anybody else comes."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from repoint.flows.rehearsing.preparing import refused
from repoint.flows.rehearsing.stage import Answer, Refused, Stage, asking, told
from repoint.model.rehearsal import Verdict
from repoint.model.sensitive import Sensitive
from repoint.model.told import count
from repoint.planning.config import Migration
from repoint.ports.repository import Tree
from repoint.ports.servers import RunningLab
from repoint.rehearsal.cast import Client
from repoint.rehearsal.lab import Attended
from repoint.wire.refusals import ServerRefusal

_EXPECTED = "every migration is taken"
_FILE_S = 300.0


class Runner(Protocol):
    """Runs a migration command of the repository."""

    def __call__(
        self, lab: RunningLab, command: Sequence[str], variable: str, url: Sensitive
    ) -> Attended:
        """Give `command` the URL in `variable`; what it said holds no password."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Migrations:
    """What `migrations:` of repoint.yaml says; `run_command` is None unless it was asked for."""

    tree: Tree
    paths: tuple[str, ...] = ()
    wanted: tuple[Migration, ...] = ()
    run_command: Runner | None = None
    done: dict[str, Answer] = field(default_factory=dict)

    def run(self, stage: Stage, said: Callable[[str], None]) -> dict[str, Answer]:
        """Run the migrations of one scene; the answers are by client id."""
        found: dict[str, Answer] = {}
        for one in self.wanted:
            client = _client(stage, one)
            if client is not None:
                said(f"{client.environment}: migrating as {client.id}")
                found[client.id] = self._run(stage, client, one)
        return found

    def _run(self, stage: Stage, client: Client, one: Migration) -> Answer:
        if one.command:
            if self.run_command is None:
                reason = "a command runs with `--run-migrations` only"
                return Answer(Verdict.SKIPPED, _EXPECTED, reason)
            url = _url(stage, client)
            return _outcome(one, self.run_command(stage.lab, tuple(one.command), one.env, url))
        files = [
            p for glob in one.files for p in sorted(self.paths) if fnmatch.fnmatchcase(p, glob)
        ]
        files = list(dict.fromkeys(files))
        if not files:
            return Answer(Verdict.UNKNOWN, _EXPECTED, "no file is called as `files` says")
        try:
            login = asking(client)
            lab = stage.lab
            with closing(lab.connect(client.server, login, timeout_s=_FILE_S)) as conversation:
                for path in files:
                    try:
                        conversation.query(self.tree.read(path).decode(errors="replace"))
                    except Refused as error:
                        return _answer(f"`{path}`: {_words(error)}", "")
        except Refused as error:
            return _answer(told(error), "")
        return _answer("", count(len(files), "file"))


def _url(stage: Stage, client: Client) -> Sensitive:
    """The client's connection as a URL to where its Service is on this machine."""
    login = asking(client)
    host, port = stage.lab.address(client.server)
    password = quote(login.password.reveal(), safe="")
    pairs = [("sslmode", "require"), *((n, v) for n, v in login.startup if n == "search_path")]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    user, database = quote(login.user, safe=""), quote(login.database, safe="")
    return Sensitive(f"postgresql://{user}:{password}@{host}:{port}/{database}?{query}")


def _answer(problem: str, done: str) -> Answer:
    if problem:
        return Answer(Verdict.FAIL, _EXPECTED, problem)
    return Answer(Verdict.PASS, _EXPECTED, done)


def _outcome(one: Migration, done: Attended) -> Answer:
    program = f"`{one.command[0]}`"
    if done.status is None:
        return Answer(Verdict.UNKNOWN, _EXPECTED, f"{program} did not end in time")
    note = f": {done.said}" if done.said else ""
    problem = f"{program} ended with status {done.status}{note}" if done.status else ""
    return _answer(problem, "the command ended well")


def _words(error: Exception) -> str:
    """A refusal of a file's SQL; PostgreSQL's own text may quote what stands in it."""
    return refused(error) if isinstance(error, ServerRefusal) else told(error)


def _client(stage: Stage, one: Migration) -> Client | None:
    """The consumer that runs it: the one named, else the first migration."""
    for client in stage.scene.clients:
        if client.login is None or client.pooler or client.variable:
            continue
        facts = client.facts
        if one.consumer in (facts.name, f"{facts.kind}/{facts.name}", client.id):
            return client
        if not one.consumer and client.purpose == "migration":
            return client
    return None
