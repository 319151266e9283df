"""What a container's commands tell of its purpose: known programs, SQL, and telling words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from repoint.model.consumer import Certainty, Purpose
from repoint.model.knowledge import remembered, told_by
from repoint.rules.purpose_clues import Clue, base_name, shown
from repoint.rules.purpose_known import Match, command_matches, word_list
from repoint.rules.purpose_sql import psql_clue

Words = tuple[str, ...]

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"})
_COMMAND_FLAG = re.compile(r"-[a-z]*c")
_PASS_ON = frozenset({"exec", "run", "x", "--", "-m", "dlx", "-T", "rake", "rails", "tool"})
_MIGRATES = re.compile(
    r"(?<![A-Za-z])(?:(?:auto|db|run|do|pre|schema)?[-_]?migrat(?:e|ion|ions|or|es|ing)(?![a-z])"
    r"|(?:db|database|schema)[:_.-](?:push|seed|setup|prepare|init|upgrade|update|sync|create|reset)"
    r"|init[-_]?(?:db|database|schema)(?![a-z])|upgrade[-_]?(?:db|schema)(?![a-z])|syncdb)"
    r"|(?<=[a-z])Migrat(?:e|ion|ions|or)(?![a-z])|\bMigrat(?:e|ion|ions|or)(?![a-z])"
)
_NOT_MIGRATING = re.compile(
    r"(?i)(?:^|[-_.])(?:no|skip|disable|without|check|wait)[-_]?\w*|=(?:false|0|no|off)$"
    r"|(?:dir|path|table|folder|source|schema|lock|timeout|glob)s?(?:=|$)"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What all commands of a container tell; `unknown` are those that tell nothing."""

    clues: tuple[Clue, ...]
    unknown: tuple[Words, ...]


def argv_commands(argv: Words, program: str) -> tuple[Words, ...]:
    """The commands of a container's `command` and `args`, scripts taken apart.

    `program` is what the image runs when the first word is an option or an argument.
    """
    if not argv:
        return ()
    for position, word in enumerate(argv[:-1]):
        shell = any(base_name(before) in _SHELLS for before in argv[:position])
        if shell and _COMMAND_FLAG.fullmatch(word):
            return script_commands(argv[position + 1])
    if any(sign in argv[0] for sign in " \n;"):
        return script_commands(" ".join(argv) if len(argv) == 1 else argv[0])
    entry = base_name(argv[0])
    if program and entry != program and (entry.endswith("entrypoint.sh") or entry in ("tini",)):
        return ((argv[0], program, *argv[1:]),)
    return (argv,)


@lru_cache(maxsize=2048)
def script_commands(script: str) -> tuple[Words, ...]:
    """Words of every command in a shell script; here-documents count as words."""
    from repoint.formats.shell import commands

    return tuple(
        words
        for command in commands(script)
        if (words := tuple(word.text for word in command.words if word.text))
    )


def read(commands: Iterable[Words]) -> Reading:
    """The clues of each command, and the commands that give none."""
    clues: list[Clue] = []
    unknown: list[Words] = []
    for words in commands:
        found = classify(words)
        clues += found
        if not found and base_name(words[0]) not in word_list("neutral") and not _passes_on(words):
            unknown.append(words)
    return Reading(tuple(clues), tuple(unknown))


def _passes_on(words: Words) -> bool:
    return words[-1] in ("$@", "${@}", "$*") and len(words) <= 2


@remembered(maxsize=4096)
def classify(words: Words) -> tuple[Clue, ...]:
    """What one command tells; nothing when it is neutral or unknown."""
    programs = program_positions(words)
    first = base_name(words[min(programs, default=0)]) if words else ""
    if not first:
        return ()
    matches = command_matches(words, programs)
    if first in word_list("neutral") and not any(match.tool.origin for match in matches):
        return ()
    clues = [_clue(match) for match in matches]
    named = {clue.program for clue in clues}
    if "psql" not in named and "psql" in {base_name(words[at]) for at in programs}:
        clues.append(psql_clue(words))
    word = _migrating_word(words, programs) if _open_to_more(matches, clues) else ""
    if word:
        evidence = f"runs `{shown(word if word == words[0] else f'{first} … {word}')}`"
        clues.append(Clue(Purpose.MIGRATION, evidence, Certainty.LIKELY, first))
    return tuple(clues)


def _open_to_more(matches: tuple[Match, ...], clues: list[Clue]) -> bool:
    """Whether a telling word may add to what the known programs said.

    A server may migrate too, and a wait tool may run a migration behind it, unless
    what it waits for is the migration (`airflow check-migrations`, `k8s-wait-for`).
    """
    if any(clue.purpose not in (Purpose.RUNTIME, Purpose.PROBE) for clue in clues):
        return False
    if any(match.tool.origin for match in matches):  # What somebody said is not guessed about.
        return False
    waits = (match for match in matches if match.tool.purpose is Purpose.PROBE)
    return not any(len(match.words) > 1 or match.words[0] == "k8s-wait-for" for match in waits)


def _clue(match: Match) -> Clue:
    tool = match.tool
    certainty = Certainty.LIKELY if tool.plain else Certainty.CERTAIN
    note = f"; {tool.starts}" if tool.starts else ""
    said = f"{tool.name}{told_by(tool.origin)}"
    evidence = f"runs `{shown(' '.join(match.words))}` ({said}){note}"
    return Clue(tool.purpose, evidence, certainty, match.words[0])


def program_positions(words: Words) -> frozenset[int]:
    """Positions where a program stands: the first word, and what wrappers run."""
    positions = {0} if words else set()
    position = 0
    while position < len(words) and base_name(words[position]) in word_list("wrappers"):
        position += 1
        while position < len(words) and _is_option(words[position]):
            position += 1
        positions.add(position)
    positions |= {at + 1 for at, word in enumerate(words) if word == "--"}
    return frozenset(at for at in positions if at < len(words))


def _is_option(word: str) -> bool:
    return word.startswith("-") or word in _PASS_ON or "=" in word or word.isdigit()


def _migrating_word(words: Words, programs: frozenset[int]) -> str:
    """The word that says that an unknown program migrates; empty when none does."""
    last = max(programs, default=0)
    for position, word in enumerate(words):
        names_script = position in programs or (
            position <= last + 1
            and base_name(words[max(0, position - 1)]) in word_list("interpreters")
        )
        is_path = "/" in word and not word.startswith("-")
        if is_path and not names_script:
            continue
        text = base_name(word) if is_path else word
        if _MIGRATES.search(text) and not (word.startswith("-") and _NOT_MIGRATING.search(word)):
            return text
    return ""
