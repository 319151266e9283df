"""Known images: looked up by the ends of their names, as if each pattern were tried."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from repoint.model.consumer import Purpose
from repoint.model.knowledge import Knowledge, Tool, knowing
from repoint.rules.purpose_known import image_matches, image_name, image_tool, tools

_PATTERNS = [pattern for tool in tools() for pattern in tool.images]
_IMAGES = ("own/*", "goose", "app:1", "w?ll/*-[12]", "*/a*b:v*")
_ADDED = Tool("Own", Purpose.ADMIN, images=_IMAGES, origin="a test")
_LATER = Tool("Later", Purpose.BACKUP, images=_IMAGES, origin="a test")


def _each_tried(image: str) -> Tool | None:
    name, tag = image_name(image)
    fitting = [
        (bool(tool.origin), len(pattern), -number, tool)
        for number, tool in enumerate(tools())
        for pattern in tool.images
        if name and image_matches(pattern, name, tag)
    ]
    return max(fitting)[-1] if fitting else None


@given(
    st.sampled_from(["", "docker.io/", "reg:5000/", "x/", "X/y/", "my-", "//"]),
    st.sampled_from([*_PATTERNS, *_IMAGES, "well/a-2", "q/ab:v", "app", "a/b/c", ""]),
    st.sampled_from(["", ":1", "@sha256:ab", ":cli-migrations-v2", "/z", "/"]),
    st.sampled_from(["", "x", "a/b", "db-"]),
    st.booleans(),
)
def test_the_tool_is_that_of_the_best_pattern(
    before: str, pattern: str, after: str, star: str, added: bool
) -> None:
    image = before + pattern.replace("*", star) + after
    with knowing(Knowledge(tools=(_ADDED, _LATER)) if added else Knowledge()):
        assert image_tool(image) is _each_tried(image)


def test_the_longest_pattern_decides_and_what_was_added_comes_first() -> None:
    longest = image_tool("ghcr.io/pressly/goose:v3")
    assert longest is not None and "pressly/goose" in longest.images
    with knowing(Knowledge(tools=(_ADDED, _LATER))):
        for image in ("ghcr.io/pressly/goose:v3", "own/x", "docker.io/app:1"):
            assert image_tool(image) is _ADDED
        assert image_tool("app:2") is None


def test_every_known_image_is_known() -> None:
    for pattern in random.Random(1).sample(_PATTERNS, 40):
        assert image_tool(pattern.replace("*", "x")) is not None, pattern
