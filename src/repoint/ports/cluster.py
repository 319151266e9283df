"""A Kubernetes API server, and the door to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from repoint.model.cluster import Document, ObjectRef


class ClusterApi(Protocol):
    """A Kubernetes API server, under one context of the user's kubeconfig.

    What it refuses is raised as `ClusterRefused` (its `reason` is the API's: `Forbidden`,
    `Conflict`, `Invalid`, `Unauthorized` ...); an API server that does not answer, after
    patience with requests that may be repeated, as `ClusterLost`. No message holds a value of a
    Secret. Reads return None or nothing for what is not there, also for a kind that the
    server does not know.
    """

    @property
    def context(self) -> str:
        """The context's name."""
        ...

    def get(self, ref: ObjectRef) -> Document | None:
        """The object as it is now; None when it is not there."""
        ...

    def list(
        self, api_version: str, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> tuple[Document, ...]:
        """The objects of a kind in a namespace, or (when empty) in all; selectors as in kubectl."""
        ...

    def apply(self, document: Document, *, dry_run: bool = False, force: bool = False) -> Document:
        """Server-side apply as field manager `repoint`; the object afterwards.

        With `force` fields that another manager owns are taken over; without it that is
        refused as `Conflict`, whose `causes` are pairs of manager and field.
        """
        ...

    def create(self, document: Document, *, dry_run: bool = False) -> Document:
        """Make an object that is not there; the object afterwards."""
        ...

    def replace(self, document: Document) -> Document:
        """Write a whole object; refused as `Conflict` where it is not made from the newest."""
        ...

    def merge(self, ref: ObjectRef, patch: Document, *, dry_run: bool = False) -> Document:
        """JSON merge patch; the object afterwards."""
        ...

    def delete(self, ref: ObjectRef, *, uid: str = "", dry_run: bool = False) -> None:
        """Delete an object and, in the background, what it owns; nothing happens without it.

        With `uid` only that very object, else it is refused as `Conflict`.
        """
        ...

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str,
        *,
        labels: str = "",
        fields: str = "",
        timeout_s: float,
    ) -> Iterator[tuple[str, Document]]:
        """`(ADDED, MODIFIED or DELETED, object)` as they happen, what is there first.

        It ends after `timeout_s` seconds. A connection that breaks is opened again, and what
        is there is told again.
        """
        ...

    def logs(
        self, namespace: str, pod: str, container: str, *, lines: int = 50, previous: bool = False
    ) -> str:
        """The last lines of a container's log, passwords masked."""
        ...

    def allowed(self, verb: str, ref: ObjectRef, subresource: str = "") -> bool:
        """Whether this user may do `verb` (`get`, `patch`, `create` ...) there."""
        ...

    def forward(
        self, namespace: str, target: str, port: int
    ) -> AbstractContextManager[tuple[str, int]]:
        """A way to `port` of `pod/NAME` or `service/NAME` while the block runs.

        Gives a loopback address and port of this machine.
        """
        ...


class ClusterDoor(Protocol):
    """Opens API servers by the contexts of the user's kubeconfig."""

    def contexts(self) -> tuple[str, ...]:
        """The names of every context; none without a kubeconfig."""
        ...

    def current(self) -> str:
        """The current context; empty when none is set."""
        ...

    def server(self, context: str) -> str:
        """The address of a context's API server, without credentials; empty when it has none."""
        ...

    def open(self, context: str) -> AbstractContextManager[ClusterApi]:
        """The API server of a context, while the block runs.

        Raises:
            WrongContext: there is no such context.
            ClusterLost: it does not answer.
            ClusterRefused: it does not take this user's credentials.
            ToolMissing: kubectl is not installed.
            ToolFailed: the kubeconfig cannot be read.
        """
        ...
