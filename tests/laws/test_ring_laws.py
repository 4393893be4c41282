"""Rings converge: whatever is lost, repeated or reordered, once the network is kind all see the
same ring.

Strategy: hypothesis drives two to six rings through a mesh that loses, repeats and reorders
messages, cuts and restores links, crashes and restarts nodes and accuses the innocent; the oracle
of `tests/core/wires.py` holds after every step, and at the end a kind network must bring agreement.
Below that, small worlds are searched completely: every order of delivery of the few messages of a
JOIN beside a JOIN, a crash or a LEAVE.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import encode
from tests.core.fakes import ANN, BEN, CLEO, Crowd, Member
from tests.core.wires import Mesh

NAMES = [Member(name) for name in ("ann", "ben", "cleo", "dora", "emil", "finn")]
CROWD = Crowd(*NAMES)
ONCE = ["tick", "cut", "mend", "accuse", "crash", "leave", "restart"]
DEEDS = ["deliver"] * 8 + ["lose", "repeat", "reorder"] * 2 + ONCE


def misbehave(mesh: Mesh, deed: str, chance) -> None:
    """Do one thing to the world, if it can be done now."""
    waiting, alive = mesh.waiting(), sorted(mesh.rings)
    one, other = chance.choice(alive), chance.choice(sorted(mesh.members))
    match deed:
        case "deliver" | "lose" | "repeat" | "reorder" if waiting:
            channel = chance.choice(waiting)
            last = len(mesh.flying[channel]) - 1
            if deed == "lose":
                mesh.flying[channel].popleft()
            else:
                mesh.deliver(channel, last if deed == "reorder" else 0, keep=deed == "repeat")
        case "tick":
            mesh.tick(chance.choice([0.05, 0.5, 3.0]))
        case "cut" if one != other and frozenset({one, other}) in mesh.links:
            mesh.close(one, other)
        case "mend" if one != other:
            mesh.open(one, other)
        case "accuse" if one != other:
            mesh.do(
                one,
                mesh.rings[one].on_unreachable(other, mesh.now, process_gone=chance.random() < 0.3),
            )
        case "crash" if len(alive) > 2:
            mesh.crash(one)
        case "leave" if len(alive) > 2:
            mesh.leave(one)
        case "restart" if other not in mesh.rings:
            mesh.restart(other)


@given(
    st.integers(2, 6),
    st.lists(st.sampled_from(DEEDS), max_size=80),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_whatever_happened_a_kind_network_brings_agreement(
    count: int, deeds: list[str], chance
) -> None:
    mesh = Mesh(NAMES[:count], CROWD, seed=chance.randrange(1000))
    mesh.link_all()
    for deed in deeds:
        misbehave(mesh, deed, chance)
        mesh.check()
    mesh.link_all()
    agree(mesh)


def agree(mesh: Mesh) -> None:
    """Be kind; who crashed unseen is noticed by whoever still believes in it, as probing would."""
    for _ in range(3):
        for device, ring in mesh.rings.items():
            for record in ring.nodes():
                if record.device not in mesh.rings:
                    gone = DeviceId(record.device)
                    mesh.do(device, ring.on_unreachable(gone, mesh.now, process_gone=True))
        mesh.deliver_all()
        mesh.tick(1.0)
    mesh.settle()
    number = {record.device: n for n, record in enumerate(next(iter(mesh.rings.values())).nodes())}
    assert sorted(number.values()) == list(range(len(mesh.rings)))
    for ring in mesh.rings.values():
        assert {record.device: n for n, record in enumerate(ring.nodes())} == number


# -- small worlds, searched completely -------------------------------------------------------------
def joins(*, seated: bool) -> Mesh:
    """Ben and Cleo come at once; Ann has a ring with nobody else, or is as new as they are."""
    mesh = Mesh([ANN, BEN, CLEO])
    if seated:
        mesh.rings[ANN.device]._take_seat(1)
    mesh.link(ANN, BEN)
    mesh.link(ANN, CLEO)
    return mesh


def pair_and_newcomer() -> Mesh:
    """Ann is node 0, Ben sits behind her; Cleo comes to Ben."""
    mesh = Mesh([ANN, BEN, CLEO])
    mesh.link(ANN, BEN)
    mesh.deliver_all()
    mesh.link(BEN, CLEO)
    return mesh


def fingerprint(mesh: Mesh) -> bytes:
    """What two worlds must share to have the same future (dice and clocks aside)."""
    rings = []
    for device, ring in sorted(mesh.rings.items()):
        seeking = ring._search
        contact, redirected = seeking.contact or b"", sorted(seeking.redirected)
        search = (seeking.state.name, ring.left, contact, redirected)
        asked = (sorted(ring._seats._asked.items()), sorted(ring._synced_s))
        rings.append((device, search, asked, [encode(record) for record in ring.beliefs.records]))
    flying = [
        (*channel, [encode(m) for m in queue])
        for channel, queue in sorted(mesh.flying.items())
        if queue
    ]
    return encode((rings, flying))


def futures(mesh: Mesh, deed: Callable[[Mesh], None] | None) -> Iterator[tuple[Mesh, bool]]:
    """Every world one step on: a message delivered, or the deed done; is the deed still to come?"""
    for channel in mesh.waiting():
        after = copy.deepcopy(mesh)
        after.deliver(channel)
        yield after, deed is not None
    if deed is not None:
        after = copy.deepcopy(mesh)
        deed(after)
        yield after, False


DEEDS_ONCE: dict[str, tuple[Callable[[], Mesh], Callable[[Mesh], None] | None]] = {
    "join + join, all new": (lambda: joins(seated=False), None),
    "join + join": (lambda: joins(seated=True), None),
    "join + crash of node 0": (pair_and_newcomer, lambda mesh: mesh.crash(ANN.device)),
    "join + crash of the contact": (pair_and_newcomer, lambda mesh: mesh.crash(BEN.device)),
    "leave of node 0 + join": (pair_and_newcomer, lambda mesh: mesh.leave(ANN.device)),
    "leave of the contact + join": (pair_and_newcomer, lambda mesh: mesh.leave(BEN.device)),
}


@pytest.mark.parametrize("name", DEEDS_ONCE)
def test_every_order_of_delivery_leads_to_agreement(name: str) -> None:
    build, deed = DEEDS_ONCE[name]
    seen: set[tuple[bytes, bool]] = set()
    ends = 0
    todo = deque([(build(), deed is not None)])
    while todo and len(seen) < 2_000:
        mesh, pending = todo.pop()
        mark = (fingerprint(mesh), pending)
        if mark in seen:
            continue
        seen.add(mark)
        mesh.check()
        following = list(futures(mesh, deed if pending else None))
        todo.extend(following)
        if not following:
            ends += 1
            mesh.link_all()
            agree(mesh)
    assert ends, "no world came to rest"
    print(f"{name}: {len(seen)} worlds, {ends} ends")
