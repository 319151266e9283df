"""How a role gets its default: by a Cluster's bootstrap SQL, by a Job's pre-check, or by hand.

A pre-check is a `psql` command in the script of a Job's container; the statement goes behind
it as a command of the same shape, so that it logs in the same way. Only literal block scripts
of this environment's own files take one: anything else would be a rewrite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from repoint.formats.base import Scalar
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.effective import Value
from repoint.kube.objects import scalar_at
from repoint.kube.resource import Resource
from repoint.model.plan import Applicability, Op, Task
from repoint.model.source import Location
from repoint.planning.deliver import Delivery
from repoint.planning.environment_facts import Targets
from repoint.planning.ground import edit_of
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.places import field_of, object_name, places
from repoint.planning.wishes import Reason
from repoint.planning.yaml_emit import Tree
from repoint.rules import startup_params
from repoint.rules.declared import PreCheck
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts
from repoint.rules.role_defaults import BOOTSTRAP, PRE_CHECK, RoleSetting, precheck_for
from repoint.rules.rule import Remedy

# One whole command on one line: nothing before it but assignments, nothing behind its last
# option but `|| exit`.
_PSQL = re.compile(
    r"^(?P<head>\s*(?:[A-Za-z_]\w*=\S*\s+)*psql\s(?:(?!\s-c\s|\s--command)[^;&|`\\])*\s-c\s+)"
    r"(?P<quote>[\"'])(?P<sql>(?:(?!(?P=quote)).)*)(?P=quote)"
    r"(?P<tail>\s*(?:\|\|\s*exit\s+\d+)?\s*)$"
)
# Statements that no search_path and no timeout changes.
_NEUTRAL = re.compile(
    r"(?:\s*(?:CREATE\s+SCHEMA|ALTER\s+ROLE|GRANT\s[^;]*\sON\s+(?:SCHEMA|DATABASE)|SELECT\s+\d+(?=\s*(?:;|$)))"
    r"\b[^;]*(?:;|$))+\s*\Z",
    re.I,
)
_USER = re.compile(r"\s(?:-U\s*|--username[=\s])[\"']?([\w.-]+)[\"']?(?=\s)")
_DATABASE = re.compile(r"\s(?:-d\s*|--dbname[=\s])[\"']?([\w.-]+)[\"']?(?=\s)")
_HOST = re.compile(r"(?P<option>\s(?:-h\s*|--host[=\s])[\"']?)(?P<host>[\w.-]+)")


def prechecks(environment: EnvironmentBuild, owned: Callable[[str], bool]) -> tuple[PreCheck, ...]:
    """The commands of an environment's own Jobs behind which a statement can go."""
    return tuple(
        PreCheck(
            _USER.findall(match["head"])[-1],
            _DATABASE.findall(match["head"])[-1],
            Location(value.origin.path, scalar.line, scalar.column, value.origin.pointer),
            object=f"{object_name(resource)}#{at}",
            number=number,
            minds_none=bool(_NEUTRAL.match(match["sql"])),
        )
        for resource, at, value, scalar in _scripts(environment.objects)
        if owned(value.origin.path)
        for number, match in _commands(scalar.text)
    )


def _scripts(objects: Iterable[Resource]) -> Iterator[tuple[Resource, str, Value, Scalar]]:
    for resource in objects:
        if resource.kind != "Job":
            continue
        for place in places(resource):
            scalar = place.value.scalar
            steps = {step for step in place.steps if isinstance(step, str)}
            if scalar is None or not steps & {"command", "args"} or "psql" not in scalar.text:
                continue
            whole = scalar.style == "literal" and not scalar.aliased and not place.value.is_null
            if whole and not place.value.origin.embedded and place.value.text == scalar.text:
                yield resource, field_of(place.steps), place.value, scalar


def _commands(script: str) -> Iterator[tuple[int, re.Match[str]]]:
    for number, line in enumerate(script.splitlines()):
        match = _PSQL.match(line)
        if match is not None and all(p.search(match["head"]) for p in (_USER, _DATABASE, _HOST)):
            yield number, match


