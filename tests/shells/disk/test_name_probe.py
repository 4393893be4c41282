"""What a file system makes of names, tried out: a plain one, a folding one, and ones made up."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from potluck.core.content.facts import Stat
from potluck.core.content.name_limits import PLAIN_NAMES, CaseFolding, NameLimits
from potluck.core.content.paths import not_portable
from potluck.shells.disk import fsops, name_probe
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.name_probe import keeps_x_bits, limits_of
from tests.shells.disk.folding import exfat


@pytest.fixture
def share(tmp_path) -> Iterator[Share]:
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def found_as(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], str]], None]:
    """Have names found by a key, as a file system does that folds them."""

    def fold(key: Callable[[str], str]) -> None:
        real = fsops.stat_at

        def stat_at(folder_fd: int, name: str) -> os.stat_result | None:
            for each in os.listdir(folder_fd):
                if key(each) == key(name):
                    return real(folder_fd, each)
            return None

        monkeypatch.setattr(name_probe, "stat_at", stat_at)

    return fold


def test_a_plain_file_system_takes_names_as_they_are_and_nothing_is_left(share: Share) -> None:
    assert limits_of(share) == PLAIN_NAMES
    assert os.listdir(share.tmp_fd) == []


def test_what_a_run_left_that_was_killed_in_the_middle_goes(share: Share) -> None:
    os.makedirs(os.path.join(share.folder, ".potluck/tmp/names/x"))
    assert limits_of(share) == PLAIN_NAMES
    assert os.listdir(share.tmp_fd) == []


def test_which_letters_are_one(share: Share, found_as) -> None:
    found_as(lambda name: name.lower() if name.isascii() else name)
    assert limits_of(share) == NameLimits(CaseFolding.ASCII)


def test_which_letters_are_one_everywhere(share: Share, found_as) -> None:
    found_as(NameLimits(CaseFolding.ALL, form=True).key)
    assert limits_of(share) == NameLimits(CaseFolding.ALL, form=True)


def test_what_cannot_be_made_or_is_listed_otherwise_is_refused(share: Share, monkeypatch) -> None:
    real = fsops.make_file

    def make_file(folder_fd: int, name: str) -> int:
        if ":" in name:
            raise OSError(errno.EINVAL, "such a name")
        return real(folder_fd, name.rstrip("."))

    monkeypatch.setattr(name_probe, "make_file", make_file)
    assert limits_of(share).refused == {not_portable("a:b"), not_portable("a.")}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EMFILE])
def test_what_fails_for_another_reason_says_nothing_of_names(share, monkeypatch, number) -> None:
    def make_file(_folder_fd: int, name: str) -> int:
        raise OSError(number, name)

    monkeypatch.setattr(name_probe, "make_file", make_file)
    with pytest.raises(OSError, match="plain"):
        limits_of(share)
    assert os.listdir(share.tmp_fd) == []


@pytest.mark.full
def test_exfat_is_found_out(tmp_path) -> None:
    with exfat(tmp_path / "disk", tmp_path / "image"), Share(str(tmp_path / "disk")) as share:
        limits = limits_of(share)
        assert limits.case is CaseFolding.ALL
        assert limits.why_refused("a:b")
        assert not keeps_x_bits(share)
        assert os.listdir(share.tmp_fd) == []


def test_x_bits_are_kept_where_a_file_has_them_just_if_it_was_made_so(share, monkeypatch) -> None:
    assert keeps_x_bits(share)
    assert os.listdir(share.tmp_fd) == []
    real = fsops.stat_of
    for always in (True, False):

        def stat_of(found: os.stat_result, says: bool = always) -> Stat:
            return replace(real(found), executable=says)

        monkeypatch.setattr(name_probe, "stat_of", stat_of)
        assert not keeps_x_bits(share)


def test_a_file_system_that_knows_no_rights_keeps_no_x_bits(share, monkeypatch) -> None:
    def fchmod(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchmod", fchmod)
    assert not keeps_x_bits(share)
    assert os.listdir(share.tmp_fd) == []
