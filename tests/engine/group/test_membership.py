"""Membership: what of the roster is on the disk, what the others and the shells are told, and when
the label moves.
"""

from __future__ import annotations

import random

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import parse_wire_path
from potluck.core.errors import DiskTrouble, ProtocolError
from potluck.core.group.admission import Newcomer
from potluck.core.group.roster import Roster
from potluck.core.group.statements import (
    Admit,
    Forget,
    Genesis,
    Relabel,
    Remove,
    Succeed,
    key_id,
    record_hash,
    sign_act,
    sign_removal,
)
from potluck.core.keys.identity import DeviceId, DeviceKey, short_id
from potluck.core.wire.catalogue import (
    CONTROL,
    RosterDigest,
    RosterRecord,
    RosterRecords,
    encode,
)
from potluck.engine.effects import Effect, MakeFolders, MarkShare, Send, Tell, Trust
from potluck.engine.events import LinkId
from potluck.engine.group.membership import OTHERS_BEFORE, OUT, TOLD_AGAIN_S, Membership
from potluck.engine.node import Node
from tests.core.keys.reencodings import reencodings
from tests.engine.builders import flush, group, key, member, node, taken
from tests.engine.listeners import Heard


def newcomer(who: DeviceKey, label: str) -> Newcomer:
    return Newcomer(who.device, who.certificate, who.sealing_public, label)


def inside(*numbers: int, me: int = 1, listener: Heard | None = None) -> tuple[Node, Membership]:
    """Device `me`, that kept the group of these devices in an earlier run."""
    here = node(me)
    here.index.roster.replace(group(*numbers).records())
    membership = Membership(here, listener or Heard())
    assert membership.start()
    here.take()
    return here, membership


def link(here: Node, number: int) -> None:
    here.peer(key(number).device).link = LinkId(number)


def sent(effects: list[Effect] | tuple[Effect, ...]) -> list[tuple[int, list[RosterRecord]]]:
    """Which roster records went over which link."""
    return [
        (e.link, e.message.records)
        for e in effects
        if isinstance(e, Send) and isinstance(e.message, RosterRecords)
    ]


def of(here: Node) -> Roster:
    assert here.roster is not None
    return here.roster


def test_the_first_start_makes_a_group_that_is_not_written_down() -> None:
    here = node(1)
    membership = Membership(here, Heard())
    assert not membership.start()
    assert not membership.company
    assert here.take() == [MarkShare(of(here).group, "d1", ""), Trust(())]
    assert here.index.roster.all() == []
    again = Membership(node(1, index=here.index, run=2), Heard())
    assert not again.start(), "a group that was never kept is not there after a restart"


def test_a_group_that_was_kept_is_there_after_a_restart() -> None:
    here = node(1)
    membership = Membership(here, Heard())
    membership.start()
    membership.keep()
    later = node(1, index=here.index, run=2)
    again = Membership(later, Heard())
    assert again.start()
    assert of(later).group == of(here).group
    assert taken(later, MarkShare) == [], "what the marker says is checked then, not written anew"


def test_the_label_is_known_before_the_start() -> None:
    here, _ = inside(1, 2)
    assert Membership(here, Heard()).stored_label() == "d1"
    assert Membership(node(3, label="cleo"), Heard()).stored_label() == "cleo"


def test_the_group_of_another_key_is_none_of_ours() -> None:
    here = node(9)
    here.index.roster.replace(group(1, 2).records())
    membership = Membership(here, Heard())
    assert not membership.start()
    assert of(here).founder == here.me
    membership.admit(newcomer(key(2), "d2"))
    assert Membership(node(9, index=here.index, run=2), Heard()).start(), "nothing is left of it"


def test_the_shells_hear_in_whose_lines_a_member_is() -> None:
    here, membership = inside(1, 2, me=2)
    assert membership.admit(newcomer(key(3), "d3"))
    trusted = next(effect for effect in here.take() if isinstance(effect, Trust))
    lines = {member.device: member.lines for member in trusted.members}
    assert lines == {key(1).device: (), key(3).device: (key(3).device, key(2).device)}


