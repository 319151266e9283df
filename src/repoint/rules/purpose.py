"""What a consumer wants from PostgreSQL, with the evidence for it.

Evidence counts in this order: the command (with scripts and arguments), the name of
the variable or key, hook annotations, the image, names of workload and container, the
user, and last the workload's kind. Where pieces disagree, direct wins: a migration that
is taken for runtime does harm, a runtime that stays direct does none. A kind alone makes
a Deployment runtime; it never makes a Job one.
"""

from __future__ import annotations

import re

from repoint.model.consumer import Certainty, Purpose
from repoint.model.knowledge import remembered, told_by
from repoint.rules.purpose_clues import Clue, PurposeVerdict, strongest
from repoint.rules.purpose_commands import (
    Reading,
    Words,
    argv_commands,
    classify,
    read,
    script_commands,
)
from repoint.rules.purpose_files import deployed, judge_file
from repoint.rules.purpose_kinds import (
    BASE_IMAGES,
    CLIENT_IMAGES,
    ContainerFacts,
    hook_clue,
    is_sink,
    kind_clue,
    runs,
)
from repoint.rules.purpose_known import image_name, image_tool
from repoint.rules.purpose_names import name_clue, object_clue, reads_replica, user_clue

__all__ = ["ContainerFacts", "PurposeVerdict", "judge", "judge_file"]

_LIKELY = Certainty.LIKELY


def judge(
    facts: ContainerFacts,
    *,
    variable: str = "",
    key: str = "",
    user: str = "",
    source_key: str = "",
) -> PurposeVerdict:
    """The purpose of one connection of a container.

    Args:
        facts: The container.
        variable: The environment variable it gets the connection in, if any.
        key: The name the value has where it stands: a Secret's key, a dotted path in a
            file, or the command that names the server in its arguments.
        user: The database user, if it is known.
        source_key: The key of the Secret or ConfigMap that holds the value, where `key` is
            a path inside it.
    """
    return _judged(facts, variable, key, user, source_key)


@remembered(maxsize=16384)
def _judged(
    facts: ContainerFacts, variable: str, key: str, user: str, source_key: str
) -> PurposeVerdict:
    """The verdict of `judge`: a workload of several environments is the same in most of them."""
    commands = _commands(facts)
    own = _own_clue(commands, key) if not variable or key.startswith("-") else None
    if own is not None:
        return _verdict([own], facts)
    reading = read(commands)
    if any("/dev/tcp/" in word for word in (*facts.command, *facts.args)):
        socket = Clue(Purpose.PROBE, "opens a TCP socket", Certainty.CERTAIN, "/dev/tcp")
        reading = Reading((*reading.clues, socket), reading.unknown)
    asked = (variable, key, source_key)
    names = [clue for name in asked if (clue := name_clue(name)) is not None]
    decided = _by_command_or_name(facts, reading, names)
    if decided is None:
        decided = _by_object(facts, reading, user, any(map(reads_replica, asked)))
    return _on_this_machine(facts, decided)


def _on_this_machine(facts: ContainerFacts, verdict: PurposeVerdict) -> PurposeVerdict:
    """A compose file that is named after no deployed environment runs on a developer's machine."""
    if facts.kind != "ComposeService" or not facts.path or deployed(facts.path):
        return verdict
    if verdict.purpose not in (Purpose.RUNTIME, Purpose.UNKNOWN):
        return verdict
    said = (f"compose file {facts.path}", *verdict.evidence)
    return PurposeVerdict(Purpose.LOCAL_DEVELOPMENT, said, Certainty.LIKELY)


def _commands(facts: ContainerFacts) -> tuple[Words, ...]:
    tool = image_tool(facts.image)
    program = tool.program if tool and tool.program else image_name(facts.image)[0]
    program = program.rsplit("/", 1)[-1]
    argv = facts.command + facts.args
    if facts.args and not facts.command and program:
        argv = (program, *facts.args)
    written = argv_commands(argv, program)
    # A caller that lists the commands of `command` once more has lost their quotes.
    seen = {" ".join(" ".join(words).split()) for words in written}
    scripts = (s for s in facts.script_commands if " ".join(s.split()) not in seen)
    return (*written, *(words for script in scripts for words in script_commands(script)))


