"""The machine's own apt sources, in both formats."""

from __future__ import annotations

import pytest

from repoint.adapters.servers.apt_sources import AptSource, for_suites, own_archive, read_sources
from repoint.adapters.servers.pins import archive_of

DEBIAN = archive_of("debian")
UBUNTU = archive_of("ubuntu")
assert DEBIAN is not None and UBUNTU is not None

DEB822 = """\
# a comment: with a colon
Types: deb deb-src
URIs: http://mirror.example/debian http://second.example/debian/
Suites: bookworm
# Components: hidden
  bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """\
# deb http://off.example/ubuntu noble main
deb [arch=amd64,arm64 signed-by=/etc/apt/keyrings/Some.gpg] https://vendor.example/apt stable main
deb http://archive.example/ubuntu noble main restricted # kept
deb http://archive.example/ubuntu/ noble universe
deb http://archive.example/ubuntu noble-updates main
deb-src http://archive.example/ubuntu noble main
deb http://security.example/ubuntu noble-security main universe
deb http://nothing.example/ubuntu
"""


def test_deb822_is_read_as_apt_reads_it() -> None:
    first, second, security = read_sources({"debian.sources": DEB822})
    assert first == AptSource(
        "http://mirror.example/debian",
        ("bookworm", "bookworm-updates"),
        ("main", "contrib"),
        (("Signed-By", "/usr/share/keyrings/debian-archive-keyring.gpg"),),
    )
    assert second.uri == "http://second.example/debian/"
    assert security.suites == ("bookworm-security",)


def test_one_line_sources_are_read_as_apt_reads_them() -> None:
    found = read_sources({"sources.list": ONE_LINE})
    assert [(one.uri, one.suites, one.components) for one in found][:3] == [
        ("https://vendor.example/apt", ("stable",), ("main",)),
        ("http://archive.example/ubuntu", ("noble",), ("main", "restricted")),
        ("http://archive.example/ubuntu/", ("noble",), ("universe",)),
    ]
    assert found[0].fields == (
        ("Signed-By", "/etc/apt/keyrings/Some.gpg"),
        ("Architectures", "amd64 arm64"),
    )
    assert "http://off.example/ubuntu" not in [one.uri for one in found]


def test_a_key_that_stands_in_the_source_is_carried_over_whole() -> None:
    key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END"
    text = f"Types: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\n{key}\n"
    (source,) = read_sources({"a.sources": text})
    assert key in for_suites(source, DEBIAN, ["sid"])


@pytest.mark.parametrize(
    ("name", "text", "uris"),
    [
        ("a.sources", DEB822, ["http://mirror.example/debian", "http://second.example/debian/"]),
        ("sources.list", ONE_LINE, ["http://archive.example/ubuntu", "https://vendor.example/apt"]),
    ],
)
def test_the_likeliest_archive_comes_first_and_pockets_are_left_out(
    name: str, text: str, uris: list[str]
) -> None:
    archive = DEBIAN if name == "a.sources" else UBUNTU
    assert [one.uri for one in own_archive(read_sources({name: text}), archive)] == uris


def test_a_mirror_with_a_name_of_its_own_is_tried_too() -> None:
    text = "deb https://artifacts.example/repository/apt-proxy bookworm main\n"
    (found,) = own_archive(read_sources({"a.list": text}), DEBIAN)
    assert found.uri == "https://artifacts.example/repository/apt-proxy"


def test_each_suite_gets_a_stanza_so_that_a_missing_one_spoils_no_other() -> None:
    (source,) = read_sources(
        {"a.list": "deb [signed-by=/k.gpg] http://m.example/ubuntu noble main restricted"}
    )
    text = for_suites(source, UBUNTU, ["questing", "resolute"])
    assert text.split("\n\n")[1] == (
        "Types: deb\nURIs: http://m.example/ubuntu\nSuites: resolute\n"
        "Components: main universe\nTargets: Packages\nSigned-By: /k.gpg\n"
    )
    assert [one.suites for one in read_sources({"a.sources": text})] == [
        ("questing",),
        ("resolute",),
    ]
