"""The node: effects in order, effects that wait for the disk, numbers, names, notices."""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import Folder, HeadsAsk, Holding
from potluck.engine.effects import CancelFetch, MakeDurable, Send, Tell
from potluck.engine.events import LinkId, OrderId
from potluck.engine.node import (
    EngineSettings,
    Node,
    dialable_at,
    legible,
    stewards_in,
    tell_trouble,
)
from potluck.engine.notice_board import OF_ONE_DEVICE
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import address, group, key, node, taken

ONE, TWO, THREE = (CancelFetch(OrderId(number)) for number in (1, 2, 3))
BEN = key(2).device


def linked(made: Node, link: int = 5) -> Node:
    """With a control link to d2."""
    made.peer(BEN).link = LinkId(link)
    return made


def test_effects_come_in_order_and_once() -> None:
    made = node()
    assert made.quiet
    made.do(ONE, TWO)
    made.do(THREE)
    assert not made.quiet
    assert made.take() == [ONE, TWO, THREE]
    assert made.take() == []


def test_what_depends_on_the_disk_waits_for_it() -> None:
    made = node()
    made.when_durable([ONE])
    made.when_durable([TWO])
    assert made.take() == [MakeDurable(1)]
    made.when_durable([THREE])
    assert made.take() == [MakeDurable(2)]
    made.on_synced(1)
    assert made.take() == [ONE, TWO]
    made.on_synced(1)
    assert made.take() == []
    made.on_synced(2)
    assert made.take() == [THREE]


def test_a_later_sync_covers_earlier_ones() -> None:
    made = node()
    made.when_durable([ONE])
    made.take()
    made.when_durable([TWO])
    made.take()
    made.on_synced(2)
    assert made.take() == [ONE, TWO]


def test_what_need_not_be_durable_itself_keeps_its_place() -> None:
    made = node()
    made.when_settled(ONE)
    assert made.take() == [ONE]
    made.when_durable([TWO])
    made.when_settled(THREE)
    assert made.take() == [MakeDurable(1)]
    made.on_synced(1)
    assert made.take() == [TWO, THREE]


def test_a_rollback_undoes_what_depends_on_the_index_and_nothing_else() -> None:
    made = node()
    made.when_durable([ONE])
    made.take()
    mark = made.mark()
    made.do(TWO)
    made.when_durable([THREE])
    made.when_settled(THREE)
    made.on_synced(1)
    made.undo(mark)
    assert made.take() == [TWO, ONE], "ONE is on the disk: it is asked for, once"
    made.on_synced(1)
    assert made.take() == []
    made.when_durable([THREE])
    assert made.take() == [MakeDurable(2)]
    made.on_synced(2)
    assert made.take() == [THREE], "nothing of what was undone comes with it"


def test_it_shows_its_state_in_one_line() -> None:
    made = linked(node())
    made.when_durable([ONE, TWO])
    assert repr(made) == "<Node 'd1', linked=1, waits=2, leaving=False>"


def test_a_node_that_begins_stays_and_believes_that_its_share_is_there() -> None:
    made = node()
    assert (made.leaving, made.share_present, made.quiet) == (False, True, True)
    assert (made.now, made.notices.kept, made.linked()) == (0.0, [], [])
    assert (made.peer(BEN).link, made.peer(BEN).dialled, made.linked()) == (None, False, [])


def test_unless_it_is_said_a_device_searches_and_nobody_sits_at_it() -> None:
    settings = EngineSettings("d1", 7685, None)
    assert (settings.sweep, settings.attended) == (True, False)


def test_numbers_never_come_twice_and_runs_do_not_overlap() -> None:
    first, second = node(run=1), node(run=2)
    numbers = [made.number() for made in (first, second) for _ in range(1000)]
    assert len(set(numbers)) == 2000
    own = numbers[:1000]
    assert own == list(range(own[0], own[0] + 1000)), "so that a run has as many as it was given"
    assert max(numbers) < 2**63


def test_only_who_is_linked_is_spoken_to() -> None:
    made = node()
    assert not made.say(BEN, HeadsAsk(b""))
    made.peer(BEN)
    assert not made.say(BEN, HeadsAsk(b""))
    made.say_when_durable(BEN, HeadsAsk(b""))
    made.say_when_durable(key(3).device, HeadsAsk(b""))
    assert made.take() == []
    assert linked(made).say(BEN, HeadsAsk(b""))
    made.say_when_durable(BEN, HeadsAsk(b"1"))
    assert made.linked() == [BEN]
    assert made.take() == [Send(LinkId(5), HeadsAsk(b"")), MakeDurable(1)]
    made.on_synced(1)
    assert made.take() == [Send(LinkId(5), HeadsAsk(b"1"))]


