"""Which version a file is."""

from __future__ import annotations

import os

import pytest

from potluck.core.content.facts import Source
from potluck.core.errors import UnsafePath
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.keeping import Occupant
from potluck.shells.disk.receiving.versions import has_content, is_expected, is_new
from tests.shells.files import data_of, expecting, item, path, write

OLD, NEW = data_of(3000, 1), data_of(3000, 2)


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def occupant(share):
    write(share, "a", OLD)
    found = os.stat("a", dir_fd=share.shared_fd)
    return Occupant(path("ann/x"), share.shared_fd, found, "a")


def test_the_expected_one_is_known_by_its_stat_or_its_hash(share, occupant):
    expected = expecting(share, "a", OLD)
    assert is_expected(item("a", Source.PART, NEW, **expected), occupant)
    assert is_expected(item("a", Source.PART, NEW, **expected | {"expected": None}), occupant)
    assert not is_expected(item("a", Source.PART, NEW), occupant)
    wrong = expected | {"expected": None, "expected_root": bytes(32)}
    assert not is_expected(item("a", Source.NONE, **wrong), occupant)


def test_the_new_one_is_known_by_its_hash(share, occupant):
    assert is_new(item("a", Source.PART, OLD), occupant)
    assert not is_new(item("a", Source.PART, NEW), occupant)
    assert not is_new(item("a", Source.PART, OLD + b"1"), occupant)
    assert is_new(item("a", Source.PART, OLD, **expecting(share, "a", OLD)), occupant)
    assert not is_new(item("a", Source.EMPTY), occupant)


def test_no_content_is_an_empty_file(share, occupant):
    assert not has_content(item("a", Source.EMPTY), occupant)
    write(share, "a", b"")
    empty = Occupant(occupant.path, share.shared_fd, os.stat("a", dir_fd=share.shared_fd), "a")
    assert has_content(item("a", Source.EMPTY), empty)


def test_a_link_is_not_followed(share, occupant):
    os.unlink("a", dir_fd=share.shared_fd)
    os.symlink("/etc/passwd", "a", dir_fd=share.shared_fd)
    with pytest.raises(UnsafePath):
        has_content(item("a", Source.PART, OLD), occupant)
