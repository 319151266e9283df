"""The topology of each environment: its rows, and drawings before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repoint.flows.dossier import Dossier
from repoint.model.dossier import EnvironmentTarget
from repoint.planning.inventory import EnvironmentView
from repoint.views import wording
from repoint.views.report.drawing import Drawing, draw
from repoint.views.report.graph import FOLD_OVER, graph_of
from repoint.views.report.names import anchor
from repoint.views.report.ways import Row

_MANY = 3
"""Overlays that are still named one by one."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its id, title and a sentence for those who do not see it."""

    id: str
    title: str
    text: str
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Place:
    """An environment: its rows, drawings where boxes are shared, and drawings with a box each.

    `single` is empty where `figures` already show each consumer by itself.
    """

    id: str
    name: str
    about: str
    rows: tuple[Row, ...]
    figures: tuple[Figure, ...]
    single: tuple[Figure, ...]

    @property
    def title(self) -> str:
        """The name, or what stands for none."""
        return self.name or wording.OUTSIDE


def places_of(dossier: Dossier, rows: Sequence[Row]) -> tuple[Place, ...]:
    """Every environment with a consumer, in promotion order; those outside of all come last."""
    targets = {one.environment: one for one in dossier.targets}
    known = [view.name for view in dossier.inventory.environments] if dossier.inventory else []
    wanted = dossier.plan.environments if dossier.plan is not None else known
    names = dict.fromkeys((*wanted, *(row.environment for row in rows)))
    names.pop("", None)
    names |= dict.fromkeys(row.environment for row in rows if not row.environment)
    return tuple(
        _place(dossier, name, [row for row in rows if row.environment == name], targets.get(name))
        for name in names
    )


def _place(
    dossier: Dossier, name: str, rows: Sequence[Row], target: EnvironmentTarget | None
) -> Place:
    folds = len(rows) > FOLD_OVER
    planned = dossier.plan is not None and not all(row.settled for row in rows)
    views = dossier.inventory.environments if dossier.inventory is not None else ()
    about = next((_about(view) for view in views if view.name == name), "")
    return Place(
        anchor("environment", name),
        name,
        about,
        tuple(rows),
        _figures(name, rows, target, planned=planned, fold=folds) if rows else (),
        _figures(name, rows, target, planned=planned, fold=False) if folds else (),
    )


def _about(view: EnvironmentView) -> str:
    if len(view.overlays) <= _MANY:
        return wording.environment_title(view)
    counted = wording.count(len(view.overlays), "overlay")
    return f"namespace {view.namespace}, {counted}" if view.namespace else counted


def _figures(
    name: str,
    rows: Sequence[Row],
    target: EnvironmentTarget | None,
    *,
    planned: bool,
    fold: bool,
) -> tuple[Figure, ...]:
    found = []
    for after in (False, True) if planned else (False,):
        graph = graph_of(rows, target, after=after, fold=fold)
        word = ("After" if after else "Before") if planned else "Now"
        found.append(
            Figure(
                anchor("drawing", name, word, "folded" if fold else "single"),
                word,
                _told(rows, after=after),
                draw(graph),
            )
        )
    return tuple(found)


def _told(rows: Sequence[Row], *, after: bool) -> str:
    """What the drawing shows, in words."""
    counted = wording.count(len(rows), "consumer")
    hosts = sorted({way.host for row in rows for way in (row.after if after else row.before)})
    text = f"{counted}; their connections lead to {', '.join(hosts[:6]) or 'no known host'}"
    if len(hosts) > 6:
        text += f" and {len(hosts) - 6} more hosts"
    return f"{text}. The table below says the same, row by row."
