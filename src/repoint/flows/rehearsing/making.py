"""A container's connections as its drivers make them: user, password, parameters, packets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from repoint.flows.rehearsing.addresses import Address, Asking, full_ones
from repoint.flows.rehearsing.passwords import Passwords, shape_of
from repoint.flows.rehearsing.planned import PlannedState
from repoint.flows.site_text import site_text
from repoint.formats.base import FileKind
from repoint.formats.kinds import kind_of
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.workloads import containers
from repoint.model.consumer import Purpose, Site, Use, Workload
from repoint.planning.config import Config
from repoint.planning.consumer_facts import connection
from repoint.rehearsal.cast import Client
from repoint.rehearsal.cluster_conf import is_closed, is_nobody
from repoint.rehearsal.setup import initdb
from repoint.rehearsal.spec import Ground
from repoint.rules.driver_shapes import driver_of, is_measured, login_for, packet
from repoint.rules.facts import Connection, ConsumerFacts
from repoint.rules.known_drivers import UNKNOWN_DRIVER, driver_of_program
from repoint.rules.sent import path_asked
from repoint.wire.refusals import DriverRefusal

_HEAD = 200
"""Characters in which a script says what runs it."""


@dataclass(slots=True, eq=False)
class ClientMaker:
    """Makes the clients of one Cluster.

    `estrange` is told of a container that cannot be rehearsed, with reason, route and server;
    `notes` gathers where the rehearsal is not like production.
    """

    state: PlannedState
    config: Config
    build: EnvironmentBuild
    ground: Ground
    passwords: Passwords
    estrange: Callable[[Workload, str, str, str], None]
    notes: dict[str, None] = field(default_factory=dict)

    def clients(self, workload: Workload, uses: list[Asking], facts: ConsumerFacts) -> list[Client]:
        """The connections of one container, each kind once."""
        found: dict[object, Client] = {}
        for use, site, address in full_ones(uses):
            if address.unlike:
                self.estrange(workload, address.unlike, "direct", address.server)
                continue
            client = self._bare(workload, use, site, address, facts)
            if use.purpose is Purpose.PROBE and not facts.logs_in:
                found.setdefault((address.server, "wait"), client)
                continue
            known = _known(facts, site)
            whole = self._completed(known)
            guessed = (whole.user, whole.database) != (known.user, known.database)
            client = replace(client, is_guessed=guessed)
            if not whole.user or not whole.database:
                reason = f"nothing tells the role or the database of `{site.key}`"
                self.estrange(workload, reason, client.route, client.server)
                continue
            if is_nobody(whole.user) or is_closed(whole.database):
                who = f"`{whole.user}` at database `{whole.database}`"
                reason = f"no PostgreSQL lets `{site.key}` in: it logs in as {who}"
                self.estrange(workload, reason, client.route, client.server)
                continue
            for one in self._asked(client, use, site, whole):
                found.setdefault((address.server, whole.user, whole.params, one.driver), one)
        return list(found.values())

    def _asked(self, client: Client, use: Use, site: Site, whole: Connection) -> Iterator[Client]:
        """The connection as each driver of the consumer makes it."""
        shape = shape_of(self.state, site)
        stays = not self._in_script(use, site) and _stays(use, shape.variable, self.build)
        self.passwords.note(whole.user, shape)
        own = _own_driver(self.build, use, site)
        drivers = (own,) if own else client.facts.drivers
        if not drivers:
            self.notes[
                f"nothing tells the driver of {client.id}: it was asked as {UNKNOWN_DRIVER} would"
            ] = None
        for driver in drivers or (UNKNOWN_DRIVER,):
            name = driver_of(whole, driver)
            made = replace(
                client,
                driver_known=bool(drivers),
                reader=name,
                connection=whole,
                schema=path_asked(whole, name),
                sslmode=whole.param("sslmode"),
                variable=shape.variable if stays else "",
            )
            if not is_measured(name):
                self.notes[f"what {name} sends was read, not measured"] = None
            for key in packet(whole, name).left_out:
                self.notes[
                    f"`{key}` of `{site.key}` was not sent: PostgreSQL refuses it, so something "
                    "takes it out today"
                ] = None
            try:
                yield replace(made, login=login_for(whole, name, self.passwords.of(whole.user)))
            except DriverRefusal as refusal:
                yield replace(made, refused=refusal.reason)

    def _in_script(self, use: Use, site: Site) -> bool:
        """Whether a site stands in a script that a ConfigMap or a Secret brings."""
        if not use.source_key:
            return False
        text = site_text(self.state.after, self.state.store, site)
        return kind_of(use.source_key, text[:_HEAD].encode(errors="replace")) is FileKind.SHELL

    def _bare(
        self, workload: Workload, use: Use, site: Site, address: Address, facts: ConsumerFacts
    ) -> Client:
        return Client(
            id=workload.id,
            environment=self.ground.environment,
            purpose=use.purpose.value,
            server=address.server,
            pooler=address.pooler.name if address.pooler else "",
            pool_mode=address.pooler.mode if address.pooler else "",
            facts=facts,
            key=site.key,
        )

    def _completed(self, one: Connection) -> Connection:
        """The connection with the role and database that its string leaves out."""
        database, owner = initdb(self.ground.object)
        user = one.user if _plain(one.user) else self.config.target.user or owner
        name = one.database if _plain(one.database) else self.config.target.database or database
        for told, given, what in ((one.user, user, "role"), (one.database, name, "database")):
            if told != given and given:
                self.notes[f"`{one.key}` does not tell its {what}: `{given}` was taken"] = None
        return replace(one, user=user, database=name)


def _known(facts: ConsumerFacts, site: Site) -> Connection:
    """The site's connection with what the container's environment adds to it."""
    return next((one for one in facts.connections if one.site == site.id), connection(site))


def _plain(text: str) -> bool:
    return bool(text) and not set(text) & set("${}")


def _own_driver(build: EnvironmentBuild, use: Use, site: Site) -> str:
    """The driver of the program that a container runs; empty where that tells nothing."""
    if use.source == "command":
        found = driver_of_program((site.key,))
        if found:
            return found
    for resource in build.objects:
        for view in containers(resource):
            if view.workload == use.workload:
                return driver_of_program((*view.command, *view.args))
    return ""


def _stays(use: Use, variable: str, build: EnvironmentBuild) -> bool:
    """Whether nothing expands a variable that stands where a password should (X2)."""
    if not variable or use.source == "command":
        return False
    if variable.startswith("$("):
        return use.source != "literal"
    return variable.strip("${}") not in build.variables


def with_password(client: Client, passwords: Passwords) -> Client:
    """The client with its role's password, or with what is sent in its place."""
    if client.login is None:
        return client
    password = passwords.of(client.login.user)
    if client.variable:
        password = passwords.literally(client.variable)
    return replace(client, login=replace(client.login, password=password))