def test_who_is_admitted_is_on_the_disk_before_anybody_hears_of_it() -> None:
    here, membership = inside(1, 2)
    link(here, 2)
    assert membership.admit(newcomer(key(3), "d3"))
    before = here.take()
    assert sent(before) == []
    assert {m.device for e in before if isinstance(e, Trust) for m in e.members} == {
        key(2).device,
        key(3).device,
    }
    here.on_synced(1)
    record = of(here).records()[-1]
    assert sent(here.take()) == [(2, [record])]
    assert here.index.roster.all()[-1] == record


def test_who_is_admitted_gets_a_folder_beside_those_of_the_others() -> None:
    here, membership = inside(1, 3)
    membership.admit(newcomer(key(2), "d2"))
    assert taken(here, MakeFolders) == [MakeFolders(("d2", "d3"))]


def test_who_asks_again_is_the_same_member_with_the_same_record() -> None:
    here, membership = inside(1)
    assert membership.admit(newcomer(key(2), "anna"))
    count = len(of(here).records())
    assert membership.admit(newcomer(key(2), "another name"))
    assert len(of(here).records()) == count
    assert here.label_of(key(2).device) == "anna"
    assert membership.company


def test_a_taken_label_gets_a_number() -> None:
    here, membership = inside(1)
    assert membership.admit(newcomer(key(2), "d1"))
    assert here.label_of(key(2).device) == "d1-2"


@pytest.mark.parametrize("sealing", [bytes(32), b"short"])
def test_nobody_enters_with_a_key_that_nothing_can_be_sealed_to(sealing: bytes) -> None:
    _, membership = inside(1)
    unheard = Newcomer(key(2).device, key(2).certificate, sealing, "d2")
    assert not membership.admit(unheard)
    assert not membership.company
    assert membership.admit(newcomer(key(2), "d2"))
    assert not membership.admit(unheard), "nor does a member"


def test_we_do_not_admit_ourselves() -> None:
    _, membership = inside(1, 2)
    assert not membership.admit(newcomer(key(1), "d1"))


def test_news_is_handed_on_to_everybody_but_its_source_and_only_once() -> None:
    here, membership = inside(1, 2, 3)
    link(here, 2)
    link(here, 3)
    news = member(key(2), of(here), key(4), "d4")
    membership.on_roster(key(2).device, RosterRecords([news]))
    effects = flush(here)
    assert sent(list(effects)) == [(3, [news])]
    assert [e.subject for e in effects if isinstance(e, Tell)] == ["d4"]
    membership.on_roster(key(3).device, RosterRecords([news]))
    assert flush(here) == []


def test_a_second_admission_of_a_member_is_kept_and_handed_on_though_nobody_is_new() -> None:
    here, membership = inside(1, 2, 3)
    link(here, 3)
    again = member(key(2), of(here), key(3), "other")
    membership.add_records([again])
    assert sent(list(flush(here))) == [(3, [again])]
    assert again in here.index.roster.all()
    restarted = node(1, index=here.index, run=2)
    Membership(restarted, Heard()).start()
    assert of(restarted).digest == of(here).digest


def test_records_of_strangers_and_garbage_change_nothing() -> None:
    here, membership = inside(1, 2)
    link(here, 2)
    stranger = member(key(7), of(here), key(8), "d8")
    elsewhere = member(key(1), group(5, name="Other"), key(8), "d8")
    forged = RosterRecord(member(key(1), of(here), key(8), "d8").body, key(1).device, bytes(64))
    membership.add_records(
        [stranger, elsewhere, forged, RosterRecord(b"rubbish", key(1).device, b"")]
    )
    assert flush(here) == []
    assert here.index.roster.all() == group(1, 2).records()


