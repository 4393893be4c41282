"""Sealing: what opens, what does not, and which repetitions are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.keys.sealing import (
    OVERHEAD_BYTES,
    RUNS,
    WINDOW,
    ReplayWindow,
    is_sealed,
    key_hint,
    mark_of,
    open_datagram,
    open_sealed,
    seal_datagram,
    seal_to,
)
from tests.core.fakes import key

GROUP, OTHER = bytes(32), b"\1" * 32
NONCE = bytes(12)


def test_a_member_reads_what_a_member_sealed() -> None:
    sealed = seal_datagram(GROUP, NONCE, b"hello")
    assert is_sealed(sealed)
    assert len(sealed) == len(b"hello") + OVERHEAD_BYTES
    assert b"hello" not in sealed
    assert open_datagram(GROUP, sealed) == b"hello"


def test_how_a_key_is_named_is_worked_out_once_for_many_datagrams() -> None:
    assert key_hint(GROUP) is key_hint(GROUP)
    assert key_hint(GROUP) != key_hint(OTHER)


def test_another_group_sees_that_it_is_sealed_and_nothing_more() -> None:
    sealed = seal_datagram(GROUP, NONCE, b"hello")
    assert open_datagram(OTHER, sealed) is None
    forged_hint = sealed[:4] + key_hint(OTHER) + sealed[8:]
    assert open_datagram(OTHER, forged_hint) is None


@pytest.mark.parametrize(
    "datagram", [b"", b"plk1", b"plk1" + bytes(OVERHEAD_BYTES - 5), bytes(100)]
)
def test_what_was_not_sealed_is_none(datagram: bytes) -> None:
    assert not is_sealed(datagram)
    assert open_datagram(GROUP, datagram) is None


@given(st.integers(0, len(seal_datagram(GROUP, NONCE, b"hello")) - 1), st.integers(1, 255))
def test_no_changed_byte_opens(place: int, change: int) -> None:
    sealed = bytearray(seal_datagram(GROUP, NONCE, b"hello"))
    sealed[place] ^= change
    assert open_datagram(GROUP, bytes(sealed)) is None


def test_only_the_recipient_opens_and_only_for_its_purpose() -> None:
    sealed = seal_to(key(1).sealing_public, b"\7" * 32, b"intro", b"chain")
    assert open_sealed(key(1), b"intro", sealed) == b"chain"
    assert open_sealed(key(2), b"intro", sealed) is None
    assert open_sealed(key(1), b"other", sealed) is None


@pytest.mark.parametrize("sealed", [b"", bytes(31), bytes(80), b"\5" * 33])
def test_what_was_sealed_by_nobody_is_none(sealed: bytes) -> None:
    assert open_sealed(key(1), b"intro", sealed) is None


def test_a_counter_is_accepted_once() -> None:
    window = ReplayWindow()
    accepted = [window.accept(b"run", counter) for counter in (5, 5, 7, 6, 6, 7, 4, 200, 199, 7)]
    assert accepted == [True, False, True, True, False, False, True, True, True, False]


def test_what_is_older_than_the_window_is_refused() -> None:
    window = ReplayWindow()
    assert window.accept(b"run", 1000)
    assert window.accept(b"run", 1000 - WINDOW + 1)
    assert not window.accept(b"run", 1000 - WINDOW)


def test_what_fell_out_of_the_window_is_remembered_no_more() -> None:
    window = ReplayWindow()
    for counter in range(3 * WINDOW):
        assert window.accept(b"run", counter)
        _, seen = window._runs[b"run"]
        assert seen.bit_length() == min(counter + 1, WINDOW)


def test_going_back_and_forth_between_runs_opens_nothing() -> None:
    window = ReplayWindow()
    assert window.accept(b"run 1", 5)
    assert window.accept(b"run 2", 1)
    assert not window.accept(b"run 1", 5)
    assert not window.accept(b"run 2", 1)


@pytest.mark.parametrize("first", [0, 1])
def test_only_a_few_runs_are_remembered(first: int) -> None:
    window = ReplayWindow()
    for run in range(10):
        assert window.accept(b"run %d" % run, first)
    assert len(window._runs) == RUNS


@given(st.lists(st.integers(0, 90), max_size=60))
def test_no_counter_is_ever_accepted_twice(counters: list[int]) -> None:
    window = ReplayWindow()
    accepted = [counter for counter in counters if window.accept(b"run", counter)]
    assert len(set(accepted)) == len(accepted)


def test_a_window_says_how_many_runs_it_knows() -> None:
    window = ReplayWindow()
    window.accept(b"run", 1)
    assert repr(window) == "<ReplayWindow 1 runs>"


def test_a_mark_depends_on_the_secret_and_on_what_is_marked() -> None:
    mark = mark_of(bytes(32), b"here", 8)
    assert len(mark) == 8
    assert mark == mark_of(bytes(32), b"here", 8)
    assert mark not in {mark_of(bytes(32), b"there", 8), mark_of(b"k" * 32, b"here", 8)}
