"""Values of every kind of character reach the API server as they are."""

from __future__ import annotations

import pytest

from repoint.errors import ClusterRefused
from repoint.ports.cluster import ClusterApi
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubeapi.conftest import kubeconfig, reached  # noqa: F401
from tests.cluster.kubeapi.samples import config_map, ref

pytestmark = pytest.mark.cluster
ODD = {
    "wide": "🙂 表 é \U0010ffff",
    "c0": "".join(map(chr, range(0x20))),
    "c1": "".join(map(chr, range(0x7F, 0xA0))),
    "separators": "a\u2028b\u2029c\ufeffd\ufffee\uffff",
    "yaml": "- [a, {b: 'c'}] # d\n--- |\n%TAG !\n\\ud83d \\u0041 \" ' \\",
    "quotes": "\"'`$(id) ${X} %n",
}


def test_each_is_applied_made_and_merged_alike(
    api: ControlPlane,
    reached: ClusterApi,  # noqa: F811
) -> None:
    namespace = api.namespace()
    reached.apply(config_map(namespace, "applied", **ODD))
    reached.create(config_map(namespace, "created", **ODD))
    reached.create(config_map(namespace, "merged"))
    reached.merge(ref(namespace, "merged"), {"data": ODD})
    for name in ("applied", "created", "merged"):
        found = reached.get(ref(namespace, name))
        assert found is not None and found["data"] == ODD


def test_half_a_character_is_refused_and_no_bug(
    api: ControlPlane,
    reached: ClusterApi,  # noqa: F811
) -> None:
    with pytest.raises(ClusterRefused):
        reached.apply(config_map(api.namespace(), "half", a="\ud800"))
