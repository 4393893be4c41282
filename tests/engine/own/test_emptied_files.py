"""Emptied files: what was cut off to nothing, and is held, is exchanged when it is wanted back."""

from __future__ import annotations

from potluck.engine.events import Mount, MountsSeen
from potluck.engine.own.emptied_files import exchange_emptied
from potluck.engine.troubles import TroubleKind
from tests.engine.owntree import Own

NAMES = [f"d/{number:02}" for number in range(30)]
PATHS = {name.encode() for name in NAMES}


def cut_off() -> Own:
    """Thirty files were shared, and all of them are empty now."""
    own = Own()
    own.folders = {"d"}
    for text in ("a content of ", ""):
        for name in NAMES:
            own.write(name, text and text + name)
        own.touch("d")
        own.settle()
        own.tick(10.0)
        own.settle()
    assert len(own.publishing.held) >= 20, "they are read one by one: a few may be told"
    return own


def test_what_is_wanted_back_is_shared_as_before_and_the_empty_one_is_known() -> None:
    own = cut_off()
    held = {one.path for one in own.publishing.held.records()}
    some = min(held)
    assert exchange_emptied(own.node, own.publishing, {b"d/none"}) == []
    own.node.mounts.on_seen(MountsSeen((Mount(own.path(some.decode()), 1),)))
    assert set(exchange_emptied(own.node, own.publishing, PATHS)) == held - {some}
    own.node.mounts.on_seen(MountsSeen(()))
    assert exchange_emptied(own.node, own.publishing, PATHS) == [some]
    older = own.publishing.older.files
    assert (len(own.publishing.held), set(older.of(by_disk=False, wanted=True))) == (0, held)
    own.tick(2.0)
    own.settle()
    assert own.node.troubles.of(TroubleKind.HELD) == []
    assert all(own.published()[path.decode()].size for path in held)
    assert own.node.index.places.get(own.node.own_manifest, some) is not None


def test_what_is_wanted_back_in_vain_is_given_up_by_one_confirm() -> None:
    own = cut_off()
    exchanged = exchange_emptied(own.node, own.publishing, PATHS)
    assert own.publishing.confirm() == f"{len(exchanged)} files shared now as what stands here."
    own.touch("d")
    for _ in range(3):
        own.tick(3.0)
        own.settle()
    assert (len(own.publishing.held), len(own.publishing.older.files)) == (0, 0)
    assert not any(one.size for name, one in own.published().items() if name in NAMES)
    assert own.publishing.breaker.meant == set()


def test_what_is_written_there_meanwhile_is_an_edit_and_what_goes_is_held_again() -> None:
    own = cut_off()
    older, held = own.publishing.older.files, own.publishing.held
    exchanged = exchange_emptied(own.node, own.publishing, PATHS)
    edited, gone = (path.decode() for path in exchanged[:2])
    own.write(edited, "an edit")
    own.remove(gone)
    own.touch(edited, gone)
    own.settle()
    assert (own.published()[edited].size, edited.encode() in older) == (7, False)
    assert (own.published()[gone].size > 0, gone.encode() in held) == (True, True)
    own.own_folder.scan()
    own.tick()
    own.settle()
    assert len(older) == len(exchanged) - 2, "the others go on waiting"
