"""What earlier runs found in files: used for the same bytes alone, and never believed otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from repoint.adapters.filetree import FileTree
from repoint.adapters.kept_results import UserResults
from repoint.adapters.kubectl import Kustomize
from repoint.errors import SealedFile
from repoint.flows import locating
from repoint.flows.known_files import KnownFiles
from repoint.flows.scanning import scan
from repoint.flows.workspace import Workspace
from repoint.model.consumer import Part, Purpose, Site, Style
from repoint.model.knowledge import Knowledge, ServerOptions, Tool, knowing
from repoint.model.source import Location
from repoint.planning.config import load_config
from repoint.planning.inventory import Inventory
from repoint.ports.work import UNWATCHED
from repoint.views import machine

CONFIG = """source: {hosts: [pg.old.svc]}
target: {cluster: new, pooler: new-pooler}
environments: {local: {overlay: deploy/local}, live: {overlay: deploy/live}}
"""
APP = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: web:1
          env:
            - {name: PGHOST, value: pg.old.svc}
            - {name: DATABASE_URL, valueFrom: {secretKeyRef: {name: web, key: URL}}}
"""
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: web}
stringData:
  URL: "postgres://web:canary-1@pg.old.svc:5432/web"
"""
SEALED = """apiVersion: v1
kind: Secret
metadata: {name: web}
stringData:
  URL: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]
sops: {mac: x, lastmodified: x}
"""
OPENED = SECRET.replace("canary-1", "canary-inside").replace("pg.old.svc", "canary-host.svc")
OVERLAY = "resources: [../base]\nnamespace: shop\n"
FILES = {
    "deploy/base/kustomization.yaml": "resources: [web.yaml, secret.yaml]\n",
    "deploy/base/web.yaml": APP,
    "deploy/base/secret.yaml": SECRET,
    "deploy/local/kustomization.yaml": OVERLAY,
    "deploy/live/kustomization.yaml": OVERLAY,
    "tools/migrate.sh": "#!/bin/sh\npsql -h pg.old.svc -U web\n",
    ".env": "PGHOST=pg.old.svc\n",
    "notes.json": '{"words": "of a database and its host"}\n',
    "src/app.properties": "color=blue\n",
}
TOPS = sorted({path.partition("/")[0] for path in FILES})
TEXTS = (
    *dict.fromkeys((*FILES.values(), SEALED)),
    APP.replace("web:1", "web:2"),
    APP.replace("pg.old.svc", "pg.other.svc"),
    SECRET.replace("5432", "6432"),
    SECRET.replace("name: web", "name: other"),
    "resources: [web.yaml]\nnamePrefix: x-\n",
    "DATABASE_URL=postgres://pg.old.svc/web\n",
    "kind: [\n",
    '{"url": "postgres://\\ud800.svc/web"}\n',
    "",
)


class Keys:
    """Opens sealed files, or none of them."""

    def __init__(self, opens: bool) -> None:
        self.opens = opens

    def decrypt(self, path: str) -> bytes:
        """What the file holds."""
        if not self.opens:
            raise SealedFile(f"`{path}` is sealed")
        return OPENED.encode()

    def prefetch(self, paths: object) -> None:
        """There is nothing to get ready."""


@dataclass(frozen=True)
class Shop:
    """A repository, and a folder for what its scans keep."""

    root: Path
    kept: Path

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def scan(self, *, keep: bool = True, opens: bool = True, program: str = "p") -> Inventory:
        tree = FileTree(self.root)
        return scan(
            Workspace(
                *(str(self.root), tree, load_config(CONFIG), CONFIG, Keys(opens), Kustomize(tree)),
                progress=UNWATCHED,
                kept=UserResults(self.kept, program) if keep else None,
            )
        )

    def bundles(self) -> list[Path]:
        """What is kept for the place, and for a clone elsewhere."""
        found = [one for one in (self.kept / "results").iterdir() if one.name != "key"]
        assert len(found) == 2
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "shop", tmp_path / "kept")
    made.kept.mkdir(mode=0o700)
    for path, text in FILES.items():
        made.write(path, text)
    return made


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that sites were looked for in."""
    paths: list[str] = []
    real = locating.searched

    def searched(parsed: locating.ParsedFile) -> tuple[locating.Site, ...]:
        paths.append(parsed.path)
        return real(parsed)

    monkeypatch.setattr(locating, "searched", searched)
    return paths


def test_only_changed_files_are_looked_at(shop: Shop, looked: list[str]) -> None:
    first = shop.scan()
    assert len(first.sites) == 4 and "tools/migrate.sh" in looked
    looked.clear()
    assert shop.scan() == first and not looked
    shop.write(".env", "PGHOST=pg.new.svc\n")
    assert shop.scan() == shop.scan(keep=False) != first
    assert looked[0] == ".env" and looked.count(".env") == 2


def test_what_is_kept_is_used(shop: Shop) -> None:
    """The comparisons above would hold for a memory that forgets everything."""
    shop.scan()
    memory = KnownFiles(UserResults(shop.kept, "p"), str(shop.root), FILES)
    mark = memory.mark(".env", FILES[".env"].encode())
    told = memory.told(mark)
    assert told is not None and told[1][0].host.text == "pg.old.svc"
    assert memory.matters(memory.mark("src/app.properties", b"color=blue\n")) is False
    assert memory.matters(memory.mark("src/other.properties", b"color=blue\n")) is None
    memory.add(mark, ("line 1: invented", ()))
    memory.keep()
    assert shop.scan().unreadable[0].reason == "line 1: invented"


