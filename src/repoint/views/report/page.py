"""Fills the template: one document, every value masked and escaped, no address outside of it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from repoint.dsn.mask import mask
from repoint.views.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from repoint.flows.dossier import Dossier
    from repoint.ports.repository import Tree


def render(dossier: Dossier, tree: Tree) -> str:
    """The report: HTML5 whose bytes depend on `dossier` and the files that its plan changes alone.

    It takes the packages of repoint's extra `report`.
    """
    from markupsafe import Markup

    from repoint.views.report.content import content_of

    environment = _environment()
    # Both files are repoint's own; whatever comes from a repository is masked and escaped.
    style, script = (Markup(_own(name)) for name in ("report.css", "report.js"))
    return environment.get_template("report.html").render(
        report=content_of(dossier, tree),
        style=style,
        script=script,
        policy=_policy(style, script),
    )


def shown(value: object) -> object:
    """A value as a template may show it: text masked, and with nothing that acts."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return visible(mask(value))


def prose(text: str) -> Markup:
    """Text whose backticks mark code, masked and escaped."""
    return _marked(visible(mask(text)))


def _marked(text: str) -> Markup:
    from markupsafe import Markup, escape

    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a lone one marks nothing
        return escape("`".join(pieces))
    parts = (
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )
    return Markup("").join(parts)


def own(text: str) -> Markup:
    """The same for a text of repoint's own, which says what it says about passwords."""
    return _marked(text)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from repoint.views.report.records import TONES
    from repoint.views.verification import lasting

    environment = Environment(
        loader=PackageLoader("repoint.views.report"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = prose
    environment.filters["own"] = own
    environment.filters["tone"] = lambda word: TONES.get(str(word), "plain")
    environment.filters["lasting"] = lasting
    # A chart is made by pygal's XML writer, of labels that were masked before.
    environment.filters["chart"] = Markup
    return environment


def _own(name: str) -> str:
    place = resources.files("repoint.views.report") / "templates" / name
    return place.read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy that lets this style and this script work, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
