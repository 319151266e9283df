"""A resource on its way through kustomize, with the ids it has had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from repoint.kube.effective import Effective, Origin, Value, edited, mapping, text
from repoint.kube.objects import CLUSTER_SCOPED


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """What kustomize tells objects apart by."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def scope(self) -> str:
        """The namespace as kustomize compares it: `default` where none is named."""
        return "" if self.kind in CLUSTER_SCOPED else self.namespace or "default"

    def same(self, other: ObjectId) -> bool:
        """Whether both name the same object."""
        return (
            self.name == other.name
            and self.kind == other.kind
            and self.api_version == other.api_version
            and self.scope == other.scope
        )


@dataclass(slots=True, eq=False)
class Resource:
    """An effective object.

    `body` is the tree a cluster would get; it is shared with other overlays, so that a change
    makes a new one. `path` the file that declares the object
    (the kustomization file for generated ones), `previous` the ids it had before
    prefixes and namespaces were applied, oldest first; `prefixes` and `suffixes` are those
    applied so far. `generated` tells a generator's object; `hashed` that kustomize
    gives its name a hash, which is left out here. `delivered` is the id that kustomize gives
    it where a controller, or `kubectl --namespace`, gives it another one afterwards.
    """

    body: dict[str, Effective]
    path: str
    previous: list[ObjectId] = field(default_factory=list)
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    generated: bool = False
    hashed: bool = False
    delivered: ObjectId | None = None
    _known: tuple[dict[str, Effective], ObjectId] | None = field(default=None, repr=False)
    """A body and the id it spells."""

    @property
    def api_version(self) -> str:
        """The `apiVersion` as written."""
        return self.id.api_version

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.id.api_version.rpartition("/")[0]

    @property
    def kind(self) -> str:
        """The kind."""
        return self.id.kind

    @property
    def name(self) -> str:
        """The effective name; `generateName` where there is no name."""
        return self.id.name

    @property
    def namespace(self) -> str:
        """The effective namespace; empty where none is named."""
        return self.id.namespace

    @property
    def id(self) -> ObjectId:
        """The current id."""
        known, body = self._known, self.body
        if known is not None and known[0] is body:
            return known[1]
        metadata = mapping(body, "metadata")
        found = ObjectId(
            api_version=text(body, "apiVersion"),
            kind=text(body, "kind"),
            namespace=text(metadata, "namespace"),
            name=text(metadata, "name") or text(metadata, "generateName"),
        )
        self._known = (body, found)
        return found

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What no two objects of one build may share."""
        own = self.id
        return own.api_version, own.kind, own.scope, own.name

    @property
    def original(self) -> ObjectId:
        """The id the object had in its own file."""
        return self.previous[0] if self.previous else self.built

    @property
    def built(self) -> ObjectId:
        """The id that a build of its overlay shows."""
        return self.delivered or self.id

    def ever(self, wanted: ObjectId) -> bool:
        """Whether the object has, or had, an id."""
        return self.id.same(wanted) or any(old.same(wanted) for old in self.previous)

    def remember(self) -> None:
        """Keep the current id among the previous ones."""
        if not self.previous or self.previous[-1] != self.id:
            self.previous.append(self.id)

    def set_metadata(self, key: str, value: str, origin: Origin) -> None:
        """Set a text of `metadata`."""
        metadata = self.body.get("metadata")
        kept = metadata if isinstance(metadata, dict) else {}
        self.body = {**self.body, "metadata": {**kept, key: Value(value, origin)}}

    def deliver(self, key: str, value: str, origin: Origin) -> None:
        """Set a text of `metadata` that no build shows."""
        self.delivered = self.built
        self.set_metadata(key, value, origin)

    def put(self, path: tuple[str, ...], value: Effective) -> None:
        """Set a field, with the mappings that lead there."""
        *holder, key = path
        self.edit(
            tuple(holder),
            lambda held: {**held, key: value} if isinstance(held, dict) else held,
            create=True,
        )

    def edit(
        self, path: tuple[str, ...], change: Callable[[Effective], Effective], *, create: bool
    ) -> None:
        """Change what a path of keys leads to, in every item of the lists on the way."""
        body = edited(self.body, path, change, create=create)
        assert isinstance(body, dict)
        self.body = body

    def copy(self) -> Resource:
        """A copy that can be changed without touching this one; both share their trees."""
        return Resource(
            body=self.body,
            path=self.path,
            previous=list(self.previous),
            prefixes=self.prefixes,
            suffixes=self.suffixes,
            generated=self.generated,
            hashed=self.hashed,
            delivered=self.delivered,
            _known=self._known,
        )