def test_two_members_that_admitted_the_same_newcomer_agree_on_it() -> None:
    """Both records stand; which of them counts does not depend on who heard what first."""
    one, first = inside(1, 2, 3, me=1)
    two, second = inside(1, 2, 3, me=2)
    for membership in (first, second):
        assert membership.admit(newcomer(key(4), "d4"))
    link(one, 2)
    link(two, 1)
    first.on_roster(key(2).device, RosterRecords(of(two).records()))
    second.on_roster(key(1).device, RosterRecords(of(one).records()))
    assert of(one).digest == of(two).digest
    assert len(of(one).records()) == 5
    assert of(one).members[key(4).device] == of(two).members[key(4).device]


def test_when_a_link_opens_digests_are_compared_and_everything_is_said_in_pages() -> None:
    here, membership = inside(*range(1, 43))
    link(here, 2)
    membership.on_linked(key(2).device)
    (hello,) = here.take()
    assert hello == Send(LinkId(2), RosterDigest(of(here).digest))
    membership.on_roster(key(2).device, RosterDigest(of(here).digest))
    assert here.take() == []
    membership.on_roster(key(2).device, RosterDigest(b"other"))
    assert [len(records) for _, records in sent(here.take())] == [40, 2]


def test_everything_is_said_once_on_a_link_and_for_another_digest_later() -> None:
    here, membership = inside(*range(1, 43))
    link(here, 2)

    def told(digest: bytes) -> int:
        membership.on_roster(key(2).device, RosterDigest(digest))
        return len(sent(here.take()))

    assert (told(b"x"), told(b"x"), told(b"y")) == (2, 0, 0)
    here.now += TOLD_AGAIN_S
    assert (told(b"x"), told(b"y"), told(b"z")) == (0, 2, 0)
    here.peer(key(2).device).link = LinkId(99)
    assert (told(b"y"), told(b"y")) == (2, 0), "on a new link nothing is known to have come"
    assert repr(membership._tellings) == "<Tellings to 1 members>"


def test_long_statements_of_a_member_are_told_in_frames_that_a_link_takes() -> None:
    here, membership = inside(1, 2, 3)
    link(here, 3)
    longest = limits.STATEMENT_BYTES - 100
    later = [encode({"t": "later", "x": bytes([n]) * longest}) for n in range(40)]
    made = [RosterRecord(body, key(2).device, key(2).sign(b"roster", body)) for body in later]
    membership.on_roster(key(2).device, RosterRecords(made))
    membership.on_roster(key(3).device, RosterDigest(b"other"))
    frames = [e.message for e in flush(here) if isinstance(e, Send)]
    assert sum(len(e.records) for e in frames if isinstance(e, RosterRecords)) == 40 + 43
    assert [CONTROL.decode(encode(frame)) for frame in frames] == frames


def test_entering_a_group_replaces_the_provisional_one() -> None:
    here = node(2, label="anna")
    heard = Heard()
    membership = Membership(here, heard)
    membership.start()
    here.take()
    other = group(1)
    other.add([member(key(1), other, key(2), "anna-2")])
    membership.enter(other)
    assert heard.notes == [("on_regrouped",)]
    assert here.index.roster.all() == other.records()
    effects = flush(here)
    marks = [effect for effect in effects if isinstance(effect, MarkShare)]
    assert marks == [MarkShare(other.group, "anna-2", "anna")]
    _, told = [effect for effect in effects if isinstance(effect, Tell)]
    assert told.text == (
        "this device was anna and is called anna-2 from now on; "
        "the place for its files is Shared/anna-2"
    )


@pytest.mark.parametrize("out", [True, False])
def test_who_gets_another_label_hears_who_has_or_had_it(out: bool) -> None:
    here = node(2, label="anna")
    membership = Membership(here, Heard())
    membership.start()
    here.take()
    other = group(1)
    other.add([member(key(1), other, key(3), "anna"), member(key(1), other, key(2), "anna-2")])
    if out:
        said = Remove(other.group, key(3).device, [], b"", None, b"", [])
        other.add(sign_removal(key(1), said, ()))
    membership.enter(other)
    told = [effect.text for effect in flush(here) if isinstance(effect, Tell)]
    why = "a device that is out by now was anna" if out else "another device is anna"
    assert any(f"is called anna-2 from now on, since {why}; " in text for text in told), told


