"""Uploads: what is handed over just now, to whom, and no longer."""

from __future__ import annotations

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.engine.others.uploads import UPLOAD_RECENT_S, UPLOADS_MAX, Uploads
from tests.engine.builders import key, node
from tests.engine.index.builders import root_of

BEN, CLEO = key(2).device, key(3).device
PATH = parse_wire_path(b"d1/film")


@pytest.fixture
def uploads() -> Uploads:
    return Uploads(node(1))


def test_promises_add_up_by_content_and_device(uploads: Uploads) -> None:
    for device, count in ((BEN, 40), (CLEO, 10), (BEN, 40), (BEN, 40)):
        uploads.note(device, root_of("film"), PATH, 100, count)
    (first, ben), (second, cleo) = uploads.recent()
    assert (first, ben.sent_bytes, ben.size_bytes, ben.path) == (BEN, 100, 100, PATH)
    assert (second, cleo.sent_bytes) == (CLEO, 10)
    assert repr(uploads) == "<Uploads: 2>"


def test_who_was_promised_nothing_for_a_while_is_not_shown(uploads: Uploads) -> None:
    uploads.note(BEN, root_of("film"), PATH, 100, 40)
    uploads._node.now += UPLOAD_RECENT_S
    assert len(uploads.recent()) == 1
    uploads._node.now += 0.1
    assert uploads.recent() == []
    uploads.note(BEN, root_of("film"), PATH, 100, 40)
    assert uploads.recent()[0][1].sent_bytes == 40, "it begins anew"


def test_they_are_bounded(uploads: Uploads) -> None:
    for number in range(UPLOADS_MAX + 5):
        uploads.note(BEN, root_of(str(number)), PATH, 1, 1)
    assert len(uploads.recent()) == UPLOADS_MAX
    uploads.note(BEN, root_of("0"), PATH, 1, 1)
    assert len(uploads.recent()) == UPLOADS_MAX, "one that is known goes on"
