"""Manifests as plain objects, read as kubectl reads them."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

import pytest

from repoint.adapters.runner import find_tool
from repoint.kube.plain import (
    cluster_scoped,
    flat_objects,
    is_object,
    opened,
    plain_documents,
    still_sealed,
)

_SCALARS = (
    *("yes", "No", "on", "true", "~", "null", "", "2026-01-02", "1:30", "0644", "0o17", "0x1f"),
    *("1e3", "1.5", "-7", "1_000", ".5", '"yes"', "'1'", "y", "a", "<<", "12ab", "+1"),
)


def test_scalars_are_read_as_kubectl_reads_them() -> None:
    """Asked of kubectl itself, which prints a patched object as JSON without any cluster."""
    spec = "".join(f"  k{number}: {text}\n" for number, text in enumerate(_SCALARS))
    manifest = f"apiVersion: example.org/v1\nkind: Thing\nmetadata:\n  name: x\nspec:\n{spec}"
    argv = [find_tool("kubectl"), "label", "--local", "-f", "-", "a=b", "-o", "json"]
    done = subprocess.run(argv, input=manifest, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (found,) = plain_documents(manifest)
    assert isinstance(found, dict)
    assert json.loads(json.dumps(found["spec"])) == json.loads(done.stdout)["spec"]


def test_anchors_merges_and_several_documents() -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, z: 2}\n---\n---\n[1]\n"
    assert plain_documents(text) == ({"a": {"x": 1}, "b": {"x": 1, "z": 2}}, [1])


def test_a_damaged_text_is_told_by_line_without_content() -> None:
    with pytest.raises(ValueError, match=r"^line 2 is not valid YAML$"):
        plain_documents("a: 1\n  secret: : hunter2\n")


def test_a_list_is_its_items() -> None:
    nested = {"kind": "List", "items": [{"kind": "SecretList", "items": [{"kind": "Secret"}]}]}
    assert list(flat_objects(nested)) == [{"kind": "Secret"}]
    assert list(flat_objects({"kind": "AllowList", "spec": {}})) == [
        {"kind": "AllowList", "spec": {}}
    ]
    assert list(flat_objects("text")) == []


@pytest.mark.parametrize(
    "document",
    [
        None,
        "text",
        {},
        {"apiVersion": "v1", "kind": "Secret"},
        {"kind": "X", "metadata": {"name": "x"}},
    ],
)
def test_no_object(document: Any) -> None:
    assert not is_object(document)


@pytest.mark.parametrize(
    ("kind", "wide"),
    [
        ("Namespace", True),
        ("ClusterIssuer", True),
        ("Cluster", False),
        ("Secret", False),
        ("Gadget", True),
    ],
)
def test_what_belongs_to_no_namespace(kind: str, wide: bool) -> None:
    spec = {"group": "example.org", "names": {"kind": "Gadget"}, "scope": "Cluster"}
    definitions = ({"kind": "CustomResourceDefinition", "spec": spec},)
    document = {"apiVersion": "example.org/v1", "kind": kind}
    assert cluster_scoped(document, definitions) is wide


_SEALED = "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"


def test_sealed_texts_are_opened_and_all_else_is_kept() -> None:
    rendered = {"metadata": {"name": "staging-s"}, "data": {"a": _SEALED, "b": "patched"}}
    clear = {"metadata": {"name": "s"}, "data": {"a": "1", "b": "old"}}
    found = opened(rendered, clear)
    assert found == {"metadata": {"name": "staging-s"}, "data": {"a": "1", "b": "patched"}}
    assert list(still_sealed(found)) == []
    assert list(still_sealed(opened(rendered, {"data": {}}))) == ["data.a"]


def test_ciphertext_inside_base64_is_seen() -> None:
    encoded = base64.b64encode(f"URL={_SEALED}\n".encode()).decode()
    assert list(still_sealed({"data": {".env": encoded, "plain": "aGVsbG8="}})) == ["data..env"]
