"""JSON for programs; the shapes are a contract, `format` counts their versions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repoint.model.consumer import Consumer, Part
    from repoint.model.plan import Finding, Plan
    from repoint.model.rehearsal import Rehearsal
    from repoint.model.verification import Verification
    from repoint.planning.inventory import Inventory, SiteReport

FORMAT = 1


def scan(inventory: Inventory) -> str:
    """The inventory: sites, consumers, what could not be read, findings."""
    lists: dict[str, Callable[[], Iterator[dict[str, object]]]] = {
        "sites": lambda: map(_site, inventory.sites),
        "consumers": lambda: map(_consumer, inventory.consumers),
        "unreadable": lambda: (
            {"path": item.path, "reason": item.reason} for item in inventory.unreadable
        ),
        "findings": lambda: map(_finding, inventory.findings),
    }
    try:
        # Put together once: of a large repository it is the largest thing in memory.
        return "".join(_pieces(lists))
    except UnicodeEncodeError:
        # Half of a pair, from a name that is no Unicode: the slower encoder writes it all the same.
        return encode({"format": FORMAT, **{name: list(items()) for name, items in lists.items()}})


def _pieces(
    lists: Mapping[str, Callable[[], Iterator[dict[str, object]]]],
) -> Iterator[str]:
    """The inventory as `encode` writes it, piece by piece.

    A text has no line end of its own: JSON spells it.
    """
    import msgspec

    encoded = msgspec.json.Encoder().encode
    yield f'{{\n  "format": {FORMAT}'
    for name, items in lists.items():
        yield f',\n  "{name}": ['
        count = 0
        for count, item in enumerate(items(), start=1):
            shown = msgspec.json.format(encoded(item), indent=2).decode()
            yield ("" if count == 1 else ",") + "\n    " + shown.replace("\n", "\n    ")
        yield "\n  ]" if count else "]"
    yield "\n}\n"


def plan(value: Plan) -> str:
    """The plan, exactly as `repoint plan --output` writes it."""
    from repoint.planning.codec import encode_plan

    return encode_plan(value).decode()


def rehearsal(value: Rehearsal) -> str:
    """The rehearsal with its verdict: the record's own shape, and the verdicts worked out."""
    import msgspec

    document: dict[str, object] = {"verdict": str(value.verdict), **msgspec.to_builtins(value)}
    document["consumers"] = [
        {"verdict": str(one.verdict), **msgspec.to_builtins(one)} for one in value.consumers
    ]
    return encode(document)


def verification(value: Verification) -> str:
    """The verification with its verdicts worked out, readings of the soak included."""
    import msgspec

    document: dict[str, object] = {"verdict": str(value.verdict), **msgspec.to_builtins(value)}
    document["consumers"] = [
        {"verdict": str(one.verdict), **msgspec.to_builtins(one)} for one in value.consumers
    ]
    if value.soak is not None:
        soaked = {"verdict": str(value.soak.verdict), **msgspec.to_builtins(value.soak)}
        document["soak"] = soaked
    return encode(document)


def check(findings: Iterable[Finding]) -> str:
    """The findings of a check."""
    return encode({"format": FORMAT, "findings": [_finding(finding) for finding in findings]})


def encode(document: dict[str, object]) -> str:
    """A document as it is printed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _site(report: SiteReport) -> dict[str, object]:
    site = report.site
    span = site.host.span
    return {
        "path": site.location.path,
        "line": site.location.line,
        "column": site.location.column,
        "pointer": site.value_pointer or site.location.pointer,
        "span": [span.start, span.end] if span else None,
        "style": str(site.style),
        "key": site.key,
        "host": site.host.text or None,
        "port": _port(site.port),
        "database": site.database,
        "user": site.user,
        "schema": site.schema,
        "sealed": site.sealed,
        "consumer": report.consumer,
        "purpose": report.purpose,
        "environments": list(report.environments),
    }


def _port(port: Part | None) -> int | None:
    """The port as a number; None where the text names none or holds a variable."""
    if port is None or not (port.text.isascii() and port.text.isdigit()):
        return None
    return int(port.text)


def _consumer(consumer: Consumer) -> dict[str, object]:
    workload = consumer.workload
    return {
        "id": consumer.id,
        "kind": workload.kind,
        "namespace": workload.namespace,
        "name": workload.name,
        "container": workload.container,
        "environment": consumer.environment,
        "purpose": str(consumer.purpose),
        "route": str(consumer.route),
        "evidence": list(consumer.evidence),
        "update_required": consumer.update_required,
        "sites": list(consumer.sites),
    }


def _finding(finding: Finding) -> dict[str, object]:
    location = finding.location
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "message": finding.message,
        "hint": finding.hint,
        "path": location.path if location else None,
        "line": location.line if location else None,
        "environment": finding.environment or None,
        "consumer": finding.consumer or None,
        **({"accepted": finding.accepted} if finding.accepted else {}),
    }
