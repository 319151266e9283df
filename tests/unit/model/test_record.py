"""A record is what the standard decorator would have made of the class."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, InitVar, field
from typing import Any, ClassVar

import pytest

from repoint.model.record import record

Decorator = Callable[..., Callable[[type[Any]], type[Any]]]


def _frozen(how: Decorator) -> type[Any]:
    @how(frozen=True, slots=True)
    class Point:
        """A point."""

        x: int
        y: int = 2
        names: tuple[str, ...] = field(default_factory=tuple)
        note: str = field(default="", repr=False, compare=False)
        KIND: ClassVar[str] = "point"

        def far(self) -> int:
            return self.x + self.y

    return Point


def _open(how: Decorator) -> type[Any]:
    @how(slots=True)
    class Point:
        """A point."""

        x: int
        y: list[int] = field(default_factory=list)

        def __post_init__(self) -> None:
            self.x += 1

    return Point


def _by_identity(how: Decorator) -> type[Any]:
    @how(frozen=True, slots=True, eq=False)
    class Point:
        """A point."""

        x: int
        y: int = 0

    return Point


def _with_methods_of_its_own(how: Decorator) -> type[Any]:
    @how(frozen=True, slots=True)
    class Point:
        """A point."""

        x: int
        y: int = 0

        def __repr__(self) -> str:
            return "hidden"

        def __hash__(self) -> int:
            return 7

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and self.x == other.x

    return Point


def _one_field(how: Decorator) -> type[Any]:
    @how(frozen=True, slots=True)
    class Point:
        """A point."""

        x: int
        y: int = field(default=0, hash=False)

    return Point


def _ordered(how: Decorator) -> type[Any]:
    @how(frozen=True, slots=True, order=True)
    class Point:
        """A point."""

        x: int
        y: int = 0

    return Point


def _derived(how: Decorator) -> type[Any]:
    @how(frozen=True, slots=True)
    class Place:
        """A place."""

        x: int

    @how(frozen=True, slots=True)
    class Point(Place):
        """A point."""

        y: int = 0

    return Point


def _of_arguments(how: Decorator) -> type[Any]:
    @how(slots=True)
    class Point:
        """A point."""

        x: int
        given: InitVar[int] = 5
        y: int = field(init=False, default=0)

        def __post_init__(self, given: int) -> None:
            self.y = given

    return Point


MAKERS = (
    *(_frozen, _open, _by_identity, _with_methods_of_its_own, _one_field, _ordered, _derived),
    _of_arguments,
)


@pytest.mark.parametrize("make", MAKERS)
def test_it_is_as_the_standard_one(make: Callable[[Decorator], type[Any]]) -> None:
    ours, theirs = make(record), make(dataclasses.dataclass)
    assert _told(ours) == _told(theirs)


def _told(cls: type[Any]) -> list[object]:
    """What can be seen of a class and its values."""
    values = [cls(1), cls(1), cls(2, 3), cls(x=1)]
    return [
        str(inspect.signature(cls)),
        cls.__match_args__,
        cls.__slots__,
        cls.__init__.__qualname__,
        repr(cls.__dataclass_params__),
        [(one.name, one.type, one.default, one.init) for one in dataclasses.fields(cls)],
        [repr(one) for one in values],
        [[one == other for other in values] for one in values for _ in range(2)],
        [[one == other for one in values] for other in (1, None, "x")],
        [_outcome(lambda one=one: hash(one) == hash(values[0])) for one in values],
        [_outcome(lambda one=one: sorted([one, values[0]])) for one in values],
        [dataclasses.asdict(one) for one in values],
        _outcome(lambda: repr(dataclasses.replace(values[0], x=9))),
        repr(copy.copy(values[2])),
        repr(copy.deepcopy(values[2])),
        _outcome(lambda: setattr(values[0], "x", 5)),
        _outcome(lambda: delattr(values[1], "x")),
        _outcome(lambda: cls()),
        _outcome(lambda: cls(1, 2, 3, 4, 5, 6)),
    ]


def _outcome(do: Callable[[], object]) -> object:
    try:
        return repr(do())
    except (TypeError, AttributeError) as error:
        return type(error), str(error)


@record(frozen=True, slots=True)
class Known:
    """A record that a pickle can find."""

    x: int
    names: tuple[str, ...] = ()


def test_it_is_pickled() -> None:
    assert pickle.loads(pickle.dumps(Known(1, ("a",)))) == Known(1, ("a",))


def test_each_value_has_a_list_of_its_own() -> None:
    cls = _open(record)
    one, other = cls(1), cls(1)
    one.y.append(1)
    assert other.y == []


def test_one_of_a_class_below_may_hold_more_and_equals_none_above() -> None:
    class Below(Known):
        pass

    one = Below(1)
    one.more = 2  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        one.x = 2  # type: ignore[misc]
    assert one != Known(1) and Known(1) == Known(1)
