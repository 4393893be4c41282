"""Whole engines on a fake wire: every message really encoded and decoded, time a number.

Strategy: a `Box` is a real Engine over a real index; a `Wire` carries out its effects with seeded
delays. Datagrams may be blocked (`udp`), and so may what links carry (`silent`), each on its own.
Disks are those of tests/fakes and do at once what they are asked. Limits: no losses, no crash
points, no partial trees; `tests/sim` has those.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, TypeVar

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import DiskTrouble
from potluck.core.group.statements import admit
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    CONTROL,
    PAIRING,
    Address,
    Busy,
    Bye,
    FilesAsk,
    LinkKind,
    ManifestAsk,
    ManifestPage,
    MemberRecord,
    Status,
    encode,
)
from potluck.engine import effects, events
from potluck.engine.effects import Effect
from potluck.engine.engine import Engine
from potluck.engine.events import Event, LinkId, OrderId, Outcome, RequestId
from potluck.engine.index import Index
from tests.engine.builders import Chance, address, settings
from tests.engine.builders import key as key_of
from tests.fakes import placing
from tests.fakes.disk import File, Part, Tree, path_of

Kind = TypeVar("Kind")
SPIN = 300  # calls at one instant that mean a deadline never advances


class Contents(MutableMapping[SafePath, bytes]):
    """The files of a fake disk with their bytes; whatever is set is written now."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def __getitem__(self, path: SafePath) -> bytes:
        return self._tree.files[path].data

    def __setitem__(self, path: SafePath, data: bytes) -> None:
        now = self._tree.tick()
        self._tree.put(path, File(data, now, now, self._tree.new_inode()))

    def __delitem__(self, path: SafePath) -> None:
        self._tree.take(path)

    def __iter__(self) -> Iterator[SafePath]:
        return iter(self._tree.files)

    def __len__(self) -> int:
        return len(self._tree.files)


class Box:
    """One machine with one engine."""

    def __init__(self, wire: Wire, number: int, index: Index | None, **others: Any) -> None:
        self.wire, self.number, self.address = wire, number, address(number)
        self.key, self.run = key_of(number), next(wire.runs)
        self.index = index or Index.open(":memory:")
        self.tree = Tree()
        self.engine = Engine(
            settings(number, **others),
            self.key,
            self.index,
            Chance(self.run),
            bytes([number, self.run]) * 8,
        )
        self.me = self.key.device
        self.up, self.left = False, False
        self.links: dict[LinkId, tuple[Box, LinkId, LinkKind]] = {}  # ours -> who, theirs, kind
        self.trusted: set[DeviceId] = set()
        self.door, self.watched = False, True
        self.done: list[tuple[float, Effect]] = []
        self.troubles: list[DiskTrouble] = []
        self.calls = 0
        self.asked: dict[RequestId, tuple[Box, OrderId, Any]] = {}

    # -- one call ----------------------------------------------------------------------------------
    def call(self, work: Callable[[float], list[Effect]]) -> list[Effect]:
        if not self.up:
            return []
        self.calls += 1
        try:
            wanted = work(self.wire.now)
        except DiskTrouble as error:  # as the loop does: told, and the world goes on
            self.troubles.append(error)
            return []
        self.done += [(self.wire.now, effect) for effect in wanted]
        for effect in wanted:
            self.wire.carry(self, effect)
        return wanted

    def hear(self, event: Event) -> list[Effect]:
        return self.call(lambda now: self.engine.handle(event, now))

    def start(self) -> None:
        self.up = True
        self.call(self.engine.start)
        network = events.Interface("eth0", self.address.host, "10.0.0.255", 24)
        self.hear(events.InterfacesSeen((network,), ()))
        self.hear(events.SpaceSeen(2**40, 2**41))
        self.hear(events.PartsFound(()))

    def crash(self) -> None:
        """The process is gone: its links break, nobody says BYE."""
        self.up = False
        for link in list(self.links):
            self.wire.close(self, link, clean=False)

    @property
    def disk(self) -> Contents:
        """What stands below Shared/."""
        return Contents(self.tree)

    # -- people ------------------------------------------------------------------------------------
    def write(self, name: str, data: bytes) -> None:
        path = self.write_unseen(name, data)
        self.hear(events.PathsTouched((path,), overflow=False))

    def write_unseen(self, name: str, data: bytes) -> SafePath:
        """A file that no watcher noticed."""
        path = parse_wire_path(f"{self.label}/{name}".encode())
        self.disk[path] = data
        return path

    def bring(self, path: str, into: SafePath) -> str:
        """Copy what stands in Shared/, named by an absolute path, into a folder there."""
        source = parse_wire_path(path.partition("/Shared/")[2].encode())
        for each in [each for each in self.disk if each.starts_with(source)]:
            copied = into
            for part in each.parts[len(source.parts) - 1 :]:
                copied = copied.child(part)
            was = self.tree.files[each]
            self.tree.put(copied, replace(was, inode=self.tree.new_inode()))
        return source.name

    def delete(self, name: str) -> None:
        path = parse_wire_path(f"{self.label}/{name}".encode())
        del self.disk[path]
        self.hear(events.PathsTouched((path,), overflow=False))

    # -- what tests ask ----------------------------------------------------------------------------
    @property
    def label(self) -> str:
        return self.engine.node.own_label

    @property
    def nodes(self) -> list[DeviceId]:
        return [DeviceId(record.device) for record in self.engine.wiring.circle.ring.nodes()]

    def believes(self, other: Box) -> MemberRecord | None:
        return self.engine.wiring.circle.ring.beliefs.get(other.me)

    def status(self, other: Box) -> Status | None:
        record = self.believes(other)
        return record.status if record else None

    def asked_for(self, kind: type[Kind], since: float = 0.0) -> list[Kind]:
        return [effect for at, effect in self.done if at >= since and isinstance(effect, kind)]

    def told(self, code: str) -> list[str]:
        return [tell.text for tell in self.asked_for(effects.Tell) if tell.code == code]


