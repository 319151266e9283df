"""Blocks of Terraform and Nomad files: whose they are, and what the reader of their values does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from repoint.model.consumer import Certainty, Purpose
from repoint.model.knowledge import remembered
from repoint.rules.purpose_clues import Clue, strongest
from repoint.rules.purpose_commands import classify
from repoint.rules.purpose_names import object_clue

_RESOURCE = re.compile(r'(?m)^resource\s+"([\w\-]+)"\s+"([\w\-]+)"')
_METADATA_NAME = re.compile(r'\bmetadata\s*\{[^{}]*?\bname\s*=\s*"([^"$]+)"')
_TASK = re.compile(r'^(\s*)task\s+"([^"]+)"\s*\{')
_JOB = re.compile(r'(?m)^job\s+"[^"]+"\s*\{')
_COMMAND = re.compile(r'\bcommand\s*=\s*(?:"([^"]*)"|\[([^\]]*)\])')
_ARGUMENTS = re.compile(r"\bargs\s*=\s*\[([^\]]*)\]")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')
_KINDS = {
    "deployment": "Deployment",
    "stateful_set": "StatefulSet",
    "daemonset": "DaemonSet",
    "daemon_set": "DaemonSet",
    "job": "Job",
    "cron_job": "CronJob",
    "secret": "Secret",
    "config_map": "ConfigMap",
}
_SERVING = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_LIKELY = Certainty.LIKELY


@lru_cache(maxsize=2)
def is_nomad(text: str) -> bool:
    """Whether an HCL text is a Nomad job."""
    return _JOB.search(text) is not None


def task_around(lines: Sequence[str], line: int) -> str:
    """The text of the Nomad task that a line, counted from 1, stands in; empty outside tasks."""
    for start in range(min(line, len(lines)) - 1, -1, -1):
        opened = _TASK.match(lines[start])
        if opened is None:
            continue
        closing = f"{opened[1]}}}"
        end = next((n for n in range(start, len(lines)) if lines[n].rstrip() == closing), -1)
        return "\n".join(lines[start : end + 1]) if end >= line - 1 else ""
    return ""


@lru_cache(maxsize=2)
def block_owner(text: str) -> str:
    """Who reads what the one block of a text holds, as `Kind/name`; empty when nobody is named."""
    task = _TASK.match(text)
    if task is not None:
        return f"Task/{task[2]}"
    headers = _RESOURCE.findall(text)
    if len(headers) != 1:
        return ""
    kind, name = headers[0]
    if kind == "helm_release":
        return f"{kind}/{name}"
    read = _KINDS.get(re.sub(r"^kubernetes_|_v\d\w*$", "", kind), "")
    if not kind.startswith("kubernetes_") or not read:
        return ""
    given = _METADATA_NAME.search(text)
    return f"{read}/{given[1] if given else name}"


@remembered(maxsize=2)
def block_clue(text: str) -> Clue | None:
    """What the one block around a site says of its reader: its command, its name, its kind."""
    task = _TASK.match(text)
    if task is not None:
        return _command_clue(text) or _task_clue(task[2], text)
    headers = _RESOURCE.findall(text)
    if len(headers) != 1:
        return None
    kind, name = headers[0]
    owner = block_owner(text)
    if owner.partition("/")[0] in ("Job", "CronJob"):
        found = _command_clue(text)
        if found is not None:
            return found
    if owner.partition("/")[0] in _SERVING:
        return Clue(Purpose.RUNTIME, f"Terraform `{kind}.{name}`", _LIKELY)
    named = object_clue(name, f"Terraform `{kind}`", serves=kind == "helm_release")
    if named is not None or kind != "helm_release":
        return named
    return Clue(Purpose.RUNTIME, f"Terraform `{kind}.{name}`", Certainty.GUESS)


def _task_clue(name: str, text: str) -> Clue:
    prestart = re.search(r'\bhook\s*=\s*"(?:prestart|poststop)"', text) is not None
    named = object_clue(name, "Nomad task", serves=not prestart)
    if named is not None:
        return named
    purpose = Purpose.UNKNOWN if prestart else Purpose.RUNTIME
    return Clue(purpose, f"Nomad task `{name}`", Certainty.GUESS if prestart else _LIKELY)


def _command_clue(text: str) -> Clue | None:
    command, arguments = _COMMAND.search(text), _ARGUMENTS.search(text)
    words: list[str] = []
    if command is not None:
        words += [command[1]] if command[1] is not None else _WORD.findall(command[2])
    if arguments is not None:
        words += _WORD.findall(arguments[1])
    return strongest(classify(tuple(words))) if words else None
