"""RP30x and RP31x: secrets in clear text, values that nothing expands, files that resist.

What repoint cannot read or edit is always reported, never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from repoint.model.plan import Finding, Severity
from repoint.model.source import Location, Unreadable
from repoint.rules.rule import Rule

UNSEALED = Rule(
    "RP301",
    Severity.ERROR,
    "a password stands in clear text where .sops.yaml wants it encrypted",
    "A creation rule of `.sops.yaml` covers the file, so everybody takes it for encrypted. Whoever "
    "reads the repository has the password, and git keeps it.",
    "encrypt the file with `sops encrypt --in-place`, and change the password: it has been seen",
    ("X13",),
)
UNEXPANDED = Rule(
    "RP302",
    Severity.ERROR,
    "nothing expands `${NAME}` here",
    "Kubernetes expands `$(NAME)` of an earlier entry in the same container's environment. It "
    "never "
    "expands `${NAME}`, and nothing at all inside a Secret or ConfigMap: the text reaches "
    "PostgreSQL "
    "as the password.",
    "put the value itself into the Secret, or compose it with `$(NAME)` from a secretKeyRef that "
    "stands before it",
    ("X2",),
)
CLEAR_TEXT = Rule(
    "RP303",
    Severity.WARNING,
    "a password stands in clear text in a tracked file",
    "Whoever can read the repository has the password, and git keeps it after a removal.",
    "move the value into a sealed or external Secret and change the password",
    ("X13",),
)
BROKEN_OVERLAY = Rule(
    "RP311",
    Severity.WARNING,
    "an overlay does not build",
    "What kustomize cannot build cannot be compared before and after. repoint reads the sources "
    "instead and says so; the proof for this overlay is weaker.",
    "mend the overlay; `kubectl kustomize` shows the reason",
    ("P1", "X14"),
)
NO_KEY = Rule(
    "RP312",
    Severity.WARNING,
    "a sealed file cannot be opened",
    "Without a key its values cannot be read: whether one of them names the source is unknown, and "
    "none can be changed.",
    "give sops the key, for example with SOPS_AGE_KEY_FILE",
    ("1.1", "X14"),
)
UNPARSED = Rule(
    "RP313",
    Severity.WARNING,
    "a file cannot be read",
    "The file is not valid in its own format, or nothing is where repoint.yaml says that an "
    "environment stands, so sites may be missed.",
    "mend the file, or list it under `exclude:` in repoint.yaml",
    ("X14",),
)
TEMPLATE = Rule(
    "RP314",
    Severity.WARNING,
    "a template is not edited",
    "What stands in a template is decided when it is filled in; an edit by bytes could break it "
    "for "
    "other values.",
    "change the value that the template takes, or edit the template by hand",
    ("X12",),
)
ELSEWHERE = Rule(
    "RP315",
    Severity.WARNING,
    "the value lives outside the repository",
    "The object here only names a place in a secret store, or is sealed for a controller in the "
    "cluster: repoint cannot see or change the value.",
    "change the value where it lives; `repoint plan` shows what to put, with the password masked",
    ("X12",),
)
RULES: tuple[Rule, ...] = (
    UNSEALED,
    UNEXPANDED,
    CLEAR_TEXT,
    BROKEN_OVERLAY,
    NO_KEY,
    UNPARSED,
    TEMPLATE,
    ELSEWHERE,
)


_FETCH = (
    "copy the base into the repository, or let kubectl fetch it with `render: {remote: true}` in "
    "repoint.yaml; until then its consumers are not seen"
)


def overlay_broken(environment: str, overlay: str, reason: str) -> Finding:
    """RP311 for an overlay; `reason` is the builder's own line, secrets masked by its caller."""
    return BROKEN_OVERLAY.finding(
        f"`{overlay}` does not build: {reason}",
        hint=_FETCH if "remote base" in reason else "",
        location=_file(overlay),
        environment=environment,
    )


def nothing_there(environment: str, key: str, place: str, excluded: str = "") -> Finding:
    """RP313 for a place under an environment's `key` of repoint.yaml where nothing is.

    An error: whatever the environment has would stay where it is, unseen. `excluded` is the
    pattern under `exclude:` that leaves the place out.
    """
    what = "no kustomization file" if key == "overlay" else "no file"
    which = f"which `{excluded}` under `exclude:` leaves out" if excluded else f"which holds {what}"
    hint = (
        "let the pattern leave out less, or take the line out"
        if excluded
        else "name the place as it is in the repository, or take the line out"
    )
    return UNPARSED.finding(
        f"repoint.yaml: `environments.{environment}.{key}` names `{place}`, {which}",
        hint=hint,
        location=_file("repoint.yaml"),
        environment=environment,
        severity=Severity.ERROR,
    )


_NO_SOPS = re.compile(r"`sops` is needed[^:]*$|`REPOINT_SOPS` names no program[^:]*$")
_GET_SOPS = (
    "install sops, or repoint with its tools: `pip install 'repoint[tools]'`; then give it the key"
)


def cannot_open(
    path: str, why: str = "", *, environment: str = "", needed: bool = False
) -> Finding:
    """RP312 for a sealed file.

    `why` is what was said when it was tried; `needed` holds when the environment at hand takes its
    source from it.
    """
    no_sops = _NO_SOPS.search(why)
    problem = "sops cannot open it: no key at hand fits, or it is damaged"
    return NO_KEY.finding(
        f"`{path}` is sealed and {f'was not tried: {no_sops[0]}' if no_sops else problem}",
        hint=_GET_SOPS if no_sops else "",
        location=_file(path),
        environment=environment,
        severity=Severity.ERROR if needed else Severity.WARNING,
    )


def unparsed(files: Iterable[Unreadable]) -> tuple[Finding, ...]:
    """RP313 for each file that could not be read."""
    return tuple(
        UNPARSED.finding(f"`{file.path}`: {file.reason}", location=_file(file.path))
        for file in files
    )


def template(location: Location, key: str, environment: str = "") -> Finding:
    """RP314 for a site inside a template."""
    return TEMPLATE.finding(
        f"`{location.path}` line {location.line}: `{key}` stands in a template",
        location=location,
        environment=environment,
    )


def elsewhere(kind: str, name: str, key: str, location: Location, environment: str = "") -> Finding:
    """RP315 for a key of an ExternalSecret, SealedSecret or their likes."""
    return ELSEWHERE.finding(
        f"{kind} `{name}`: the value of `{key}` lives outside the repository",
        location=location,
        environment=environment,
    )


def _file(path: str) -> Location:
    return Location(path, 1, 1, "")