def test_who_keeps_its_label_is_not_told_of_it() -> None:
    here = node(2, label="anna")
    membership = Membership(here, Heard())
    membership.start()
    other = group(1)
    other.add([member(key(1), other, key(2), "anna")])
    here.take()
    membership.enter(other)
    (told,) = taken(here, Tell)
    assert (told.code, told.text) == ("joined", "joined “Home” as anna (2 devices)")


def test_what_a_failed_index_lost_is_written_down_again() -> None:
    here, heard = node(1), Heard()
    here.index.roster.replace(group(1, 2).records())
    membership = Membership(here, heard)
    membership.start()
    here.index.roster.replace([])
    here.take()
    membership.recover()
    assert here.index.roster.all() == of(here).records()
    assert heard.notes == [("on_members_changed",)]
    assert len(taken(here, Trust)) == 1


def test_if_the_index_fails_no_group_is_entered() -> None:
    here, membership = inside(1)
    before = here.roster
    here.index.roster.replace = _fails  # type: ignore[method-assign, assignment]
    with pytest.raises(DiskTrouble):
        membership.enter(group(2, 1))
    assert here.roster is before


def _fails(_: object) -> None:
    raise DiskTrouble("the index cannot be written")


def test_a_group_with_company_does_not_dissolve() -> None:
    here, membership = inside(1, 2)
    with pytest.raises(ProtocolError):
        membership.enter(group(3, 1))
    assert of(here).founder == key(1).device


def test_the_own_folder_follows_when_the_founder_gives_another_label() -> None:
    """Device 4 let device 3 in as "anna", and so did the founder, who knew of another anna."""
    roster = group(1, 4)
    here = node(3)
    here.index.roster.replace([*roster.records(), member(key(4), roster, key(3), "anna")])
    moved, changed = list[str](), list[int]()
    heard = Heard(
        on_relabelled=lambda: moved.append(here.own_label),
        on_members_changed=lambda: changed.append(len(of(here).members)),
    )
    membership = Membership(here, heard)
    membership.start()
    here.take()
    crossed = [member(key(1), roster, key(2), "anna"), member(key(1), roster, key(3), "anna-2")]
    membership.add_records(crossed)
    assert moved == [here.own_label] == ["anna-2"]
    effects = flush(here)
    marks = [effect for effect in effects if isinstance(effect, MarkShare)]
    assert marks == [MarkShare(roster.group, "anna-2", "anna")]
    new, told = [effect.text for effect in effects if isinstance(effect, Tell)]
    second = here.label_of(key(2).device)
    assert new == f"another anna, called {second} here, is a member of Home now"
    assert told.startswith("this device was anna and is called anna-2 from now on; ")
    assert changed == [4]


def admission_of(certificate: bytes) -> RosterRecord:
    """The founder admits whoever has that certificate."""
    said = Admit(group(1).group, certificate, key(3).sealing_public, "cleo")
    body = encode(said)
    return RosterRecord(body, key(1).device, key(1).sign(b"roster", body))


def test_a_void_admission_in_the_index_is_left_out_and_the_group_goes_on() -> None:
    """As an earlier version may have written it down."""
    here = node(1)
    _, bad = next(reencodings(key(3)))
    here.index.roster.replace([*group(1, 2).records(), admission_of(bad)])
    assert Membership(here, Heard()).start()
    assert set(of(here).members) == {key(1).device, key(2).device}
    assert taken(here, Tell) == []


def test_a_group_founded_under_no_certificate_is_not_entered_again_and_that_is_told() -> None:
    here = node(1)
    _, bad = next(reencodings(key(3)))
    body = encode(Genesis("Home", bytes(32), bad, key(3).sealing_public, "cleo"))
    genesis = RosterRecord(body, key(3).device, key(3).sign(b"roster", body))
    here.index.roster.replace([genesis])
    membership = Membership(here, Heard())
    assert membership.stored_label() == "d1"
    assert not membership.start()
    assert list(of(here).members) == [key(1).device]
    (tell,) = taken(here, Tell)
    assert (tell.code, tell.command) == ("group_void", "open")
    assert tell.text.endswith("on both devices: open")


