"""Knowledge: what can be said of who holds what, and never more than that.

Strategy: one frozen picture of everything that was heard and of what stands here: for every
manifest the newest signed head that was heard of, the head that is held, and what of it is lacking
on this disk; for every device whether it is here and what it said last; for the own folder what is
still open. The word for how things are, its reason, the counts and the rows of other devices are
functions of that picture, so no two screens can disagree.

Guarantees: a device is said to hold a manifest only if it is here and spoke of the very head that
is held; what it said of an older head, or before it went, is shown as what it is, the last word and
not knowledge. `in_sync` means that nothing is open. Nobody waits for whoever is away, nor for
whoever is here while its share is offline. Limits: what a device says of itself is believed; what a
device skips is not waited for, and never said to be there; an owner that lacks all it shares, and
is not known to have anything of others, is taken for offline, though another disk may hide it, or
all is on its way back; that a person edits files on its disk is known when it has noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.last_words import HeadNumber, LastWord, at_most
from potluck.core.content.outgoing import OwnerName, Receiver, held_of, outgoing_words
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wording import listed, of_amount, of_size, of_time, set_off, typable

LACKS_ALL_OWN = "lacks all that it shares; perhaps its disk is away, or that is on its way back"


# -- the picture -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ManifestKnown:
    """What is known of one manifest."""

    name: ManifestName
    heard: HeadNumber  # the newest signed head that anybody told of
    held: HeadNumber | None  # the one that is held completely; None: none yet
    whole: Amount  # of the one held
    missing: Amount  # of that on this disk; pieces that are here do not count
    skipped: Amount = NOTHING  # of what is missing: not wanted here, as a person said
    no_room: Amount = NOTHING  # of the rest: not begun, since this disk has no room for it
    removed: str = ""  # the label of its owner, if that was removed and its folder stays
    stuck: bool = False  # nobody who is here could bring what lacks of it, as far as was asked
    kept: bool = False  # what its owner deleted or replaced stays here until a person confirms
    forked: bool = False  # there is another state of it: a number may be of either

    @property
    def stands(self) -> bool:
        """Whether everything that was heard of stands here, but for what is not wanted here."""
        here = self.held == self.heard and self.missing == self.skipped
        return here and not self.kept and not self.forked


@dataclass(frozen=True, slots=True)
class DeviceKnown:
    """What is known of one other device."""

    device: DeviceId
    label: str
    here: bool  # there is a link to it, and nobody takes it for gone
    said: Mapping[ManifestName, LastWord]
    away_s: float | None = None  # how long it is gone; None: it is here, or never was in this run
    shares: Amount = NOTHING  # all in all, as it is held here
    holds_others: bool = False  # it said that it has something of somebody else's
    held: Mapping[ManifestName, Amount] = field(default_factory=dict)  # kept as it was there

    @property
    def lacks_own(self) -> bool:
        """Whether it says itself that it has not even what it shares, or not all of that."""
        return self._own_missing != NOTHING

    @property
    def offline(self) -> bool:
        """Whether its share may be: it has nothing of what it shares, nor of others, as it says."""
        lacks_all = all(self._own_missing[at] >= self.shares[at] for at in (0, 1))
        return self.lacks_own and lacks_all and not self.holds_others

    @property
    def _own_missing(self) -> Amount:
        said = self.said.get(ManifestName.own(self.device))
        return NOTHING if said is None else said.missing


class OwnWork(StrEnum):
    """What is open about the own folder, most important first."""

    UNSEEN = "looking at my files for the first time since the start"
    OFFERED = "adding files"
    MERGING = "others hold files of mine that I do not remember; their list is being fetched"
    LOOKING = "looking at my files"
    DOUBTED = "looking once more for files of mine that seem to be gone"
    READING = "reading my files"
    WRITTEN = "a file of mine is still being written"
    PUBLISHING = "about to tell the others of my newest changes"


@dataclass(frozen=True, slots=True)
class Incoming:
    """What this device is doing about what it lacks."""

    senders: tuple[str, ...] = ()  # labels of those who are asked for content now
    asked: tuple[str, ...] = ()  # of those who are asked for a newer manifest
    placing: bool = False  # something is being decided about, or put in its place
    sample: str = ""  # one path that is lacking, as people read it
    sample_bytes: int = 0  # of that one, here already
    absent: Amount = NOTHING  # of what is missing: not found here, and looked for once more
    unseen: tuple[str, ...] = ()  # labels of those whose folder here was not looked at yet


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What a person has to see to before anything else is worth a word."""

    word: State
    reason: str
    command: str = ""


