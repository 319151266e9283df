"""Which component's evidence counts for which consumer."""

from __future__ import annotations

import pytest

from repoint.rules.attribution import Attribution, Name
from repoint.rules.build_contexts import contexts_in, is_build_file
from repoint.rules.facts import Hazard, HazardKind
from tests.unit.rules.build import hazard


def at(path: str, app_dir: str = "") -> Hazard:
    """Evidence in a file of a component."""
    return hazard(HazardKind.LISTEN, path=path, app_dir=app_dir)


def in_dir(app_dir: str) -> Hazard:
    """Evidence of one component."""
    return at(f"{app_dir}/db.py".lstrip("/"), app_dir)


WEB, API, HYDRA = Name("web"), Name("api"), Name("hydra")


@pytest.mark.parametrize(
    ("consumer", "dirs", "names", "expected"),
    [
        pytest.param(WEB, ["web"], (), ["web"], id="the same name"),
        pytest.param(
            Name("shop-web"), ["services/web", "services/api"], (), ["services/web"], id="part"
        ),
        pytest.param(
            Name("web-worker"), ["web", "api"], (), ["web"], id="a worker of the component"
        ),
        pytest.param(HYDRA, ["web"], (), ["web"], id="one component belongs to all"),
        pytest.param(HYDRA, ["web"], (WEB, HYDRA), [], id="unless it has a name of its own"),
        pytest.param(WEB, [""], (), [""], id="the root"),
        pytest.param(
            Name("frontdoor", "ghcr.io/shop/api:1"), ["web", "api"], (), ["api"], id="by image"
        ),
        pytest.param(
            Name("auth", "oryd/hydra:v2"), [""], (), [], id="MG12 somebody else's image has none"
        ),
    ],
)
def test_links(
    consumer: Name, dirs: list[str], names: tuple[Name, ...], expected: list[str]
) -> None:
    found = Attribution([in_dir(d) for d in dirs], names).hazards_of(consumer)
    assert [h.app_dir for h in found] == expected
    assert all(h.linked for h in found)


@pytest.mark.parametrize(
    ("consumer", "dirs", "names", "expected"),
    [
        pytest.param(HYDRA, ["web", "api"], (), ["web", "api"], id="two components and neither"),
        pytest.param(HYDRA, ["web", "api"], (WEB, API, HYDRA), [], id="both are somebody's"),
        pytest.param(HYDRA, ["web", "api"], (WEB, HYDRA), ["api"], id="one is nobody's"),
        pytest.param(
            Name("services"), ["services/a", "services/b"], (), ["services/a", "services/b"],
            id="a generic word",
        ),
        pytest.param(WEB, ["web", "packages/db"], (WEB,), ["packages/db"], id="a shared library"),
        pytest.param(WEB, ["web", "api"], (WEB,), [], id="an application that is not deployed"),
        pytest.param(WEB, ["web", ""], (WEB,), [""], id="the root beside a component"),
    ],
)  # fmt: skip
def test_what_nothing_links_is_told_as_such(
    consumer: Name, dirs: list[str], names: tuple[Name, ...], expected: list[str]
) -> None:
    found = Attribution([in_dir(d) for d in dirs], names).hazards_of(consumer)
    assert [h.app_dir for h in found if not h.linked] == expected


def test_a_folder_of_one_program_is_not_the_other_s() -> None:
    both = (Name("api", "r/shop:1"), Name("worker", "r/shop:1"))
    found = [at("cmd/worker/main.go"), at("internal/db.go"), at("cmd/tool/main.go")]
    assert [h.path for h in Attribution(found, both).hazards_of(both[0])] == [
        "internal/db.go",
        "cmd/tool/main.go",
    ]
    assert Attribution(found, both).hazards_of(both[1]) == tuple(found)


