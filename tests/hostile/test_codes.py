"""Codes under attack: who does not know one is not let in, however it goes about it.

Strategy: one real daemon with a closed door and a code in force; the attacker speaks on real
pairing links, with the program's own machines, and knows of the code only what the test lends it.
Each attack is made against the guarded daemon, where it must achieve nothing, and against one whose
one guard is off (unguarded.py), where it must succeed. Limits: the honest joiner in front of the
relay is the program's conversation without a daemon around it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from potluck.core.group.admission import Doorkeeper, Joiner
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code
from potluck.core.group.roster import Roster
from potluck.core.group.statements import found
from potluck.core.group.word_list import WORDS
from potluck.core.keys.identity import DeviceId, DeviceKey, device_of
from potluck.core.wire.catalogue import (
    PAIRING,
    LinkKind,
    PairCodeRefused,
    PairCommit,
    PairNonce,
    PairProof,
    PairReveal,
    PairShare,
    PairVerdict,
)
from potluck.shells.links import tls
from potluck.shells.links.dialling import DialRequest, open_link
from potluck.shells.links.segments import Segments
from potluck.shells.links.stream import Stream
from tests.devices import free_port, until
from tests.hostile.daemons import TRACEBACK, Daemon
from tests.hostile.rogue import WAIT_S, Deaf, deadline
from tests.hostile.unguarded import UnboundProof

pytestmark = [pytest.mark.full, pytest.mark.hostile, pytest.mark.timeout(120)]

Prover = Callable[..., CodeProof]


class SystemChance:
    """The system's chance."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * secrets.randbelow(2**32) / 2**32


@contextmanager
def inviting(base: Path, *unguarded: str) -> Iterator[tuple[Daemon, str]]:
    """A daemon whose door is closed, and its code."""
    daemon = Daemon(base / "alder", "alder")
    if unguarded:
        daemon.program = ("tests.hostile.unguarded", *unguarded, "--")
    try:
        daemon.begin(free_port())
        daemon.client.post("/api/v1/door", {"open": False})
        yield daemon, daemon.client.act("invite", {})
        assert TRACEBACK not in daemon.said()
    finally:
        daemon.close()


class Guess:
    """One conversation of a stranger that claims to know a code."""

    def __init__(self, daemon: Daemon) -> None:
        self.key = DeviceKey(os.urandom(64))
        standing = tls.CurrentTrust(self.key, os.urandom(16), Deaf())
        request = DialRequest(None, daemon.address, LinkKind.PAIRING)
        self.stream: Stream = open_link(standing, request, deadline(), Segments()).stream
        self.joiner = Joiner(self.key, "rogue", os.urandom(16), by_code=True)
        for message in self.joiner.begin():
            self.stream.send(message)
        said = self.heard()
        assert isinstance(said, PairNonce)
        self.member = device_of(said.certificate)
        for message in self.joiner.hear(said):
            self.stream.send(message)

    def heard(self) -> object:
        """What the member says next."""
        return self.stream.receive(PAIRING, WAIT_S)

    def begin(self, code: str) -> None:
        """Send the share of that code; the try counts from now on."""
        words, me = Code(code.split("-")), self.key.device
        self.side = CodeProof(words, me, self.member, SystemChance(), joins=True)
        self.stream.send(PairShare(self.side.share))

    def prove(self) -> bool:
        """Go on with it; whether the member took this for somebody who knows the code."""
        said = self.heard()
        if not isinstance(said, PairShare):
            return False
        self.side.take_share(said.share)
        self.stream.send(PairProof(self.side.proof(self.joiner.transcript)))
        return self.verdict()

    def verdict(self) -> bool:
        for message in self.joiner.want():
            self.stream.send(message)
        said = self.heard()
        if isinstance(said, PairCodeRefused):
            return False
        assert isinstance(said, PairProof)
        said = self.heard()
        return isinstance(said, PairVerdict) and said.admitted


def guess(daemon: Daemon, code: str) -> bool:
    """Try one code."""
    with ExitStack() as undo:
        one = Guess(daemon)
        undo.callback(one.stream.close)
        one.begin(code)
        return one.prove()


def wrong(code: str, turn: int) -> str:
    words = code.split("-")
    return "-".join([*words[:2], WORDS[(WORDS.index(words[2]) + turn) % len(WORDS)]])