class State(StrEnum):
    """The one word for how things are."""

    IN_SYNC = "in_sync"
    SENDING = "sending"
    RECEIVING = "receiving"
    BUSY = "busy"
    WAITING = "waiting"
    PAUSED = "paused"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The whole picture."""

    me: DeviceId
    manifests: tuple[ManifestKnown, ...]
    devices: tuple[DeviceKnown, ...]  # the others, members of the group
    own_work: tuple[OwnWork, ...] = ()
    incoming: Incoming = field(default_factory=Incoming)
    hindrances: tuple[Obstacle, ...] = ()  # the most important first
    doubled: bool = False  # somebody here runs on two machines: nothing is known of its folder
    index_fails: bool = False  # what is remembered here may be behind, or not be on the disk
    my_label: str = ""
    can_undo: bool = True  # something of what went last here can be taken back
    untold: Amount = NOTHING  # of mine: changed here, and told to nobody while two machines run

    @property
    def synced(self) -> bool:
        """Whether everything heard of stands here and everything of mine that is seen is told.

        A file that somebody is still writing is not waited for: it may never be closed. Of an index
        that fails nothing is known: others may never be told what it says. Nor is anything known of
        a folder for which two machines speak.
        """
        if self.index_fails or self.doubled:
            return False
        incoming = self.incoming
        settled = not set(self.own_work) - {OwnWork.WRITTEN} and not incoming.placing
        return settled and not incoming.unseen and all(one.stands for one in self.manifests)

    def whole(self) -> Amount:
        """Return how much there is in all folders as they are held."""
        return Amount.total(one.whole for one in self.manifests)

    def missing(self) -> Amount:
        """Return how much of that is lacking on this disk."""
        return Amount.total(one.missing for one in self.manifests)

    def to_come(self) -> Amount:
        """Return how much of that is others', and may come: what is skipped does not.

        What is lacking of the own folder comes from nobody: another disk hides it, or went with it.
        Nor does what only a removed device had.
        """
        others = [one for one in self.manifests if one.name.owner != self.me]
        return Amount.total(one.missing.less(one.skipped) for one in others if not one.stuck)


# -- other devices ---------------------------------------------------------------------------------
class CopyKnown(Enum):
    """What can be said of a device and a manifest as it is held here."""

    ALL = "all"
    LACKS = "lacks"  # something, by its own word
    UNKNOWN = "unknown"  # it said nothing yet, or nothing since this head
    AWAY = "away"  # nothing is claimed of who is not here


def copy_known(device: DeviceKnown, manifest: ManifestKnown) -> CopyKnown:
    """Say what is known of a device's copy of a manifest; an owner that says of its own what is
    here, or did, has what it announces, but for what it says that it lacks.
    """
    if not device.here:
        return CopyKnown.AWAY
    if manifest.forked:
        return CopyKnown.UNKNOWN
    said = device.said.get(manifest.name)
    if said is None or said.is_taken_back:
        return CopyKnown.UNKNOWN
    if manifest.name.owner == device.device and not device.lacks_own:
        return CopyKnown.ALL if manifest.held == manifest.heard else CopyKnown.UNKNOWN
    if manifest.name.owner != device.device and said.number != manifest.held:
        return CopyKnown.UNKNOWN
    return CopyKnown.ALL if said.missing == NOTHING else CopyKnown.LACKS


@dataclass(frozen=True, slots=True)
class Standing:
    """How a device stands to all that is held here."""

    known: bool  # of every manifest
    has: Amount  # as far as it is known
    lacks: Amount  # by its last word, whatever that was about; everything if it never spoke
    said: Amount  # of that, what it said itself, if it spoke: of a folder it never named nothing
    skips: Amount = NOTHING  # of that, what a person does not want there
    no_room: Amount = NOTHING  # of the rest: what that disk has no room for
    held: Amount = NOTHING  # it keeps as it was though its owner took it away


def standing(knowledge: Knowledge, device: DeviceKnown) -> Standing:
    """Return how another device stands to everything that is held here."""
    has, lacks, said, skips, known = [NOTHING], [NOTHING], [NOTHING], [NOTHING], True
    short = [no_room_there(device, one) for one in knowledge.manifests if one.held is not None]
    for manifest in knowledge.manifests:
        if manifest.held is None:
            continue
        verdict = copy_known(device, manifest)
        missing = _last_word(device, manifest)
        known &= verdict in {CopyKnown.ALL, CopyKnown.LACKS}
        if verdict in {CopyKnown.ALL, CopyKnown.LACKS}:
            has.append(manifest.whole.less(missing))
        lacks.append(missing)
        if manifest.name in device.said or not device.said:
            said.append(missing)
            skips.append(missing.less(_wanted(device, manifest)))
    held = held_of(device.held, (one.name for one in knowledge.manifests))
    return Standing(known, *map(Amount.total, (has, lacks, said, skips, short, [held])))


def _last_word(device: DeviceKnown, manifest: ManifestKnown) -> Amount:
    """Return what a device said last that it lacks, at most everything."""
    said = device.said.get(manifest.name)
    if said is None:
        return NOTHING if manifest.name.owner == device.device else manifest.whole
    return at_most(said.missing, manifest.whole)


def _wanted(device: DeviceKnown, manifest: ManifestKnown) -> Amount:
    """Return what of that it wants, by its word: all but what it skips."""
    missing, said = _last_word(device, manifest), device.said.get(manifest.name)
    return missing.less(at_most(said.skipped, missing)) if said is not None else missing


def no_room_there(device: DeviceKnown, manifest: ManifestKnown) -> Amount:
    """Return what of that has no room there, by its last word, at most what it wants."""
    said = device.said.get(manifest.name)
    return at_most(said.no_room, _wanted(device, manifest)) if said is not None else NOTHING


# -- the word --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Situation:
    """How things are, why, and what a person can do."""

    state: State
    reason: str = ""  # "" exactly if in sync
    command: str = ""


def situation(knowledge: Knowledge) -> Situation:
    """Return the one word for a picture, with its one reason: the first of these that holds."""
    if knowledge.hindrances:
        first = knowledge.hindrances[0]
        return Situation(first.word, first.reason, first.command)
    others = [one for one in knowledge.manifests if one.name.owner != knowledge.me]
    behind = [one for one in others if not one.stands]
    if behind or knowledge.incoming.placing:
        return _stuck(knowledge, behind) or _incoming(knowledge, behind)
    if knowledge.own_work:
        return Situation(State.BUSY, min(knowledge.own_work, key=list(OwnWork).index).value)
    if knowledge.incoming.unseen:
        whose = listed(knowledge.incoming.unseen)
        return Situation(State.BUSY, f"looking at what is here of {whose}")
    return _outgoing(knowledge) or Situation(State.IN_SYNC)


def _stuck(knowledge: Knowledge, behind: list[ManifestKnown]) -> Situation | None:
    """Say what nobody could bring of a removed device's folder, if nothing else is lacking."""
    if not behind or not all(one.stuck for one in behind) or knowledge.incoming.absent != NOTHING:
        return None
    missing = Amount.total(one.missing.less(one.skipped) for one in behind)
    what = "the last list of files" if missing == NOTHING else of_amount(*missing)
    labels = [one.removed for one in behind]
    are = "is" if len(labels) == 1 else "are"
    words = f"could bring {what} of {listed(labels)}, which {are} out of the group"
    away = [one.label for one in knowledge.devices if not one.here or one.offline]
    if away:
        return Situation(State.WAITING, f"waiting for {listed(away)}: nobody else {words}")
    return Situation(
        State.TROUBLE,
        f"no device of the group {words}",
        f"forget {typable(labels[0], short_id(behind[0].name.owner))}",
    )


