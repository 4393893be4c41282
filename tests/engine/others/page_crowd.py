"""A crowd of owners that each bring a manifest, a path a page, and somebody new."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.engine.effects import Fetch
from potluck.engine.others.page_turns import PAGE_LOOK_S
from tests.engine.builders import group
from tests.engine.manifests import Device, answer, ask

CROWD = limits.MANIFESTS
PATHS = "abcdefghij"  # of each: a page for each path


class Crowd:
    """A device, as many owners as there are slots, and somebody new."""

    def __init__(self) -> None:
        roster = group(*range(1, CROWD + 3))
        *owners, self.us = (Device(number, roster) for number in range(1, CROWD + 3))
        self.owners = {owner.id: owner for owner in owners}
        self.new = owners[-1]
        self.under_way: list[Fetch] = []
        for owner in owners:
            owner.write(*(PATHS if owner is not self.new else "a"))
            owner.publishing.on_tick(0)
            owner.tick()

    def announce(self, *owners: Device) -> None:
        """These say what they share; whoever can is asked."""
        for owner in owners:
            self.us.link(owner)
            self.us.following.on_heads(owner.id, [owner.head_of(owner)])
        self.look()

    def look(self) -> None:
        """Ask whoever can be asked now."""
        self.under_way += [each for each in self.us.tick() if isinstance(each, Fetch)]

    def bring(self, *, only: DeviceId | None = None) -> None:
        """All pages that are under way now come, at once."""
        for fetch in [each for each in self.under_way if only in {None, each.peer}]:
            self.under_way.remove(fetch)
            answer(self.us, fetch, ask(self.owners[fetch.peer], self.us, fetch))
        self.look()

    def asked(self) -> list[DeviceId]:
        """Who is asked for a page, in that order."""
        return [fetch.peer for fetch in self.under_way]

    def pass_time(self, seconds: float) -> None:
        self.us.node.now += seconds
        self.look()


def finish(crowd: Crowd) -> None:
    """Everything comes, as long as something is under way."""
    for _ in range(len(PATHS) * CROWD):
        crowd.bring()
        crowd.pass_time(PAGE_LOOK_S)
    for owner in crowd.owners.values():
        assert crowd.us.files_of(owner) == (["a"] if owner is crowd.new else list(PATHS))
