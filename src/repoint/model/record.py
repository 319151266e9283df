"""Frozen values as `dataclasses` makes them, made in a quarter of the time.

A run makes some hundred classes before it does anything, and the standard decorator compiles six
functions for each. Here the standard one does what it does without compiling; the constructor is
the one function that is compiled at once, and it sets each slot itself. Comparing and hashing are
compiled when they are first asked for. What is rarer (an order, a base that is a record, fields
that the constructor does not take) is left to the standard decorator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

_Class = type[Any]
_Fields = tuple[Field[Any], ...]


class _Factory:
    def __repr__(self) -> str:
        return "<factory>"


_MADE_LATER = _Factory()
_OWN_WAY = ("__setattr__", "__delattr__", "__init__")


def record(
    *, frozen: bool = False, slots: bool = False, eq: bool = True, order: bool = False
) -> Callable[[_Class], _Class]:
    """The decorator `dataclasses.dataclass`, with those of its arguments that are used here."""

    def wrap(cls: _Class) -> _Class:
        if order or not slots or not _is_plain(cls):
            standard = dataclasses.dataclass(frozen=frozen, slots=slots, eq=eq, order=order)
            made: _Class = standard(cls)
            return made
        return _made(cls, frozen=frozen, eq=eq)

    return wrap


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = record


def _is_plain(cls: _Class) -> bool:
    """Whether all fields are the class's own, and the constructor's."""
    told = vars(cls)
    given = (value for value in told.values() if isinstance(value, Field))
    return (
        not any(hasattr(base, "__dataclass_fields__") for base in cls.__mro__[1:])
        and not any(name in told for name in _OWN_WAY)
        and all(one.init and one.kw_only in (False, MISSING) for one in given)
        and not any("InitVar" in str(one) or "KW_ONLY" in str(one) for one in _types(cls))
    )


def _types(cls: _Class) -> Iterator[object]:
    yield from getattr(cls, "__annotations__", {}).values()


def _made(cls: _Class, *, frozen: bool, eq: bool) -> _Class:
    own = frozenset(vars(cls))
    hashes = "__hash__" in own and not (cls.__hash__ is None and "__eq__" in own)
    made: _Class = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    params: Any = vars(made)["__dataclass_params__"]
    params.init = params.repr = True
    params.eq, params.frozen = eq, frozen
    fields = dataclasses.fields(made)
    methods: dict[str, object] = {"__init__": _constructor(made, fields)}
    if "__repr__" not in own:
        methods["__repr__"] = _shown(fields)
    if eq and "__eq__" not in own:
        methods["__eq__"] = _compared(made, fields)
    if eq and not hashes:
        methods["__hash__"] = _hashed(made, fields) if frozen else None
    if frozen:
        methods |= _closed(made, fields)
        methods |= {name: one for name, one in _carried(fields).items() if name not in own}
    for name, method in methods.items():
        setattr(made, name, method)
    return made


def _compiled(cls: _Class, name: str, text: str, known: Mapping[str, object]) -> Any:
    names: dict[str, Any] = {"__name__": cls.__module__, **known}
    exec(text, names)
    function = names[name]
    function.__qualname__ = f"{cls.__qualname__}.{name}"
    return function


def _constructor(cls: _Class, fields: _Fields) -> Any:
    """It sets the slots themselves, since the class may be closed to everything else."""
    known: dict[str, object] = {"_later": _MADE_LATER}
    parameters, lines = ["self"], []
    for one in fields:
        known[f"_set_{one.name}"] = vars(cls)[one.name].__set__
        value = one.name
        if one.default is not MISSING:
            known[f"_default_{one.name}"] = one.default
            parameters.append(f"{one.name}=_default_{one.name}")
        elif one.default_factory is not MISSING:
            known[f"_make_{one.name}"] = one.default_factory
            parameters.append(f"{one.name}=_later")
            value = f"_make_{one.name}() if {one.name} is _later else {one.name}"
        else:
            parameters.append(one.name)
        lines.append(f" _set_{one.name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n" + ("\n".join(lines) or " pass")
    function = _compiled(cls, "__init__", text, known)
    function.__annotations__ = {**{one.name: one.type for one in fields}, "return": None}
    return function


def _shown(fields: _Fields) -> Any:
    names = [one.name for one in fields if one.repr]

    @recursive_repr()
    def __repr__(self: Any) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({told})"

    return __repr__


def _compared(cls: _Class, fields: _Fields) -> Any:
    names = [one.name for one in fields if one.compare]

    def __eq__(self: Any, other: object) -> Any:
        mine, theirs = (_tupled(whose, names) for whose in ("self", "other"))
        text = (
            "def __eq__(self, other):\n"
            " if other.__class__ is self.__class__:\n"
            f"  return {mine} == {theirs}\n"
            " return NotImplemented"
        )
        compiled = cls.__eq__ = _compiled(cls, "__eq__", text, {})
        return compiled(self, other)

    return __eq__


def _hashed(cls: _Class, fields: _Fields) -> Any:
    names = [one.name for one in fields if (one.compare if one.hash is None else one.hash)]

    def __hash__(self: Any) -> int:
        text = f"def __hash__(self):\n return hash({_tupled('self', names)})"
        cls.__hash__ = _compiled(cls, "__hash__", text, {})
        return hash(self)

    return __hash__


def _tupled(whose: str, names: list[str]) -> str:
    return f"({''.join(f'{whose}.{name},' for name in names)})"


def _closed(cls: _Class, fields: _Fields) -> dict[str, object]:
    names = frozenset(one.name for one in fields)

    def __setattr__(self: Any, name: str, value: object) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}


def _carried(fields: _Fields) -> dict[str, object]:
    """How a value is copied and pickled, though it is closed."""
    names = [one.name for one in fields]

    def __getstate__(self: Any) -> list[object]:
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: list[object]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {"__getstate__": __getstate__, "__setstate__": __setstate__}
