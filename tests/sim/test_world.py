"""The world does what it says: networks, links, processes and clocks.

Strategy: engines that do nothing, effects asked for by hand, and what both sides heard of it.
Limits: rates are looked at with generous bounds, for fixed seeds.
"""

from __future__ import annotations

import math
from functools import partial

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import Address, LinkKind, Ping
from potluck.engine import effects as do
from potluck.engine import events as told
from potluck.engine.events import OrderId
from tests.sim.faults import Op
from tests.sim.invariants import Broken
from tests.sim.standins import StandIns, datagrams, linked, running, trusting, world_of
from tests.sim.world import World


def send_many(world: World, count: int = 1000) -> int:
    process, _ = running(world, 0)
    for _ in range(count):
        world.perform(process, do.Transmit(b"hello", world.hosts[1].address))
    world.run_for(1.0)
    return len(datagrams(running(world, 1)[1]))


# -- datagrams -------------------------------------------------------------------------------------
def test_a_calm_network_loses_and_doubles_nothing():
    assert send_many(world_of()) == 1000


def test_loss_and_duplicates_come_at_their_rates():
    assert 700 < send_many(world_of(loss=0.2)) < 890
    assert 1050 < send_many(world_of(duplicate=0.1)) < 1160


def test_reordering_changes_the_order():
    world = world_of(reorder=0.2)
    process, _ = running(world, 0)
    for number in range(50):
        effect = do.Transmit(bytes([number]), world.hosts[1].address)
        world.later(number * 0.01, partial(world.perform, process, effect))
    world.run_for(2.0)
    heard = datagrams(running(world, 1)[1])
    assert sorted(heard) == [bytes([n]) for n in range(50)]
    assert heard != sorted(heard)


def test_everybody_hears_multicast_twice_and_nobody_when_the_switch_drops_it():
    world = world_of(3)
    world.perform(running(world, 0)[0], do.Transmit(b"all", None))
    world.run_for(0.1)
    for number in range(3):
        engine = running(world, number)[1]
        assert datagrams(engine, "multicast") == datagrams(engine, "broadcast") == [b"all"]
    world.network.multicast = False
    world.perform(running(world, 0)[0], do.Transmit(b"none", None))
    world.run_for(0.1)
    assert datagrams(running(world, 1)[1], "multicast") == [b"all"]


def test_partitions_and_one_way_blocks_stop_datagrams_until_healed():
    world = world_of()
    world.network.partition((0,), (1,))
    assert send_many(world, 3) == 0
    world.network.heal()
    world.network.block(1, 0)
    assert send_many(world, 3) == 3
    world.network.block(0, 1)
    assert send_many(world, 3) == 3


def test_a_datagram_longer_than_the_limit_is_a_finding():
    world = world_of()
    with pytest.raises(Broken, match="S8"):
        world.perform(running(world, 0)[0], do.Transmit(bytes(limits.DATAGRAM_BYTES + 1), None))


# -- links -----------------------------------------------------------------------------------------
def dial(
    world: World, kind: LinkKind = LinkKind.CONTROL, port: int = limits.PORT
) -> told.DialFailed | told.LinkOpened:
    process, engine = running(world, 0)
    target = world.hosts[1]
    peer = target.device if kind is LinkKind.CONTROL else None
    order = OrderId(world.new_number())
    world.perform(process, do.Dial(order, kind, peer, replace_port(target.address, port)))
    world.run_for(2.0)
    answers = [*engine.of(told.DialFailed), *engine.of(told.LinkOpened)]
    return next(answer for answer in answers if answer.dial == order)


def replace_port(address: Address, port: int) -> Address:
    return Address(address.host, port)


def test_a_link_opens_on_both_ends_with_the_proved_devices():
    world = world_of()
    near, far = linked(world)
    assert near.peer == world.hosts[1].device
    assert far.peer == world.hosts[0].device
    assert near.address == world.hosts[1].address
    assert far.address == Address(world.hosts[0].address.host, 0)
    assert far.dial is None


