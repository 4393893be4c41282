"""Narrow paths: a host is narrow once, and not everybody is."""

from __future__ import annotations

from potluck.engine.effects import Narrow
from potluck.engine.events import PathStalled
from potluck.engine.ring.narrow_paths import HOSTS, NarrowPaths
from tests.engine.builders import node
from tests.engine.listeners import Heard


def test_a_host_whose_connection_hung_gets_small_packets_from_then_on() -> None:
    here = node(1)
    heard = Heard()
    paths = NarrowPaths(here, heard)
    paths.on_stalled(PathStalled("10.0.0.2"))
    paths.on_stalled(PathStalled("10.0.0.2"))
    paths.on_stalled(PathStalled("10.0.0.3"))
    assert here.take() == [Narrow("10.0.0.2"), Narrow("10.0.0.3")]
    assert repr(paths) == "<NarrowPaths: 2>"
    assert heard.of("on_hung") == ["10.0.0.2", "10.0.0.2", "10.0.0.3"], "each time"


def test_there_are_only_so_many() -> None:
    here = node(1)
    heard = Heard()
    paths = NarrowPaths(here, heard)
    for number in range(HOSTS + 5):
        paths.on_stalled(PathStalled(f"10.0.{number // 256}.{number % 256}"))
    assert len(here.take()) == HOSTS
    assert len(heard.of("on_hung")) == HOSTS, "who hears of it does not grow either"