def _own_clue(commands: tuple[Words, ...], key: str) -> Clue | None:
    """The clue of the command that a site stands in, when `key` names that command."""
    if not key:
        return None
    if key.startswith("-"):
        holding = [words for words in commands if any(w.split("=")[0] == key for w in words)]
        clues = [clue for words in holding for clue in classify(words)]
        return strongest(clue for clue in clues if clue.purpose is not Purpose.PROBE)
    name = key.rsplit("/", 1)[-1]
    clues = [clue for words in commands for clue in classify(words) if clue.program == name]
    if not clues and any(name == word.rsplit("/", 1)[-1] for words in commands for word in words):
        return None
    found = strongest(clues)
    if found is None and re.fullmatch(r"[a-z][a-z0-9_.\-]*", name) and "." not in key:
        found = strongest(clue for clue in classify((name,)) if clue.program == name)
    return found


def _by_command_or_name(
    facts: ContainerFacts, reading: Reading, names: list[Clue]
) -> PurposeVerdict | None:
    direct = [clue for clue in reading.clues if clue.purpose.must_go_direct]
    if direct:
        return _verdict([*_ordered(direct), *_serving(facts, reading)], facts)
    named = strongest(names)
    if named is not None and named.purpose.must_go_direct:
        return _verdict([named, *reading.clues], facts)
    monitors = [clue for clue in reading.clues if clue.purpose is Purpose.MONITORING]
    if monitors:
        return _verdict(monitors, facts)
    runs = [clue for clue in reading.clues if clue.purpose is Purpose.RUNTIME]
    hook = hook_clue(facts)
    if runs and not _contradicted(facts, hook):
        return _verdict([*runs, *names], facts)
    if reading.clues and not runs and not reading.unknown:
        return _verdict(list(reading.clues), facts)
    if named is not None and not runs:
        return _verdict([named], facts)
    return None


def _ordered(clues: list[Clue]) -> list[Clue]:
    first = strongest(clues)
    return [clue for clue in clues if clue is first] + [c for c in clues if c is not first]


def _serving(facts: ContainerFacts, reading: Reading) -> list[Clue]:
    """What says that a container with a must-go-direct command serves as well."""
    runs = [clue for clue in reading.clues if clue.purpose is Purpose.RUNTIME]
    if runs:
        said = f"also serves: {runs[0].evidence}"
        return [Clue(Purpose.RUNTIME, said, runs[0].certainty)]
    if facts.serves:
        said = f"also serves: kind {facts.kind} keeps running"
        return [Clue(Purpose.RUNTIME, said, Certainty.LIKELY)]
    return []


def _contradicted(facts: ContainerFacts, hook: Clue | None) -> bool:
    """Whether a server's command must not make this runtime: hooks and names of jobs."""
    if facts.serves:
        return False
    named = _object_clue(facts)
    return hook is not None or (named is not None and named.purpose.must_go_direct)


def _image_clue(facts: ContainerFacts, reading: Reading) -> Clue | None:
    tool = image_tool(facts.image)
    if tool is not None:
        name = image_name(facts.image)[0]
        note = f"; {tool.starts}" if tool.starts else ""
        alone = not reading.unknown
        sure = Certainty.CERTAIN if alone and tool.purpose is not Purpose.MIGRATION else _LIKELY
        sure = _LIKELY if tool.starts else sure
        sure = Certainty.CERTAIN if tool.origin else sure
        said = f"{tool.name}{told_by(tool.origin)}"
        return Clue(tool.purpose, f"image `{name}` ({said}){note}", sure)
    last = image_name(facts.image)[0].rsplit("/", 1)[-1]
    return object_clue(last, "image", serves=facts.serves) if last else None


def _object_clue(facts: ContainerFacts) -> Clue | None:
    clues = [
        object_clue(facts.container, "container", serves=facts.serves),
        object_clue(facts.name, f"{facts.kind}", serves=facts.serves or facts.init),
    ]
    if facts.init and clues[0] is None and runs(facts.kind) == "serves":
        return None
    return strongest(clue for clue in clues if clue is not None)


