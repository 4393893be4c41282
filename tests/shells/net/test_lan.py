"""The facade: when a look becomes an event, and that sockets follow the networks.

Strategy: the survey is a list played back, the sockets are real, on loopback.
"""

from __future__ import annotations

import select
import selectors
import socket

import pytest

from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Transmit
from potluck.engine.events import Interface, InterfacesSeen
from potluck.shells.net import lan as module
from potluck.shells.net.interfaces import LeftOut, Survey, UsableNetwork
from potluck.shells.net.lan import NOTHING_NEW, SURVEY_S, Lan
from tests.shells.peers import WAIT_S

LOOPBACK = Interface("lo", "127.0.0.1", "127.255.255.255", 8)
INDEX = socket.if_nametoindex("lo")
ONE = Survey((UsableNetwork(LOOPBACK, INDEX),), (), ())
NONE = Survey((), (LeftOut("eth0", "10.0.0.1", "down"),), ())


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


class Played:
    """A surveyor that shows one survey after the other, then the last one again."""

    def __init__(self, *surveys):
        self.surveys = list(surveys)
        self.asked = []

    def __call__(self, only):
        self.asked.append(only)
        found = self.surveys.pop(0) if len(self.surveys) > 1 else self.surveys[0]
        if isinstance(found, OSError):
            raise found
        return found


@pytest.fixture
def make():
    made = []

    def make(*surveys, only=(), **ways):
        played = Played(*surveys)
        lan = Lan(free_port(), only, discovery_port=free_port(), surveyor=played, **ways)
        made.append(lan)
        return lan

    yield make
    for lan in made:
        lan.close()


def retire(sight):
    for sock in sight.removed:
        sock.close()


def test_the_first_look_is_always_an_event_and_the_second_only_after_a_change(make):
    lan = make(ONE, ONE, NONE)
    assert lan.look_around().event == InterfacesSeen((LOOPBACK,), ())
    assert lan.look_around() == NOTHING_NEW
    third = lan.look_around()
    assert third.event == InterfacesSeen((), ())
    retire(third)


def test_the_first_look_is_an_event_even_if_there_is_nothing(make):
    assert make(Survey((), (), ())).look_around().event == InterfacesSeen((), ())


def test_new_neighbours_are_a_change(make):
    lan = make(ONE, Survey(ONE.networks, (), ("127.0.0.9",)))
    lan.look_around()
    sight = lan.look_around()
    assert sight.event == InterfacesSeen((LOOPBACK,), ("127.0.0.9",))
    assert (sight.added, sight.removed) == ((), ())


def test_a_change_among_what_is_left_out_is_remembered_but_no_event(make):
    lan = make(ONE, Survey(ONE.networks, NONE.left_out, ()))
    lan.look_around()
    assert lan.look_around() == NOTHING_NEW
    assert lan.left_out == NONE.left_out


def test_sockets_follow_the_networks(make):
    lan = make(ONE, NONE)
    assert lan.left_out == ()
    first = lan.look_around()
    assert lan.sockets()[1:] == list(first.added)
    second = lan.look_around()
    assert second.removed == first.added
    with selectors.DefaultSelector() as selector:  # still open: a selector can let go of them
        for sock in second.removed:
            selector.register(sock, selectors.EVENT_READ)
            selector.unregister(sock)
    retire(second)


def test_a_card_that_came_back_under_another_number_is_a_change(make):
    lan = make(ONE, Survey((UsableNetwork(LOOPBACK, INDEX + 7777),), (), ()))
    lan.look_around()
    sight = lan.look_around()
    assert sight.event == InterfacesSeen((LOOPBACK,), ())
    assert len(sight.removed) == 2
    retire(sight)


def test_polling_looks_at_most_every_survey_s(make):
    lan = make(ONE, NONE)
    assert lan.poll(100.0).event is not None
    assert lan.poll(100.0 + SURVEY_S - 0.01) == NOTHING_NEW
    assert len(lan._surveyor.asked) == 1
    sight = lan.poll(100.0 + SURVEY_S)
    assert sight.event is not None
    retire(sight)


def test_a_system_that_cannot_be_asked_changes_nothing(make):
    lan = make(ONE, OSError(24, "Too many open files"))
    lan.look_around()
    assert lan.look_around() == NOTHING_NEW
    assert lan.counts["look around failed"] == 1


def test_a_system_that_never_can_be_asked_still_gives_the_first_event(make):
    lan = make(OSError(1, "no"))
    assert lan.look_around().event == InterfacesSeen((), ())


def test_the_names_asked_for_reach_the_survey(make):
    lan = make(ONE, only=["lo"])
    lan.look_around()
    assert lan._surveyor.asked == [("lo",)]


@pytest.mark.parametrize(("neighbours", "asked"), [(True, ("127.0.0.9",)), (False, ())])
def test_neighbours_are_told_only_if_the_settings_allow(make, neighbours, asked):
    lan = make(Survey(ONE.networks, (), ("127.0.0.9",)), neighbours=neighbours)
    assert lan.look_around().event.neighbours == asked
    assert lan.look_around() == NOTHING_NEW


def test_without_beacons_only_somebody_is_spoken_to(make):
    lan = make(ONE, beacons=False)
    lan.look_around()
    sent: list[Transmit] = []
    lan._datagrams.transmit = sent.append
    everybody, somebody = Transmit(b"x", None), Transmit(b"x", Address("127.0.0.1", 9))
    lan.transmit(everybody)
    lan.transmit(somebody)
    assert sent == [somebody]


def test_an_ear_that_was_refused_at_first_is_handed_over_when_it_opens(make, monkeypatch):
    lan = make(ONE, Survey(ONE.networks, NONE.left_out, ()))
    with monkeypatch.context() as refusing:
        refusing.setattr(lan._datagrams, "_listen", lambda _ear: None)
        assert lan.look_around().added == ()
    sight = lan.look_around()
    assert sight.event is None
    assert list(sight.added) == lan.sockets()[1:]
    assert len(sight.added) == 2


def test_what_was_dropped_is_shown_and_logged_at_the_end(make, caplog):
    lan = make(OSError(1, "no"))
    lan.look_around()
    counted = "{'look around failed': 1}"
    assert repr(lan) == f"<Lan: 0 networks, 0 left out, 0 neighbours, {counted}>"
    with caplog.at_level("INFO"):
        lan.close()
    assert caplog.messages == [f"datagrams dropped or not sent: {counted}"]


def test_datagrams_pass_through(make):
    one, other = make(ONE), make(ONE)
    one.transmit(Transmit(b"hello", Address("127.0.0.1", other.sockets()[0].getsockname()[1])))
    unicast = other.sockets()[0]
    assert select.select([unicast], [], [], WAIT_S)[0]
    (event,) = other.receive(unicast)[:1]
    assert event.data == b"hello"


def test_without_a_surveyor_the_real_system_is_seen():
    lan = Lan(free_port(), ["lo"], discovery_port=free_port())
    event = lan.look_around().event
    assert event
    assert event.interfaces == (LOOPBACK,)
    lan.close()
    assert module.SURVEY_S > 0
