"""Faults: every error of the disk has a kind, and words."""

from __future__ import annotations

import errno

import pytest

from potluck.core.content.facts import ReadFault
from potluck.core.content.paths import parse_wire_path
from potluck.engine.events import Unreadable
from potluck.shells.disk.faults import PrivateKeyFound, is_of_the_disk, unreadable, words_of

A = parse_wire_path(b"me/a")


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
        (PermissionError(errno.EACCES, "no"), ReadFault.PERMISSION, "no"),
        (
            OSError(errno.EMFILE, "no"),
            ReadFault.DESCRIPTORS,
            "potluck has no file descriptors left",
        ),
        (
            OSError(errno.ENFILE, "no"),
            ReadFault.SYSTEM_DESCRIPTORS,
            "the system has no file descriptors left",
        ),
        (OSError(errno.EIO, "Input/output error"), ReadFault.DISK, "Input/output error"),
        (OSError(errno.ESTALE, "Stale file handle"), ReadFault.DISK, "Stale file handle"),
        (OSError(errno.ENOTCONN, ""), ReadFault.DISK, "Transport endpoint is not connected"),
        (OSError(errno.EINVAL, ""), ReadFault.OTHER, "Invalid argument"),
        (PrivateKeyFound("it is the key"), ReadFault.PRIVATE, "it is the key"),
        (OSError("without a number"), ReadFault.OTHER, "without a number"),
    ],
)
def test_an_error_has_a_kind_and_words(error: OSError, fault: ReadFault, words: str) -> None:
    assert unreadable(A, error) == Unreadable(A, fault, words)
    assert words_of(error) == words
    assert is_of_the_disk(error) == (fault is ReadFault.DISK)