def test_no_member_takes_a_name_in_force_nor_does_a_restart() -> None:
    """The folder of device 3 is its own here, whatever others sign about it or about another."""
    here, membership = inside(1, 2, 4)
    roster = of(here)
    membership.add_records([member(key(4), roster, key(3), "anna")])
    lies = [member(key(2), roster, key(3), f"holiday {number}") for number in range(9)]
    lies += [member(key(2), roster, key(number), "anna") for number in range(20, 29)]
    for lie in lies:
        membership.add_records([lie])
        assert here.label_of(key(3).device) == "anna"
    later = node(1, index=here.index, run=2)
    assert Membership(later, Heard()).start()
    assert later.label_of(key(3).device) == "anna"
    assert of(later).members == roster.members


def test_a_newcomer_calls_everybody_as_the_member_that_let_it_in_does() -> None:
    """What came into force there first comes first in what is sent."""
    here, membership = inside(1, 2, 4)
    roster = of(here)
    membership.add_records([member(key(4), roster, key(3), "anna")])
    membership.add_records([member(key(2), roster, key(n), "anna") for n in range(20, 29)])
    membership.admit(newcomer(key(5), "d5"))
    assert Roster.replay(roster.records()).members == roster.members


def test_it_shows_its_state_in_one_line() -> None:
    _, membership = inside(1, 2)
    membership.add_records([admission_of(b"no certificate")])
    assert repr(membership) == "<Membership 'Home', 2 members, 1 void>"
    assert repr(Membership(node(), Heard())) == "<Membership no group yet>"


def test_while_the_share_is_away_the_own_folder_waits_for_its_name() -> None:
    roster = group(1, 4)
    here = node(3)
    here.index.roster.replace([*roster.records(), member(key(4), roster, key(3), "anna")])
    membership = Membership(here, Heard())
    membership.start()
    here.share_present = False
    crossed = [member(key(1), roster, key(2), "anna"), member(key(1), roster, key(3), "anna-2")]
    membership.add_records(crossed)
    assert [effect for effect in flush(here) if isinstance(effect, MarkShare)] == []
    assert (here.own_label, here.former.of(here.me)) == ("anna-2", "anna")


def test_a_machine_installed_anew_has_the_name_of_the_one_before_whose_folder_stays() -> None:
    here, membership = inside(1, 2, 3)
    roster = of(here)
    said = Remove(roster.group, key(2).device, [], b"", None, key_id(b"k" * 32), [])
    membership.add_records(sign_removal(key(1), said, roster.signed_by(key(2).device)))
    assert membership.admit(newcomer(key(4), "d2"), replaces=key(2).device)
    assert here.label_of(key(4).device) == "d2"
    before = f"d2-{short_id(key(2).device)}"
    assert here.layout.wanted_name(key(2).device) == before
    assert here.former.of(key(2).device) == "d2", "its folder is to be renamed first"
    spare = f"d2 {short_id(key(4).device)} (waits for its name)"
    assert here.layout.name_of(key(4).device) == spare, "no two have one folder"
    again = node(1, index=here.index, run=2)
    Membership(again, Heard()).start()
    assert (again.label_of(key(4).device), again.former.of(key(2).device)) == ("d2", "d2")


def test_who_is_out_hears_it_at_once_and_all_are_told_why() -> None:
    here, membership = inside(1, 2, 3, 4)
    link(here, 2)
    guest = member(key(3), of(here), key(5), "guest")
    membership.add_records([guest])
    flush(here)
    here.take()
    said = [Remove(of(here).group, key(n).device, [], b"", None, b"", []) for n in (2, 3, 4)]
    membership.add_records(sign_removal(key(1), said[0], []))
    (told,) = [records for number, records in sent(here.take()) if number == 2]
    assert told == sign_removal(key(1), said[0], [])
    membership.add_records(sign_removal(key(1), said[1], []))
    membership.add_records(sign_removal(key(4), said[2], []))
    texts = [tell.text for tell in taken(here, Tell) if tell.code == "member_out"]
    assert len(texts) == 3
    assert "removed from Home by d1" in texts[0] + texts[1]
    assert any("guest is out" in text for text in texts)
    assert any("has left" in text for text in texts)
    assert set(of(here).members) == {key(1).device}
    again = Membership(node(1, index=here.index, run=2), Heard())
    assert again.start()


