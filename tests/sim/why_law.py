"""The law of reasons: whoever lacks something says why, and what it says is so.

Strategy: a device is asked why, for everything and for single paths, at every `STRIDE`-th event.
Whatever its picture says is open there has to be a reason for; each reason that says something
about the world (a link, a disk, a transfer) is compared with the world. Whatever a receipt says to
stand on another device has to stand on that device's disk.

Limits: what a device cannot have noticed yet is left out, as in truth.py; a reason about the inside
of a device (its turn has not come) is compared with who could be asked only.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from potluck.core.content.facts import ManifestName
from potluck.core.content.knowledge import Knowledge, OwnWork, State, situation
from potluck.core.wire.catalogue import Kind
from potluck.engine.engine import Engine
from potluck.engine.events import Event
from potluck.engine.views.path_values import InfoView, ReasonView
from tests.fakes.disk import path_of

if TYPE_CHECKING:
    from tests.sim.hosts import Process
    from tests.sim.world import World

STRIDE = 11
PATHS = 4  # that are asked about one by one
AWAY_S = 12.0  # a disk that is back is looked for every ten seconds
NOTICE_S = 4.0  # how long a device may not know what became of its disk
OF_OTHERS = {"receiver_away", "receiver_lacks", "receiver_not_known"}


class WhyLaw:
    """Judges what the engines of one world say about why."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kinds = Counter[str]()
        self.safe = 0
        self._events = 0
        self._full_s: dict[int, float] = {}  # when each disk was full last, or away
        self._away_s: dict[int, float] = {}
        truth = world.judge.truth
        honest = truth.after

        def both(process: Process, event: Event | None) -> None:
            honest(process, event)
            self.after(process)

        truth.after = both  # type: ignore[method-assign]

    def after(self, process: Process) -> None:
        """Ask a process after an event."""
        host, engine = process.host, process.engine
        if host.disk.full:
            self._full_s[host.number] = self.world.now
        if not host.disk.mounted:
            self._away_s[host.number] = self.world.now
        if not isinstance(engine, Engine) or process.leaving or engine.node.roster is None:
            return
        self._events += 1
        if self._events % STRIDE or process.performing or engine._trouble.rests(process.now):
            return
        engine.node.now = process.now
        picture = engine.wiring.viewer._picture.knowledge()
        said = engine.why("", process.now)
        self._check_whole(process, engine, picture)
        for one in said.reasons:
            self._check(process, engine, one)
        self._check_paths(process, engine)

    def _fail(self, process: Process, words: str) -> None:
        self.world.fail(f"why: {process.host.label} {words}")

    # -- there is a reason -------------------------------------------------------------------------
    def _check_whole(self, process: Process, engine: Engine, picture: Knowledge) -> None:
        word, said = situation(picture), engine.why("", process.now)
        skips = any("skips" in one.kind or one.kind == "skipped" for one in said.reasons)
        nothing_open = said.in_sync or (skips and said.state == "in_sync")
        if said.in_sync and skips:
            self._fail(process, f"is in sync, with {said.reasons}")
        if nothing_open == any(one.open for one in said.reasons):
            self._fail(process, f"is in sync: {said.in_sync}, with {said.reasons}")
        if nothing_open != (word.state is State.IN_SYNC):
            self._fail(process, f"says {word} and why says {said.reasons}")
        for manifest in picture.manifests:
            if manifest.name.owner == picture.me or manifest.stands:
                continue
            label = self._label(manifest.name)
            theirs = engine.why(label, process.now)  # of all of them some are summed up
            about = [one for one in theirs.reasons if one.open and self._is_about(one, label)]
            if not about:
                self._fail(process, f"lacks something of {label} and says {theirs.reasons}")
        if set(picture.own_work) - {OwnWork.WRITTEN} and not any(
            one.kind not in OF_OTHERS for one in said.reasons if one.open
        ):
            self._fail(process, f"has {picture.own_work} open and says {said.reasons}")

    def _is_about(self, one: ReasonView, label: str) -> bool:
        """Say whether a reason is about somebody's folder, or about all of them."""
        everything = one.kind in {"share_offline", "group"} or one.path == ""
        return everything or one.path.partition("/")[0] == label

    def _check_paths(self, process: Process, engine: Engine) -> None:
        index, node = engine.node.index, engine.node
        for head in index.manifests.heads():
            name = ManifestName.of(head)
            if name == node.own_manifest:
                continue
            for record, _ in index.needs.lacking_after(name, b"", PATHS):
                path = f"{node.layout.name_of(name.owner)}/{record.path.decode()}"
                said = engine.why(path, process.now)
                told = [one for one in said.reasons if one.open or one.kind == "skipped"]
                if said.in_sync or not any(one.path == path for one in told):
                    self._fail(process, f"lacks {path} and says {said}")
                for one in said.reasons:
                    self._check(process, engine, one)
        for head in index.manifests.heads():
            name = ManifestName.of(head)
            for record in index.manifests.listing(name, b"", PATHS):
                path = f"{node.layout.name_of(name.owner)}/{record.path.decode()}"
                self._check_info(process, engine, name, record.root, engine.info(path, process.now))

    # -- what it says is so ------------------------------------------------------------------------
    def _check(self, process: Process, engine: Engine, one: ReasonView) -> None:
        """Compare one reason with the world."""
        self.kinds[one.kind] += 1
        host, node = process.host, engine.node
        linked = {self.world.judge.host_of(device) for device in node.linked()}
        owner = next((each for each in self.world.hosts if one.path.startswith(each.label)), None)
        away_s = self.world.now - self._away_s.get(host.number, -math.inf)
        full_s = self.world.now - self._full_s.get(host.number, -math.inf)
        wrong = False
        match one.kind:
            case "owner_away":
                wrong = owner in linked
            case "downloading" | "list_coming":
                wrong = not process.transfers
            case "share_offline":
                wrong = min(away_s, self.world.now - process.began_s) > AWAY_S
            case "no_room":
                wrong = full_s > NOTICE_S
            case "asked_in_vain" | "waits_for_its_turn":
                wrong = not linked
            case "receiver_lacks" | "receiver_not_known":
                label = one.text.partition(":")[0]
                named = [each for each in linked if each is not None and each.label in label]
                wrong = not named
            case "not_known":
                wrong = True
            case _:
                pass
        if wrong:
            self._fail(process, f"says {one}, which is not so")

    def _check_info(
        self, process: Process, engine: Engine, name: ManifestName, root: bytes, said: InfoView
    ) -> None:
        """Whoever is said to have a path has it on its disk."""
        self.safe += said.safe
        have = [one.label for one in said.copies if one.known == "all"]
        if said.safe and not have:
            self._fail(process, f"says {said}")
        truth, held = self.world.judge.truth, engine.node.index.manifests.head(name)
        for label in have:
            holder = next(host for host in self.world.hosts if host.label == label)
            path = path_of(said.path)
            if (
                name.owner == holder.device
                or truth._may_not_know(process, holder, path)
                or held is None
            ):
                continue
            went_on = holder.index is not None and holder.index.manifests.head(name)
            if went_on and (went_on.generation, went_on.seq) > (held.generation, held.seq):
                continue
            found = holder.disk.files.get(path)
            if said.kind == Kind.FILE.value and (found is None or found.version[0] != root):
                self._fail(process, f"says that {label} has {said.path}, which it has not")

    def _label(self, name: ManifestName) -> str:
        host = self.world.judge.host_of(name.owner)
        assert host is not None
        return host.label
