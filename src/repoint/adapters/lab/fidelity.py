"""In which ways the servers that run are not those of production, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repoint.ports.servers import PgbouncerProgram, PostgresPrograms
from repoint.rehearsal import cluster_conf, ini
from repoint.rehearsal.harmless import harmless_lines, may_be_set
from repoint.rehearsal.lab import BouncerSpec, PostgresSpec


def dotted(version: Sequence[int]) -> str:
    """Such as `1.24.1`."""
    return ".".join(str(part) for part in version)


def postgres_gaps(
    spec: PostgresSpec, programs: PostgresPrograms, not_taken: Sequence[str]
) -> Iterator[str]:
    """What is different about PostgreSQL; only the names of parameters are told."""
    if spec.major and programs.version[0] != spec.major:
        yield f"PostgreSQL {dotted(programs.version)} ran, the Cluster's image has {spec.major}"
    for name in not_taken:
        yield f"the Cluster's parameter `{name}` was not set"
    yield from cluster_conf.DEVIATIONS


def bouncer_gaps(spec: BouncerSpec, program: PgbouncerProgram) -> Iterator[str]:
    """What is different about one Pooler's PgBouncer, beside what is different about all."""
    ran = program.version[: len(spec.version)]
    if spec.version and ran != spec.version:
        yield (
            f"PgBouncer {dotted(program.version)} ran, Pooler `{spec.name}` has"
            f" {dotted(spec.version)}"
        )
    for name, _ in spec.parameters:
        if not may_be_set(name):
            yield f"the parameter {name!a} of Pooler `{spec.name}` was not set"
    if harmless_lines(spec.pg_hba) != spec.pg_hba:
        yield f"lines of `pg_hba` of Pooler `{spec.name}` were left out"
    asked = spec.cluster_host.partition(".")[0]
    if not asked.endswith("-rw"):
        yield f"Pooler `{spec.name}` asks `{asked}`, and asked the one server there is"
    if spec.login is not None:
        yield (
            f"Pooler `{spec.name}` looks passwords up with a login of its own, here with the one"
            " that the operator makes"
        )
    for name, value in spec.overrides:
        yield f"Pooler `{spec.name}` ran with `{name} = {value}`"


def common_gaps() -> tuple[str, ...]:
    """What is different about every PgBouncer of a rehearsal."""
    return ini.DEVIATIONS