def _incoming(knowledge: Knowledge, behind: list[ManifestKnown]) -> Situation:
    """Say why something is not here yet."""
    incoming, missing = knowledge.incoming, knowledge.to_come()
    under_way = _under_way(incoming, missing)
    if under_way:
        return Situation(State.RECEIVING, under_way)
    if incoming.absent != NOTHING:
        words = f"{of_amount(*incoming.absent)} of others not found here: looking once more"
        return Situation(State.BUSY, words)
    away = _missed_owners(knowledge, behind)
    if away:
        return Situation(State.WAITING, _waiting_words(incoming, away, missing))
    if missing == NOTHING:
        return Situation(State.BUSY, "somebody holds a newer list of files than this device")
    return Situation(State.BUSY, f"{of_amount(*missing)} to come, none on its way right now")


def _under_way(incoming: Incoming, missing: Amount) -> str:
    """Say what is being done about it, "" if nothing is."""
    to_come = f"{of_amount(*missing)} to come"
    if incoming.senders:
        return f"{to_come} from {listed(incoming.senders)}"
    if incoming.asked:
        return f"asking {listed(incoming.asked)} for the newest list"
    if not incoming.placing:
        return ""
    if missing == NOTHING:
        return "putting the newest changes in place"
    return f"{to_come}, being put in place"


