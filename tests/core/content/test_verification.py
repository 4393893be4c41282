"""A verification: what is said of it, and never more than was read."""

from __future__ import annotations

from potluck.core.content.verification import NAMED_MAX, Verification


def test_all_that_was_read_is_as_it_should_be() -> None:
    done = Verification("")
    assert done.words == "0 files read again (0 B)", "nothing is said of what was not read"
    done.files, done.size_bytes = 2, 2_000_000
    assert done.words == "2 files read again (2.0 MB), each as it should be"
    done.skipped = 1
    assert done.words.endswith("each as it should be; 1 file left out that changed meanwhile")


def test_what_is_not_is_named() -> None:
    done = Verification("anna", files=5, size_bytes=10)
    done.damaged.add("anna/a")
    done.unreadable.add("anna/b")
    words = "5 files read again (10 B); 1 damaged: anna/a; 1 could not be read: anna/b"
    assert done.words == words


def test_of_very_many_the_first_are_named() -> None:
    done = Verification("", files=999)
    for number in range(NAMED_MAX + 5):
        done.damaged.add(f"{number}")
    assert (done.damaged.count, len(done.damaged.names)) == (NAMED_MAX + 5, NAMED_MAX)
    assert done.words.endswith(f"{NAMED_MAX + 5} damaged: 0, 1, 2 and {NAMED_MAX + 2} more")
