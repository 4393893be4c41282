"""Member messages: each goes to the parts whose business it is, and to no other.

Strategy: a wiring whose parts only note that they were called.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pytest

from potluck.core.wire.catalogue import (
    DialMe,
    FlushAsk,
    Flushed,
    GroupKeysAsk,
    Heads,
    HeadsAsk,
    Kept,
    LinkKind,
    LossConfirms,
    Ping,
    ProbeFor,
    ProbeResult,
    RequestOver,
    RosterDigest,
    Update,
)
from potluck.engine.member_messages import MemberMessages
from potluck.engine.wiring import Wiring
from tests.engine.builders import key, node

BEN = key(2).device
CALLS = [
    ("circle", "on_message"),
    ("circle", "on_probe"),
    ("bulk_calls", "on_dial_me"),
    ("membership", "on_roster"),
    ("key_exchange", "on_message"),
    ("requests", "on_message"),
    ("following", "on_heads"),
    ("announcing", "on_heads_ask"),
    ("announcing", "on_kept"),
    ("answers", "on_came"),
    ("announcing", "on_digest"),
    ("downloads", "on_kept"),
    ("undelivered", "on_kept"),
    ("publishing.breaker", "on_others"),
    ("confirmations", "on_heard"),
    ("flushing", "on_flush_ask"),
    ("flushing", "on_flushed"),
    ("link_troubles", "on_heard"),
]


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        (Update([], b""), ["circle.on_message"]),
        (Ping(1, b"", b""), ["circle.on_probe", "announcing.on_digest"]),
        (ProbeFor(1, bytes(32)), ["circle.on_probe"]),
        (ProbeResult(1, bytes(32)), ["circle.on_probe", "link_troubles.on_heard"]),
        (DialMe(LinkKind.BULK), ["bulk_calls.on_dial_me"]),
        (RosterDigest(b""), ["membership.on_roster"]),
        (GroupKeysAsk([]), ["key_exchange.on_message"]),
        (RequestOver("12345678", "no"), ["requests.on_message"]),
        (Heads([]), ["following.on_heads"]),
        (HeadsAsk(b""), ["announcing.on_heads_ask"]),
        (
            Kept([]),
            [
                "announcing.on_kept",
                "answers.on_came",
                "downloads.on_kept",
                "undelivered.on_kept",
                "publishing.breaker.on_others",
            ],
        ),
        (LossConfirms([]), ["confirmations.on_heard"]),
        (FlushAsk(1), ["flushing.on_flush_ask"]),
        (Flushed(1, None), ["flushing.on_flushed"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_members_message_goes_where_it_belongs(
    message: Any, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, called = Wiring(node(1)), list[str]()
    for part, name in CALLS:
        said = f"{part}.{name}"
        note = lambda *_, said=said: called.append(said)  # noqa: E731
        monkeypatch.setattr(attrgetter(part)(parts), name, note)
    MemberMessages(parts).hear(BEN, message)
    assert called == calls