def test_addresses_come_best_first_without_those_where_nobody_listens() -> None:
    made = node()
    made.address_book.on_told(BEN, [address(3), address(4)], 0.0)
    made.index.addresses.remember(BEN, address(5), 1)
    assert made.addresses_of(BEN) == (address(3), address(4), address(5))
    made.peer(BEN).address = address(4)
    assert made.addresses_of(BEN) == (address(4), address(3), address(5))
    made.peer(BEN).address = address(6, port=0)
    assert made.addresses_of(BEN) == (address(3), address(4), address(5))


def test_what_is_told_is_kept_and_too_much_of_one_device_is_counted() -> None:
    made = node()
    for number in range(OF_ONE_DEVICE + 5):
        made.tell("code", f"number {number}", subject="d2")
        made.tell("own", f"number {number}", subject="d1/a")
    tells = taken(made, Tell)
    assert [tell.code for tell in tells].count("code") == OF_ONE_DEVICE
    assert [tell.code for tell in tells].count("own") == OF_ONE_DEVICE + 5, "we are d1"
    number, at, tell = made.notices.kept[-1]
    assert (number, at, tell) == (len(tells), made.now, tells[-1])


def test_no_notice_moves_a_cursor() -> None:
    made = node()
    made.tell("waiting", 'found "\x1b[2Jx\n\u202ey"')
    assert taken(made, Tell)[0].text == 'found "�[2Jx��y"'
    assert legible("naïve 文件 ✓") == "naïve 文件 ✓"
    assert legible("👨\u200d👩 a\u200db") == "👨\u200d👩 a\N{REPLACEMENT CHARACTER}b"
    assert legible(legible("\x00")) == legible("\x00")


def test_a_trouble_is_told_once_for_each_of_its_reasons_with_what_helps() -> None:
    one = node(1)
    tells = list[Tell]()
    for reason, command in (("full", "df"), ("full", "df"), ("gone", "")):
        trouble = Trouble(TroubleKind.DISK, "a b", reason, command, one.now, None)
        tell_trouble(one, trouble, "disk", shown="“a b”", level="error")
        tells += [effect for effect in one.take() if isinstance(effect, Tell)]
    assert tells == [
        Tell("disk", "“a b”: full; try: df", "error", "a b", "df"),
        Tell("disk", "“a b”: gone", "error", "a b", ""),
    ]
    assert [each.reason for each in one.troubles.all()] == ["gone"]
    tell_trouble(one, Trouble(TroubleKind.DISK, "plain", "full", "", one.now, None), "disk")
    assert [tell.text for _, _, tell in one.notices.kept][-1] == "plain: full"


def test_names_of_members_and_strangers() -> None:
    made = node()
    assert made.own_label == "d1"
    assert made.label_of(BEN).count("-") == 1
    made.roster = group(1, 2)
    assert made.label_of(BEN) == "d2"
    assert made.own_label == "d1"
    assert str(made.layout.top_of(ManifestName.own(BEN))) == "d2"
    assert made.own_manifest == (made.me, Folder.OWN)


def test_a_device_that_could_not_be_dialled_is_dialled_nowhere_for_a_while() -> None:
    made = node(1)
    made.peer(BEN).address = address(2)
    assert dialable_at(made, BEN) == (address(2),)
    made.reach.on_undialled(BEN, made.now)
    assert dialable_at(made, BEN) == ()


def test_what_a_device_said_that_it_lacks_is_added_up() -> None:
    peer = node(1).peer(BEN)
    assert peer.lacking_bytes == 0
    for owner, missing in ((BEN, 5), (key(3).device, 7), (BEN, 2)):
        name = ManifestName.own(owner)
        peer.kept[name] = Holding(*name, 1, 1, 1, missing)
    assert peer.lacking_bytes == 9


def test_the_stewards_are_those_of_the_group_who_are_members() -> None:
    made = node(2)
    assert stewards_in(made) == []
    made.roster = group(1, 2)
    assert stewards_in(made) == [key(1).device]
