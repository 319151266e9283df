"""What an API server or `kubectl proxy` says instead of doing it, as errors without values.

The API quotes values in its messages: an `Invalid` shows the field's content, a body that
cannot be decoded shows parts of it. So no message of the API is ever passed on. What is said
here is made of names, verbs, fields and the API's own reasons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from repoint.adapters.kubeapi.proxy import Answer
from repoint.errors import ClusterLost, ClusterRefused, RepointError
from repoint.model.cluster import ObjectRef

_MANAGER = re.compile(r'conflict with "([^"]*)"')
_MAY_NOT = re.compile(
    r'User "([^"]*)" cannot (\w+) (?:resource "([\w./-]+)"[^"]*"[^"]*"|path "([\w./-]+)")'
)
_FIELD = re.compile(r"[\w.\-/\[\]]{1,200}")
_UNKNOWN_FIELD = re.compile(r"\.([\w.\[\]-]{1,200}): field not declared in schema")
_STRICT_FIELD = re.compile(r'unknown field \\?"([\w.\[\]-]{1,200})\\?"')
_QUOTA = re.compile(r"exceeded quota: ([a-z0-9.-]+)")
_POD_SECURITY = re.compile(r'violates PodSecurity "([a-z]+):')
_WEBHOOK = re.compile(r'(?:admission|calling) webhook "([\w.-]+)"')
_PLUGIN = re.compile(r"exec: executable (\S+) (failed|not found)")
_UNTRUSTED = re.compile(r"x509: |tls: failed to verify")
_REASONS = ("connection refused", "no such host", "i/o timeout", "connection reset", "EOF")
_LOGGED_OUT = (
    "log in again: the token or certificate of this context may have expired",
    "`kubectl auth whoami` tells who the API server takes you for",
)


def status_of(answer: Answer) -> Mapping[str, Any]:
    """The `Status` object of an answer; empty where it holds none."""
    found = answer.document
    if found is None or found.get("kind") != "Status":
        return {}
    details = found.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    told = [one for one in causes if isinstance(one, dict)] if isinstance(causes, list) else []
    return {**found, "details": {**(details if isinstance(details, dict) else {}), "causes": told}}


def is_away(answer: Answer) -> bool:
    """Whether nobody answered, or the API server is not able to now; it may be asked again.

    `kubectl proxy` answers 500 in plain text where it did not reach the API server. A 500 of the
    API itself is final unless its reason says otherwise: wrong fields of an apply are such.
    """
    if answer.status < 500:
        return answer.status == 429
    reason = status_of(answer).get("reason")
    return (
        answer.status > 500
        or reason in ("InternalError", "ServerTimeout")
        or not reason_known(answer)
    )


def reason_known(answer: Answer) -> bool:
    """Whether the API server itself answered, and not kubectl."""
    return bool(status_of(answer))


def never_sent(answer: Answer) -> bool:
    """Whether the API server surely did nothing: it was not reached, or put it off."""
    if answer.status in (429, 503):
        return True
    return not reason_known(answer) and answer.body.lstrip().startswith(b"dial ")


def final(answer: Answer, context: str) -> RepointError | None:
    """The error behind kubectl's own answer where asking again does not help; else None."""
    if answer.status < 500 or reason_known(answer):
        return None
    text = answer.body.decode(errors="replace")
    if text.startswith("getting credentials"):
        return _no_credentials(text, context)
    if _UNTRUSTED.search(text):
        return ClusterLost(
            f"the certificate of the API server is not one that context `{context}` trusts",
            hint="its `server` or `certificate-authority` may be another cluster's",
        )
    return None


def lost(context: str, answer: Answer | None) -> ClusterLost:
    """Nobody answered, for as long as patience lasts."""
    text = answer.body.decode(errors="replace") if answer is not None else ""
    told = next((reason for reason in _REASONS if reason in text), "")
    why = f" ({told})" if told else ""
    return ClusterLost(f"the API server of context `{context}` does not answer{why}")


def no_api(context: str) -> ClusterLost:
    """Somebody answers, but not as an API server does."""
    return ClusterLost(
        f"what answers for context `{context}` is no Kubernetes API server, or is cut off",
        hint="a proxy or a login page may stand before it: see what `kubectl version` says",
    )


def refused(answer: Answer, verb: str, ref: ObjectRef, context: str) -> ClusterRefused:
    """The API's refusal to `verb` (`apply`, `read` ...) an object."""
    status = status_of(answer)
    reason = str(status.get("reason") or _reason_of(answer.status))
    text = str(status.get("message", ""))
    causes: tuple[tuple[str, str], ...] = ()
    hint: str | tuple[str, ...] = ()
    if reason == "Unauthorized":
        message, hint = (
            f"the API server of `{context}` does not take these credentials",
            _LOGGED_OUT,
        )
    elif reason == "Forbidden":
        message, hint = _forbidden(text, verb, ref)
    elif reason == "Conflict":
        causes = _managers(status)
        message, hint = _conflict(causes, verb, ref)
    elif reason == "Invalid":
        causes = tuple(("", field) for field, _ in _fields(status, ref))
        message, hint = _invalid(status, ref)
    elif reason == "NotFound":
        message, hint = _not_found(status, verb, ref)
    elif reason == "AlreadyExists":
        message, hint = f"`{ref}` is there already", "another operator may have made it"
    else:
        message, hint = _other(text, reason, verb, ref)
    return ClusterRefused(message, reason=reason, status=answer.status, causes=causes, hint=hint)


def unknown_kind(ref: ObjectRef) -> ClusterRefused:
    """The API server serves no such kind."""
    return ClusterRefused(
        f"the cluster does not know the kind `{ref.kind}` of `{ref.api_version}`",
        reason="NotFound",
        status=404,
        hint="install what defines it, such as an operator with its CustomResourceDefinitions",
    )


