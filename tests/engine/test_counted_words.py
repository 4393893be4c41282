"""Counted words: what a device holds of a list of a lost life says nothing of the present one."""

from __future__ import annotations

import msgspec

from potluck.core.content.facts import ManifestName
from potluck.core.content.knowledge import CopyKnown, copy_known
from potluck.core.content.last_words import HeadNumber
from potluck.core.wire.catalogue import Head, Holding, Kept
from potluck.engine.counted_words import counted_word, counted_words, word_of
from potluck.engine.events import MessageHeard
from tests.engine.wire import Box, ring
from tests.sim.engines import RealEngines

LOST = b"l" * 16


def own(device: Box) -> ManifestName:
    return ManifestName.own(device.me)


def shared(owner: Box, other: Box) -> Head:
    head = owner.engine.node.index.manifests.head(own(owner))
    assert head is not None
    assert other.engine.node.index.manifests.head(own(owner)) == head
    return head


def of(head: Head, instance: bytes, seq: int) -> Holding:
    return Holding(*ManifestName.of(head), head.generation, seq, 0, 0, instance=instance)


def known(at: Box, device: Box, owner: Box) -> CopyKnown:
    """What one device says of another one's copy of a folder."""
    picture = at.engine.wiring.viewer._picture.knowledge()
    (there,) = [one for one in picture.devices if one.device == device.me]
    (list_of,) = [one for one in picture.manifests if one.name == own(owner)]
    return copy_known(there, list_of)


def test_every_device_says_which_run_it_means() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"1")
    wire.run(10.0)
    head = shared(ann, ben)
    kept = ann.engine.node.peer(ben.me).kept[own(ann)]
    assert (kept.instance, kept.seq) == (head.instance, head.seq)
    assert head.instance == ann.engine.node.instance
    assert known(ann, ben, ann) is CopyKnown.ALL


def test_the_number_of_a_lost_life_is_no_word_about_this_one() -> None:
    wire, (ann, ben, cyd) = ring(3)
    ann.write("a", b"1")
    wire.run(10.0)
    head = shared(ann, ben)
    link = ann.engine.node.peer(ben.me).link
    assert link is not None
    assert known(ann, ben, ann) is known(cyd, ben, ann) is CopyKnown.ALL
    said = [of(head, LOST, head.seq), of(head, b"", head.seq), of(head, head.instance, head.seq)]
    for word, verdict in zip(said, [CopyKnown.UNKNOWN, CopyKnown.ALL, CopyKnown.ALL], strict=True):
        ann.engine.handle(MessageHeard(link, Kept([word], [])), wire.now)
        assert known(ann, ben, ann) is verdict
    # cyd is told of a later list, and follows to that number in another run
    later = of(head, LOST, head.seq + 1)
    assert counted_words(cyd.engine.node, [later]) == [later]
    cyd.engine.node.peer(ben.me).kept[own(ann)] = later
    ann.write("b", b"2")
    wire.run(0.3, lambda: shared_seq(cyd, ann) == later.seq)
    cyd.engine.node.peer(ben.me).kept[own(ann)] = later
    assert shared_seq(cyd, ann) == later.seq
    assert known(cyd, ben, ann) is CopyKnown.UNKNOWN


def shared_seq(at: Box, owner: Box) -> int:
    head = at.engine.node.index.manifests.head(own(owner))
    return head.seq if head is not None else 0


def test_what_does_not_count_is_as_if_it_was_taken_back() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"1")
    wire.run(10.0)
    head, node = shared(ann, ben), ann.engine.node
    ahead = of(head, head.instance, head.seq + 1)
    gone = counted_word(node, ahead, head)
    assert HeadNumber(gone.generation, gone.seq) == (0, 0), "nobody has more of mine than I have"
    assert ManifestName.of(gone) == own(ann)
    assert counted_word(ben.engine.node, ahead, head) == ahead
    assert counted_word(ben.engine.node, ahead, None) == ahead
    assert counted_word(node, ahead, None).seq == 0, "a list that is not known here any more"
    assert counted_word(node, of(head, b"", head.seq), None).seq == head.seq
    other_run = msgspec.structs.replace(head, instance=LOST)
    assert counted_word(ben.engine.node, of(head, head.instance, head.seq), other_run).seq == 0


def test_the_word_of_who_was_put_back_counts_when_both_lives_are_one() -> None:
    wire, (ann, ben) = ring(2)
    ben.write("x", b"7")
    ann.write("a", b"1")
    wire.run(10.0)
    engines = RealEngines()
    image = engines.image(ann.index)
    ann.write("b", b"2")
    wire.run(10.0)
    for box in (ann, ben):
        box.crash()
    wire.run(3.0)
    ann.index = engines.restored(image)
    ann = wire.again(ann)
    wire.run(60.0)  # it works on alone
    ben = wire.again(ben)
    wire.run(60.0)
    assert shared(ann, ben).generation > 1
    assert known(ben, ann, ann) is known(ann, ben, ann) is CopyKnown.ALL


def test_the_word_of_a_device_is_judged_when_it_is_read() -> None:
    wire, (ann, ben, cyd) = ring(3)
    ann.write("a", b"1")
    wire.run(10.0)
    head, node = shared(ann, ben), ben.engine.node
    peer = node.peer(cyd.me)
    assert word_of(node, peer, own(ann)) == peer.kept[own(ann)]
    peer.kept[own(ann)] = of(head, LOST, head.seq)
    assert word_of(node, peer, own(ann)) == Holding(*own(ann), 0, 0, 0, 0)
    assert word_of(node, peer, own(cyd)) is None
