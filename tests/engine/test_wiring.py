"""The parts: wired to each other, and facts that concern several of them are heard by all."""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import Root
from potluck.core.wire.catalogue import Address
from potluck.engine import effects, events
from potluck.engine.index_upkeep import BUSY_S
from potluck.engine.wiring import Wiring
from tests.engine.builders import address, group, key, node, taken
from tests.engine.index.builders import piece_list
from tests.engine.wire import Box, ring

BEN = key(2).device


def started(number: int = 1) -> Wiring:
    """The parts of a lonely device, begun."""
    parts = Wiring(node(number))
    parts.start()
    return parts


def test_no_hook_is_left_hanging() -> None:
    parts = Wiring(node())
    own = [
        value
        for value in vars(parts).values()
        if type(value).__module__.startswith("potluck.engine")
    ]
    hooks = [
        (type(part).__name__, name)
        for part in own
        for name, value in vars(part).items()
        if getattr(value, "__name__", "") in {"_ignore", "<lambda>", "_no_beacon"}
    ]
    assert hooks == []


def test_a_start_looks_around_and_opens_the_door() -> None:
    parts = started()
    kinds = [type(effect) for effect in parts.node.take()]
    assert (
        kinds.count(effects.LookAround)
        == kinds.count(effects.OpenDoor)
        == kinds.count(effects.MarkShare)
        == 1
    )


def test_own_networks_are_told_to_meeting_and_ring() -> None:
    parts = started()
    parts.on_interfaces(
        events.InterfacesSeen((events.Interface("eth0", "10.0.0.1", "10.0.0.255", 24),), ())
    )
    assert parts.discovery.interfaces == ("eth0 10.0.0.1",)
    assert parts.circle.ring.beliefs.own.addresses == [address(1)]


def test_imported_files_are_answered_and_looked_at() -> None:
    parts = started()
    parts.node.take()
    parts.imports.on_add(events.AddAsked(1, ("/a",), "copy"), parts.own_folder.top)
    (wanted,) = taken(parts.node, effects.Import)
    parts.on_imported(events.Imported(wanted.order, ("a",), ()))
    asked = parts.node.take()
    parts.own_folder.on_tick()
    asked += parts.node.take()
    assert effects.Reply(1, ok=True, text="added a") in asked


def test_another_group_is_a_new_beginning() -> None:
    parts = started()
    parts.node.take()
    before = parts.circle.ring
    parts.membership.enter(group(2, 1))
    assert parts.circle.ring is not before
    assert [trust.members[0].device for trust in taken(parts.node, effects.Trust)] == [BEN]


def test_who_was_met_is_dialled_there() -> None:
    parts = started()
    parts.pairings.met(BEN, Address("10.0.0.2", 7000))
    assert parts.discovery.whereabouts(BEN) == [Address("10.0.0.2", 7000)]
    assert parts.node.whereabouts(BEN) == [Address("10.0.0.2", 7000)]


def test_a_beacon_says_what_the_ring_is() -> None:
    _, (ann, _) = ring(2)
    parts = ann.engine.wiring
    beacon = parts.discovery.beacon()
    assert (beacon.port, beacon.count, beacon.digest) == (7685, 2, parts.circle.ring.digest)


def test_links_and_manifests_of_others_are_heard_of_by_all() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: b"hello" in ben.disk.values())
    assert wire.run(2.0, lambda: ben.me in {d for d, p in ann.engine.node.peers.items() if p.kept})
    ben.crash()
    assert wire.run(1.0, lambda: ann.nodes == [ann.me])


def test_recovery_looks_at_everything_again() -> None:
    wire, (ann, _) = ring(2)
    wire.run(3.0)
    ann.engine.wiring.recover()
    kinds = [type(effect) for effect in ann.engine.node.take()]
    assert {effects.Scan, effects.Trust, effects.MakeDurable} <= set(kinds)


def test_recovery_does_not_write_down_a_provisional_group() -> None:
    parts = started()
    parts.recover()
    assert parts.node.index.roster.all() == []


def test_a_full_look_begins_with_the_own_folder() -> None:
    wire, (ann, _) = ring(2)
    wire.run(3.0)
    ann.engine.wiring.scan()
    assert any(isinstance(effect, effects.Scan) for effect in ann.engine.node.take())


def test_what_a_guest_changed_is_decided_about_and_told() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: len(ben.disk) == 2)
    wire.run(3.0)
    ben.index.begin()
    ben.index.places.remove(ann.engine.node.own_manifest, [b"a"])
    ben.index.commit()
    ben.engine.wiring.replica_check.files.changed(ManifestName.own(ann.me), [b"a"])
    count = len(ben.asked_for(effects.Fetch))
    assert wire.run(3.0, lambda: len(ben.asked_for(effects.Fetch)) > count)


def unused_list(box: Box) -> Root:
    """Let the index know a piece list of no file."""
    box.index.begin()
    box.index.contents.put(piece_list(3))
    box.index.commit()
    return piece_list(3).root


def test_an_idle_device_lets_go_of_piece_lists_that_no_file_has() -> None:
    wire, (ann,) = ring(1)
    root = unused_list(ann)
    assert wire.run(2 * BUSY_S, lambda: ann.index.contents.get(root) is None)


def test_while_a_file_of_its_own_or_of_others_is_on_its_way_every_list_stays() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(3.0)
    ben.engine.wiring.own_folder.look_at([parse_wire_path(f"{ben.label}/a".encode())])
    assert ben.engine.wiring.index_upkeep._busy()
    assert wire.run(3.0, lambda: not ben.engine.wiring.index_upkeep._busy())
    ann.write("a", b"hello")
    assert wire.run(3.0, ben.engine.wiring.index_upkeep._busy)
    assert not ben.engine.wiring.own_folder.busy
