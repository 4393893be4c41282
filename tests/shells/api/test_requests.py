"""Requests: what came is what is meant, or an error with an example that works."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from potluck.core.errors import Malformed
from potluck.engine.views.listing import PAGE_FILES
from potluck.shells.api import requests
from potluck.shells.api.requests import body_of, decode_add, decode_door, decode_flush, limit_of


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_a_body_is_put_together_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asyncio.run(body_of(chunks())) == b""
    assert asyncio.run(body_of(chunks(b"ab", b"", b"c"))) == b"abc"
    monkeypatch.setattr(requests, "REQUEST_BYTES", 3)
    assert asyncio.run(body_of(chunks(b"abc"))) == b"abc"
    with pytest.raises(Malformed, match="too long"):
        asyncio.run(body_of(chunks(b"abc", b"d")))


def test_what_is_to_be_added() -> None:
    wanted = decode_add(b'{"paths":["/a","/b"]}')
    assert (wanted.paths, wanted.mode) == (["/a", "/b"], "copy")
    assert decode_add(b'{"paths":["/a"],"mode":"reflink"}').mode == "reflink"
    for body in (
        b"",
        b"[]",
        b'{"paths":[]}',
        b'{"paths":["a"]}',
        b'{"paths":["/a\\u0000"]}',
        b'{"paths":["/a"],"mode":"x"}',
    ):
        with pytest.raises(Malformed) as caught:
            decode_add(body)
        assert caught.value.fix


def test_how_long_the_door_is_to_be_open() -> None:
    assert decode_door(b'{"open":true}') == 3600.0
    assert decode_door(b'{"open":true,"minutes":1440}') == 86_400.0
    assert decode_door(b'{"open":true,"minutes":null}') == math.inf
    assert decode_door(b'{"open":false,"minutes":5}') is None
    for body in (b"", b"{}", b'{"open":true,"minutes":0}', b'{"open":true,"minutes":1441}'):
        with pytest.raises(Malformed) as caught:
            decode_door(body)
        assert '"minutes": 60' in caught.value.fix


@pytest.mark.parametrize(
    ("text", "limit"),
    [("7", 7), ("", PAGE_FILES), ("-1", PAGE_FILES), ("x", PAGE_FILES), ("9" * 16, PAGE_FILES)],
)
def test_how_many_files_are_asked_for(text: str, limit: int) -> None:
    assert limit_of({"limit": text}) == limit
    assert limit_of({}) == PAGE_FILES


def test_patience_is_a_number_of_seconds() -> None:
    assert decode_flush(b'{"patience_s": 2}') == (2.0, 0.0)
    assert decode_flush(b'{"patience_s": -1, "waited_s": -2}') == (0.0, 0.0)
    assert decode_flush(b'{"patience_s": 2, "waited_s": 9}') == (2.0, 9.0)
    for body in (b"", b"{}", b'{"patience_s": "x"}', b'{"patience_s": 1, "x": 1}', b"\xff"):
        with pytest.raises(Malformed):
            decode_flush(body)
