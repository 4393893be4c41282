"""Waiting statements: each sender has its share, and what can be judged is handed out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potluck.core.group import waiting as module
from potluck.core.group.waiting import WaitingStatements
from potluck.core.wire.catalogue import RosterRecord
from tests.core.fakes import ANN, BEN, CLEO

if TYPE_CHECKING:
    import pytest


def by(signer: bytes, number: int) -> RosterRecord:
    return RosterRecord(b"%d" % number, signer, b"")


def test_what_can_be_judged_is_handed_out_once_in_the_order_it_came() -> None:
    waiting = WaitingStatements()
    for number, signer in enumerate([ANN, BEN, ANN]):
        waiting.add(b"%d" % number, by(signer.device, number), CLEO.device)
    assert waiting.take({CLEO.device}) == []
    assert [waiting.is_ready({each.device}) for each in (CLEO, BEN)] == [False, True]
    assert waiting.take({ANN.device}) == [
        (b"0", by(ANN.device, 0)),
        (b"2", by(ANN.device, 2)),
    ]
    assert waiting.take({ANN.device}) == []
    assert (len(waiting), repr(waiting)) == (1, "<WaitingStatements 1>")


def test_a_sender_crowds_out_nobody_but_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_EACH", 3)
    monkeypatch.setattr(module, "WAITING_MAX", 5)
    waiting = WaitingStatements()
    waiting.add(b"honest", by(ANN.device, 0), ANN.device)
    for number in range(50):
        for sender in (b"", BEN.device):
            waiting.add(b"%d" % number + sender, by(CLEO.device, number), sender)
    assert len(waiting) == 5
    waiting.add(b"honest", by(ANN.device, 0), ANN.device)
    assert waiting.take({ANN.device}) == [(b"honest", by(ANN.device, 0))]
    assert len(waiting.take({CLEO.device})) == 4