Dues = dict[Box, tuple[int, float | None]]  # after how many of its calls -> when it wants the next


class Wire:
    """The network, the disks and the time."""

    def __init__(self, seed: int = 0, delay_s: float = 0.002) -> None:
        self.random, self.delay_s = random.Random(seed), delay_s
        self.now = 0.0
        self.runs = count(1)
        self.boxes: dict[Address, Box] = {}
        self.udp: Callable[[Box, Box], bool] = lambda *_: True
        self.silent: Callable[[Box, Box], bool] = lambda *_: False
        self.ignored: tuple[type, ...] = ()  # effects that nobody carries out
        self.unanswered: tuple[type, ...] = ()  # what is asked on bulk links and hangs
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count(1)
        self._introduced: dict[OrderId, Box] = {}  # who waits for which answer

    def add(self, number: int, *, index: Index | None = None, **others: Any) -> Box:
        """Start a device; over an index of before it is a restart."""
        box = self.boxes[address(number)] = Box(self, number, index, **others)
        box.start()
        return box

    def relabel(self, founder: Box, other: Box) -> str:
        """The founder gives a device another label; of two words of its own one counts."""
        here, key, before = founder.engine.node, other.key, other.label
        parts = founder.engine.wiring
        assert here.roster is not None
        for number in count(1):
            member = (key.certificate, key.sealing_public, f"anne{number}")
            record = admit(here.key, here.roster.group, *member)
            add = partial(parts.membership.add_records, [record])
            founder.call(partial(founder.engine._call, add))
            if here.label_of(other.me) != before:
                break
        return here.label_of(other.me)

    def again(self, box: Box) -> Box:
        """Start a crashed or left device anew."""
        new = self.boxes[box.address] = Box(self, box.number, box.index)
        new.tree = box.tree
        new.start()
        return new

    def later(self, act: Callable[[], object], delay_s: float | None = None) -> None:
        wait = self.random.uniform(0.2, 1.0) * self.delay_s if delay_s is None else delay_s
        heapq.heappush(self._queue, (self.now + wait, next(self._numbers), act))

    def run(self, seconds: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass, at most until `done`; say whether it is."""
        until, calls, last = self.now + seconds, 0, self.now
        dues: Dues = {}
        while not done():
            due = [
                (time, n, box)
                for n, box in enumerate(self.boxes.values())
                if (time := self._due(box, dues)) is not None
            ]
            wake = min(due, default=(float("inf"), 0, None))
            event = self._queue[0][0] if self._queue else float("inf")
            if min(event, wake[0]) > until:
                self.now = until
                return done()
            self.now = max(self.now, min(event, wake[0]))
            calls, last = (calls + 1, last) if self.now == last else (0, self.now)
            assert calls < SPIN, f"an engine asks to be woken and does nothing at {self.now}"
            if wake[2] is not None and wake[0] <= event:
                wake[2].call(wake[2].engine.on_tick)
            else:
                heapq.heappop(self._queue)[2]()
        return True

    def _due(self, box: Box, dues: Dues) -> float | None:
        """When an engine wants to be called; it is asked again only after it was called."""
        if not box.up:
            return None
        if box not in dues or dues[box][0] != box.calls:
            dues[box] = box.calls, box.engine.deadline()
        return dues[box][1]

    # -- effects -----------------------------------------------------------------------------------
    def carry(self, box: Box, effect: Effect) -> None:
        match effect:
            case _ if isinstance(effect, self.ignored):
                pass
            case effects.Transmit(data, to):
                self._transmit(box, data, to)
            case effects.Dial():
                self.later(lambda: self._dial(box, effect))
            case effects.Send(link, message):
                self._send(box, link, message)
            case effects.Drop(link, reason):
                self._send(box, link, Bye(reason))
                self.close(box, link, clean=True, reason=reason)
            case effects.Trust(members):
                box.trusted = {member.device for member in members}
            case effects.OpenDoor(is_open):
                box.door = is_open
            case effects.Introduce(to, sealed):
                if to in self.boxes:
                    number = OrderId(next(self._numbers))
                    self._introduced[number] = box
                    knock = events.IntroductionHeard(number, sealed, box.address)
                    self.later(partial(self.boxes[to].hear, knock))
            case effects.AnswerIntroduction(knock, _, sealed):
                asker = self._introduced.pop(knock, None)
                if sealed and asker is not None:
                    self.later(partial(asker.hear, events.IntroductionAnswered(sealed)))
            case effects.MakeDurable(barrier):
                self.later(partial(box.hear, events.MadeDurable(barrier)))
            case effects.Leave():
                box.left, box.up = True, False
                for link in list(box.links):
                    self.close(box, link, clean=True)
            case effects.Fetch(ask=ask) if isinstance(ask, self.unanswered):
                pass
            case effects.Fetch():
                self.later(lambda: self._fetch(box, effect))
            case effects.Answer(request, reply):
                self._answer(box, request, reply)
            case _:
                self._disk(box, effect)

    def _transmit(self, box: Box, data: bytes, to: Address | None) -> None:
        way = "multicast" if to is None else "unicast"
        for other in list(self.boxes.values()):
            if to in {None, other.address} and other is not box and self.udp(box, other):
                self.later(partial(other.hear, events.DatagramHeard(data, box.address, way)))

    def _dial(self, box: Box, dial: effects.Dial) -> None:
        other = self.boxes.get(dial.address)
        if other is not None and self.silent(box, other):
            box.hear(events.DialFailed(dial.dial, "timeout", refused=False, knock=False))
            return
        refused = other is not None and not other.up
        welcome = other is not None and other.up and (dial.peer is None or box.me in other.trusted)
        if (
            other is None
            or not welcome
            or dial.peer not in {None, other.me}
            or (dial.peer is None and not other.door)
        ):
            knock = not refused and other is not None
            box.hear(events.DialFailed(dial.dial, "refused", refused=refused, knock=knock))
            return
        near, far = LinkId(next(self._numbers)), LinkId(next(self._numbers))
        box.links[near], other.links[far] = (other, far, dial.kind), (box, near, dial.kind)
        for mine, link, peer, where, order in (
            (box, near, other, other.address, dial.dial),
            (other, far, box, Address(box.address.host, 0), None),
        ):
            known = dial.kind is LinkKind.CONTROL
            instance = peer.engine.node.instance if known else b""
            mine.hear(
                events.LinkOpened(
                    link, dial.kind, peer.me if known else None, where, instance, order
                )
            )

    def _send(self, box: Box, link: LinkId, message: Any) -> None:
        if link not in box.links:
            return
        other, far, kind = box.links[link]
        catalogue: Any = CONTROL if kind is LinkKind.CONTROL else PAIRING
        heard = events.MessageHeard(far, catalogue.decode(encode(message)))
        if not self.silent(box, other):
            self.later(lambda: other.hear(heard) if far in other.links else None, self.delay_s)

    def close(self, box: Box, link: LinkId, *, clean: bool, reason: str = "closed") -> None:
        if link not in box.links:
            return
        other, far, _ = box.links.pop(link)
        self.later(partial(box.hear, events.LinkClosed(link, "closed", clean=True)), self.delay_s)
        gone = events.LinkClosed(far, reason, clean)
        self.later(lambda: self._closed(other, gone), self.delay_s)

    def _closed(self, box: Box, gone: events.LinkClosed) -> None:
        if box.links.pop(gone.link, None) is not None:
            box.hear(gone)

    # -- content -----------------------------------------------------------------------------------
    def _fetch(self, box: Box, fetch: effects.Fetch) -> None:
        other = next((self.boxes[a] for a in fetch.addresses if a in self.boxes), None)
        if other is None or not other.up or self.silent(box, other):
            box.hear(events.FetchEnded(fetch.order, Outcome.BROKEN, "nobody there"))
            return
        request = RequestId(next(self._numbers))
        other.asked[request] = (box, fetch.order, fetch.ask)
        other.hear(events.RequestHeard(request, box.me, fetch.ask))

    def _answer(self, box: Box, request: RequestId, reply: Any) -> None:
        if request not in box.asked:
            return
        asker, order, ask = box.asked.pop(request)
        outcome = Outcome.DONE
        match ask, reply:
            case ManifestAsk(), ManifestPage():
                self.later(partial(asker.hear, events.ManifestHeard(order, reply, 0)))
            case FilesAsk(), effects.ServeFiles(files):
                here = {root: path for root, path, _, _ in files if path in box.disk and path}
                asker.tree.parts |= {
                    root: Part.whole(box.disk[path]) for root, path in here.items()
                }
                verified = events.FilesVerified(order, tuple(here), 1)
                self.later(partial(asker.hear, verified))
            case _, Busy():
                outcome = Outcome.BUSY
            case _:
                outcome = Outcome.GONE
        self.later(partial(asker.hear, events.FetchEnded(order, outcome, "")), 2 * self.delay_s)

    def _disk(self, box: Box, effect: Effect) -> None:
        match effect:
            case effects.MarkShare(_, label, former):
                if former:
                    box.tree.move_top(path_of(former), path_of(label))
                seen = events.ShareSeen(present=True, reason="", label=label)
                self.later(partial(box.hear, seen))
            case effects.MoveFolder(order, former, label):
                aside = box.tree.move_top(path_of(former), path_of(label))
                self.later(partial(box.hear, events.FolderMoved(order, "", aside)))
            case effects.Scan(order, tops):
                self.later(partial(box.hear, events.ShareSeen(present=True, reason="")))
                self._seen(box, order, tops)
            case effects.DropFolder(label):
                if not box.tree.below(path_of(label)):
                    box.tree.folders.discard(path_of(label))
                self.later(partial(box.hear, box.tree.top()))
            case effects.LookAtTop():
                self.later(partial(box.hear, box.tree.top()))
            case effects.DrainWatch(order):  # hints come at once here
                self.later(partial(box.hear, events.WatchDrained(order, sees_all=box.watched)))
            case effects.Look(order, paths):
                self._seen(box, order, paths)
            case effects.Hash(order, files):
                read = [
                    box.tree.hashed(path, size, box.tree.see(path).stat) for path, size in files
                ]
                hashed = tuple(each for each in read if each is not None)
                gone = tuple(path for path, _ in files if path not in box.disk)
                self.later(partial(box.hear, events.FilesHashed(order, hashed, gone, last=True)))
            case effects.Import(order, paths, _, into) if all("/Shared/" in p for p in paths):
                added = tuple(box.bring(path, into) for path in paths)
                self.later(partial(box.hear, events.Imported(order, added, ())))
            case effects.Place(batch, items):
                placed = events.BatchPlaced(batch, placing.place(box.tree, items))
                self.later(partial(box.hear, placed))
            case effects.Settle(batch, items):
                settled = events.BatchSettled(batch, placing.settle(box.tree, items))
                self.later(partial(box.hear, settled))
            case _:
                pass  # told to people, or of no interest here

    def _seen(self, box: Box, order: OrderId, paths: tuple[SafePath, ...]) -> None:
        seen = tuple(box.tree.walk(paths))
        self.later(partial(box.hear, events.TreeSeen(order, seen, (), last=True, complete=True)))


def one_ring(boxes: Iterable[Box]) -> bool:
    """Whether these, and nobody else, are one ring in everybody's view, each linked to each."""
    boxes = list(boxes)
    views = {tuple(box.nodes) for box in boxes}
    linked = all(len(box.engine.node.linked()) == len(boxes) - 1 for box in boxes)
    return len(views) == 1 and set(views.pop()) == {box.me for box in boxes} and linked


def ring(count_of: int, seed: int = 0, **others: Any) -> tuple[Wire, list[Box]]:
    """A ring of open devices that have found each other."""
    wire = Wire(seed)
    boxes = [wire.add(number, **others) for number in range(1, count_of + 1)]
    assert wire.run(20.0, lambda: one_ring(boxes)), [len(box.nodes) for box in boxes]
    return wire, boxes
