"""The own reader builds what `kubectl kustomize` builds, or says that it does not know."""

from __future__ import annotations

import functools
import shutil
import sys
from pathlib import Path

import pytest

from bench.built import built, differences, rendered
from bench.consumers import index_of
from repoint.adapters.kubectl import Build, Kustomize
from repoint.kube.kustomize import Kustomizer

HERE = Path(__file__).parent
FEATURES = sorted(path.parent.name for path in HERE.glob("*/over"))
KUBECTL = shutil.which("kubectl") or shutil.which("kubectl", path=str(Path(sys.executable).parent))

# What goes to kubectl, because the own reader does not know what kustomize makes of it.
UNKNOWN = {
    "build-metadata",
    "configurations",
    "configurations-prefix",
    "crds",
    "generator-binary",
    "generator-env-of-the-process",
    "generators-as-files",
    "images-tag-suffix",
    "json6902-no-value",
    "labels-with-fields",
    "openapi",
    "patch-env-duplicates",
    "patch-finalizers",
    "patch-options-rename",
    "patch-ports-with-protocols",
    "patch-replace-object",
    "replacements-delimiter",
    "replacements-delimiter-outside",
    "replacements-source-value",
    "secret-patched",
    "secret-replaced-from",
    "transformers-as-files",
    "transformers-label",
    "transformers-namespace",
    "transformers-patch",
    "vars",
}
# kubectl refuses these; the own reader goes on with the first of the duplicate keys.
READ_ANYWAY = {"yaml-duplicate-keys"}
REMOTE = {"remote-base"}


class Features:
    """The folders beside this file, without the answers; implements `ports.Tree`."""

    def paths(self) -> tuple[str, ...]:
        found = (path for path in HERE.rglob("*") if path.is_file() and path.parent != HERE)
        names = ("build.yaml", "refused.txt")
        return tuple(sorted(str(p.relative_to(HERE)) for p in found if p.name not in names))

    def read(self, path: str) -> bytes:
        return (HERE / path).read_bytes()

    def glance(self, path: str) -> bytes:
        return self.read(path)

    def keep(self, path: str, raw: bytes) -> None:
        """Every file is read from disk each time."""

    def exists(self, path: str) -> bool:
        return (HERE / path).is_file()


@functools.cache
def kustomizer() -> Kustomizer:
    """One for all features, as a scan has one for all overlays."""
    return Kustomizer(index_of(Features()))


def answer(feature: str) -> str | None:
    """What kubectl built, or None where it refused."""
    known = HERE / feature / "build.yaml"
    if known.exists():
        return known.read_text(encoding="utf-8")
    assert (HERE / feature / "refused.txt").exists()
    return None


@pytest.mark.parametrize("feature", FEATURES)
def test_it_is_built_as_kubectl_builds_it_or_known_to_be_unknown(feature: str) -> None:
    build = kustomizer().build(f"{feature}/over")
    doubts = build.problems + build.unsupported
    expected = answer(feature)

    if expected is None:
        assert doubts or feature in READ_ANYWAY
    elif feature in UNKNOWN:
        assert doubts
    else:
        assert differences(built(build), rendered(expected)) == ()
        assert doubts == ()


def test_a_build_changes_nothing_that_another_one_sees() -> None:
    together = {feature: built(kustomizer().build(f"{feature}/over")) for feature in FEATURES}
    for feature in FEATURES:
        alone = Kustomizer(kustomizer().index).build(f"{feature}/over")
        assert differences(built(alone), together[feature]) == ()


@pytest.fixture(scope="module")
def renders() -> dict[str, Build]:
    """All features as kubectl builds them now."""
    overlays = [f"{one}/over" for one in FEATURES if one not in REMOTE]
    return dict(Kustomize(Features()).render(overlays, {}))


@pytest.mark.slow
@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
@pytest.mark.parametrize("feature", sorted(set(FEATURES) - REMOTE))
def test_the_answers_are_kubectls(
    feature: str, renders: dict[str, Build], request: pytest.FixtureRequest
) -> None:
    found = renders[f"{feature}/over"]
    if request.config.getoption("--update-golden"):
        _write(feature, found)

    expected = answer(feature)

    if expected is None:
        assert found.text is None
    else:
        assert rendered(found.text or "") == rendered(expected)


def _write(feature: str, found: Build) -> None:
    name = "refused.txt" if found.text is None else "build.yaml"
    for other in ("refused.txt", "build.yaml"):
        (HERE / feature / other).unlink(missing_ok=True)
    text = found.error + "\n" if found.text is None else found.text
    (HERE / feature / name).write_text(text, encoding="utf-8")