def test_it_is_bound_to_the_repository_and_the_program(shop: Shop, looked: list[str]) -> None:
    shop.scan()
    looked.clear()
    shop.scan(program="q")
    assert looked
    looked.clear()
    moved = Shop(shop.root.rename(shop.root.parent / "moved"), shop.kept)
    moved.scan(program="q")
    assert not looked
    other = Shop(shop.root.parent / "other", shop.kept)
    other.write("deploy/base/web.yaml", APP)
    other.scan(program="q")
    assert looked


def test_repositories_of_one_shape_do_not_take_turns(shop: Shop, looked: list[str]) -> None:
    like = Shop(shop.root.parent / "like", shop.kept)
    for path, text in FILES.items():
        like.write(path, text.replace("pg.old", "pg.mine"))
    first, second = shop.scan(), like.scan()
    looked.clear()
    assert shop.scan() == first and like.scan() == second
    assert not looked


def test_a_program_that_was_added_is_looked_for_in_every_file(shop: Shop) -> None:
    shop.write("tools/hold.sh", "#!/bin/sh\nlinger --to shelf.svc\n")
    first = shop.scan()
    options = ServerOptions(host=("to",))
    linger = Tool("Linger", Purpose.ADMIN, commands=("linger",), server=options, origin="a test")
    with knowing(Knowledge(tools=(linger,))):
        found = shop.scan()
        assert found == shop.scan() == shop.scan(keep=False)
    assert {one.site.host.text for one in found.sites} >= {"shelf.svc"}
    assert shop.scan() == first != found


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-1],
        lambda raw: b"",
        lambda raw: raw[:99] + bytes([raw[99] ^ 1]) + raw[100:],
        lambda raw: raw.replace(b"pg.old.svc", b"pg.bad.svc"),
    ],
    ids=["cut short", "empty", "one bit", "another host"],
)
def test_damage_costs_time_only(shop: Shop, damage: Callable[[bytes], bytes]) -> None:
    first = shop.scan()
    for bundle in shop.bundles():
        raw = bundle.read_bytes()
        assert damage(raw) != raw
        bundle.write_bytes(damage(raw))
    assert shop.scan() == first
    assert shop.scan() == first


@pytest.mark.parametrize("answer", [b"\xc1", msgpack.encode(["x"]), msgpack.encode(({"a": 1}, 2))])
def test_what_another_shape_wrote_is_none(shop: Shop, answer: bytes) -> None:
    first = shop.scan()
    for how, name in ((b"at", str(shop.root)), (b"with", "\0".join(TOPS))):
        UserResults(shop.kept, "p").keep((b"files", how, name.encode(), b""), answer)
    assert shop.scan() == first


def test_nothing_of_a_sealed_file_is_kept(shop: Shop) -> None:
    shop.write("deploy/base/secret.yaml", SEALED)
    opened = shop.scan()
    assert any(one.site.host.text == "canary-host.svc" for one in opened.sites)
    for one in shop.kept.rglob("*"):
        assert not one.is_file() or b"canary" not in one.read_bytes()
    assert shop.scan(opens=False) == shop.scan(opens=False, keep=False) != opened


def test_no_password_is_kept(shop: Shop) -> None:
    shop.scan()
    for bundle in shop.bundles():
        assert b"pg.old.svc" in bundle.read_bytes()
        assert b"canary" not in bundle.read_bytes()


def test_what_is_no_unicode_is_found_again_each_time(tmp_path: Path) -> None:
    half = Site(Location("a", 1, 1, ""), Style.URL, "\ud800", Part("pg", None), *[None] * 4)
    memory = KnownFiles(UserResults(tmp_path, "p"), "root", ["a"])
    memory.add(b"half", ("", (half,)))
    memory.add(b"whole", ("", (replace(half, key="k"),)))
    memory.keep()
    again = KnownFiles(UserResults(tmp_path, "p"), "root", ["a"])
    assert again.told(b"half") is None
    assert again.told(b"whole") == ("", (replace(half, key="k"),))


_PATHS = (*FILES, "deploy/live/extra.yaml", "values.yaml", "deploy/base/.env")
_MOVES = st.tuples(
    st.sampled_from(("write", "drop", "swap", "lock")),
    st.sampled_from(_PATHS),
    st.sampled_from(_PATHS),
    st.sampled_from(TEXTS),
)


@given(st.lists(_MOVES, max_size=6), st.booleans())
def test_every_answer_is_that_of_a_first_scan(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, str, str, str]], opens: bool
) -> None:
    """Whatever is written, dropped, renamed or closed to the reader between two scans."""
    base = tmp_path_factory.mktemp("differential")
    shop = Shop(base / "shop", base / "kept")
    shop.kept.mkdir(mode=0o700)
    for path, text in FILES.items():
        shop.write(path, text)
    for verb, path, other, text in (("write", ".env", ".env", FILES[".env"]), *moves):
        _move(shop, verb, path, other, text)
        known, fresh = shop.scan(opens=opens), shop.scan(opens=opens, keep=False)
        assert machine.scan(known) == machine.scan(fresh)
        assert known == fresh


def _move(shop: Shop, verb: str, path: str, other: str, text: str) -> None:
    one, two = shop.root / path, shop.root / other
    if verb == "write":
        one.unlink(missing_ok=True)
        shop.write(path, text)
    elif verb == "drop":
        one.unlink(missing_ok=True)
    elif verb == "swap" and one.exists():
        two.parent.mkdir(parents=True, exist_ok=True)
        one.replace(two)
    elif verb == "lock" and one.exists():
        one.unlink()
        one.symlink_to("nowhere")
