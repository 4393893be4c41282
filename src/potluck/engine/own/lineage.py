"""Lineage: which states of the own folder this device has had, and what its heads say of that.

Strategy (docs/protocol.md §6): each run of the program has a random number, its instance. Where a
run ended (`RunEnd`) is kept in the index by the next one that publishes; a head names the newest of
these in `continues`. So whoever holds a state that no longer leads to the newest one, because this
device was restored from a backup or lost its memory, sees that and keeps it; and this device, when
it hears of such a state, knows that it is not its own past. An old state that is, but is no longer
named, is named once more (`recall`).

Guarantees: pure reckoning over what the index holds; the list is written in the transaction of the
head that begins a run, so both are of one state, and if that is rolled back, so is what is known
here: no head says that it continues what was not merged. Limits: RUNS_KEPT runs are told apart,
what was before them counts as own; so does what came before the first run that kept a list.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.msgpack import Decoder

from potluck.core import limits
from potluck.core.content.manifest import leads_to, run_end
from potluck.core.wire.catalogue import Head, RunEnd, encode
from potluck.engine.index.group import Meta

RUNS_KEPT = 4_096  # one for each run that published: ten a day make a year
RECALLED_MAX = 4  # of those that a head names are for who was away so long
ANY_RUN = b""  # the instance of an end that stands for all runs up to it
_RUNS = "runs"  # in the index
_ENDS = Decoder(list[RunEnd])


class Lineage:
    """The ended runs of this device, the newest first."""

    def __init__(self, meta: Meta) -> None:
        """Know what the index knows; `begin` says where the last run ended."""
        self._meta = meta
        self._ends: list[RunEnd] = []
        self._recalled: list[RunEnd] = []
        self._written = True
        self._begun: tuple[Head | None, bytes] = None, b""
        self._read_at = meta.undone

    def __repr__(self) -> str:
        """Say how many runs are known."""
        return f"<Lineage: {len(self._known())} runs>"

    def begin(self, head: Head | None, instance: bytes) -> None:
        """A run begins where that head stands, if there is one."""
        self._begun, self._read_at = (head, instance), self._meta.undone
        kept = self._meta.get(_RUNS)
        self._ends, self._written = _ENDS.decode(kept) if kept is not None else [], kept is not None
        if head is None or head.instance == instance:
            return
        if kept is None:  # it was published by a program that kept no list
            self._ends.append(RunEnd(head.generation, head.seq, ANY_RUN))
        self._add([run_end(head)])

    def knows(self, head: Head) -> bool:
        """Say whether this device has had that state in an ended run."""
        return any(_covers(end, head) for end in self._known())

    def names(self, head: Head) -> bool:
        """Say whether the next head says so."""
        return any(leads_to(end, head) for end in self.told())

    def recall(self, head: Head) -> None:
        """Somebody is still at that state: name it from now on."""
        self._recalled = [run_end(head), *self._recalled][:RECALLED_MAX]

    def adopt(self, head: Head) -> None:
        """That state was lost and is continued now, too, and with it all that it continues."""
        self._add([run_end(head), *head.continues])

    def common_seq(self, head: Head) -> int:
        """Return the number of the last change that this device and a lost state both have."""
        numbers = [0]
        for end in (run_end(head), *head.continues):
            for known in self._known():
                if known.instance == end.instance:
                    numbers.append(min(known.seq, end.seq))
                elif known.instance == ANY_RUN and _number(end) <= _number(known):
                    numbers.append(end.seq)
        return max(numbers)

    def told(self) -> tuple[RunEnd, ...]:
        """Return what a head names."""
        named = [end for end in self._known() if end.instance != ANY_RUN]
        room = limits.RUNS_TOLD - len(self._recalled)
        return (*named[:room], *self._recalled)

    def write(self) -> None:
        """Keep what is known, in the transaction of a head."""
        if not self._written:
            self._meta.set(_RUNS, encode(self._ends))
            self._written = True

    def _known(self) -> list[RunEnd]:
        """Return the ends; what the index took back is not among them."""
        if self._read_at != self._meta.undone:
            self.begin(*self._begun)
        return self._ends

    def _add(self, ends: Sequence[RunEnd]) -> None:
        """Put ends before the others, of two of one run the later one; what falls out behind counts
        as any run's.
        """
        last = dict[bytes, RunEnd]()
        for end in (*ends, *self._known()):
            last[end.instance] = max(last.get(end.instance, end), end, key=_number)
        every = list(last.values())
        if len(every) > RUNS_KEPT:
            rest = every[RUNS_KEPT - 1 :]
            every[RUNS_KEPT - 1 :] = [RunEnd(*max(map(_number, rest)), ANY_RUN)]
        self._ends, self._written = every, False


def _covers(end: RunEnd, head: Head) -> bool:
    if end.instance == ANY_RUN:
        return _number(head) <= _number(end)
    return leads_to(end, head)


def _number(state: RunEnd | Head) -> tuple[int, int]:
    return state.generation, state.seq