def test_who_is_put_out_tells_the_others_so_before_it_says_farewell() -> None:
    here, membership = inside(1, 2, 3, me=3)
    link(here, 1)
    link(here, 2)
    said = Remove(of(here).group, here.me, [], b"", None, b"", [])
    out = sign_removal(key(1), said, [])
    membership.add_records(out, key(1).device)
    assert here.me not in of(here).members
    assert sent(here.take()) == [(2, out)], "without waiting for the disk"


def test_who_is_out_itself_leaves_word_for_the_next_start() -> None:
    here, membership = inside(1, 2, me=2)
    said = Remove(of(here).group, key(2).device, [], b"", None, b"", [])
    membership.add_records(sign_removal(key(1), said, []))
    here.index.meta.set(OTHERS_BEFORE, b"anna")
    membership.forget("removed")
    assert here.index.meta.get(OUT) == b"removed"
    assert here.index.meta.get(OTHERS_BEFORE) == b"/d2\nanna\nd1", "of a group before, too"
    assert Trust(()) in here.take()


def test_who_is_out_knows_the_folders_by_names_that_count_no_more() -> None:
    """A folder that was called by a void word was told to be made this device's own."""
    here, membership = inside(1, 2, 3, me=2)
    roster = of(here)
    for number, label in enumerate(("Hacked", "d3"), 1):
        roster.add([sign_act(key(1), Relabel(roster.group, key(3).device, label, number))])
        roster.settle()
    assert roster.members[key(3).device].label == "d3"
    here.former.note(key(1).device, "old name", "d1")
    membership.forget("removed")
    known = (here.index.meta.get(OTHERS_BEFORE) or b"").decode().splitlines()
    assert {"hacked", "d3", "d1", "old name", "/d2"} == set(known)


def test_that_a_folder_is_to_go_is_told_once_though_the_members_are_the_same() -> None:
    here, heard = node(1), Heard()
    here.index.roster.replace(group(1, 2, 3).records())
    membership = Membership(here, heard)
    membership.start()
    said = Remove(of(here).group, key(2).device, [], b"", None, b"", [])
    membership.add_records(sign_removal(key(1), said, []))
    heard.notes.clear()
    here.take()
    forget = sign_act(key(1), Forget(of(here).group, key(2).device))
    membership.add_records([forget])
    assert of(here).forgotten == {key(2).device}
    assert heard.notes == [("on_members_changed",)]
    assert taken(here, Trust) == [], "whom to trust is as before"
    membership.add_records([forget])
    assert heard.notes == [("on_members_changed",)]


def test_a_folder_that_made_way_for_the_new_machine_is_not_renamed_again_by_later_news() -> None:
    here, membership = inside(1, 2, 3)
    said = Remove(of(here).group, key(2).device, [], b"", None, b"", [])
    membership.add_records(sign_removal(key(1), said, []))
    assert membership.admit(newcomer(key(4), "d2"), replaces=key(2).device)
    for number in (2, 4):
        here.former.forget(key(number).device)  # the disk followed
    assert membership.admit(newcomer(key(5), "d5"))
    assert list(here.former) == []
    assert here.layout.name_of(key(2).device) == f"d2-{short_id(key(2).device)}"


def test_what_a_second_removal_of_a_device_makes_void_is_let_go_of_on_the_disk_too() -> None:
    here, membership = inside(1, 2, 3)
    roster = of(here)
    word = sign_act(key(2), Forget(roster.group, key(3).device))
    said = Remove(roster.group, key(2).device, [], b"", None, b"", [])
    membership.add_records([word])
    accepted = roster.signed_by(key(2).device)
    membership.add_records(sign_removal(key(1), said, accepted))
    assert word in here.index.roster.all()
    membership.add_records(sign_removal(key(1), said, []))
    assert word not in here.index.roster.all()
    assert here.index.roster.all() == roster.kept()


