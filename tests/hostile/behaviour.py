"""What the account of hostile behaviours is made of: a behaviour, the test that shows that it does
no harm, and the proof that it does without its guard.

Strategy: the tables stand in behaviours.py and behaviours_of_members.py. `remark` says why there is
no proof, or what a proof does instead of taking one guard off the program.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Behaviour(NamedTuple):
    """Something that a peer does and must get nothing by."""

    who: str
    what: str
    test: str  # that it does no harm: a node id below tests/
    proof: str = ""  # that it does without its guard; "" if there is none
    finding: str = ""  # H1 to H13
    remark: str = ""


def guarded(guard: str, file: str = "test_guards") -> tuple[str, str]:
    """Where a file shows and proves what one guard keeps out."""
    return (
        f"hostile/{file}.py::test_with_its_guard_an_attack_achieves_nothing[{guard}]",
        f"hostile/{file}.py::test_without_its_guard_it_does[{guard}]",
    )


def among_members(guard: str) -> tuple[str, str]:
    """Likewise, what stands between members."""
    return guarded(guard, "test_member_guards")


def signed(file: str, attack: str) -> tuple[str, str]:
    """Likewise, of what only a signature keeps out."""
    return (
        f"hostile/{file}.py::test_with_its_guard_an_attack_achieves_nothing[{attack}]",
        f"hostile/{file}.py::test_where_no_signature_is_looked_at_it_does[{attack}]",
    )


def of(file: str, test: str, proof: str = "") -> tuple[str, str]:
    """In one file below tests/hostile."""
    found = f"hostile/{file}.py::"
    return found + test, proof and found + proof


TWO: Final = "two guards, one behind the other: "
OUTSIDE, PAIRING, MEMBER = "outside", "pairing", "member"
REMOVED, MACHINE, BUGGY = "removed", "same machine", "buggy"
