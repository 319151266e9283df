"""plan.json, receipts and rehearsals: deterministic JSON for review, versioned, strict.

Encoding is a function of the value alone: keys in field order, two spaces of indentation, a
newline at the end, nothing left out. Decoding refuses a newer format, a field it does not know,
and a value of the wrong type, and names where.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Sequence
from typing import TypeVar

from repoint.errors import StalePlan, UsageError
from repoint.model.plan import FileChange, OverlayProof, Plan
from repoint.model.receipt import RECEIPT_FORMAT, Receipt
from repoint.model.rehearsal import REHEARSAL_FORMAT, Rehearsal
from repoint.model.told import told
from repoint.planning.strict import in_words

PLAN_FORMAT = 1

_T = TypeVar("_T", Plan, Receipt, Rehearsal)


def encode_plan(plan: Plan) -> bytes:
    """plan.json of a plan: UTF-8, indented by two, one newline at its end."""
    return _encode(plan)


def decode_plan(data: bytes) -> Plan:
    """The plan in plan.json.

    Raises:
        StalePlan: it was written in a format that this version does not read.
        UsageError: it is not a plan; the message names the place.
    """
    return _decode(data, Plan, PLAN_FORMAT, "plan")


def encode_receipt(receipt: Receipt) -> bytes:
    """The receipt as it is committed."""
    return _encode(receipt)


def decode_receipt(data: bytes) -> Receipt:
    """A receipt read back; errors as for a plan."""
    return _decode(data, Receipt, RECEIPT_FORMAT, "receipt")


def encode_rehearsal(rehearsal: Rehearsal) -> bytes:
    """A rehearsal's record as it is committed."""
    return _encode(rehearsal)


def decode_rehearsal(data: bytes) -> Rehearsal:
    """A rehearsal's record read back; errors as for a plan."""
    return _decode(data, Rehearsal, REHEARSAL_FORMAT, "rehearsal")


def encode_proof(proof: OverlayProof) -> bytes:
    """The proof as JSON."""
    import msgspec

    return msgspec.json.encode(proof)


def decode_proof(data: bytes) -> OverlayProof | None:
    """Read what `encode_proof` wrote; None where it is something else."""
    import msgspec

    try:
        return msgspec.json.decode(data, type=OverlayProof)
    except msgspec.DecodeError:
        return None


def encode_changes(changes: Sequence[FileChange]) -> bytes:
    """Changes as JSON, the same for the same changes."""
    import msgspec

    return msgspec.json.encode(changes)


def _encode(value: Plan | Receipt | Rehearsal) -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _decode(data: bytes, kind: type[_T], newest: int, word: str) -> _T:
    import msgspec

    try:
        raw = msgspec.json.decode(data)
        _check_format(raw, newest, word)
        value = msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `")
        place = f" at `{told(where.rstrip('`'), 200)}`" if where else ""
        why = in_words(reason) or told(reason, 200)
        raise UsageError(f"this {word} cannot be read{place}: {why}", hint=_again(word)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UsageError(f"this {word} is not JSON", hint=_again(word)) from None
    _refuse_unknown(raw, kind, "$", word)
    return value


def _check_format(raw: object, newest: int, word: str) -> None:
    found = raw.get("format") if isinstance(raw, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise UsageError(f"this is not a repoint {word}: it has no `format`", hint=_again(word))
    if found > newest:
        hint = "use the version of repoint that wrote it, or a newer one"
        raise StalePlan(
            f"this {word} has format {found}, and {newest} is the newest known", hint=hint
        )
    if found < 1:
        raise UsageError(f"this {word} has format {found}, which never was", hint=_again(word))


def _again(word: str) -> str:
    return "run `repoint plan` again" if word == "plan" else "restore the file from git"


def _refuse_unknown(raw: object, kind: object, where: str, word: str) -> None:
    """Walk JSON and type side by side; msgspec lets unknown fields of dataclasses pass."""
    if isinstance(raw, list):
        for index, item in enumerate(raw):
            _refuse_unknown(item, _item_type(kind, index), f"{where}[{index}]", word)
    if not isinstance(raw, dict):
        return
    known = _field_types(_dataclass_in(kind))
    for name, item in raw.items():
        if name not in known:
            raise UsageError(
                f"this {word} has an unknown field `{told(f'{where}.{name}')}`", hint=_again(word)
            )
        _refuse_unknown(item, known[name], f"{where}.{name}", word)


def _item_type(kind: object, index: int) -> object:
    arguments = typing.get_args(kind)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return arguments[0]
    return arguments[index] if index < len(arguments) else None


def _dataclass_in(kind: object) -> type | None:
    for candidate in (kind, *typing.get_args(kind)):
        if isinstance(candidate, type) and dataclasses.is_dataclass(candidate):
            return candidate
    return None


@functools.cache
def _field_types(kind: type | None) -> dict[str, object]:
    return typing.get_type_hints(kind) if kind is not None else {}
