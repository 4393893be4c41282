"""Delete logs of others: they are forgotten before they grow without end."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import DeletedPath, Folder, ManifestPage
from potluck.engine.index import Index
from potluck.engine.others.delete_logs import DeleteLogs
from potluck.engine.others.page_budget import PageBudget
from tests.engine.index.builders import ANNA, ANNAS, head, index

ROOT = b"r" * 32


class Story:
    """An owner deletes; this device holds its manifest."""

    def __init__(self) -> None:
        self.index: Index = index()
        self.logs = DeleteLogs(self.index.manifests)
        self.seq = 0

    def restart(self) -> None:
        self.logs = DeleteLogs(self.index.manifests)

    def ends(self, count: int) -> None:
        """A stream with so many deletes is applied."""
        goal = head(ROOT, self.seq + count, 0)
        budget = PageBudget(goal, self.seq + 1)
        paths = [
            DeletedPath(b"%07d" % (self.seq + at), self.seq + at) for at in range(1, count + 1)
        ]
        self.seq += count
        budget.take(ManifestPage(ANNA, Folder.OWN, [], paths, self.seq, 0, None))
        self.index.manifests.stage(ANNAS, [], paths)
        self.index.manifests.apply_staged(goal)
        self.logs.on_applied(goal, budget)

    @property
    def kept(self) -> tuple[int, int]:
        """How many paths are in the log, and from which number on it is complete."""
        manifests = self.index.manifests
        return manifests.path_lengths(ANNAS).ended, manifests.floor(ANNAS)


@pytest.mark.parametrize(("quota", "most"), [("OWNER_DELETED", 5), ("OWNER_DELETED_BYTES", 35)])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_log_that_is_too_long_is_forgotten_up_to_the_head(
    quota: str, most: int, restarts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, quota, most)
    story = Story()
    kept = []
    for count in (2, 0, 3, 1, 2):
        if restarts:
            story.restart()
        story.ends(count)
        kept.append(story.kept)
    assert kept == [(2, 0), (2, 0), (5, 0), (0, 6), (2, 6)]


def test_a_whole_manifest_knows_nothing_of_what_ended_before() -> None:
    story = Story()
    story.ends(3)
    assert repr(story.logs) == "<DeleteLogs: 1 counted>"
    story.logs.on_whole(head(ROOT, 3, 0))
    assert story.kept == (0, 3)
    story.ends(1)
    assert story.kept == (1, 3)
