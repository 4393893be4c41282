"""Listed: each owner's large contents, and which of them are seen next."""

from __future__ import annotations

from potluck.core.content.swarm.download import Download
from potluck.core.content.swarm.listed import ListedContents
from tests.core.content.swarm.crowd import small_content
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
ONES = [
    Download(one.root, one.size_bytes, one.piece_size, [A]) for one in map(small_content, range(6))
]


def listed() -> ListedContents:
    found = ListedContents()
    for one in ONES:
        found.add(A, one)
    return found


def test_each_stands_once_in_the_order_it_came() -> None:
    found = listed()
    found.add(A, ONES[0])
    found.add(B, ONES[1])
    assert found.of(A) == ONES
    assert found.of(B) == [ONES[1]]
    assert found.owners() == [A, B]
    assert repr(found) == "<ListedContents: 7 of 2 owners>"


def test_what_is_complete_leaves_the_line_of_each_owner() -> None:
    found, shared = ListedContents(), small_content(9)
    download = Download(shared.root, shared.size_bytes, shared.piece_size, [A, B])
    for owner in (A, B):
        found.add(owner, download)
    found.add(A, ONES[0])
    for _ in range(2):
        found.remove(download)
    assert found.owners() == [A]
    assert found.of(A) == [ONES[0]]
    assert found.of(B) == []


def test_where_a_look_stops_the_next_sees_the_others_until_all_were_seen() -> None:
    found = listed()
    found.begin_round()
    assert found.put_back(A, ONES[:2])
    assert found.of(A) == [*ONES[2:], *ONES[:2]]
    assert found.put_back(A, ONES[2:4])
    assert not found.put_back(A, ONES[4:]), "all were seen"
    found.begin_round()
    assert found.put_back(A, ONES[:2])


def test_what_came_during_a_round_is_for_the_next() -> None:
    found = ListedContents()
    found.begin_round()
    for one in ONES:
        found.add(A, one)
    assert not found.put_back(A, ONES[:2])