def add_defaults(
    facts: EnvironmentFacts,
    found: Targets,
    decided: Sequence[tuple[ConsumerFacts, Remedy]],
    delivery: Delivery,
) -> None:
    """Plan the statements that the remedies ask for, each once.

    Args:
        facts: The environment, with its pre-checks.
        found: The target objects, as they are built.
        decided: The remedy of each pooled consumer.
        delivery: Takes the edits.
    """
    wanted: dict[tuple[str, RoleSetting], list[ConsumerFacts]] = {}
    for consumer, remedy in decided:
        for setting in remedy.settings if remedy.by else ():
            wanted.setdefault((remedy.by, setting), []).append(consumer)
    at_start = {setting: who for (by, setting), who in wanted.items() if by == BOOTSTRAP}
    if at_start:
        _bootstrap(facts, found, at_start, delivery)
    for (by, setting), who in wanted.items():
        carrier = precheck_for(setting, facts.prechecks) if by == PRE_CHECK else None
        if carrier is not None:
            delivery.take(_line_edit(carrier, setting, who, facts.direct_host, delivery))


def by_hand(consumer: ConsumerFacts, remedy: Remedy, environment: str) -> Task:
    """What a person can run so that a consumer that goes direct can be pooled after all."""
    asking = next(iter(consumer.connections))
    return Task(
        path=asking.location.path,
        line=asking.location.line,
        key=asking.key,
        environment=environment,
        consumer=consumer.id,
        reason="stays direct until its role has the default: keep the statement in a migration, "
        f"or set `environments.{environment}.new_cluster` where the Cluster is yet to be made, and "
        "plan again",
        put=remedy.statements,
    )


def _reason(consumers: Iterable[ConsumerFacts], where: str) -> Reason:
    return Reason(
        startup_params.REFUSED.code,
        f"gives the role the default that the connection string asked for, {where} (SP9)",
        tuple(dict.fromkeys(consumer.id for consumer in consumers)),
        Applicability.REVIEW,
    )


def _bootstrap(
    facts: EnvironmentFacts,
    found: Targets,
    wanted: dict[RoleSetting, list[ConsumerFacts]],
    delivery: Delivery,
) -> None:
    cluster = facts.cluster
    if found.cluster is None or cluster is None or cluster.bootstrap is None:
        return
    everybody = [consumer for who in wanted.values() for consumer in who]
    statements = [setting.statement for setting in wanted]
    whole: list[Tree] = [*cluster.bootstrap.sql, *statements]
    reason = _reason(everybody, "when the Cluster is made")
    steps = ("spec", "bootstrap", "initdb", "postInitApplicationSQL")
    delivery.set_field(found.cluster, steps, whole, reason)


def _line_edit(
    carrier: PreCheck,
    setting: RoleSetting,
    consumers: Iterable[ConsumerFacts],
    host: str,
    delivery: Delivery,
) -> PlannedEdit:
    """A command behind the carrier's own, in the same shape, that runs the statement."""
    place = carrier.location
    scalar = scalar_at(delivery.ground.files[place.path], place.pointer)
    assert scalar is not None  # the pre-check was found there
    lines = scalar.text.splitlines(keepends=True)
    start = sum(len(line) for line in lines[: carrier.number])
    line = lines[carrier.number].rstrip("\r\n")
    span = scalar.map.span(start, start + len(line))
    assert span is not None  # a line of a literal block is one run
    raw = delivery.ground.read(place.path)
    head = raw[raw.rfind(b"\n", 0, span.start) + 1 : span.start].decode()
    newline = "\r\n" if raw[span.end : span.end + 1] == b"\r" else "\n"
    edit = edit_of(
        _reason(consumers, "in front of every migration"),
        op=Op.SPLICE,
        pointer=place.pointer,
        line=place.line + carrier.number + 1,
        key="psql",
        start=span.end,
        end=span.end,
        after=f"{newline}{head}{_command(line, setting, host)}",
        expects=(carrier.object,),
    )
    return PlannedEdit(place.path, edit)


def _command(line: str, setting: RoleSetting, host: str) -> str:
    match = _PSQL.match(line)
    assert match is not None  # that is how the pre-check was found
    head = _HOST.sub(lambda one: one["option"] + host, match["head"], count=1)
    quoted = re.sub(r"([\\\"$`])", r"\\\1", setting.statement)
    return f'{head}"{quoted}"{match["tail"].rstrip()}'
