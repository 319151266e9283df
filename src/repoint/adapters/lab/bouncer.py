"""A private PgBouncer, configured as CloudNativePG configures a Pooler's pods."""

from __future__ import annotations

import signal
import time

from repoint.adapters.lab.certificates import Authority, KeyPair
from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.ports import LOOPBACK, answers, free_port
from repoint.errors import LabFailed
from repoint.ports.servers import PgbouncerProgram
from repoint.rehearsal.ini import AUTH_USER, Places, private_hba, private_ini
from repoint.rehearsal.lab import BouncerSpec

_START_S = 60.0
_POLL_S = 0.005
_TRIES = 5


class Bouncer:
    """One PgBouncer with a folder of its own; `port` is its own on 127.0.0.1."""

    def __init__(
        self, guard: Guard, program: PgbouncerProgram, spec: BouncerSpec, number: int
    ) -> None:
        self._guard = guard
        self._program = program
        self.spec = spec
        self.name = f"pgbouncer-{number}-{_safe(spec.name)}"
        self.folder = guard.make(guard.folder / f"b{number}")
        self.port = 0

    def configure(self, authority: Authority) -> None:
        """Write its certificates and its HBA file.

        The certificate that clients see is the Cluster's, unless the Pooler has its own.
        """
        login = authority.client(AUTH_USER)
        shown = self._shown(authority)
        for path, content in {
            "server-tls/ca.crt": authority.certificate,
            "client-ca/ca.crt": authority.certificate,
            "authUser/tls.crt": login.certificate,
            "authUser/tls.key": login.key,
            "client-tls/tls.crt": shown.certificate,
            "client-tls/tls.key": shown.key,
            "pg_hba.conf": private_hba(self.spec).encode(),
        }.items():
            folder = (self.folder / path).parent
            if not folder.exists():
                self._guard.make(folder)
            self._guard.write(self.folder / path, content)

    def start(self, postgres_port: int) -> None:
        """Start it and wait until it listens.

        Raises:
            LabFailed: it does not start.
        """
        for _ in range(_TRIES):
            self.port = free_port()
            places = Places(
                upstream=f"host={LOOPBACK} port={postgres_port}",
                configs=str(self.folder),
                sockets=str(self.folder),
                address=LOOPBACK,
                port=self.port,
            )
            ini = self._guard.write(self.folder / "pgbouncer.ini", private_ini(self.spec, places))
            self._guard.log(self.name).unlink(missing_ok=True)
            self._guard.start(self.name, [str(self._program.path), str(ini)], stop=signal.SIGKILL)
            if self._comes_up():
                return
        raise self.failed("does not start")

    def stop(self) -> None:
        """End it at once."""
        self._guard.stop(self.name, signal.SIGKILL)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._guard.status(self.name) is None

    def answers(self) -> bool:
        """What `pg_isready` would say of it."""
        return answers(self.port)

    def failed(self, how: str) -> LabFailed:
        """The error for a PgBouncer that `how`: did not start, or died."""
        told = self._guard.told(self.name)
        return LabFailed(f"PgBouncer of `{self.spec.name}` {how}" + (f": {told}" if told else ""))

    def _shown(self, authority: Authority) -> KeyPair:
        if self.spec.own_certificate:
            return authority.server(service_names(self.spec.certificate_host or self.spec.host))
        cluster = self._guard.folder / "certificates"
        certificate, key = cluster / "server.crt", cluster / "server.key"
        return KeyPair(certificate.read_bytes(), key.read_bytes())

    def _comes_up(self) -> bool:
        """Wait for its own word that it has the port: another server may have taken it."""
        place = f"{LOOPBACK}:{self.port}"
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            alive = self.alive()
            log = self._guard.log(self.name).read_text(errors="replace")
            if f"cannot listen on {place}" in log:
                self.stop()
                return False
            if not alive:
                raise self.failed("does not start")
            if f"listening on {place}" in log and "process up" in log:
                return True
            time.sleep(_POLL_S)
        raise self.failed(f"does not listen after {_START_S:g} s")


def service_names(host: str) -> tuple[str, ...]:
    """The forms of a Service's name: `x.ns.svc.cluster.local` has `x`, `x.ns`, `x.ns.svc`, too."""
    labels = host.split(".")
    counts = (1, 2, 3, len(labels))
    return tuple(dict.fromkeys(".".join(labels[:count]) for count in counts))


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)
