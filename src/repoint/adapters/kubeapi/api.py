"""One API server: reading, writing, watching."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlencode

from repoint.adapters.kubeapi.asking import Asking, Patience, Unsure
from repoint.adapters.kubeapi.forwarding import forwarded
from repoint.adapters.kubeapi.kinds import Kind, Kinds
from repoint.adapters.kubeapi.proxy import Call
from repoint.adapters.kubeapi.refusals import refused, unknown_kind, without_namespace
from repoint.adapters.kubeapi.watching import Watch
from repoint.dsn.mask import mask
from repoint.errors import ClusterLost, ClusterRefused
from repoint.model.cluster import FIELD_MANAGER, Document, ObjectRef, ref_of

_PAGE = 500
_MOST_PAGES = 400
_MOST_LOG = 1_000_000
_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
# An apply is read as YAML: no pair of escapes for one character, and these only as escapes.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class Api:
    """An API server under one context; implements `ports.ClusterApi`.

    Safe to use from several threads.
    """

    def __init__(self, context: str, asking: Asking) -> None:
        self._context = context
        self._asking = asking
        self._kinds = Kinds(asking)

    @property
    def context(self) -> str:
        """The context's name."""
        return self._context

    def greet(self, patience_s: float) -> None:
        """Look whether it answers and takes these credentials; errors as for `ports`."""
        self._kinds.ask("v1", patience_s=patience_s)

    def get(self, ref: ObjectRef) -> Document | None:
        """The object as it is now; None when it is not there, or its kind is not."""
        kind = self._kind_to_read(ref)
        if kind is None:
            return None
        call = Call("GET", kind.path(ref.namespace, ref.name))
        answer = self._asking.ask(call, "read", ref, repeatable=True, nothing=(404,))
        return None if answer.status == 404 else answer.document or {}

    def list(
        self, api_version: str, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> tuple[Document, ...]:
        """The objects of a kind in a namespace, or in all; none of a kind that is not served."""
        return self.listed(api_version, kind, namespace, labels=labels, fields=fields)[0]

    def listed(
        self, api_version: str, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> tuple[tuple[Document, ...], str]:
        """The objects, and the version to watch from; an empty one for a kind not served."""
        ref = ObjectRef(api_version, kind, namespace, "")
        served = self._kinds.find(api_version, kind)
        if served is None:
            return (), ""
        selected = _query(labelSelector=labels, fieldSelector=fields)
        query = {**selected, "limit": str(_PAGE)}
        found: list[Document] = []
        for _ in range(_MOST_PAGES):
            call = Call("GET", _target(served.path(namespace), query))
            answer = self._asking.ask(call, "list", ref, repeatable=True, nothing=(404, 410))
            if answer.status == 404:
                self._kinds.forget(api_version)
                return (), ""
            if answer.status == 410:
                # What was left of the list is too old by now: all of it at once, then.
                found, query = [], dict(selected)
                continue
            body = answer.document or {}
            # The items of a built-in kind's list do not say what they are.
            said = {"apiVersion": api_version, "kind": kind}
            found += [{**said, **item} for item in body.get("items") or ()]
            metadata = body.get("metadata") or {}
            if not metadata.get("continue"):
                return tuple(found), str(metadata.get("resourceVersion", ""))
            query = {**query, "continue": str(metadata["continue"])}
        raise ClusterLost(
            f"the list of `{kind}` of context `{self._context}` does not end",
            hint="see what `kubectl get` says of it",
        )

    def apply(self, document: Document, *, dry_run: bool = False, force: bool = False) -> Document:
        """Server-side apply as field manager `repoint`; the object afterwards."""
        ref = ref_of(document)
        return self._write(
            "PATCH", "apply", ref, document, _APPLY, dry_run, force=str(force).lower()
        )

    def create(self, document: Document, *, dry_run: bool = False) -> Document:
        """Make an object that is not there; the object afterwards.

        Where the connection breaks on the way, what is there then is taken for it when it
        holds all of `document`.
        """
        return self._surely("POST", "create", "AlreadyExists", document, dry_run)

    def replace(self, document: Document) -> Document:
        """Write a whole object; refused as `Conflict` where it is not the newest.

        Where the connection breaks on the way, what is there then is taken for it when it
        holds all of `document`.
        """
        return self._surely("PUT", "replace", "Conflict", document, False)

    def merge(self, ref: ObjectRef, patch: Document, *, dry_run: bool = False) -> Document:
        """JSON merge patch; the object afterwards."""
        return self._write("PATCH", "change", ref, patch, _MERGE, dry_run)

    def delete(self, ref: ObjectRef, *, uid: str = "", dry_run: bool = False) -> None:
        """Delete an object and, in the background, what it owns; nothing happens without it."""
        kind = self._kind_to_read(ref)
        if kind is None:
            return
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if dry_run:
            options["dryRun"] = ["All"]
        call = Call("DELETE", kind.path(ref.namespace, ref.name), _body(options))
        self._asking.ask(call, "delete", ref, repeatable=True, nothing=(404,))

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
        """What happens to the objects of a kind, what is there first; see `ports`."""
        selected = _query(labelSelector=labels, fieldSelector=fields)
        ref = ObjectRef(api_version, kind, namespace, "")

        def path() -> str | None:
            served = self._kinds.find(api_version, kind)
            return served.path(namespace) if served else None

        def listed() -> tuple[tuple[Document, ...], str]:
            return self.listed(api_version, kind, namespace, labels=labels, fields=fields)

        return Watch(self._asking, ref, path, listed, selected).events(timeout_s)

    def logs(
        self, namespace: str, pod: str, container: str, *, lines: int = 50, previous: bool = False
    ) -> str:
        """The last lines of a container's log, passwords masked; empty without a log."""
        query = _query(
            container=container,
            tailLines=str(lines),
            limitBytes=str(_MOST_LOG),
            previous="true" if previous else "",
        )
        path = Kind("/api/v1", "pods", True).path(namespace, pod, "log")
        # 400 is a container that has not started yet, or has no earlier run.
        answer = self._asking.ask(
            Call("GET", _target(path, query)),
            "read the log of",
            ObjectRef("v1", "Pod", namespace, pod),
            repeatable=True,
            nothing=(400, 404),
            is_text=True,
        )
        return mask(answer.body.decode(errors="replace")) if answer.status == 200 else ""

    def allowed(self, verb: str, ref: ObjectRef, subresource: str = "") -> bool:
        """Whether this user may do `verb` there; False for a kind that is not served."""
        kind = self._kinds.find(ref.api_version, ref.kind)
        if kind is None:
            return False
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {
                "resourceAttributes": {
                    "verb": verb,
                    "group": ref.group,
                    "version": ref.api_version.rpartition("/")[2],
                    "resource": kind.resource,
                    "namespace": ref.namespace if kind.namespaced else "",
                    "name": ref.name,
                    "subresource": subresource,
                }
            },
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self._asking.ask(
            Call("POST", path, _body(review)), "ask about", ref, repeatable=True
        )
        said = (answer.document or {}).get("status")
        return isinstance(said, dict) and said.get("allowed") is True

    def forward(
        self, namespace: str, target: str, port: int
    ) -> AbstractContextManager[tuple[str, int]]:
        """A way to `port` of `pod/NAME` or `service/NAME` while the block runs."""
        # The kinds are told to everybody, so this asks for nothing but an answer.
        return forwarded(
            self._context, namespace, target, port, lambda: self._kinds.ask("v1", patience_s=None)
        )

    def _kind_to_read(self, ref: ObjectRef) -> Kind | None:
        """How a kind is served, None where it is not.

        Raises:
            ClusterRefused: the object needs a namespace and has none.
        """
        kind = self._kinds.find(ref.api_version, ref.kind)
        if kind is not None and kind.namespaced and not ref.namespace:
            raise without_namespace(ref)
        return kind

    def _surely(
        self, method: str, verb: str, taken: str, document: Document, dry_run: bool
    ) -> Document:
        """Write what must not be written twice; `taken` is how a second time is refused."""
        ref = ref_of(document)
        patience, unsure = Patience(self._asking.patience_s), False
        while True:
            try:
                return self._write(method, verb, ref, document, _JSON, dry_run)
            except Unsure as error:
                unsure = True
                patience.wait(error)
            except ClusterRefused as error:
                found = self.get(ref) if unsure and error.reason == taken else None
                if found is None or not _holds(found, document):
                    raise
                return found

    def _write(
        self,
        method: str,
        verb: str,
        ref: ObjectRef,
        body: Document,
        content_type: str,
        dry_run: bool,
        **query: str,
    ) -> Document:
        kind = self._kind_to_read(ref)
        if kind is None:
            raise unknown_kind(ref)
        query = {**query, "fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        path = kind.path(ref.namespace, "" if method == "POST" else ref.name)
        call = Call(method, _target(path, query), _body(body), content_type)
        repeatable = dry_run or method == "PATCH"
        answer = self._asking.ask(call, verb, ref, repeatable=repeatable, nothing=(404,))
        if answer.status == 404:
            self._kinds.forget(ref.api_version)
            raise refused(answer, verb, ref, self._context)
        return answer.document or {}


def _query(**pairs: str) -> dict[str, str]:
    return {name: value for name, value in pairs.items() if value}


def _target(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _body(document: Document) -> bytes:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _holds(found: Any, wanted: Any) -> bool:
    """Whether `found` has all of `wanted`; the version that it was made from does not count."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key == "resourceVersion" or (key in found and _holds(found[key], value))
            for key, value in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(found, list | tuple)
            and len(found) == len(wanted)
            and all(map(_holds, found, wanted))
        )
    return bool(found == wanted)
