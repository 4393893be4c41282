"""What a record shows: shapes, numbers and our own words; no name, no key, no content.

Strategy: values of every kind with marked names in them; what comes out is searched for the marks.
The list of plain fields is held to the real classes, so that it names no field that is not there.
"""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec

from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import PieceList, Root
from potluck.core.group.codes import Code, Invite, TypedCode
from potluck.core.wire import catalogue
from potluck.core.wire.catalogue import (
    Address,
    Bye,
    DeletedPath,
    FileRecord,
    Folder,
    Kind,
    LinkKind,
    ManifestPage,
    Unknown,
)
from potluck.engine import effects, events
from potluck.engine.effects import Effect, Fetch, Import, Reply, Tell
from potluck.engine.events import (
    DialFailed,
    Event,
    LinkId,
    LinkOpened,
    ManifestHeard,
    MessageHeard,
    OrderId,
    PathsTouched,
)
from potluck.engine.person_acts import JoinAsked
from potluck.shells.loop.redaction import LIST_SHOWN, PATHS, PLAIN, Redaction, fields_of

SECRET = "s3cret"
HIDE = Redaction(b"k" * 32)
FILE = FileRecord(f"{SECRET}/b".encode(), Kind.FILE, 7, 1, False, 1 << 18, b"r" * 32, 9)


def shown(value: object) -> Any:
    """What is shown of a value, after a way through JSON."""
    return msgspec.json.decode(msgspec.json.encode(HIDE.shown(value)))


def test_names_and_keys_are_hidden_numbers_and_enums_are_not() -> None:
    address = Address(SECRET, 7685)
    opened = LinkOpened(LinkId(3), LinkKind.CONTROL, None, address, SECRET.encode(), OrderId(8))
    line = shown(opened)
    assert SECRET not in str(line)
    assert line["is"] == "LinkOpened"
    assert (line["link"], line["kind"], line["peer"], line["dial"]) == (3, "control", None, 8)
    assert line["address"]["port"] == 7685
    assert line["instance"].startswith("6:")


def test_a_name_is_the_same_wherever_it_stands() -> None:
    path = parse_wire_path(f"{SECRET}/b".encode())
    touched = shown(PathsTouched((path,), overflow=False))["paths"][0]
    record = shown(FILE)["path"]
    imported = shown(Import(OrderId(1), (f"/{SECRET}/b",), "copy", path))
    assert touched == record == imported["paths"][0] == imported["into"]
    assert imported["mode"] == "copy"
    assert shown(Tell("c", "text", "info", SECRET))["subject"] == record.split("/")[0]


def test_another_salt_gives_other_digests() -> None:
    other = Redaction(b"x" * 32)
    assert other.shown(SECRET) != HIDE.shown(SECRET)


def test_our_own_words_are_shown_and_texts_are_not() -> None:
    tell = shown(Tell("node_joined", f"{SECRET} joined", "info", SECRET))
    assert (tell["code"], tell["level"]) == ("node_joined", "info")
    assert SECRET not in str(tell)
    failed = DialFailed(OrderId(1), "knock refused", refused=False, knock=True)
    assert shown(failed)["reason"] == "knock refused"
    assert shown(MessageHeard(LinkId(1), Bye("duplicate")))["message"]["reason"] == "duplicate"
    assert shown(MessageHeard(LinkId(1), Unknown("later")))["message"]["tag"] == "later"


def test_long_lists_are_cut_and_say_so() -> None:
    page = ManifestPage(b"o" * 32, Folder.OWN, [FILE] * 50, [DeletedPath(b"d", 1)], 1, 0, None)
    records = shown(ManifestHeard(OrderId(1), page, 0))["page"]["records"]
    assert len(records) == LIST_SHOWN + 1
    assert records[-1] == {"more": 50 - LIST_SHOWN}


def test_contents_are_a_length_and_a_digest() -> None:
    pieces = PieceList(Root(b"r" * 32), 9, 1 << 18, b"h" * 32)
    ask = catalogue.FileAsk(b"r" * 32, [0])
    line = shown(Fetch(OrderId(1), b"p" * 32, (), ask, pieces, ()))  # type: ignore[arg-type]
    assert line["content"]["hashes"].startswith("32:")
    assert line["content"]["root"] == line["ask"]["root"]
    assert line["content"]["size_bytes"] == 9


def every_class() -> dict[str, type]:
    """Every class of events, effects and messages by name."""
    here = [*vars(events).values(), *vars(effects).values(), *vars(catalogue).values()]
    return {kind.__name__: kind for kind in here if isinstance(kind, type)}


def test_the_lists_name_fields_that_exist() -> None:
    classes = every_class()
    for entry in PLAIN | PATHS:
        name, _, field = entry.partition(".")
        assert field in fields_of(classes[name]), entry


def test_every_event_and_effect_has_fields_that_can_be_walked() -> None:
    for kind in (*get_args(Event), *get_args(Effect)):
        assert isinstance(fields_of(kind), tuple)
    assert fields_of(int) == ()


def test_no_code_is_in_it_however_it_came_in() -> None:
    code, hide = "amber-tiger-violin", Redaction(bytes(32))
    seen = [
        JoinAsked(7, TypedCode(code)),
        Invite(Code(code.split("-")), 600.0, 0.0),
        Reply(7, ok=True, text=code),
    ]
    shown = json.dumps([hide.shown(one) for one in seen]) + repr(seen)
    assert not any(word in shown for word in code.split("-"))
