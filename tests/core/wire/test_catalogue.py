"""The messages: each is in a catalogue and in the docs, and comes back from the wire as it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from potluck.core import limits
from potluck.core.wire import catalogue as module
from potluck.core.wire.catalogue import (
    BULK_REPLY,
    BULK_REQUEST,
    CLEAR,
    CONTROL,
    HELLO,
    NEWS_REQUEST,
    PAIRING,
    SEALED,
    Bye,
    FileAsk,
    FilesAsk,
    FilesHeader,
    Folder,
    LinkKind,
    ManifestAsk,
    Message,
    PiecesAsk,
    Unknown,
    Wire,
    encode,
    link_for,
)
from potluck.core.wire.framing import Catalogue

CATALOGUES = (HELLO, CONTROL, BULK_REQUEST, NEWS_REQUEST, BULK_REPLY, PAIRING, CLEAR, SEALED)
ALL = get_args(Message)
PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.+) \|$", re.MULTILINE)


def documented() -> dict[str, str]:
    _, _, section = PAGE.read_text(encoding="utf-8").partition("<!-- catalogue -->")
    return {tag: fields for tag, fields, _ in ROW.findall(section)}


def tag_of(message: type[Wire]) -> str:
    return str(message.__struct_config__.tag)


def test_every_message_is_in_the_catalogue() -> None:
    assert set(documented()) == {tag_of(message) for message in ALL}


@pytest.mark.parametrize("message", ALL)
def test_every_field_is_in_the_catalogue_in_its_order(message: type[Wire]) -> None:
    named = re.findall(r"`(\w+)`", documented()[tag_of(message)])
    assert named == list(message.__struct_fields__)


def test_every_message_belongs_to_a_link() -> None:
    assert set().union(*(catalogue.tags for catalogue in CATALOGUES)) == {
        tag_of(message) for message in ALL
    }
    written = {
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Wire)
    }
    assert written - {Wire} == set(ALL)


def test_no_two_messages_share_a_tag() -> None:
    assert len({tag_of(message) for message in ALL}) == len(ALL)


@pytest.mark.parametrize(
    ("catalogue", "frame_bytes"),
    [
        (CONTROL, 64 * 1024),
        (HELLO, 64 * 1024),
        (BULK_REPLY, 1024 * 1024),
        (PAIRING, 8 * 1024),
        (CLEAR, 1200),
    ],
)
def test_each_kind_of_link_has_its_longest_frame(
    catalogue: Catalogue[object], frame_bytes: int
) -> None:
    assert catalogue.frame_bytes == frame_bytes


@pytest.mark.parametrize(
    "catalogue", [HELLO, CONTROL, BULK_REQUEST, NEWS_REQUEST, BULK_REPLY, PAIRING]
)
def test_every_link_can_be_ended(catalogue: Catalogue[object]) -> None:
    assert catalogue.decode(encode(Bye("enough"))) == Bye("enough")


def test_pieces_are_never_asked_where_news_is() -> None:
    ask = FileAsk(bytes(32), [0])
    assert link_for(ask) is LinkKind.BULK
    assert NEWS_REQUEST.decode(encode(ask)) == Unknown("file")
    pages = ManifestAsk(bytes(32), Folder.OWN, 0, 0), PiecesAsk(bytes(32))
    for one in (*pages, FilesAsk([])):
        assert link_for(one) is LinkKind.NEWS
        assert NEWS_REQUEST.decode(encode(one)) == one
        assert BULK_REQUEST.decode(encode(one)) == one


def test_a_missing_content_is_minus_one() -> None:
    assert BULK_REPLY.decode(encode(FilesHeader([3, -1, 0]))) == FilesHeader([3, -1, 0])
    assert limits.PIECE_MIN_BYTES < limits.PACK_BYTES


def test_what_is_imported_from_here_is_exported_here() -> None:
    assert all(hasattr(module, name) for name in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