def test_a_knock_is_refused_by_who_does_not_trust_the_caller():
    world = world_of()
    failed = dial(world)
    assert isinstance(failed, told.DialFailed)
    assert (failed.knock, failed.refused) == (True, False)


def test_a_dial_is_refused_where_nothing_runs_and_times_out_where_nobody_is():
    world = world_of()
    trusting(world)
    world.faults.crash(1)
    failed = dial(world)
    assert isinstance(failed, told.DialFailed)
    assert failed.refused
    world.faults.power_cut(1)
    failed = dial(world)
    assert isinstance(failed, told.DialFailed)
    assert (failed.reason, failed.refused) == ("timeout", False)


def test_a_dial_that_meets_another_device_says_so():
    world = world_of(3)
    trusting(world)
    process, engine = running(world, 0)
    world.perform(
        process,
        do.Dial(OrderId(1), LinkKind.CONTROL, world.hosts[2].device, world.hosts[1].address),
    )
    world.run_for(0.1)
    assert engine.of(told.DialFailed)[0].reason == "not the device"


def test_the_pairing_door_opens_only_when_it_is_open():
    world = world_of()
    assert isinstance(dial(world, LinkKind.PAIRING), told.DialFailed)
    world.perform(running(world, 1)[0], do.OpenDoor(open=True))
    opened = dial(world, LinkKind.PAIRING)
    assert isinstance(opened, told.LinkOpened)
    assert (opened.peer, opened.instance) == (None, b"")


def test_messages_arrive_in_order_and_really_encoded():
    world = world_of()
    near, far = linked(world)
    for number in range(50):
        world.perform(running(world, 0)[0], do.Send(near.link, Ping(number, b"", b"")))
    world.run_for(0.5)
    heard = running(world, 1)[1].of(told.MessageHeard)
    assert [event.message.sequence for event in heard] == list(range(50))
    assert {event.link for event in heard} == {far.link}


def test_a_frame_longer_than_the_limit_is_a_finding():
    world = world_of()
    near, _ = linked(world)
    with pytest.raises(Broken, match="bytes on a"):
        world.perform(
            running(world, 0)[0],
            do.Send(near.link, Ping(1, bytes(limits.CONTROL_FRAME_BYTES), b"")),
        )


def test_a_short_partition_delays_messages_and_a_long_one_breaks_both_ends():
    world = world_of()
    near, far = linked(world)
    world.network.partition((0,), (1,))
    world.perform(running(world, 0)[0], do.Send(near.link, Ping(1, b"", b"")))
    world.run_for(2.0)
    assert not running(world, 1)[1].of(told.MessageHeard)
    world.network.heal()
    world.run_for(2.0)
    assert running(world, 1)[1].of(told.MessageHeard)
    world.network.partition((0,), (1,))
    world.run_for(7.0)
    for number, link in ((0, near.link), (1, far.link)):
        closed = running(world, number)[1].of(told.LinkClosed)
        assert [(event.link, event.clean) for event in closed] == [(link, False)]


def test_a_drop_is_clean_on_both_ends_after_what_was_said():
    world = world_of()
    near, _ = linked(world)
    process, engine = running(world, 0)
    world.perform(process, do.Send(near.link, Ping(1, b"", b"")))
    world.perform(process, do.Drop(near.link, "duplicate"))
    world.perform(process, do.Send(near.link, Ping(2, b"", b"")))
    world.run_for(0.5)
    assert [event.clean for event in engine.of(told.LinkClosed)] == [True]
    other = running(world, 1)[1]
    assert [event.message.sequence for event in other.of(told.MessageHeard)] == [1]
    assert [(event.clean, event.reason) for event in other.of(told.LinkClosed)] == [
        (True, "bye: duplicate")
    ]