def without_namespace(ref: ObjectRef) -> ClusterRefused:
    """An object that needs a namespace names none."""
    return ClusterRefused(
        f"`{ref}` names no namespace",
        reason="BadRequest",
        status=400,
        hint="set `namespace:` in its kustomization, or the environment's in repoint.yaml",
    )


def _reason_of(status: int) -> str:
    return {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict"}.get(
        status, "Unknown"
    )


def _no_credentials(text: str, context: str) -> ClusterRefused:
    found = _PLUGIN.search(text)
    plugin = found.group(1).rpartition("/")[2] if found else "a credential plugin"
    if found and found.group(2) == "not found":
        message = f"`{plugin}`, which logs in to context `{context}`, is not installed"
        hint = f"install `{plugin}`, or put it on PATH"
    else:
        message = f"`{plugin}`, which logs in to context `{context}`, failed"
        hint = f"run `kubectl --context {context} get namespaces`: it may ask you to log in"
    return ClusterRefused(message, reason="Unauthorized", status=401, hint=hint)


def _forbidden(text: str, verb: str, ref: ObjectRef) -> tuple[str, str | tuple[str, ...]]:
    where = f"in namespace `{ref.namespace}`" if ref.namespace else "in the whole cluster"
    found = _MAY_NOT.search(text)
    if found:
        user, may_not, resource, path = found.groups()
        if path:
            return f"`{user}` may not {may_not} `{path}`", ()
        return f"`{user}` may not {may_not} `{resource}` {where}", ()
    for pattern, said in (
        (_QUOTA, "quota `{}` is used up"),
        (_POD_SECURITY, "its pods break the pod security level `{}`"),
        (_WEBHOOK, "the admission webhook `{}` denied it"),
    ):
        rule = pattern.search(text)
        if rule:
            return (
                f"the API server refused to {verb} `{ref}`: {said.format(rule.group(1))}",
                _BY_HAND,
            )
    return f"the API server forbids to {verb} `{ref}`", ()


_BY_HAND = "`kubectl apply --server-side --dry-run=server` on it tells all that the API says"


def _managers(status: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Pairs of manager and field that a server-side apply was refused for."""
    found = []
    for cause in _causes(status):
        manager = _MANAGER.search(str(cause.get("message", "")))
        if manager:
            found.append((manager.group(1), str(cause.get("field", ""))))
    return tuple(found)


def _conflict(
    causes: tuple[tuple[str, str], ...], verb: str, ref: ObjectRef
) -> tuple[str, str | tuple[str, ...]]:
    if not causes:
        return (
            f"`{ref}` was changed by somebody else meanwhile",
            "run the same command again: it reads the object anew",
        )
    manager, field = causes[0]
    more = f", and {len(causes) - 1} more" if len(causes) > 1 else ""
    return (
        f"`{ref}`: `{manager}` owns `{field}`{more}",
        "let it make the change, or take the fields over with `--force-conflicts`",
    )


def _causes(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((status.get("details") or {}).get("causes") or ())


def _fields(status: Mapping[str, Any], ref: ObjectRef) -> list[tuple[str, str]]:
    """Pairs of field and reason; of a Secret only the field above what it holds."""
    found = []
    for cause in _causes(status):
        field = str(cause.get("field", ""))
        field = field if _FIELD.fullmatch(field) else field.partition("[")[0]
        if ref.kind == "Secret":
            field = re.split(r"[.\[](?!annotations|labels|name)", field)[0]
        field = field if _FIELD.fullmatch(field) else ""
        fixed = str(cause.get("message", "")).endswith(": field is immutable")
        found.append((field, "it is immutable" if fixed else str(cause.get("reason", ""))))
    return found


def _invalid(status: Mapping[str, Any], ref: ObjectRef) -> tuple[str, str]:
    told = [f"`{field}` ({why})" for field, why in _fields(status, ref) if field]
    rest = f", and {len(told) - 3} more" if len(told) > 3 else ""
    fields = f": {', '.join(told[:3])}{rest}" if told else ""
    return f"the API server finds `{ref}` invalid{fields}", _BY_HAND


def _not_found(
    status: Mapping[str, Any], verb: str, ref: ObjectRef
) -> tuple[str, str | tuple[str, ...]]:
    details = status.get("details") or {}
    kind, name = (str(details.get(key, "")) for key in ("kind", "name"))
    if kind == "namespaces" and ref.kind != "Namespace":
        return f"namespace `{ref.namespace}` is not there", "make it first"
    # What is applied or made need not be there: this is about something that it refers to. Its
    # kind is not told: for the role of a binding the API names the binding's own.
    if verb in ("apply", "create") and _FIELD.fullmatch(name):
        return f"`{ref}` needs `{name}`, which is not there", "make it first"
    return f"`{ref}` is not there to {verb}", "run the same command again: it reads anew"


def _other(text: str, reason: str, verb: str, ref: ObjectRef) -> tuple[str, str | tuple[str, ...]]:
    field = _UNKNOWN_FIELD.search(text) or _STRICT_FIELD.search(text)
    if field and ref.kind != "Secret":
        return f"`{ref}`: the API knows no field `{field.group(1)}`", "mend its manifest"
    webhook = _WEBHOOK.search(text)
    if webhook:
        return (
            f"the API server refused to {verb} `{ref}`: webhook `{webhook.group(1)}` failed",
            "look at the pods behind it, then run the same command again",
        )
    return f"the API server refused to {verb} `{ref}` ({reason})", _BY_HAND
