"""Adopting: the folder of a removed device becomes part of this device's own.

Strategy: its files are imported into the own folder (shells/disk/importing.py: blocks are shared
where the file system can), under the name of the folder, or one like it if that is taken, and are
published like anything a person adds. The others have the same contents in the frozen folder, so
each copies them on its own disk and nothing is sent. The frozen folder is forgotten, if this device
is a steward, when all of its paths with their contents are published below the new name, and when
whoever is linked says that all of it stands there, or after ten minutes in which somebody was, the
same for all, whoever came meanwhile; else the person is told who can. While nobody is linked that
waits.

Guarantees: a folder of which something is lacking here, or hidden by something mounted, is not
adopted by halves: it is refused, with how much lacks; so it is while the share is offline. What
could not be brought in is told, and then nothing is forgotten; nor is it while anything of it is
not published from here, and after ten minutes that is told. One Reply for each act, when the files
are in the own folder. Limits: what is to be forgotten then is not remembered by the next run:
`forget` does it. Who was away meanwhile, or slower, fetches what it does not find any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core.content.facts import NOTHING, ManifestName
from potluck.core.content.manifest import is_of_another_run
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import DiskTrouble, Refused
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wording import of_time, set_off, typable
from potluck.engine.effects import Import, Reply
from potluck.engine.events import Imported, OrderId
from potluck.engine.group.forgetting import Forgetting
from potluck.engine.node import Node
from potluck.engine.own.imports import NOT_IN_PLACE, START_AGAIN
from potluck.engine.person_acts import AdoptAsked

ASK_KEPT_S = 1.0  # as often as the others say what they keep
COPIED_S = 600.0  # whoever is here and has not copied it by then may have to fetch it


@dataclass(frozen=True, slots=True)
class Adoption:
    """One folder that is being brought in."""

    act: AdoptAsked
    device: DeviceId


@dataclass(slots=True)
class CopiesAwaited:
    """A frozen folder that is to go when the others have its files from here."""

    device: DeviceId
    under: bytes  # where its files are in the own folder
    until_s: float
    number: tuple[int, int] | None = None  # of the own head with all of it
    lacked: tuple[int, int] | None = None  # of one without


class Adopting:
    """Brings folders of removed devices into the own one."""

    def __init__(self, node: Node, forgetting: Forgetting) -> None:
        """Adopt nothing yet."""
        self._node, self._forgetting = node, forgetting
        self._asked: dict[OrderId, Adoption] = {}
        self._leaving: list[CopiesAwaited] = []
        self._look_s = 0.0

    def __repr__(self) -> str:
        """Return how many are brought in, and how many are still to be forgotten."""
        return f"<Adopting: {len(self._asked)} under way, {len(self._leaving)} to be forgotten>"

    def begin(self, act: AdoptAsked) -> None:
        """A person wants that folder; raises PotluckError."""
        node, device = self._node, self._forgetting.meant(act.name)
        if not node.share_present:
            raise Refused("The share is offline: nothing was adopted.", NOT_IN_PLACE, "status")
        name = ManifestName.own(device)
        top = node.layout.top_of(name)
        self._check_whole(name, top)
        order = node.number()
        self._asked[order] = Adoption(act, device)
        into = parse_wire_path(node.own_label.encode())
        node.do(Import(order, (f"{node.settings.folder}/Shared/{top.name}",), "reflink", into))

    def _check_whole(self, name: ManifestName, top: SafePath) -> None:
        index, folder = self._node.index, set_off(top.name)
        if not index.places.all_paths(name) and index.manifests.count(name) == 0:
            raise Refused(
                f"There is nothing in the folder {folder}.",
                "nothing of it ever came here",
                self._forget_advice(name.owner),
            )
        lacking = index.needs.missing(name)
        if lacking != NOTHING:
            count = lacking.files + lacking.folders
            why = "they come from devices that have them, as far as there are any"
            if index.needs.skipped(name) == lacking:
                why = "they are skipped here, or were removed: get fetches them again"
            raise Refused(
                f"{count} files of {folder} are not here yet.",
                why,
                f"ls {typable(top.name, '')}".rstrip(),
            )
        if self._node.mounts.below(top):
            raise Refused(
                f"Not all of {folder} can be seen.", "something is mounted in it", "findmnt"
            )

    def on_imported(self, event: Imported) -> None:
        """An import ended, perhaps one of ours."""
        adoption = self._asked.pop(event.order, None)
        if adoption is None:
            return
        node, act = self._node, adoption.act
        if event.failed:
            lines = [f"not adopted: {path} ({reason})" for path, reason in event.failed]
            reply = Reply(
                act.command,
                ok=False,
                text="\n".join(lines),
                code=DiskTrouble.code,
                cause="the disk did not take it; the old folder stays as it is",
                fix=f"adopt {typable(act.name, 'NAME')}",
            )
            node.do(reply)
            return
        names = [*event.added, *(name for _, name in event.already)]
        place = set_off(f"{node.own_label}/{names[0]}")
        text = f"The files of {node.label_of(adoption.device)} are in {place} now. "
        node.do(Reply(act.command, ok=True, text=text + self._part_with(adoption.device, names[0])))

    def _forget_advice(self, device: DeviceId) -> str:
        """Return what has a frozen folder go, and where it is typed if not here."""
        how = f"forget {typable(self._node.layout.name_of(device), short_id(device))}"
        if self._forgetting.is_steward:
            return how
        knows = "a steward that knew it" if self._forgetting.is_void(device) else "a steward"
        return f"on {knows}: {how}"

    def _part_with(self, device: DeviceId, name: str) -> str:
        """Have the frozen folder go when it can, or say who can have it go."""
        node = self._node
        folder = node.layout.name_of(device)
        if not self._forgetting.is_steward:
            how = f"forget {typable(folder, short_id(device))}"
            if self._forgetting.is_void(device):
                return f"The old folder stays; a steward that knew the device can have it go: {how}"
            return (
                f"The old folder stays until a steward ({self._forgetting.stewards}) types: {how}"
            )
        under = f"{name}/".encode()
        self._leaving.append(CopiesAwaited(device, under, node.now + COPIED_S))
        self._look_s = node.now + ASK_KEPT_S
        return (
            f"The folder {set_off(folder)} goes when the other devices that are here have copied "
            f"them, or have had {of_time(COPIED_S)} for it."
        )

    def on_leaving(self) -> None:
        """The device leaves: nobody will hear how these went."""
        for adoption in self._asked.values():
            act = adoption.act
            reply = Reply(
                act.command,
                ok=False,
                text="This device is leaving: the folder is not adopted.",
                code=Refused.code,
                cause="it was asked to end; part of the files may be in the own folder already",
                fix=f"{START_AGAIN}\nadopt {typable(act.name, 'NAME')}",
            )
            self._node.do(reply)
        self._asked.clear()

    # -- parting -----------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._look_s if self._leaving else None

    def on_tick(self) -> None:
        """Have those folders forgotten whose files the others have from here."""
        node = self._node
        if not self._leaving or node.now < self._look_s:
            return
        self._look_s = node.now + ASK_KEPT_S
        for each in list(self._leaving):
            if not _has_witness(node):
                each.until_s = node.now + COPIED_S  # that begins when somebody is here
            late = node.now >= each.until_s
            if each.device not in self._forgetting.out:
                self._leaving.remove(each)
            elif self._is_published(each):
                if late or stands_everywhere(node, node.own_manifest, each.number or (0, 0)):
                    self._leaving.remove(each)
                    self._forget(each.device)
            elif late:
                self._leaving.remove(each)
                self._stays(each.device, "not all of it is shared from this device's own folder")

    def _forget(self, device: DeviceId) -> None:
        if not self._forgetting.sign(device):
            self._stays(device, "the group has no room for more words of this device")

    def _stays(self, device: DeviceId, why: str) -> None:
        folder = self._node.layout.name_of(device)
        command = f"forget {typable(folder, short_id(device))}"
        text = f"the folder {set_off(folder)} stays though it was adopted: {why}; to have it go: "
        self._node.tell(
            "adopted_stays", text + command, level="warning", subject=folder, command=command
        )

    def _is_published(self, parting: CopiesAwaited) -> bool:
        """Say whether the own manifest has all that was adopted, and note from which head on."""
        node, own = self._node, self._node.own_manifest
        head = node.index.manifests.head(own)
        number = (head.generation, head.seq) if head is not None else (0, 0)
        if parting.number is None and number != parting.lacked:
            name = ManifestName.own(parting.device)
            holds = node.index.holds_all(name, own, parting.under)
            parting.number, parting.lacked = (number, None) if holds else (None, number)
        return parting.number is not None


def _has_witness(node: Node) -> bool:
    """Say whether somebody is linked who can say what it holds, or there is nobody else."""
    alone = node.roster is None or len(node.roster.members) == 1
    return alone or bool(node.linked())


def stands_everywhere(node: Node, name: ManifestName, number: tuple[int, int]) -> bool:
    """Say whether whoever is linked has said that a manifest, up to that head, stands there.

    While nobody is linked that is not known, unless there is nobody else in the group.
    """
    if not _has_witness(node):
        return False
    head = node.index.manifests.head(name)
    for device in (each for each in node.linked() if each != name.owner):
        said = node.peer(device).kept.get(name)
        if said is None or (said.generation, said.seq) < number:
            return False
        if head is not None and is_of_another_run(said, head, own=True):
            return False  # a later list, too, may be one of a lost life
        if said.missing_files or said.missing_folders:
            return False
    return True