def _by_object(facts: ContainerFacts, reading: Reading, user: str, replica: bool) -> PurposeVerdict:
    image = _image_clue(facts, reading)
    named = _object_clue(facts)
    hook = hook_clue(facts)
    logs_in = user_clue(user)
    sides = [clue for clue in (hook, image, named, logs_in) if clue is not None]
    direct = [
        clue
        for clue in sides
        if clue.purpose.must_go_direct and not (facts.serves and clue.certainty is Certainty.GUESS)
    ]
    if named is not None and named.purpose is Purpose.PROBE and direct == [hook]:
        return _verdict([named, *direct], facts)
    if direct:
        surest = [clue for clue in direct if clue.certainty is not Certainty.GUESS] or direct
        serving = _serving(facts, reading) if surest[0] is not image else []
        return _verdict([*surest, *serving], facts)
    wanted = kind_clue(facts.kind)
    if wanted is not None and not is_sink(facts):
        return PurposeVerdict(wanted.purpose, (wanted.evidence,), wanted.certainty)
    other = next((clue for clue in sides if clue.purpose is not Purpose.RUNTIME), None)
    if other is not None and (not facts.serves or other.certainty is not Certainty.GUESS):
        return _verdict([other], facts)
    return _by_kind(facts, reading, image, replica)


def _by_kind(
    facts: ContainerFacts, reading: Reading, image: Clue | None, replica: bool
) -> PurposeVerdict:
    kind = f"kind {facts.kind}"
    also = ("reads from a replica, by its name",) if replica else ()
    name = image_name(facts.image)[0]
    if facts.init:
        return PurposeVerdict(Purpose.UNKNOWN, (f"init container of {kind}",), Certainty.LIKELY)
    if CLIENT_IMAGES.search(name):
        return _client_image(facts, name)
    if facts.serves:
        said: tuple[str, ...] = (image.evidence, kind) if image else (kind,)
        return PurposeVerdict(
            Purpose.RUNTIME, (*said, *also), image.certainty if image else _LIKELY
        )
    if image is not None and facts.kind == "CronJob":
        said = (image.evidence, _schedule(facts))
        return PurposeVerdict(Purpose.RUNTIME, (*said, *also), _LIKELY)
    own_image = name and name.rsplit("/", 1)[-1] not in BASE_IMAGES
    if facts.kind == "CronJob" and own_image and (reading.unknown or not _commands(facts)):
        said = (f"image `{name}` is an application's", _schedule(facts))
        return PurposeVerdict(Purpose.RUNTIME, (*said, *also), Certainty.GUESS)
    if facts.kind in ("KafkaConnector",):
        return PurposeVerdict(Purpose.RUNTIME, (f"{kind}, a sink",), _LIKELY)
    nothing = f"{kind}, and nothing tells what it runs"
    return PurposeVerdict(Purpose.UNKNOWN, (nothing, *also), Certainty.GUESS)


def _schedule(facts: ContainerFacts) -> str:
    return f"kind CronJob, schedule `{facts.schedule}`" if facts.schedule else "kind CronJob"


def _client_image(facts: ContainerFacts, name: str) -> PurposeVerdict:
    """PostgreSQL's own image: a client in a job, the server itself in a StatefulSet."""
    said = f"image `{name}` is PostgreSQL's"
    if runs(facts.kind) == "finishes":
        return PurposeVerdict(Purpose.ADMIN, (said, f"kind {facts.kind}"), Certainty.GUESS)
    return PurposeVerdict(Purpose.UNKNOWN, (said, f"kind {facts.kind}"), Certainty.LIKELY)


def _verdict(clues: list[Clue], facts: ContainerFacts) -> PurposeVerdict:
    """The first clue decides; further ones are told too, and so is a hook."""
    evidence = [clue.evidence for clue in clues]
    hook = hook_clue(facts)
    if hook is not None:
        evidence.append(hook.evidence)
    if facts.init:
        evidence.append(f"init container of kind {facts.kind}")
    elif facts.kind:
        evidence.append(f"kind {facts.kind}")
    return PurposeVerdict(clues[0].purpose, tuple(dict.fromkeys(evidence)), clues[0].certainty)