def test_a_killed_process_resets_its_links_at_once_and_a_power_cut_does_not():
    world = world_of()
    linked(world)
    world.faults.crash(1)
    world.run_for(0.1)
    assert [event.clean for event in running(world, 0)[1].of(told.LinkClosed)] == [False]
    world.start(1)
    linked(world)
    world.faults.power_cut(1)
    world.run_for(4.0)
    assert len(running(world, 0)[1].of(told.LinkClosed)) == 1
    world.run_for(3.0)
    assert len(running(world, 0)[1].of(told.LinkClosed)) == 2


def test_leaving_says_goodbye():
    world = world_of()
    linked(world)
    world.faults.leave(1)
    world.run_for(0.5)
    assert not world.hosts[1].running
    assert [event.clean for event in running(world, 0)[1].of(told.LinkClosed)] == [True]


def test_an_introduction_reaches_who_listens_there():
    world = world_of()
    world.perform(running(world, 0)[0], do.Introduce(world.hosts[1].address, b"sealed"))
    world.run_for(0.1)
    [heard] = running(world, 1)[1].of(told.IntroductionHeard)
    assert (heard.sealed, heard.source.host) == (b"sealed", world.hosts[0].address.host)
    world.perform(running(world, 1)[0], do.AnswerIntroduction(heard.knock, accepted=True))


# -- processes and clocks --------------------------------------------------------------------------
def test_a_paused_process_hears_everything_afterwards_and_ticks_late():
    world = world_of(factory=StandIns(period_s=0.5))
    world.faults.apply(Op(0, "pause", (1, 5.0)))
    ticks = len(running(world, 1)[1].ticks)
    world.run_for(2.0)
    assert send_many(world, 5) == 0
    assert len(running(world, 1)[1].ticks) == ticks
    world.run_for(3.0)
    assert len(datagrams(running(world, 1)[1])) == 5
    assert ticks < len(running(world, 1)[1].ticks) < ticks + 4


def test_monotonic_clocks_have_their_own_origins_and_power_cuts_set_them_back():
    world = world_of(5)
    assert len({process.origin for process in world.hosts}) == 5
    world.hosts[0].origin = 5000.0
    world.faults.power_cut(0)
    assert world.hosts[0].origin < 100


def test_an_engine_that_raises_or_spins_is_a_finding_with_its_replay_line():
    world = world_of(factory=StandIns(period_s=0.5))
    world.replay = "python -m tests.sim --seed 1"
    engine = running(world, 0)[1]
    engine.period_s = 0.0
    engine.due = 0.0
    engine.on_tick = lambda now: []  # type: ignore[method-assign]
    with pytest.raises(Broken, match=r"S9.*\n.*\n.*python -m tests.sim --seed 1"):
        world.run_for(5.0)

    def boom(event: object, now: float) -> list[do.Effect]:
        raise ZeroDivisionError("why")

    engine.due = math.inf
    engine.handle = boom  # type: ignore[method-assign]
    with pytest.raises(Broken, match="raised ZeroDivisionError: why"):
        world.faults.leave(0)


def test_a_quick_restart_is_another_run_of_the_same_device():
    world = world_of()
    before = running(world, 0)[0]
    world.faults.quick_restart(0)
    world.run_for(1.0)
    after = running(world, 0)[0]
    assert after is not before
    assert after.instance != before.instance


def test_a_power_cut_loses_what_no_sync_made_durable():
    lost = 0
    for seed in range(20):
        world = world_of(seed=seed)
        world.power_cuts = True
        host = world.hosts[0]
        host.index["kept"] = 1
        world.perform(running(world, 0)[0], do.MakeDurable(7))
        world.run_for(0.1)
        assert running(world, 0)[1].of(told.MadeDurable) == [told.MadeDurable(7)]
        host.index["maybe"] = 1
        world.faults.power_cut(0)
        assert "kept" in host.index
        lost += "maybe" not in host.index
    assert 5 < lost < 20
