"""The roster: who is a member follows from the set of statements, whoever signs whatever."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.paths import collision_key
from potluck.core.errors import Malformed
from potluck.core.group import lines, roster, statement_set, waiting
from potluck.core.group.removals import SignedAct
from potluck.core.group.roster import Roster
from potluck.core.group.statements import (
    Admit,
    Appoint,
    Genesis,
    LastHead,
    Regroup,
    Remove,
    admit,
    found,
    group_id,
    record_hash,
    sign_act,
    sign_removal,
    whole,
)
from potluck.core.keys.identity import DeviceKey, GroupId
from potluck.core.wire.catalogue import RosterRecord, encode
from tests.core.fakes import key
from tests.core.keys.reencodings import is_read, reencodings

FOUNDER, ANN, BEN, CLEO = (key(number) for number in range(1, 5))
GENESIS = found(FOUNDER, "Home", "desk", bytes(32))
GROUP = group_id(GENESIS)


def admission(
    by: DeviceKey, whom: DeviceKey, label: str = "laptop", group: GroupId = GROUP
) -> RosterRecord:
    return admit(by, group, whom.certificate, whom.sealing_public, label)


def signed(by: DeviceKey, statement: object) -> RosterRecord:
    body = statement if isinstance(statement, bytes) else encode(statement)
    return RosterRecord(body, by.device, by.sign(b"roster", body))


def labels(group: Roster) -> dict[bytes, str]:
    return {device: entry.label for device, entry in group.members.items()}


def test_a_group_begins_with_its_founder() -> None:
    home = Roster(GENESIS)
    assert (home.name, home.group, home.founder, home.group_key) == (
        "Home",
        GROUP,
        FOUNDER.device,
        bytes(32),
    )
    assert labels(home) == {FOUNDER.device: "desk"}
    assert home.records() == [GENESIS]
    assert home.chain(FOUNDER.device) == []


def test_a_member_makes_a_member() -> None:
    home = Roster(GENESIS)
    (new,) = home.add([admission(FOUNDER, ANN)])
    assert (new.device, new.label, new.admitted_by) == (ANN.device, "laptop", FOUNDER.device)
    assert home.add([admission(FOUNDER, ANN)]) == []
    assert len(home.records()) == 2


def test_statements_wait_for_their_signer() -> None:
    home = Roster(GENESIS)
    first, second = admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b")
    assert home.add([second]) == []
    assert {entry.device for entry in home.add([first])} == {ANN.device, BEN.device}
    assert home.chain(BEN.device) == [first, second]
    assert home.chain(CLEO.device) == []


def test_digests_tell_rosters_apart_whatever_the_order() -> None:
    one, other = Roster(GENESIS), Roster(GENESIS)
    records = [admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b")]
    one.add(records)
    assert one.digest != other.digest
    other.add(records[::-1])
    assert one.digest == other.digest


def test_only_members_signatures_count() -> None:
    home = Roster(GENESIS)
    home.add([admission(FOUNDER, ANN)])
    signature = ANN.sign(b"member", b"x")
    assert home.verify(ANN.device, b"member", b"x", signature)
    assert not home.verify(BEN.device, b"member", b"x", signature)
    assert not home.verify(ANN.device, b"member", b"y", signature)


@pytest.mark.parametrize(
    "record",
    [
        admission(BEN, CLEO),  # of a stranger
        admission(FOUNDER, BEN, group=GroupId(bytes(32))),
        admission(FOUNDER, BEN, ".."),
        admission(FOUNDER, BEN, "a/b"),
        admission(FOUNDER, BEN, "everyone"),
        admission(FOUNDER, BEN, "ü" * 40),
        RosterRecord(admission(FOUNDER, BEN).body, FOUNDER.device, bytes(64)),
        RosterRecord(admission(FOUNDER, BEN).body, ANN.device, FOUNDER.sign(b"roster", b"")),
        signed(FOUNDER, Admit(GROUP, b"no certificate", bytes(32), "x")),
        signed(FOUNDER, b"\xc1"),
        signed(FOUNDER, b"\x91" * 3000),
        signed(FOUNDER, msgspec.msgpack.encode({"t": "admit", "group": 3})),
        found(BEN, "Home", "mine", bytes(32)),
        found(FOUNDER, "Home", "another", bytes(32)),
    ],
    ids=range(14),
)
def test_what_is_no_admission_admits_nobody(record: RosterRecord) -> None:
    home = Roster(GENESIS)
    home.add([admission(FOUNDER, ANN)])
    before = home.digest
    assert home.add([record]) == []
    assert home.digest == before


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_certificate_in_another_writing_is_void_for_member_and_founder() -> None:
    read = count = 0
    home = Roster(GENESIS)
    before = home.digest
    for name, certificate in reencodings(ANN):
        said = Admit(GROUP, certificate, ANN.sealing_public, "x")
        assert home.add([signed(FOUNDER, said)]) == [], name
        founded = Genesis("Home", bytes(32), certificate, ANN.sealing_public, "x")
        with pytest.raises(Malformed):
            Roster(signed(ANN, founded))
        read, count = read + is_read(certificate), count + 1
    assert (home.digest, home.void) == (before, count)
    assert read >= 200


def test_whoever_a_void_admission_let_in_lets_in_nobody() -> None:
    home = Roster(GENESIS)
    _, bad = next(reencodings(ANN))
    home.add([signed(FOUNDER, Admit(GROUP, bad, ANN.sealing_public, "x")), admission(ANN, BEN)])
    assert list(home.members) == [FOUNDER.device]


def test_of_two_certificates_of_one_device_all_members_take_the_same() -> None:
    """It can have another sealing key: the admission that counts says which."""
    other = DeviceKey(ANN.secret[:32] + BEN.secret[32:])
    both = [admission(FOUNDER, ANN), admission(FOUNDER, other)]
    homes = [Roster(GENESIS), Roster(GENESIS)]
    homes[0].add(both)
    for one in reversed(both):
        homes[1].add([one])
    first, second = (home.members[ANN.device] for home in homes)
    assert first == second
    assert len(homes[0].members) == 2


def test_a_statement_of_a_newer_version_is_kept_and_handed_on_unread() -> None:
    home = Roster(GENESIS)
    later = signed(FOUNDER, msgspec.msgpack.encode({"t": "later", "device": ANN.device}))
    assert home.add([later]) == []
    assert home.records() == [GENESIS, later]


@pytest.mark.parametrize(
    "genesis",
    [
        admission(FOUNDER, ANN),
        RosterRecord(GENESIS.body, ANN.device, GENESIS.signature),
        RosterRecord(GENESIS.body, FOUNDER.device, bytes(64)),
        signed(FOUNDER, msgspec.msgpack.encode({"t": "later"})),
        signed(FOUNDER, b""),
        found(FOUNDER, "Home", "..", bytes(32)),
    ],
    ids=range(6),
)
def test_a_roster_begins_with_a_genesis_signed_by_its_founder(genesis: RosterRecord) -> None:
    with pytest.raises(Malformed):
        Roster(genesis)


STATEMENTS = {
    "one wish, three admissions": [admission(FOUNDER, ANN, f"label {n}") for n in range(3)],
    "near and far": [
        admission(FOUNDER, ANN, "a"),
        admission(ANN, BEN, "far"),
        admission(FOUNDER, BEN, "near"),
    ],
    "two wish one label": [
        admission(FOUNDER, ANN, "same"),
        admission(FOUNDER, BEN, "same"),
        admission(FOUNDER, CLEO, "same"),
    ],
}


@pytest.mark.parametrize("records", STATEMENTS.values(), ids=STATEMENTS)
def test_members_are_derived_from_the_set_and_not_from_the_order_of_arrival(
    records: list[RosterRecord],
) -> None:
    at_once = Roster(GENESIS)
    at_once.add(records)
    for order in permutations(records):
        home = Roster(GENESIS)
        for record in order:
            home.add([record])
        assert home.members == at_once.members
        assert list(home.members) == list(at_once.members)  # so labels go to the same ones


def test_a_nearer_admission_that_comes_later_counts() -> None:
    home = Roster(GENESIS)
    home.add([admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "far")])
    assert labels(home)[BEN.device] == "far"
    assert home.add([admission(FOUNDER, BEN, "near")]) == []
    assert home.members[BEN.device].admitted_by == FOUNDER.device
    assert home.chain(BEN.device) == [admission(FOUNDER, BEN, "near")]


def test_it_says_how_it_stands() -> None:
    home = Roster(GENESIS)
    home.add([admission(FOUNDER, ANN)])
    home.add([signed(FOUNDER, b"\xc1"), admission(FOUNDER, BEN, "..")])
    assert repr(home) == "<Roster 'Home': 2 members, 2 records, 2 void>"


def test_two_members_who_admit_each_other_close_no_circle() -> None:
    home = Roster(GENESIS)
    for number in range(20):  # so that some hash is smaller than that of the first admission
        home.add(
            [
                admission(FOUNDER, ANN, "a"),
                admission(ANN, BEN, "b"),
                admission(BEN, ANN, f"again{number}"),
            ]
        )
    assert home.chain(ANN.device) == [admission(FOUNDER, ANN, "a")]
    assert labels(home)[ANN.device] == "a"


def test_of_two_admissions_at_the_same_distance_the_smaller_hash_counts() -> None:
    records = [admission(FOUNDER, ANN, f"label {n}") for n in range(5)]
    smallest = min(records, key=record_hash)
    home = Roster(GENESIS)
    for record in records:
        home.add([record])
    assert home.members[ANN.device].record == smallest
    home.add([admission(ANN, FOUNDER, "usurped")])
    assert labels(home)[FOUNDER.device] == "desk"


def test_labels_are_distinct_whatever_is_wished_for() -> None:
    home = Roster(GENESIS)
    home.add([admission(FOUNDER, ANN, "Laptop"), admission(FOUNDER, BEN, "laptop")])
    long = max(labels(home).values(), key=len)
    assert long.lower().startswith("laptop-")
    home.add([admission(FOUNDER, CLEO, long), admission(FOUNDER, key(9), "DESK")])
    keys = [collision_key(label) for label in labels(home).values()]
    assert len(set(keys)) == len(keys) == 5


def test_a_hostile_wish_for_anothers_long_label_still_gives_two_labels() -> None:
    wanted = Roster(GENESIS)
    wanted.add([admission(FOUNDER, ANN, "x"), admission(FOUNDER, BEN, "x")])
    taken = next(label for label in labels(wanted).values() if label.startswith("x-"))
    for squatter in range(10, 16):
        home = Roster(GENESIS)
        home.add([*wanted.records()[1:], admission(FOUNDER, key(squatter), taken)])
        assert len({collision_key(label) for label in labels(home).values()}) == 4


def test_a_free_label_is_found_before_admission() -> None:
    home = Roster(GENESIS)
    assert home.free_label("laptop") == "laptop"
    assert home.free_label("DESK") == "DESK-2"
    home.add([admission(FOUNDER, ANN, "desk-2")])
    assert home.free_label("desk") == "desk-3"
    assert home.free_label("Everyone") == "Everyone-2"
    for wish in ("..", "", "x" * (limits.LABEL_BYTES + 1)):
        assert home.free_label(wish) == "device"


def test_the_longest_label_is_kept_whole_unless_somebody_has_it() -> None:
    for wish, second in {
        "x" * limits.LABEL_BYTES: "x" * (limits.LABEL_BYTES - 5) + "-2",
        "é" * (limits.LABEL_BYTES // 2): "é" * 29 + "-2",
        "x" * 58 + ". yyyy": "x" * 58 + "-2",
    }.items():
        home = Roster(GENESIS)
        assert home.free_label(wish) == wish
        home.add([admission(FOUNDER, ANN, wish)])
        label = home.free_label(wish)
        assert label == second
        assert len(label.encode()) <= limits.LABEL_BYTES


def test_waiting_statements_are_bounded_and_do_not_shut_others_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "WAITING_MAX", 5)
    monkeypatch.setattr(waiting, "WAITING_EACH", 3)
    home = Roster(GENESIS)
    honest = admission(ANN, CLEO)
    home.add([honest], CLEO.device)
    for sender in (b"", BEN.device):
        home.add((RosterRecord(b"junk %d" % n, ANN.device, b"") for n in range(50)), sender)
        home.add((RosterRecord(sender + b"%d" % n, ANN.device, b"") for n in range(50)), sender)
    assert len(home._waiting) == 5
    assert [entry.device for entry in home.add([admission(FOUNDER, ANN)])] == [
        ANN.device,
        CLEO.device,
    ]
    assert len(home._waiting) == 0


def test_a_roster_longer_than_what_may_wait_is_taken_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "WAITING_MAX", 1)
    home = Roster(GENESIS)
    chain = [admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b"), admission(BEN, CLEO, "c")]
    assert len(home.add(chain)) == 3


def test_each_record_of_a_message_is_judged_by_itself() -> None:
    home = Roster(GENESIS)
    poison = [
        signed(FOUNDER, b"\xa1"),
        signed(FOUNDER, b"\x91" * 3000),
        signed(FOUNDER, encode(Admit(GROUP, ANN.certificate, ANN.sealing_public, "xx")).replace(
            b"xx", b"\xff\xfe"
        )),
        RosterRecord(b"", FOUNDER.device, b""),
        signed(FOUNDER, Admit(GROUP, b"no certificate", ANN.sealing_public, "d")),
        admission(FOUNDER, ANN, "..", GROUP),
    ]  # fmt: skip
    for bad in poison:
        (new,) = Roster(GENESIS).add([bad, admission(FOUNDER, BEN, "b")])
        assert new.device == BEN.device
    assert [entry.device for entry in home.add([*poison, admission(FOUNDER, BEN, "b")])] == [
        BEN.device
    ]


def test_statements_are_bounded_and_some_room_is_the_founders_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statement_set, "RECORDS_MAX", 3)
    monkeypatch.setattr(statement_set, "FOUNDERS_ROOM", 2)
    home = Roster(GENESIS)
    home.add([admission(FOUNDER, ANN, "a")])
    home.add(signed(ANN, msgspec.msgpack.encode({"t": "later", "n": n})) for n in range(9))
    assert len(home.records()) == 3
    assert home.add([admission(ANN, key(21), "d")]) == [], "there is no room"
    (new,) = home.add([admission(FOUNDER, BEN, "b")])
    assert new.device == BEN.device
    home.add([admission(FOUNDER, CLEO, "c"), admission(FOUNDER, key(20), "e")])
    assert len(home.records()) == 5
    assert len(home.members) == 4


def test_a_line_that_is_full_lets_nobody_in_but_another_line_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LINE_MOST", 5)
    monkeypatch.setattr(lines, "LINE_LEAST", 5)
    home = settled(admission(FOUNDER, ANN, "a"), admission(FOUNDER, BEN, "b"))
    fakes = [admission(ANN, key(number), f"fake {number}") for number in range(20, 23)]
    home.add(fakes)
    home.add([admission(key(20), key(number), f"more {number}") for number in range(30, 33)])
    home.add([signed(key(21), msgspec.msgpack.encode({"t": "later"}))])
    home.settle()
    assert len(home.members) == 3 + 3 + 2
    assert len(home.add([admission(BEN, CLEO, "c")])) == 1
    assert len(home.add([admission(FOUNDER, key(9), "d")])) == 1
    again = Roster.replay(home.records())
    assert again.members.keys() == home.members.keys()


# -- what is in force ------------------------------------------------------------------------------
def settled(*records: RosterRecord) -> Roster:
    """A roster that learned of these one after the other."""
    home = Roster(GENESIS)
    for record in records:
        home.add([record])
        home.settle()
    return home


def test_a_member_that_is_admitted_again_keeps_its_label_and_its_admission() -> None:
    home = settled(admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b"), admission(BEN, CLEO))
    before = home.members[CLEO.device]
    for number in range(20):  # some of them with a smaller hash, all nearer to the founder
        assert home.add([admission(ANN, CLEO, f"stolen {number}")]) == []
        home.settle()
    assert home.members[CLEO.device] is before
    assert len(home.records()) == 24, "they are kept and handed on"


def test_a_newcomer_whose_wish_is_taken_is_the_one_that_gets_its_id_behind_it() -> None:
    home = settled(admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b"), admission(BEN, CLEO))
    for number in range(20, 30):
        (new,) = home.add([admission(ANN, key(number), "Laptop")])
        home.settle()
        assert new.label.startswith("Laptop-")
    assert labels(home)[CLEO.device] == "laptop"


def test_by_the_founders_word_a_member_gets_another_label() -> None:
    home = settled(admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b"))
    home.add([admission(FOUNDER, BEN, "renamed")])
    home.settle()
    assert labels(home)[BEN.device] == "renamed"
    assert home.members[BEN.device].admitted_by == FOUNDER.device
    (new,) = home.add([admission(ANN, CLEO, "b")])
    home.settle()
    assert new.label.startswith("b-"), "nobody gets the folder that was another's here"
    again = Roster.replay(home.records())
    assert again.members == home.members
    assert home.free_label("b") == "b-2"


def test_the_founders_word_that_says_the_same_leaves_the_label() -> None:
    home = settled(admission(FOUNDER, ANN, "a"), admission(ANN, BEN), admission(ANN, CLEO))
    label = labels(home)[CLEO.device]
    assert label != "laptop"
    home.add([admission(FOUNDER, CLEO, "laptop")])
    home.settle()
    assert labels(home)[CLEO.device] == label


def test_a_word_for_a_name_in_force_takes_it_from_nobody() -> None:
    home = settled(admission(FOUNDER, ANN, "a"), admission(ANN, BEN), admission(ANN, CLEO, "c"))
    home.add([admission(FOUNDER, CLEO, "laptop")])
    assert labels(home)[BEN.device] == "laptop"
    assert labels(home)[CLEO.device].startswith("laptop-")


def test_of_two_words_of_the_founder_the_smaller_hash_counts_and_none_is_about_itself() -> None:
    words = sorted((admission(FOUNDER, ANN, f"label {n}") for n in range(3)), key=record_hash)
    for order in permutations(words):
        home = settled(*order, admission(FOUNDER, FOUNDER, "nobody"))
        assert home.members[ANN.device].record == words[0]
        assert labels(home)[FOUNDER.device] == "desk"


def test_what_is_in_force_is_in_force_for_whoever_replays_it() -> None:
    truth = [admission(FOUNDER, ANN, "a"), admission(FOUNDER, BEN, "b"), admission(BEN, CLEO)]
    lies = [admission(ANN, CLEO, f"x {n}") for n in range(9)]
    lies += [admission(ANN, key(number), "laptop") for number in range(20, 29)]
    home = settled(*truth, *lies)
    again = Roster.replay(home.records())
    assert again.members == home.members
    assert again.digest == home.digest
    assert again.records() == home.records()


def test_what_is_new_is_told_in_the_order_it_came_into_force() -> None:
    home = settled(admission(FOUNDER, ANN, "a"))
    known = home.hashes
    assert home.since(known) == []
    first, second, other = admission(ANN, BEN, "b"), admission(BEN, CLEO), admission(ANN, ANN)
    home.add([other, second, first])
    home.settle()
    assert home.since(known) == [first, second, other]
    assert home.records()[-3:] == [first, second, other]


def test_a_roster_knows_who_cannot_be_one_member() -> None:
    home = settled(admission(FOUNDER, ANN, "a"), admission(FOUNDER, BEN, "b"), admission(BEN, CLEO))
    assert home.are_apart(ANN.device, CLEO.device)
    assert not home.are_apart(BEN.device, CLEO.device)


# -- removals --------------------------------------------------------------------------------------
def out(by: DeviceKey, whom: DeviceKey, *accepted: bytes) -> RosterRecord:
    (record,) = sign_removal(by, Remove(GROUP, whom.device, [], b"", None, b"", []), accepted)
    return record


def test_who_was_removed_is_no_member_whoever_lets_it_in_again() -> None:
    home = settled(admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b"), out(FOUNDER, BEN))
    before = home.digest
    home.add([admission(ANN, BEN, "again"), admission(FOUNDER, BEN, "and again")])
    home.settle()
    assert set(labels(home)) == {FOUNDER.device, ANN.device}
    assert home.former[BEN.device].label == "and again"
    assert home.standing.epoch == 1
    assert home.digest != before, "they are kept, and count for nothing"
    assert not home.verify(BEN.device, b"member", b"x", BEN.sign(b"member", b"x"))
    assert home.free_label("b") == "b-2"
    assert home.chain(BEN.device) == []
    assert not home.are_apart(BEN.device, ANN.device)
    assert not home.are_apart(ANN.device, BEN.device)


def test_an_old_roster_changes_nothing() -> None:
    old = [admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b")]
    home = settled(*old, out(FOUNDER, ANN))
    before = home.digest
    assert home.add([*old, GENESIS, admission(ANN, CLEO, "dated back")]) == []
    home.settle()
    assert home.digest == before
    assert list(home.members) == [FOUNDER.device]
    assert home.void == 2, "what was dated back, and what became void"
    again = Roster.replay(home.kept())
    assert again.digest == before
    assert again.former.keys() == home.former.keys() == {ANN.device, BEN.device}


def test_a_group_is_called_as_a_steward_said_last() -> None:
    names = [sign_act(by, Regroup(GROUP, name, n)) for by, name, n in (
        (FOUNDER, "Flat", 1), (FOUNDER, "House", 2), (ANN, "Stolen", 9))]  # fmt: skip
    home = settled(admission(FOUNDER, ANN, "a"), *names)
    assert home.name == "House"
    assert len(home.acts) == 3
    assert home.next_name_number == 3


def test_no_words_of_others_nor_one_steward_use_up_the_numbers_of_the_groups_name() -> None:
    appoint = sign_act(FOUNDER, Appoint(GROUP, BEN.certificate))
    jam = [sign_act(by, Regroup(GROUP, "jam", limits.SEQ_MAX)) for by in (ANN, BEN)]
    home = settled(admission(FOUNDER, ANN, "a"), admission(FOUNDER, BEN, "b"), appoint, *jam)
    for number in range(3):
        word = Regroup(GROUP, f"name {number}", home.next_name_number)
        home.add([sign_act(FOUNDER, word)])
        assert home.name == f"name {number}"


def test_what_stands_again_once_a_removal_is_undone_is_taken_back() -> None:
    home = settled(
        admission(FOUNDER, ANN, "a"), sign_act(FOUNDER, Appoint(GROUP, ANN.certificate)),
        admission(FOUNDER, BEN, "b"), admission(BEN, CLEO, "c"), out(ANN, BEN),
    )  # fmt: skip
    assert CLEO.device not in home.members
    told = [h for h in home.signed_by(ANN.device) if h not in home.acts]
    home.add([out(FOUNDER, ANN, *told)])
    home.settle()
    assert set(labels(home)) == {FOUNDER.device, BEN.device, CLEO.device}
    assert Roster.replay(home.kept()).members == home.members


def test_names_of_former_devices_are_remembered_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(roster, "GHOSTS_MAX", 3)
    home = settled(admission(FOUNDER, ANN, "a"))
    home.add([admission(ANN, key(number), f"x{number}") for number in range(20, 29)])
    home.settle()
    home.add([admission(ANN, key(20), "not in force")])
    home.add([out(FOUNDER, ANN)])
    home.settle()
    assert len(home.kept()) == 3 + 3
    assert Roster.replay(home.kept()).members == home.members


def test_a_removed_device_is_known_and_vouched_for_up_to_its_last_head() -> None:
    last = LastHead(3, 4, b"r" * 32)
    said = Remove(GROUP, ANN.device, [], b"", last, b"", [])
    home = settled(admission(FOUNDER, ANN, "a"), *sign_removal(FOUNDER, said, []))
    assert home.frozen_at(ANN.device) == last
    assert home.frozen_at(FOUNDER.device) is None
    signature = ANN.sign(b"head", b"x")
    assert home.vouches(ANN.device, b"head", b"x", signature)
    assert not home.vouches(BEN.device, b"head", b"x", signature)
    entry = home.entry_of(ANN.device)
    assert entry is not None
    assert entry.label == "a"


def test_what_a_removal_would_do_is_known_before_it_is_said() -> None:
    ann, ben = key(2), key(3)
    home = settled(admission(key(1), ann, "a"), admission(ann, ben, "b"))
    (word,) = home.admitted_by(ann.device)
    assert home.admitted_by(ann.device) == {word: ben.device}
    kept, digest = set(home.members), home.digest
    for accepted, stay in (([], {key(1)}), ([word], {key(1), ben})):
        said = Remove(home.group, ann.device, accepted, whole(accepted), None, b"", [])
        after = home.members_with(SignedAct(key(1).device, said, ann.device))
        assert after == {each.device for each in stay}
    assert (set(home.members), home.digest) == (kept, digest)


def test_a_roster_of_which_not_all_steps_are_taken_has_the_same_members() -> None:
    appoint = sign_act(FOUNDER, Appoint(GROUP, ANN.certificate))
    records = [
        GENESIS, admission(ANN, BEN, "b"), admission(FOUNDER, ANN, "a"), appoint,
        admission(BEN, CLEO, "c"), out(ANN, BEN),
    ]  # fmt: skip
    whole = Roster.replay(records)
    assert whole.members.keys() == {FOUNDER.device, ANN.device}
    for steps in range(5):
        again = Roster.replay(records, steps)
        assert again.members == whole.members
        assert again.digest == whole.digest


def test_what_waits_for_its_signer_is_put_in_force_with_it_when_it_is_played_again() -> None:
    late = [admission(ANN, BEN, "b"), admission(BEN, CLEO, "a")]
    records = [GENESIS, *late, admission(FOUNDER, key(9), "n"), admission(FOUNDER, ANN, "a")]
    for steps in (None, 0, 1, 2, 3):
        again = Roster.replay(records, steps)
        assert len(again.members) == 5
        assert labels(again)[ANN.device] == "a"
        assert len(again._waiting) == 0
