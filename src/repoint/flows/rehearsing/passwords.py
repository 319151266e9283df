"""Throwaway passwords: made for the run, of the same shape as the repository's, never those."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from repoint.dsn.parse import find
from repoint.dsn.shape import PasswordShape, password_shape
from repoint.flows.rehearsing.planned import PlannedState
from repoint.flows.site_text import site_text
from repoint.model.consumer import Site
from repoint.model.sensitive import Sensitive

_AWKWARD = "@:/?#%&= +'\"\\"


class Passwords:
    """One password for each role."""

    def __init__(self) -> None:
        self._made: dict[str, Sensitive] = {}
        self._awkward: set[str] = set()

    def note(self, role: str, shape: PasswordShape) -> None:
        """Remember that the role's password in the repository needs percent-encoding."""
        if shape.awkward:
            self._awkward.add(role)

    def of(self, role: str) -> Sensitive:
        """The role's password; before `settle` one that will not be kept."""
        return self._made.get(role, Sensitive(""))

    def literally(self, text: str) -> Sensitive:
        """A text that is sent as it stands, because nothing makes a password of it (X2)."""
        return Sensitive(text)

    def settle(self, roles: Iterable[str]) -> None:
        """Make every role's password."""
        for role in roles:
            text = secrets.token_urlsafe(18)
            ends = _AWKWARD if role in self._awkward else ""
            self._made[role] = Sensitive(text[:9] + ends + text[9:])

    @property
    def by_role(self) -> Mapping[str, Sensitive]:
        """All of them."""
        return self._made


def shape_of(state: PlannedState, site: Site) -> PasswordShape:
    """The shape of the password in a site's connection string."""
    text = site_text(state.after, state.store, site)
    found = [dsn for dsn in find(text) if dsn.start <= site.start < dsn.end] if text else []
    return password_shape(text, found[0]) if found else PasswordShape()
