"""Said sizes: however many are said of one content, the true one is tried soon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.pieces import Bitfield
from potluck.core.content.swarm.download import Download
from potluck.core.content.swarm.orders import Swarm
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.others.said_sizes import SAYINGS, Said, cut_of, next_cut, saying_it_first
from tests.engine import builders
from tests.engine.index.builders import record, root_of

ANNA, BERT, CARL = (builders.key(number).device for number in (2, 3, 4))
PIECE = limits.PIECE_MIN_BYTES
ROOT = root_of("x")


@dataclass(frozen=True)
class Waits:
    record: FileRecord


def said(sizes: Mapping[DeviceId, list[int]]) -> Said:
    return {
        ManifestName.own(owner): {
            Spot(ManifestName.own(owner), b"%d" % size): Waits(
                replace(record("a", text="x"), size=size)
            )
            for size in each
        }
        for owner, each in sizes.items()
    }


def tried(of: Said, first: int, asked: list[DeviceId]) -> list[int]:
    """Return which sizes are tried when these are asked one after the other and bring nothing."""
    download = Download(ROOT, first, PIECE)
    sizes = []
    for peer in asked:
        (size, _), _ = next_cut(download, of, peer)
        sizes.append(size)
        before, download = download, Download(ROOT, size, PIECE)
        download.keep_rests(before, 0.0)
    return sizes


def test_if_all_say_the_same_there_is_no_other() -> None:
    download = Download(ROOT, 5, PIECE)
    assert cut_of(download) == (5, PIECE)
    assert next_cut(download, said({ANNA: [5], BERT: [5]}), ANNA) == ((5, PIECE), None)


def test_first_comes_what_the_one_who_was_asked_says_itself() -> None:
    of = said({ANNA: [*range(10, 410)], BERT: [3], CARL: [2]})
    download = Download(ROOT, 10, PIECE)
    assert next_cut(download, of, BERT) == ((3, PIECE), BERT)


@pytest.mark.parametrize("true", [3, 999])
def test_whoever_says_many_delays_by_one_try_for_each_of_the_others(true: int) -> None:
    of = said({ANNA: [*range(10, 410)], BERT: [true]})
    assert tried(of, 10, [CARL] * 5) == [true, 11, true, 12, true]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_each_size_that_one_owner_says_is_tried(first: int) -> None:
    assert {first, *tried(said({ANNA: [1, 2, 3]}), first, [ANNA] * 3)} == {1, 2, 3}


def test_who_says_a_size_is_asked_for_it_first() -> None:
    swarm = Swarm()
    of = {ROOT: said({ANNA: [*range(10, 410)], BERT: [3]})}
    first = saying_it_first(swarm, of, lambda _: [CARL, ANNA, BERT])
    assert first(ROOT) == [CARL, ANNA, BERT], "it is not wanted"
    swarm.want(ROOT, 3, PIECE)
    assert first(ROOT) == [BERT, CARL, ANNA]
    swarm.forget(ROOT)
    swarm.want(ROOT, 10 + SAYINGS, PIECE)
    assert first(ROOT) == [CARL, ANNA, BERT], "it says more than anybody looks at"
    swarm.downloads[ROOT].have = Bitfield(1)
    assert first(ROOT) == [CARL, ANNA, BERT], "its size is known"


def test_what_one_owner_says_prefers_nobody() -> None:
    swarm = Swarm()
    swarm.want(ROOT, 3, PIECE)
    first = saying_it_first(swarm, {ROOT: said({BERT: [3]})}, lambda _: [CARL, BERT])
    assert first(ROOT) == [CARL, BERT]
