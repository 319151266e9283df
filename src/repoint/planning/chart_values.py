"""Defaults of a chart, overridden in the values file of one environment."""

from __future__ import annotations

from collections.abc import Mapping

from repoint.dsn.mask import mask
from repoint.errors import EditRefused
from repoint.model.consumer import Site, Style
from repoint.model.plan import Op, PartEdit
from repoint.planning.ground import Errand, Ground, edit_of, keys_of
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.site_edits import applied, replacements
from repoint.planning.yaml_emit import Tree, style_of
from repoint.planning.yaml_insert import insertions
from repoint.planning.yaml_trees import merge_trees, tree_at


class ChartValues:
    """Collects overrides for the first of an environment's values files that a chart reads.

    Those that repoint.yaml names (`paths`) come before others of this environment alone. `over`
    tells by file of defaults which values files Helm lays over it, and the keys under which they
    hold what it holds; a default that it does not know is overridden in the first of `paths`.
    """

    def __init__(
        self,
        ground: Ground,
        paths: tuple[str, ...],
        over: Mapping[str, Mapping[str, tuple[str, ...]]],
    ) -> None:
        self._ground = ground
        self._over = over
        self._paths = tuple(path for path in paths if path in ground.files)
        self._defaults: dict[str, list[tuple[dict[str, Tree], Errand, tuple[PartEdit, ...]]]] = {}

    def take(self, errand: Errand, parts: tuple[PartEdit, ...]) -> bool:
        """Override a chart's default in the environment's own values file."""
        site = errand.site
        scalar, text, text_map = self._ground.holder(site)
        place = self._place(site)
        if place is None or scalar is None or site.style is not Style.HELM_VALUE or site.encoded:
            return False
        try:
            whole = applied(text, replacements(site, parts, text, text_map))
            values = [(site.value_pointer, whole, parts)]
        except EditRefused:
            values = [
                (leaf.pointer, applied(leaf.scalar.text, (edit,)), (part,))
                for leaf, edit, part in self._ground.own_scalars(site, parts) or ()
            ]
        path, above = place
        made = [((*above, *keys_of(pointer)), value, mine) for pointer, value, mine in values]
        if not made or not all(_overridable(keys, value) for keys, value, _ in made):
            return False
        held = self._defaults.setdefault(path, [])
        held += [(tree_at(keys, value), errand, mine) for keys, value, mine in made]
        return True

    def _place(self, site: Site) -> tuple[str, tuple[str, ...]] | None:
        """The values file that stands over a default, and the keys above it there."""
        over = self._over.get(site.location.path)
        if over is None:
            return (self._paths[0], ()) if self._paths else None
        own = [path for path in over if path in self._ground.files and self._ground.owned(path)]
        among = (*self._paths, *own) if self._paths else ()
        return next(((path, over[path]) for path in among if path in over), None)

    def why_not(self, site: Site) -> str:
        """Why a chart's default could not be overridden."""
        if self._place(site) is None:
            wanted = "a values file of this chart" if self._paths else "a values file"
            return f"every environment uses this default; name {wanted} under `values:`"
        scalar, text, _ = self._ground.holder(site)
        if scalar is None or mask(text) != text:
            return "the default holds a password, which is not copied into another file"
        return "every environment uses this default, and it stands in a list or in several lines"

    def edits(self) -> list[PlannedEdit]:
        """The insertions that override what was taken."""
        result: list[PlannedEdit] = []
        for path, several in self._defaults.items():
            raw, parsed = self._ground.read(path), self._ground.files[path]
            tree: dict[str, Tree] = {}
            for piece, _, _ in several:
                merge_trees(tree, piece)
            root = parsed.documents[0].root if parsed.documents else None
            found = insertions(raw, root, tree, style_of(parsed, raw))
            if found is None:
                why = f"`{path}` cannot take the override in its present shape"
                for _, errand, _ in several:
                    self._ground.task(errand, why)
                continue
            reason = several[0][1].reason
            told = tuple(dict.fromkeys(part for _, _, parts in several for part in parts))
            for one in found:
                edit = edit_of(
                    reason,
                    op=Op.SPLICE,
                    pointer=one.pointer,
                    line=raw.count(b"\n", 0, one.offset) + 1,
                    key=several[0][1].site.key,
                    start=one.offset,
                    end=one.offset,
                    after=one.text,
                    parts=told,
                )
                result.append(PlannedEdit(path, edit))
        return result


def _overridable(keys: tuple[str, ...], value: str) -> bool:
    """Whether a chart's value can be overridden: no list on the way, one line, no password."""
    return mask(value) == value and "\n" not in value and not any(key.isdigit() for key in keys)