def test_a_build_context_links_whatever_the_names_say() -> None:
    built = contexts_in(
        "Makefile", "docker build -t gate services/entry\ndocker build -t web services/api\n"
    )
    found = [*built, *map(in_dir, ("services/entry", "services/api", "services/web"))]
    gate = Attribution(found).hazards_of(Name("edge", "r/gate:2"))
    assert [h.app_dir for h in gate if h.linked] == ["services/entry"]
    web = Attribution(found).hazards_of(Name("web", "r/web:2"))
    assert [h.app_dir for h in web if h.linked] == ["services/api"]


def test_a_build_context_holds_the_components_below_and_around_it() -> None:
    built = contexts_in(
        "Makefile", "docker build -t gate services\ndocker build -t front apps/web/deploy\n"
    )
    found = [*built, *map(in_dir, ("services/entry", "apps/web", ""))]

    gate = Attribution(found).hazards_of(Name("edge", "r/gate:2"))
    assert [h.app_dir for h in gate if h.linked] == ["services/entry"]
    front = Attribution(found).hazards_of(Name("any", "r/front:2"))
    assert [h.app_dir for h in front if h.linked] == ["apps/web"]


def test_of_two_builds_of_one_image_the_component_s_own_counts() -> None:
    built = contexts_in("Makefile", "docker build -t web .\ndocker build -t web apps/web\n")
    found = [*built, *map(in_dir, ("apps/web", ""))]

    web = Attribution(found).hazards_of(Name("any", "r/web:2"))
    assert [h.app_dir for h in web if h.linked] == ["apps/web"]


COMPOSE = """services:
  db:
    image: postgres:16
  web:
    image: shop/web:dev
    build:
      context: ./apps/web
      dockerfile: Dockerfile
  worker:
    build: ../worker
volumes:
  data:
"""
SKAFFOLD = """build:
  artifacts:
    - image: ghcr.io/shop/api
      context: services/api
    - image: ghcr.io/shop/web
      docker:
        dockerfile: Dockerfile
      context: services/web
"""
WORKFLOW = """jobs:
  a:
    steps:
      - uses: docker/build-push-action@v6
        with:
          context: ./services/api
          tags: ghcr.io/shop/api:${{ github.sha }}
      - uses: docker/build-push-action@v6
        with:
          context: .
          tags: ghcr.io/${{ matrix.image }}
"""


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        pytest.param(
            "dev/docker-compose.yml", COMPOSE, [("web", "dev/apps/web"), ("worker", "worker")],
            id="compose",
        ),
        pytest.param(
            "skaffold.yaml", SKAFFOLD, [("api", "services/api"), ("web", "services/web")],
            id="skaffold",
        ),
        pytest.param(
            ".github/workflows/ci.yml", WORKFLOW, [("api", "services/api")], id="a workflow"
        ),
        pytest.param(
            "Makefile", "image:\n\tdocker build -t $(REG)/x:1 \\\n\t  apps/x\n", [("x", "apps/x")],
            id="make",
        ),
        pytest.param(
            "ci/build.sh", "docker buildx build -f apps/y/Dockerfile --tag=r/y:1 .",
            [("y", "apps/y")], id="a Dockerfile's folder",
        ),
        pytest.param("Tiltfile", "docker_build('r/z', './z')", [("z", "z")], id="tilt"),
        pytest.param(
            "Dockerfile.worker", "FROM golang\nCOPY ./apps/worker/ /src\nCOPY --from=a b/c d\n",
            [("worker", "apps/worker")], id="a Dockerfile of that name",
        ),
        pytest.param("Makefile", "up:\n\tdocker run -t x/y build\n", [], id="no build"),
        pytest.param("a.sh", "docker build -t $IMAGE $DIR", [], id="only variables"),
        pytest.param("a.sh", "docker build -t x https://h/r.git", [], id="a repository elsewhere"),
    ],
)  # fmt: skip
def test_build_files(path: str, text: str, expected: list[tuple[str, str]]) -> None:
    assert is_build_file(path)
    assert [(h.subject, h.app_dir) for h in contexts_in(path, text)] == expected
