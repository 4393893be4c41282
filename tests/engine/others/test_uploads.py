"""Uploads: what is handed over just now, to whom, and how much of it is there."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import parse_wire_path
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Holding
from potluck.engine.others.uploads import UPLOAD_RECENT_S, UPLOADS_MAX, Handing, Uploads
from tests.engine.builders import key, node
from tests.engine.index.builders import root_of

BEN, CLEO = key(2).device, key(3).device
PATH, OTHER = parse_wire_path(b"d1/film"), parse_wire_path(b"d1/song")


@pytest.fixture
def uploads() -> Uploads:
    return Uploads(node(1))


def lacks(uploads: Uploads, size_bytes: int, device: DeviceId = BEN) -> None:
    """A device said last that it lacks so much."""
    name = ManifestName.own(key(1).device)
    uploads._node.peer(device).kept[name] = Holding(*name, 1, 1, int(size_bytes > 0), size_bytes)


def came(uploads: Uploads) -> list[tuple[DeviceId, int, int]]:
    return [(one.device, one.came_bytes, one.size_bytes) for one in uploads.handings()]


def test_what_is_promised_is_not_there_before_the_other_side_says_so(uploads: Uploads) -> None:
    lacks(uploads, 100)
    lacks(uploads, 100, CLEO)
    for device, count in ((BEN, 40), (CLEO, 10), (BEN, 40), (BEN, 40)):
        uploads.note(device, root_of("film"), PATH, 100, count)
    assert came(uploads) == [(BEN, 0, 100), (CLEO, 0, 100)]
    (upload,) = uploads.handings()[0].uploads
    assert (upload.promised_bytes, upload.size_bytes, upload.path) == (100, 100, PATH)
    assert uploads.on_came(BEN, 30) == 30
    assert uploads.on_came(CLEO, 30) == 10, "the rest came from elsewhere"
    assert came(uploads) == [(BEN, 30, 100), (CLEO, 10, 100)]
    assert repr(uploads) == "<Uploads: 2>"


def test_what_goes_to_one_device_is_one_sum_and_the_oldest_comes_first(uploads: Uploads) -> None:
    lacks(uploads, 1000)
    uploads.note(BEN, root_of("film"), PATH, 100, 40)
    uploads.note(BEN, root_of("song"), OTHER, 50, 50)
    uploads.promise(BEN, 7)
    assert uploads.on_came(BEN, 60) == 60
    (one,) = uploads.handings()
    assert [(each.path, each.came_bytes) for each in one.uploads] == [(PATH, 40), (OTHER, 20)]
    assert (one.came_bytes, one.size_bytes) == (60, 150)
    assert uploads.on_came(BEN, 60) == 37, "small files count, too"
    assert came(uploads) == [(BEN, 90, 150)]


def test_to_whom_nothing_more_is_owed_nothing_more_is_counted(uploads: Uploads) -> None:
    uploads.note(BEN, root_of("film"), PATH, 100, 100)
    lacks(uploads, 0)
    assert uploads.on_came(BEN, 60) == 60
    assert uploads.on_came(BEN, 40) == 0, "it lacks nothing: the rest was from elsewhere"


def test_an_upload_goes_on_while_it_comes_and_is_over_when_nothing_does(uploads: Uploads) -> None:
    lacks(uploads, 100)
    uploads.note(BEN, root_of("film"), PATH, 100, 40)
    for _ in range(3):
        uploads._node.now += UPLOAD_RECENT_S
        assert len(uploads.handings()) == 1
        uploads.on_came(BEN, 10)
    uploads._node.now += UPLOAD_RECENT_S + 0.1
    assert uploads.handings() == []
    uploads.note(BEN, root_of("film"), PATH, 100, 40)
    assert came(uploads) == [(BEN, 0, 100)], "it begins anew"
    uploads.on_came(BEN, 10)
    uploads._node.now += UPLOAD_RECENT_S + 0.1
    uploads.note(BEN, root_of("film"), PATH, 100, 40)
    assert came(uploads) == [(BEN, 0, 100)], "also if nobody looked meanwhile"


def test_they_are_bounded(uploads: Uploads) -> None:
    def count(handings: list[Handing]) -> int:
        return sum(len(one.uploads) for one in handings)

    for number in range(UPLOADS_MAX + 5):
        uploads.note(BEN, root_of(str(number)), PATH, 1, 1)
    assert count(uploads.handings()) == UPLOADS_MAX
    uploads.note(BEN, root_of("0"), PATH, 1, 1)
    assert count(uploads.handings()) == UPLOADS_MAX, "one that is known goes on"
    uploads.note(CLEO, root_of("film"), OTHER, 1, 1)
    assert [one.device for one in uploads.handings()] == [BEN, CLEO], "it hides nobody else's"
