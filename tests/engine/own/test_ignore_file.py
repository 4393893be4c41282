"""The .potluckignore of the own folder: which text counts, from when on, and what is told."""

from __future__ import annotations

import pytest

from potluck.engine.effects import Tell
from potluck.engine.folder_facts import IgnoreFileSeen
from potluck.engine.own.ignore_file import RULES_SETTLE_S, IgnoreFile, counted_rules
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import node

OLD, NEW = IgnoreFileSeen(b"*.old\n"), IgnoreFileSeen(b"*.new\n")
BAD = IgnoreFileSeen(b"*.bad\n!\n", ("line 2: a pattern without a name", "line 3: not UTF-8"))
LINK = IgnoreFileSeen(None, ("it is a symbolic link",))


@pytest.fixture
def file() -> IgnoreFile:
    """Nothing was read yet."""
    return IgnoreFile(node(1))


def settled(file: IgnoreFile, seen: IgnoreFileSeen) -> IgnoreFile:
    """It says that, and two seconds later still does."""
    assert not file.on_seen(seen)
    later(file)
    assert file.on_seen(seen)
    return file


def counting(file: IgnoreFile) -> tuple[bytes | None, ...]:
    """Return the texts that the next walk goes by."""
    return file.rules


def later(file: IgnoreFile) -> None:
    file._node.now += RULES_SETTLE_S


def troubles(file: IgnoreFile) -> list[tuple[str, str, str]]:
    found = file._node.troubles.of(TroubleKind.IGNORE_FILE)
    return [(one.subject, one.reason, one.command) for one in found]


def test_without_a_file_there_are_no_rules_and_nothing_waits(file: IgnoreFile) -> None:
    assert counting(file) == ()
    assert not file.waits
    assert not file.changes
    assert file.deadline() is None
    assert repr(file) == "<IgnoreFile 0 bytes changing=False>"


def test_what_it_says_counts_once_it_stood_for_two_seconds(file: IgnoreFile) -> None:
    assert not file.on_seen(NEW)
    assert file.waits
    assert file.changes
    assert file.deadline() == file._node.now + RULES_SETTLE_S

    later(file)
    assert not file.waits
    assert file.changes
    assert counting(file) == (NEW.text,)
    assert IgnoreFile(file._node).rules == ()  # a run that ends now knows nothing of it

    assert file.on_seen(NEW)
    assert not file.changes
    assert counting(file) == (NEW.text,)
    assert IgnoreFile(file._node).rules == (NEW.text,)


def test_a_moment_in_which_it_is_empty_changes_nothing(file: IgnoreFile) -> None:
    settled(file, OLD)

    assert not file.on_seen(IgnoreFileSeen(b""))
    later(file)
    assert not file.on_seen(NEW)
    assert IgnoreFile(file._node).rules == (OLD.text,)
    later(file)
    assert file.on_seen(NEW)
    assert counting(file) == (NEW.text,)


def test_a_file_that_is_gone_for_two_seconds_is_gone(file: IgnoreFile) -> None:
    settled(file, OLD)
    assert not file.on_seen(IgnoreFileSeen(b""))
    assert counting(file) == (b"",)  # so that the walk says that there is none
    later(file)
    assert file.on_seen(IgnoreFileSeen(b""))
    assert counting(file) == ()


def test_one_that_came_and_went_at_once_is_asked_for_until_it_is_settled(file: IgnoreFile) -> None:
    assert not file.on_seen(NEW)
    later(file)
    assert not file.on_seen(IgnoreFileSeen(b""))
    assert counting(file) == (b"",)
    later(file)
    assert file.on_seen(IgnoreFileSeen(b""))
    assert counting(file) == ()


def test_one_that_cannot_be_read_changes_nothing_and_is_told_once(file: IgnoreFile) -> None:
    settled(file, OLD)
    file._node.take()

    assert file.on_seen(LINK)
    assert file.on_seen(LINK)
    assert counting(file) == (OLD.text,)
    reason = "it is a symbolic link; the rules before count on"
    assert troubles(file) == [("d1/.potluckignore", reason, "ls -la /Shared/d1/.potluckignore")]
    (told,) = file._node.take()
    assert isinstance(told, Tell)
    assert told.code == "ignore_file"

    assert file.on_seen(OLD)
    assert troubles(file) == []
    assert not file._node.take()


def test_one_that_never_could_be_read_is_asked_for_until_it_is_gone(file: IgnoreFile) -> None:
    assert file.on_seen(LINK)
    assert counting(file) == (b"",)
    assert file.on_seen(IgnoreFileSeen(b""))
    assert counting(file) == ()
    assert troubles(file) == []


def test_one_that_cannot_be_read_again_does_not_count(file: IgnoreFile) -> None:
    settled(file, OLD)
    assert not file.on_seen(NEW)
    later(file)
    assert not file.on_seen(LINK)  # it was walked by rules that may never have stood there
    assert counting(file) == (OLD.text,)
    assert file.on_seen(LINK)


def test_one_with_a_fault_counts_beside_the_last_one_without(file: IgnoreFile) -> None:
    settled(file, OLD)
    settled(file, BAD)

    assert counting(file) == (BAD.text, OLD.text)
    assert IgnoreFile(file._node).rules == (BAD.text, OLD.text)
    ((_, reason, command),) = troubles(file)
    assert reason == (
        "line 2: a pattern without a name and 1 more; its other lines count, "
        "and so do the last rules without a fault"
    )
    assert command == "cat -n /Shared/d1/.potluckignore"

    settled(file, NEW)
    assert counting(file) == (NEW.text,)
    assert troubles(file) == []


def test_a_first_one_with_a_fault_counts_alone(file: IgnoreFile) -> None:
    settled(file, BAD)
    assert counting(file) == (BAD.text, b"")


def test_what_was_about_to_count_is_forgotten_with_the_folder_it_was_in(file: IgnoreFile) -> None:
    assert not file.on_seen(NEW)
    file.clear()
    assert counting(file) == ()
    assert not file.waits


def test_others_read_in_the_index_what_counts(file: IgnoreFile) -> None:
    meta = file._node.index.meta
    assert counted_rules(meta) == ()
    settled(file, OLD)
    assert counted_rules(meta) == (OLD.text,)
    settled(file, BAD)
    assert counted_rules(meta) == file.rules == (BAD.text, OLD.text)
