"""Acts: what came is what is meant, or an error with an example that works."""

from __future__ import annotations

import pytest

from potluck.core.errors import Malformed, NotFound
from potluck.core.group.codes import TypedCode
from potluck.core.wire.catalogue import Address
from potluck.engine.person_acts import (
    AdoptAsked,
    AppointAsked,
    ApproveAsked,
    AskAsked,
    ConfirmAsked,
    DenyAsked,
    ForgetAsked,
    GetAsked,
    InviteAsked,
    JoinAsked,
    KeepAsked,
    KeepHereAsked,
    LeaveForGoodAsked,
    NewIdentityAsked,
    PersonAct,
    RemoveAsked,
    RenameDeviceAsked,
    RenameGroupAsked,
    RepairAsked,
    SkipAsked,
    TakeAsked,
    UndoAsked,
    UninviteAsked,
    VerifyAsked,
)
from potluck.shells.api.acts import ACTS, JoinBody, decode_act

HOST = Address("10.0.0.2", 7685)


class Same(TypedCode):
    """Equal to whatever was typed: a code compares itself with nobody."""

    __hash__ = TypedCode.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedCode)


CODE = Same("")
MEANT: list[tuple[str, bytes, PersonAct]] = [
    ("approve", b'{"name":"bert"}', ApproveAsked(7, "bert")),
    ("approve", b"{}", ApproveAsked(7, "")),
    ("approve", b'{"name":"bert","replace":"cleo"}', ApproveAsked(7, "bert", "cleo")),
    ("approve", b'{"name":"bert","replace":""}', ApproveAsked(7, "bert", "")),
    ("deny", b'{"name":"bert"}', DenyAsked(7, "bert")),
    ("ask", b'{"name":"Home"}', AskAsked(7, "Home")),
    ("invite", b"{}", InviteAsked(7, 600.0)),
    ("invite", b'{"minutes":2}', InviteAsked(7, 120.0)),
    ("uninvite", b"{}", UninviteAsked(7)),
    ("join", b'{"code":"a b c"}', JoinAsked(7, CODE)),
    ("join", b'{"code":"a b c","waits":true}', JoinAsked(7, CODE, waits=True)),
    (
        "join",
        b'{"code":"a b c","waits":true,"last":true}',
        JoinAsked(7, CODE, waits=True, last=True),
    ),
    ("join", b'{"code":"a b c","peer":["10.0.0.2",7685]}', JoinAsked(7, CODE, HOST)),
    ("rename-device", b'{"new":"anna"}', RenameDeviceAsked(7, "", "anna")),
    ("rename-device", b'{"old":"bert","new":"anna"}', RenameDeviceAsked(7, "bert", "anna")),
    ("rename-group", b'{"name":"Home"}', RenameGroupAsked(7, "Home")),
    ("appoint", b'{"name":"bert"}', AppointAsked(7, "bert")),
    ("leave", b"{}", LeaveForGoodAsked(7)),
    ("keep-here", b'{"preview":true}', KeepHereAsked(7, preview=True)),
    ("new-identity", b"{}", NewIdentityAsked(7)),
    ("remove", b'{"name":"bert","everybody":true}', RemoveAsked(7, "bert", everybody=True)),
    ("remove", b'{"name":"bert","preview":true}', RemoveAsked(7, "bert", preview=True)),
    ("remove", b'{"name":"bert","forget":true}', RemoveAsked(7, "bert", forget=True)),
    ("forget", b'{"name":"bert","preview":true}', ForgetAsked(7, "bert", preview=True)),
    ("adopt", b'{"name":"bert"}', AdoptAsked(7, "bert")),
    ("confirm", b"{}", ConfirmAsked(7)),
    ("confirm", b'{"name":"bert"}', ConfirmAsked(7, "bert")),
    ("repair", b"{}", RepairAsked(7)),
    ("verify", b"{}", VerifyAsked(7)),
    ("verify", b'{"path":"bert/photos"}', VerifyAsked(7, "bert/photos")),
    ("skip", b"{}", SkipAsked(7)),
    ("skip", b'{"patterns":["*.iso"]}', SkipAsked(7, ("*.iso",))),
    ("keep", b'{"patterns":["bert/docs"]}', KeepAsked(7, ("bert/docs",))),
    ("get", b'{"patterns":["*.iso"]}', GetAsked(7, ("*.iso",))),
    ("take", b'{"path":"bert/a"}', TakeAsked(7, "bert/a")),
    ("take", b'{"path":"bert/a","into":"docs"}', TakeAsked(7, "bert/a", "docs")),
    ("undo", b"{}", UndoAsked(7)),
]


@pytest.mark.parametrize(("name", "body", "act"), MEANT)
def test_an_act_is_what_its_body_says(name: str, body: bytes, act: PersonAct) -> None:
    assert act == decode_act(name, body)(7)


def test_every_act_is_tried() -> None:
    assert {name for name, _, _ in MEANT} == ACTS.keys()


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("body", [b"", b"[]", b'{"nobody":1}', b'{"name":1}'])
def test_what_cannot_be_meant_is_answered_with_an_example(name: str, body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode_act(name, body)
    assert caught.value.fix == ACTS[name].example


def test_what_is_no_act_is_not_found() -> None:
    with pytest.raises(NotFound):
        decode_act("dance", b"{}")


def test_a_typed_code_stands_in_no_repr() -> None:
    body = JoinBody("amber tiger violin")
    assert "amber" not in repr(body) + repr(body.fact(7))
