"""The plan that a command works on: a reviewed file, or one that is made now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repoint.errors import FileRefused, StalePlan, UsageError

if TYPE_CHECKING:
    from repoint.cli.wiring import Desk
    from repoint.model.plan import Plan


def read_plan(path: Path) -> Plan:
    """The plan that `repoint plan --output` wrote.

    Raises:
        FileRefused: the file cannot be read.
        UsageError: it is not a plan, or reaches for what is no plan's.
    """
    from repoint.planning.bounds import check_plan
    from repoint.planning.codec import decode_plan

    try:
        plan = decode_plan(path.read_bytes())
        check_plan(plan)
    except OSError as error:
        raise FileRefused.by(f"`{path}` cannot be read", error) from None
    except (StalePlan, UsageError) as error:
        raise type(error)(f"`{path}`: {error.message}", hint=error.hints) from None
    return plan


def make_plan(desk: Desk, environments: Sequence[str]) -> Plan:
    """A plan of the repository as it is; errors as for `repoint plan`."""
    from repoint.flows import planning

    return planning.make_plan(desk.workspace, environments)