def removal(here: Node, number: int, *words: RosterRecord) -> list[RosterRecord]:
    said = Remove(of(here).group, key(number).device, [], b"", None, key_id(b"k" * 32), [])
    accepted = [*of(here).signed_by(key(number).device), *map(record_hash, words)]
    return sign_removal(key(1), said, accepted)


@pytest.mark.parametrize("by", [1, 2])
@pytest.mark.parametrize("order", [1, -1])
def test_the_folder_of_a_device_that_is_renamed_and_removed_meanwhile_is_known(
    by: int, order: int
) -> None:
    here, membership = inside(1, 2, 3, me=3)
    word = sign_act(key(by), Relabel(of(here).group, key(2).device, "ben", 1))
    membership.add_records([word, *removal(here, 2, word)][::order], key(1).device)
    device = key(2).device
    assert (here.label_of(device), here.layout.name_of(device)) == ("ben", "d2")
    assert here.layout.manifest_at(parse_wire_path(b"d2")) == ManifestName.own(device)


def test_the_folder_of_a_replaced_device_is_known_whatever_the_new_one_is_called_by_now() -> None:
    here, membership = inside(1, 2, 3, me=3)
    membership.add_records(removal(here, 2))
    group, heir, old = of(here).group, key(4), key(2).device
    let_in = member(key(1), of(here), heir, "anew")
    succeed = sign_act(key(1), Succeed(group, old, heir.device))
    word = sign_act(heir, Relabel(group, heir.device, "nova", 1))
    membership.add_records([let_in, succeed, word], key(1).device)
    assert here.label_of(old) == f"d2-{short_id(old)}"
    assert here.layout.name_of(old) == "d2"
    assert here.layout.name_of(heir.device) == "nova"


def test_the_own_folder_waits_for_a_name_that_another_folder_has_still() -> None:
    here, membership = inside(1, 2, 3, me=3)
    membership.add_records(removal(here, 2))
    flush(here)
    succeed = sign_act(key(1), Succeed(of(here).group, key(2).device, here.me))
    membership.add_records([succeed], key(1).device)
    assert (here.own_label, here.layout.name_of(here.me)) == ("d2", "d3")
    assert here.layout.name_of(key(2).device) == "d2"
    assert [effect for effect in flush(here) if isinstance(effect, MarkShare)] == []


@pytest.mark.parametrize("seed", range(12))
def test_whatever_comes_in_whatever_batches_no_folder_has_another_name_by_it(seed: int) -> None:
    chance = random.Random(seed)
    here, membership = inside(1, 2, 3, 4, me=3)
    group_id, heirs = of(here).group, [key(number) for number in (8, 9)]
    words = [
        sign_act(key(by), Relabel(group_id, key(about).device, f"n{number}", number))
        for number, (by, about) in enumerate([(1, 2), (2, 2), (1, 4), (4, 4), (1, 3), (1, 8)], 1)
    ]
    said = [
        *words,
        *removal(here, 2, *words),
        *removal(here, 4, *words),
        *(member(key(1), of(here), heir, f"heir{at}") for at, heir in enumerate(heirs)),
        sign_act(key(1), Succeed(group_id, key(2).device, heirs[0].device)),
        sign_act(key(1), Succeed(group_id, key(4).device, heirs[1].device)),
    ]
    chance.shuffle(said)
    while said:
        batch = [said.pop() for _ in range(min(len(said), chance.randint(1, 5)))]
        before = {device: here.layout.name_of(device) for device in everybody(here)}
        membership.add_records(batch, key(1).device)
        after = {device: here.layout.name_of(device) for device in everybody(here)}
        assert {device: after[device] for device in before} == before
        assert len(set(after.values())) == len(after), "no two have one folder"
        for device in [each for each in here.former if chance.random() < 0.5]:
            if here.layout.wanted_name(device) not in after.values():  # the disk follows
                here.former.forget(device)


def everybody(here: Node) -> list[DeviceId]:
    return [*of(here).members, *of(here).former]