def members(daemon: Daemon) -> int:
    return len(daemon.state()["devices"])


# -- guesses one after the other -------------------------------------------------------------------
def fourth_guess(daemon: Daemon, code: str) -> bool:
    """Three wrong ones, and then by luck the right one."""
    for turn in (1, 2, 3):
        assert not guess(daemon, wrong(code, turn))
    return guess(daemon, code)


def test_the_fourth_guess_is_none(tmp_path: Path) -> None:
    with inviting(tmp_path) as (daemon, code):
        before = members(daemon)
        assert not fourth_guess(daemon, code)
        assert members(daemon) == before
        until(lambda: daemon.state().get("invite", code) is None, daemon.said)


@pytest.mark.proof
def test_without_a_count_it_is_one(tmp_path: Path) -> None:
    with inviting(tmp_path, "uses") as (daemon, code):
        assert fourth_guess(daemon, code)


# -- a code that was used --------------------------------------------------------------------------
def test_a_code_lets_one_device_in(tmp_path: Path) -> None:
    with inviting(tmp_path) as (daemon, code):
        assert guess(daemon, code)
        assert not guess(daemon, code)


@pytest.mark.proof
def test_without_an_end_it_lets_in_two(tmp_path: Path) -> None:
    with inviting(tmp_path, "uses") as (daemon, code):
        assert guess(daemon, code)
        assert guess(daemon, code)


# -- guesses at the same time ----------------------------------------------------------------------
def many_at_once(daemon: Daemon, code: str) -> int:
    """Six conversations that begin before any of them ends; the last one knows it. How many get
    far enough to be told whether they are right.
    """
    with ExitStack() as undo:
        tries, answered = [Guess(daemon) for _ in range(6)], 0
        for one in tries:
            undo.callback(one.stream.close)
        for turn, one in enumerate(tries[:-1], 1):
            one.begin(wrong(code, turn))
        for one in tries[:-1]:
            said = one.heard()
            assert isinstance(said, PairShare | PairCodeRefused)
            answered += isinstance(said, PairShare)
        tries[-1].begin(code)
        return answered + tries[-1].prove()


def test_guesses_at_the_same_time_are_counted_like_others(tmp_path: Path) -> None:
    with inviting(tmp_path) as (daemon, code):
        assert many_at_once(daemon, code) == 3


@pytest.mark.proof
def test_counted_when_they_fail_there_is_no_end_of_them(tmp_path: Path) -> None:
    with inviting(tmp_path, "tries") as (daemon, code):
        assert many_at_once(daemon, code) == 6


# -- somebody in the middle ------------------------------------------------------------------------
def relayed(daemon: Daemon, code: str, prover: Prover) -> bool:
    """An honest joiner types the code; whoever sits in the middle hands on what proves it, and
    wants to be let in itself.
    """
    rogue = Guess(daemon)
    with ExitStack() as undo:
        undo.callback(rogue.stream.close)
        honest = DeviceKey(os.urandom(64))
        talk = Joiner(honest, "honest", os.urandom(16), by_code=True)
        fake = Roster(found(rogue.key, "Home", "alder", os.urandom(32)))
        keeper = Doorkeeper(rogue.key, fake, "alder", os.urandom(16))
        (commit,) = talk.begin()
        assert isinstance(commit, PairCommit)
        (nonce,) = keeper.hear(commit)
        (reveal,) = talk.hear(nonce)
        assert isinstance(reveal, PairReveal)
        member = DeviceId(rogue.key.device)
        side = prover(Code(code.split("-")), honest.device, member, SystemChance(), joins=True)
        rogue.stream.send(PairShare(side.share))
        share = rogue.heard()
        assert isinstance(share, PairShare)
        side.take_share(share.share)
        rogue.stream.send(PairProof(side.proof(talk.transcript)))
        return rogue.verdict()


def test_who_hands_on_what_others_prove_is_not_let_in(tmp_path: Path) -> None:
    with inviting(tmp_path) as (daemon, code):
        before = members(daemon)
        assert not relayed(daemon, code, CodeProof)
        assert members(daemon) == before


@pytest.mark.proof
def test_it_would_be_if_a_proof_did_not_say_between_whom(tmp_path: Path) -> None:
    with inviting(tmp_path, "bound") as (daemon, code):
        assert relayed(daemon, code, UnboundProof)
