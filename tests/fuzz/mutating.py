"""Bytes for hypothesis: seeds of a target, cut up, mixed, repeated and spoilt."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

_SPOILERS = st.sampled_from(
    [
        *(b"\0", b"\r", b"\n", b"\t", b" ", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc2\x85"),
        *(
            b"'",
            b'"',
            b"`",
            b"\\",
            b"#",
            b":",
            b": ",
            b"- ",
            b"?",
            b",",
            b"&a ",
            b"*a",
            b"!t ",
            b"<<",
        ),
        *(b"[", b"]", b"{", b"}", b"(", b")", b"{{", b"}}", b"${", b"$(", b"%", b"@", b"|", b">"),
        *(b"---\n", b"...\n", b"<<EOF\n", b"EOF\n", b"-----BEGIN", b"ENC[AES256_GCM,", b"://"),
        *(b"postgres://u:canary-abcd@pg:5432/db", b"host=pg password=canary-abcd", b"DB_HOST=pg"),
        *(b"null", b"true", b"1e999", b"-1", b"99999999999999999999", b"\xf0\x9f\x98\x80"),
    ]
)


@st.composite
def spoilt(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A seed with up to six mutations, or bytes of any kind."""
    if not seeds or draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 6))):
        low = draw(st.integers(0, len(data)))
        high = min(len(data), low + draw(st.sampled_from([0, 1, 2, 8, 64])))
        way = draw(st.integers(0, 4))
        if way == 0:
            data = data[:low] + draw(_SPOILERS) + data[high:]
        elif way == 1:
            data = data[:low] + data[low:high] * draw(st.integers(2, 5)) + data[high:]
        elif way == 2:
            other = draw(st.sampled_from(seeds))
            start = draw(st.integers(0, len(other)))
            data = data[:low] + other[start : start + 64] + data[high:]
        elif way == 3:
            data = data[:low] + draw(st.binary(max_size=4)) + data[high:]
        else:
            data = data[:low] + data[high:]
    return data
