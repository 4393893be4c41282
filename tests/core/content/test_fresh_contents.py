"""Fresh contents: known for an hour, bounded, and old whenever there is a doubt."""

from __future__ import annotations

from potluck.core.content import fresh_contents
from potluck.core.content.breakers import LOSS_WINDOW_S
from potluck.core.content.fresh_contents import FreshContents


def test_a_content_is_fresh_for_an_hour() -> None:
    fresh = FreshContents()
    fresh.note([b"a", b"a"], 1.0, 1.0)
    fresh.note([b"a", b"b"], 2.0, 2.0)
    assert fresh.since(b"a", 2.0) == 1.0, "what is noted keeps its time"
    assert fresh.among([b"a", b"b", b"c"], LOSS_WINDOW_S) == {b"a", b"b"}
    assert fresh.among([b"a", b"b"], LOSS_WINDOW_S + 1.0) == {b"b"}
    assert repr(fresh) == "<FreshContents: 2>"
    assert fresh.room(LOSS_WINDOW_S + 2.0) == fresh_contents.FRESH_MAX
    assert repr(fresh) == "<FreshContents: 0>"


def test_after_its_hour_it_may_be_noted_anew() -> None:
    fresh = FreshContents()
    fresh.note([b"a"], 1.0, 1.0)
    fresh.note([b"b"], 2.0, 2.0)
    fresh.note([b"a"], LOSS_WINDOW_S + 1.5, LOSS_WINDOW_S + 1.5)
    assert fresh.since(b"a", LOSS_WINDOW_S + 1.5) == LOSS_WINDOW_S + 1.5


def test_what_takes_over_an_earlier_time_is_fresh_no_longer() -> None:
    fresh = FreshContents()
    fresh.note([b"a"], 100.0, 100.0)
    fresh.note([b"b"], 1.0, 200.0)
    assert fresh.among([b"a", b"b"], LOSS_WINDOW_S + 1.0) == {b"a"}
    assert repr(fresh) == "<FreshContents: 2>", "it goes when those before it go"


def test_what_is_forgotten_is_old() -> None:
    fresh = FreshContents()
    fresh.note([b"a", b"b"], 1.0, 1.0)
    fresh.forget([b"a", b"never"])
    assert fresh.among([b"a", b"b"], 1.0) == {b"b"}


def test_what_is_too_much_is_old(monkeypatch) -> None:
    monkeypatch.setattr(fresh_contents, "FRESH_MAX", 3)
    fresh = FreshContents()
    fresh.note([b"%d" % number for number in range(9)], 1.0, 1.0)
    assert (fresh.room(1.0), fresh.among([b"2", b"3"], 1.0)) == (0, {b"2"})
    fresh.note([b"3"], LOSS_WINDOW_S + 1.0, LOSS_WINDOW_S + 1.0)
    assert fresh.since(b"3", LOSS_WINDOW_S + 1.0) is not None
