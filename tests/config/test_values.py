"""Sizes, addresses and open times as people write them, and what cannot be meant."""

from __future__ import annotations

import pytest

from potluck.config.values import parse_open, parse_peer, parse_size
from potluck.core.errors import UsageError
from potluck.core.limits import PORT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("512MiB", 512 * 2**20),
        ("20M", 20_000_000),
        ("1.5 GB", 1_500_000_000),
        ("7b", 7),
        ("2Ki", 2048),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nas", ("nas", PORT)),
        ("192.168.1.10:99", ("192.168.1.10", 99)),
        ("[fe80::1%eth0]:99", ("fe80::1%eth0", 99)),
        ("[::1]", ("::1", PORT)),
        ("fe80::1", ("fe80::1", PORT)),
    ],
)
def test_peers(text: str, expected: tuple[str, int]) -> None:
    assert parse_peer(text) == expected


@pytest.mark.parametrize("text", ["", "a b", "host:0", "host:99999", "host:port", "[::1", "a:b:zz"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError):
        parse_peer(text)


def test_how_long_the_door_is_open() -> None:
    assert (parse_open(""), parse_open("30"), parse_open("always")) == (3600.0, 1800.0, "always")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "99999"])
def test_an_open_time_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(UsageError, match="--open"):
        parse_open(text)


def test_a_time_is_asked_for_as_it_was_typed() -> None:
    for alone, form in {"--open": "--open=30", "open": "open 30"}.items():
        with pytest.raises(UsageError) as caught:
            parse_open("soon", alone)
        assert caught.value.what == f"{alone} cannot be “soon”."
        assert form in caught.value.fix
