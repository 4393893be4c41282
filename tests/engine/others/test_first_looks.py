"""First looks: what is only remembered, until somebody looked and all of that was settled."""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.engine.others.first_looks import FirstLooks
from tests.engine.builders import group, key, node
from tests.engine.index.builders import folder, place, receive, record

ANNA, BERT = key(2).device, key(3).device
ANNAS, BERTS = ManifestName.own(ANNA), ManifestName.own(BERT)


def test_what_stood_here_is_unseen_until_its_scan_is_settled() -> None:
    one = node(1)
    one.roster = group(1, 2, 3)
    for name in (ANNAS, BERTS, one.own_manifest):
        receive(one.index, [record("a")], 1, name.owner)
    for name in (ANNAS, one.own_manifest):
        one.index.places.put(name, [place(record("a"))])
    looks = FirstLooks(one)
    assert looks.unseen() == {ANNAS}, "nothing is to stand here of BERT's, and ours is ours"
    assert (looks.lacks(ANNAS), looks.lacks(BERTS)) == (True, False)
    assert repr(looks) == "<FirstLooks 1 unseen>"
    assert not looks.on_settled()
    looks.on_scanned(BERTS)
    looks.on_scanned(ANNAS)
    assert looks.unseen() == {ANNAS}
    assert looks.on_settled()
    assert looks.unseen() == set()
    assert not looks.on_settled()
    looks.doubt(BERTS)
    looks.doubt(ANNAS)
    assert looks.unseen() == {ANNAS}, "of BERT nothing stands here that could be doubted"
    looks.on_scanned(ANNAS)
    looks.doubt(ANNAS)
    assert not looks.on_settled(), "that scan may be older than the doubt"
    assert looks.unseen() == {ANNAS}
    looks.restart()
    assert looks.unseen() == {ANNAS}
    looks.on_scanned(ANNAS)
    looks.restart()
    assert not looks.on_settled()
    assert looks.unseen() == {ANNAS}
    one.roster = group(1)
    assert looks.unseen() == set(), "nobody waits for the folder of who is no member"


def test_folders_without_a_file_are_remembered_too() -> None:
    one = node(1)
    one.roster = group(1, 2)
    receive(one.index, [folder("empty")], 1, ANNA)
    one.index.places.put(ANNAS, [place(folder("empty"))])
    looks = FirstLooks(one)
    assert looks.unseen() == {ANNAS}
    looks.on_scanned(ANNAS)
    looks.on_settled()
    looks.doubt(ANNAS)
    assert looks.unseen() == {ANNAS}
