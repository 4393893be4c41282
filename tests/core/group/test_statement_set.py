"""The statement set: what is read and kept, and who may add how much."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core.group import lines, statement_set
from potluck.core.group.removals import judge
from potluck.core.group.roster import Roster
from potluck.core.group.statement_set import RosterRoom, StatementSet
from potluck.core.group.statements import (
    Appoint,
    Forget,
    Regroup,
    Relabel,
    Remove,
    Succeed,
    found,
    sign_act,
    sign_removal,
)
from potluck.core.keys.identity import DeviceKey, GroupId
from potluck.core.wire.catalogue import RosterRecord
from tests.core.fakes import key
from tests.core.group.test_roster import GENESIS, GROUP, admission, settled, signed

FOUNDER, ANN, BEN, CLEO = (key(number) for number in range(1, 5))
OTHER = GroupId(bytes(32))


def out(by: DeviceKey, whom: DeviceKey, *accepted: bytes) -> RosterRecord:
    (record,) = sign_removal(by, Remove(GROUP, whom.device, [], b"", None, b"", []), accepted)
    return record


@pytest.mark.parametrize(
    "record",
    [
        signed(ANN, b"\xc1"),
        found(ANN, "Home", "a", bytes(32)),
        admission(ANN, BEN, "b", OTHER),
        admission(ANN, BEN, ".."),
        sign_act(ANN, Appoint(GROUP, b"no certificate")),
        sign_act(ANN, Appoint(OTHER, BEN.certificate)),
        sign_act(ANN, Forget(OTHER, BEN.device)),
        sign_act(ANN, Regroup(GROUP, " ", 1)),
        sign_act(ANN, Relabel(GROUP, BEN.device, "everyone", 1)),
    ],
    ids=range(9),
)
def test_what_says_nothing_possible_is_void_and_counted(record: RosterRecord) -> None:
    held = StatementSet(GENESIS)
    public = settled(admission(FOUNDER, ANN)).members[ANN.device].public_key
    assert held.read(record, public, GROUP) is None
    assert held.void == 1
    forged = RosterRecord(record.body, record.by, bytes(64))
    assert held.read(forged, public, GROUP) is None
    assert held.void == 1, "whoever did not sign it said nothing"


def test_each_act_is_about_a_device_and_an_unknown_one_is_kept() -> None:
    held = StatementSet(GENESIS)
    public = settled(admission(FOUNDER, ANN)).members[ANN.device].public_key
    about = {
        sign_act(ANN, Appoint(GROUP, BEN.certificate)): BEN,
        sign_act(ANN, Forget(GROUP, BEN.device)): BEN,
        sign_act(ANN, Relabel(GROUP, BEN.device, "x", 1)): BEN,
        sign_act(ANN, Succeed(GROUP, CLEO.device, BEN.device)): BEN,
        sign_act(ANN, Regroup(GROUP, "Flat", 1)): ANN,
        out(ANN, BEN): BEN,
    }
    for number, (record, device) in enumerate(about.items()):
        read = held.read(record, public, GROUP)
        assert read is not None
        assert read.said is not None
        assert read.said.about == device.device
        held.put(bytes([number]), read)
    later = held.read(signed(ANN, msgspec.msgpack.encode({"t": "later"})), public, GROUP)
    assert later is not None
    held.put(b"later", later)
    assert (len(held.acts), held.signed[ANN.device]) == (6, 7)
    assert repr(held) == "<StatementSet 8 statements, 0 void>"
    assert held.drop(b"later") == later
    assert held.signed[ANN.device] == 6
    room = RosterRoom(held, {}, judge(FOUNDER.device, {}))
    assert repr(room) == "<Room for 1193 more>"
    assert not room.take(later), "who is not known has no room"


def test_a_steward_is_heard_whoever_filled_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_set, "RECORDS_MAX", 8)
    monkeypatch.setattr(statement_set, "FOUNDERS_ROOM", 2)
    monkeypatch.setattr(statement_set, "STEWARDS_ROOM", 8)
    monkeypatch.setattr(lines, "STEWARDS_EACH", 2)
    home = settled(
        admission(FOUNDER, ANN, "a"),
        admission(FOUNDER, BEN, "b"),
        sign_act(FOUNDER, Appoint(GROUP, ANN.certificate)),
        sign_act(FOUNDER, Appoint(GROUP, BEN.certificate)),
        *(admission(FOUNDER, key(number), f"x{number}") for number in range(20, 40)),
    )
    assert len(home.records()) == 10
    home.add([sign_act(ANN, Appoint(GROUP, CLEO.certificate))])
    home.add([sign_act(CLEO, Forget(GROUP, key(n).device)) for n in range(5)])
    home.add([sign_act(ANN, Forget(GROUP, key(n).device)) for n in range(5)])
    assert len(home.records()) == 12, "Cleo's are charged to Ann, who appointed it"
    home.add([admission(BEN, CLEO, "c")])
    assert len(home.records()) == 12, "no act of a steward"
    told = home.signed_by(FOUNDER.device)
    home.add([out(BEN, FOUNDER, *told), out(BEN, ANN)])
    home.settle()
    assert FOUNDER.device not in home.members
    assert ANN.device not in home.members


def test_one_signer_has_room_for_so_many_removals_and_others_for_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statement_set, "REMOVALS_BEYOND", 2)
    home = settled(
        admission(FOUNDER, ANN, "a"),
        sign_act(FOUNDER, Appoint(GROUP, ANN.certificate)),
    )
    told = home.signed_by(FOUNDER.device)
    home.add([out(ANN, FOUNDER, *told, bytes([n]) * 32) for n in range(9)])
    assert len(home.records()) == 3 + 2 + 2, "as many as devices are known, and two"
    home.add([out(ANN, FOUNDER, *told, bytes([9]) * 32)])
    assert len(home.records()) == 7
    home.add([sign_act(ANN, Forget(GROUP, key(5).device))])
    assert len(home.records()) == 8, "what is none has room"


def test_the_room_of_a_removed_line_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_set, "RECORDS_MAX", 10)
    home = settled(admission(FOUNDER, ANN, "a"), admission(FOUNDER, BEN, "b"))
    home.add([admission(ANN, key(number), f"x{number}") for number in range(20, 40)])
    home.settle()
    assert len(home.records()) == 10
    home.add([out(FOUNDER, ANN)])
    home.settle()
    assert len(home.records()) == 4
    assert len(home.add([admission(BEN, CLEO, "c")])) == 1
    assert len(home.add([admission(ANN, key(9), "held back")])) == 0


def test_whom_a_steward_appointed_is_heard_though_it_is_no_member() -> None:
    home = Roster(GENESIS)
    removal = out(ANN, BEN)
    home.add([removal, admission(ANN, CLEO, "c"), admission(FOUNDER, BEN, "b")])
    home.add([sign_act(FOUNDER, Appoint(GROUP, ANN.certificate))])
    assert BEN.device not in home.members
    assert removal in home.records()
    assert CLEO.device not in home.members
    home.settle()
    home.add([admission(FOUNDER, ANN, "a")])
    assert CLEO.device in home.members


def test_that_a_member_leaves_is_heard_whoever_filled_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statement_set, "RECORDS_MAX", 20)
    monkeypatch.setattr(lines, "LINE_MOST", 4)
    monkeypatch.setattr(lines, "LINE_LEAST", 3)
    home = settled(admission(FOUNDER, ANN, "a"), admission(ANN, BEN, "b"))
    home.add([sign_act(ANN, Relabel(GROUP, ANN.device, f"x{n}", n)) for n in range(9)])
    full = len(home.records())
    home.add([sign_act(BEN, Relabel(GROUP, BEN.device, "ben", 1))])
    home.add([out(BEN, CLEO)])
    assert len(home.records()) == full, "the line is full"
    home.add([out(BEN, BEN)])
    assert (BEN.device in home.members, len(home.records())) == (False, full + 1)
    home.add([out(BEN, BEN, bytes(32))])
    assert len(home.records()) == full + 1, "once"
    home.add([admission(FOUNDER, CLEO, "c"), *(out(CLEO, CLEO, bytes([n] * 32)) for n in range(9))])
    assert len(home.records()) == full + 1 + 1 + 1 + 4, "the first is charged to nobody"
