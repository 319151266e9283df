"""Generated connection strings with passwords that hurt."""

from __future__ import annotations

from hypothesis import strategies as st

NAUGHTY = "@/#%:?{}$&!*()[]~^+=|\\é漢"
WORDS = st.text(alphabet="abcdefghij0123456789", min_size=1, max_size=8)
LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
HOSTS = st.one_of(
    LABEL,
    st.builds("{}.{}.svc.cluster.local".format, LABEL, LABEL),
    st.sampled_from(["[::1]", "10.0.0.7", "${PGHOST}", "$(DB_HOST)", "{{ .Values.db.host }}"]),
)
PORTS = st.one_of(st.none(), st.integers(1, 65535).map(str))

# `=` is left out: `p?x=1@` cannot be told from a query by anybody.
_PIECES = st.sampled_from(sorted(set(NAUGHTY) - set("=&$")))


@st.composite
def passwords(draw: st.DrawFn, *, alphabet: st.SearchStrategy[str] = _PIECES) -> str:
    """A password that starts and ends with a canary, with hostile characters between."""
    middle = "".join(draw(st.lists(st.one_of(alphabet, WORDS), max_size=6)))
    return f"canary-{draw(WORDS)}{middle}canary-{draw(WORDS)}"


PARAMS = st.lists(
    st.sampled_from(
        [
            ("sslmode", "require"),
            ("search_path", "naytife_schema"),
            ("options", "-c%20search_path=hydra"),
            ("connect_timeout", "5"),
        ]
    ),
    unique=True,
    max_size=3,
)


@st.composite
def urls(draw: st.DrawFn) -> tuple[str, str, str, str | None]:
    """A URL with its password, host and port."""
    password, host, port = draw(passwords()), draw(HOSTS), draw(PORTS)
    scheme = draw(st.sampled_from(["postgres", "postgresql", "postgresql+asyncpg", "pgx5"]))
    query = "&".join(f"{k}={v}" for k, v in draw(PARAMS))
    at = f"{host}:{port}" if port else host
    text = f"{scheme}://{draw(LABEL)}:{password}@{at}/{draw(LABEL)}"
    return (f"{text}?{query}" if query else text), password, host, port