def _missed_owners(knowledge: Knowledge, behind: list[ManifestKnown]) -> list[DeviceKnown]:
    """Return the owners without whom nothing of it can come, as far as is known."""
    owners = {device.device: device for device in knowledge.devices}
    found = list[DeviceKnown]()
    for manifest in behind:
        owner = owners.get(manifest.name.owner)
        there = owner is not None and owner.here and not owner.offline
        if owner is None or there or _has_source(knowledge, manifest):
            return []
        found.append(owner)
    return found


def _has_source(knowledge: Knowledge, manifest: ManifestKnown) -> bool:
    """Say whether somebody here said that it holds all of it, as new as it was heard of."""
    said = [device.said.get(manifest.name) for device in knowledge.devices if device.here]
    return any(
        one is not None and one.number >= manifest.heard and one.missing == NOTHING for one in said
    )


def _waiting_words(incoming: Incoming, away: list[DeviceKnown], missing: Amount) -> str:
    """Return for whom is waited and for what."""
    whom = listed([device.label for device in away])
    if len(away) == 1 and away[0].here:
        whom += f" (it {LACKS_ALL_OWN})"
    elif len(away) == 1 and away[0].away_s is not None:
        whom += f" (away for {of_time(away[0].away_s)})"
    if missing == NOTHING:
        return f"waiting for {whom}: there are newer files"
    what = of_amount(*missing)
    if missing.files == 1 and incoming.sample:
        what = f"{set_off(incoming.sample)} ({of_size(missing.size_bytes)} to come)"
        if incoming.sample_bytes:
            what += f", {of_size(incoming.sample_bytes)} are here"
    return f"waiting for {whom}: {what}"


def _outgoing(knowledge: Knowledge) -> Situation | None:
    """Say who here is not known to have everything of mine."""
    mine = [one for one in knowledge.manifests if one.name.owner == knowledge.me]
    found = (_receiver(one, mine) for one in knowledge.devices if one.here and not one.offline)
    if not (rows := [one for one in found if one is not None]):
        return None
    waits = all(one.waits_for_person for one in rows)
    owner = OwnerName(knowledge.my_label, short_id(knowledge.me))
    words = outgoing_words(rows, owner, can_undo=knowledge.can_undo)
    return Situation(State.WAITING if waits else State.SENDING, words)


def _receiver(device: DeviceKnown, mine: list[ManifestKnown]) -> Receiver | None:
    """Return how a device stands to what is mine, None if it has all of that, or skips the rest."""
    verdicts = {copy_known(device, manifest) for manifest in mine}
    wants = Amount.total(_wanted(device, manifest) for manifest in mine)
    held = held_of(device.held, (manifest.name for manifest in mine))
    if CopyKnown.LACKS in verdicts and wants != NOTHING:
        short = Amount.total(no_room_there(device, manifest) for manifest in mine)
        return Receiver(device.label, wants, short, held)
    waits = held != NOTHING and CopyKnown.LACKS in verdicts
    return Receiver(device.label, held=held) if waits or CopyKnown.UNKNOWN in verdicts else None
