"""What a build would fetch is told from what lies in the repository."""

from __future__ import annotations

import pytest

from repoint.kube.files import is_fetched
from repoint.kube.outside import first_outside, shown


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://me:canary@h/a/b", "https://h/a/b"),
        ("https://h/a?token=canary&ref=v1.2/x", "https://h/a?ref=v1.2/x"),
        ("https://h/a?token=canary", "https://h/a"),
        ("git::https://canary@h/a#canary", "git::https://h/a"),
        ("git@github.com:a/b.git//x?version=v1", "github.com:a/b.git//x?version=v1"),
        ("me:can@ary@h/a", "h/a"),
        ("https://h/\x1b[31m`", "https://h/?[31m?"),
        ("https://h/" + "a" * 500, "https://h/" + "a" * 107 + "..."),
    ],
)
def test_an_address_is_shown_without_its_credentials(address: str, told: str) -> None:
    assert shown(address) == told


@pytest.mark.parametrize(
    "reference",
    [
        *("http://h", "HTTPS://h", "ssh://h/x", "file:///x", "git::x", "gh:a/b", "git@h:a"),
        *("org-1@github.com:a/b", "github.com/a/b", "GitHub.com:a/b", "x/_git/y"),
    ],
)
def test_what_kustomize_fetches(reference: str) -> None:
    assert is_fetched(reference)


@pytest.mark.parametrize(
    "reference", ["../base", "base/x@1", "a.yaml", "./github.com/a", "apps.prod/x", "c:d", ""]
)
def test_what_is_of_the_repository(reference: str) -> None:
    assert not is_fetched(reference)


def test_folders_are_followed_once_each_and_the_first_address_is_told() -> None:
    files = {
        "o/kustomization.yaml": b"resources: [../base, ../o]\n",
        "base/Kustomization": b"resources: [../o]\ncomponents: [c]\n",
        "base/c/kustomization.yml": b"---\n{}\n---\nresources: [https://h/x]\n",
    }
    assert first_outside("o", files.get) == ("base/c/kustomization.yml", "https://h/x")
    files["base/c/kustomization.yml"] = b"resources: [x.yaml]\n"
    assert first_outside("o", files.get) is None
    assert first_outside("", files.get) is None
