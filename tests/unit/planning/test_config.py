"""repoint.yaml: strict, and every error names line, key and remedy, never a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.errors import ConfigError
from repoint.planning import knowledge
from repoint.planning.config import as_tuple, load_config, schema

GOOD = """\
source: {hosts: [postgres.shop.svc]}
target: {cluster: shop, pooler: shop-pooler-rw}
environments:
  local: {namespace: shop, overlay: ./deploy/overlays/local/}
  production: {overlay: [a, b], secrets: s, manifests: ., values: values-prod.yaml}
consumers:
  worker: {route: direct}
accept:
  - {code: RP261, reason: known since March}
exclude: [docs/**]
"""


def test_a_whole_file_is_read() -> None:
    config = load_config(GOOD)

    assert list(config.environments) == ["local", "production"]
    assert as_tuple(config.environments["local"].overlay) == ("deploy/overlays/local",)
    assert config.target.sslmode == "require"


BAD = [
    ("source: [\n", "is not valid YAML", ""),
    ("- a\n", "line 1 must be a mapping", ""),
    ("source: {hosts: [a]}\n", "`target` is missing", "repoint init"),
    (GOOD.replace("pooler:", "poler:"), "line 2: unknown key `target.poler`", "`pooler`"),
    (GOOD.replace("route: direct", "rute: direct"), "line 7: unknown key", "`route`"),
    (
        GOOD.replace("route: direct", "route: canary"),
        "line 7: `consumers.worker.route` must be one of `direct`, `pooled`, `unchanged`",
        "",
    ),
    (GOOD.replace("route: direct", "purpose: runtme"), "must be one of `admin`, ", "`runtime`?"),
    (GOOD.replace(", secrets", ", mode: gitop, secrets"), "production.mode` must be", "`gitops`?"),
    (GOOD + "gates: {rollout: [soakd]}\n", "`gates.rollout[0]` must be one of", "`soaked`?"),
    (GOOD + "target: {cluster: x, pooler: y}\n", "line 11: `target` stands twice", "keep one"),
    (GOOD.replace("shop, pooler", "shop, cluster: b, pooler"), "`cluster` stands twice", ""),
    (GOOD.replace("known since March", "x"), "`accept[0].reason`: must be at least 3 char", ""),
    (GOOD.replace("route: direct", "pool_size: 0"), "`consumers.worker.pool_size`: must be a", ""),
    (GOOD.replace("[postgres.shop.svc]", "[]"), "`source.hosts`: must not be empty", ""),
    (GOOD.replace("RP261", "rp1"), "line 9", "write it as `RP261`"),
    *(
        (
            GOOD.replace("postgres.shop.svc", text),
            "line 1: `source.hosts[0]`: its spell",
            "host alone",
        )
        for text in ("'canary:5432'", "'postgres://u:canary@db/shop'", "'canary@db'", "'a canary'")
    ),
    (GOOD.replace("overlay: [", "rollouts: ["), "unknown key", "`repoint schema` describes"),
    (GOOD + "verify: {timeout: 5x}\n", "line 11: `verify.timeout`: its spelling", "`90s`"),
    (GOOD + "verify: {timeout: 5}\n", "must be text, and is a whole number", "`90s`"),
    (GOOD.replace("overlay: [", "chroma: ["), "unknown key", "`repoint schema` describes"),
    (GOOD.replace(": shop, p", ": [canary], p"), "line 2: `target.cluster`: must be text", ""),
    (GOOD.replace(": shop, p", ": [canary], p"), "must be text, and is a list", ""),
    (GOOD.replace("  local:", "  lo cal:"), "is no name of an environment", ""),
    (GOOD.replace("{namespace: shop,", "{namespace: 5,"), "line 4: `environments", ""),
    (
        GOOD.replace("overlay: [", "overly: ["),
        "line 5: unknown key `environments.production.ov",
        "",
    ),
    (GOOD.replace("[a, b]", "[a, 5]"), "line 5: `environments.production.overlay[1]`: must be", ""),
    (GOOD.replace("{route: direct}", ""), "line 7: `consumers.worker`: must be a mapping", ""),
    (GOOD.replace("RP261, r", "RP261}\n  - {r"), "line 9: `accept[0].reason` is missing", ""),
    (GOOD.replace("  worker:", "  7:"), "line 6: `consumers`: its keys must be text", ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), BAD, ids=[m for _, m, _ in BAD])
def test_errors_name_the_place_and_the_remedy(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(text)

    assert message in caught.value.message
    assert hint in " ".join(caught.value.hints)
    assert "canary" not in str(caught.value) + " ".join(caught.value.hints)
    assert all(caught.value.hints)


@given(st.text(max_size=300))
def test_no_text_crashes_the_reader(text: str) -> None:
    try:
        load_config(text)
    except ConfigError as error:
        assert error.hints


def test_the_schema_knows_every_section_and_refuses_unknown_keys() -> None:
    text = repr(schema())

    assert all(key in text for key in ("source", "target", "environments", "consumers", "accept"))
    assert "'additionalProperties': False" in text


def test_the_schema_says_what_every_key_means() -> None:
    for document in (schema(), knowledge.schema()):
        sections = document["$defs"]
        assert isinstance(sections, dict)
        bare = [
            f"{name}.{key}"
            for name, section in sections.items()
            for key, value in section["properties"].items()
            if not value.get("description")
        ]
        assert bare == []
    assert "description': 'How long a soak has to last" in repr(schema())


@pytest.mark.parametrize(
    "host", ["db", "10.0.0.7", "fd00::7", "[fd00::7]", "{release}-pg.shop.svc"]
)
def test_a_host_alone_is_a_host(host: str) -> None:
    config = load_config(GOOD.replace("[postgres.shop.svc]", f"['{host}']"))

    assert config.source.hosts == [host]
