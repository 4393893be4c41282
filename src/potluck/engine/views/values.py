"""What faces are shown: frozen values, encoded as JSON by the control shell.

Strategy: the field names are the local API's (docs/faces.md), so a name here is a promise.
Guarantee: nothing in a value is alive, and every number fits JSON. Limits: what a field means is
summed up in viewer.py and the modules beside it.
"""

from __future__ import annotations

from msgspec import Struct


class DeviceView(Struct, frozen=True):
    """One device of the group, and what is known to stand on it."""

    id: str
    label: str
    me: bool
    online: bool  # in the ring, and linked or this device itself
    node: int | None
    address: str
    found_by: str
    known: bool  # what it holds is known now: it is here and spoke of the heads that stand here
    spoke_s: float | None  # seconds since it said last what it holds; None: not in this run
    offline: bool  # its share is: nobody knows what is in its folder
    away_s: float | None  # seconds since it was linked last; None: it is, or never was in this run
    have_files: int  # of `files`; 0 unless known
    need_files: int  # what it said it lacks; everything unless it spoke in this run
    need_bytes: int
    need_folders: int = 0
    skips_files: int = 0  # of that, what a person does not want there
    skips_folders: int = 0
    skips_bytes: int = 0
    no_room_files: int = 0  # of the rest: what that disk has no room for, as it said
    no_room_bytes: int = 0
    held_files: int = 0  # another device's: as it said, it keeps these of others as they were, for
    held_bytes: int = 0  # their owners took very much away at once, and nobody confirmed it there
    only_files: int = 0  # another device's: no other one is known to have these, at most
    only_bytes: int = 0


class FormerView(Struct, frozen=True):
    """A device that is in the group no more; its folder stays as it was."""

    id: str
    label: str
    why: str  # "removed", "left", or "void": whoever let it in was removed
    by: str  # label of the steward that removed it, "" if none did


class DeliveryView(Struct, frozen=True):
    """What another device still lacks of what stands here, but for what it skips: a row of the
    sender's.
    """

    id: str
    label: str
    online: bool
    known: bool  # False: not since the newest head; the figures are what it said before
    need_files: int  # without folders
    need_bytes: int
    done_bytes: int  # of `whole_bytes`, what it has of what it lacked
    whole_bytes: int
    need_folders: int = 0
    no_room_files: int = 0  # of what it lacks: what that disk has no room for, as it said
    no_room_bytes: int = 0
    held_files: int = 0  # as it said, it keeps these as they were until that is confirmed there
    held_bytes: int = 0
    moves: bool = True  # some of it is handed over from here, or came there a moment ago


class RingView(Struct, frozen=True):
    """One node of the ring."""

    number: int
    id: str
    label: str
    seat: int
    status: str


class TransferView(Struct, frozen=True):
    """One large content that is being received, or the small files of one folder."""

    path: str
    sources: list[str]
    done: int
    size: int
    files: int = 1  # of a folder: its small files that are still to come
    every: int | None = None  # of a folder: all its small files, also those that are here


class UploadView(Struct, frozen=True):
    """The content, or contents, that another device is getting from this one now."""

    path: str  # of the first, with "and 2 more"
    to: str
    sent: int | None  # bytes that came by its own word, also from elsewhere; None: no word yet
    size: int
    there: int | None = None  # with what it had before; None: that is not known


class TroubleView(Struct, frozen=True):
    """One thing that is not as it should be (engine/troubles.py)."""

    kind: str  # the name of its TroubleKind in small letters, "unreadable"
    subject: str
    reason: str
    command: str  # what to type against it, "" if nothing helps but waiting
    since_s: float  # how long it lasts
    next_s: float | None  # in how long it is tried again
    wrong: bool = True  # somebody has to see to it; else it is only to be known


class FoundView(Struct, frozen=True):
    """A group near by that this device is not a member of."""

    name: str
    label: str
    address: str
    members: int
    open: bool
    joins: str = (
        ""  # while both doors are open: "we" join it, "they" join us, "" if neither is sure
    )
    group: str = ""  # its id: names are not unique, and each of its devices answers
    # until it is asked again by itself, after it did not let us in; None: it is not, by itself
    rests_s: float | None = 0.0
    ended: str = ""  # what became of the last request between the two, "" if there was none lately
    bar: str = (
        ""  # why no words can follow, however often it is asked: "version", "removed", "shut"
    )
    asked_here: bool = False  # that was a request from there; else this device had asked


class FileView(Struct, frozen=True):
    """One path of the share."""

    path: str
    kind: str
    size: int
    owner: str
    here: bool
    root: str
    unwanted: bool = False  # it is skipped here, or was removed


class HeadView(Struct, frozen=True):
    """One state of one manifest."""

    owner: str  # short id
    folder: str
    generation: int
    seq: int


class KeptView(Struct, frozen=True):
    """What a device said last of one manifest."""

    head: HeadView
    missing: int  # files and folders it lacks of that
    skipped: int = 0  # of these: a person does not want them there
    no_room_files: int = 0  # of the rest: that disk has no room for them
    no_room_bytes: int = 0


class KeeperView(Struct, frozen=True):
    """What a device said last of all manifests."""

    id: str
    label: str
    online: bool  # linked, and not taken for gone
    kept: list[KeptView]
    held_files: int = 0  # it keeps as they were, as it said last, until that is confirmed there
    held_bytes: int = 0


class KeepersView(Struct, frozen=True):
    """Which heads stand in the index here, and who said to hold which: for `wait --delivered`."""

    heads: list[HeadView]
    devices: list[KeeperView]  # the others


class FilesPage(Struct, frozen=True):
    """Some paths of the share, in order."""

    files: list[FileView]
    next: str | None  # after which path the next page begins; None: there is none


class EntryView(Struct, frozen=True):
    """What stands directly in a folder; of a large folder a part, told under the same name."""

    name: str
    kind: str
    files: int  # 1 for a file
    folders: int  # below it; it is not counted itself
    size: int
    here: int  # of `files`
    unwanted: bool = False  # a file that is skipped here, or was removed


class FolderPage(Struct, frozen=True):
    """What is directly in a folder, or the devices; in no order that a person would like."""

    entries: list[EntryView]
    next: str | None  # where the next page goes on; None: there is none
    known: bool = True  # False: nobody shares a folder of that path


class InviteView(Struct, frozen=True):
    """The code in force on this device; never its words."""

    left_s: float  # how long it counts
    tries: int  # that may still begin


class RequestView(Struct, frozen=True):
    """One conversation by which a device may enter the group, or this device another one."""

    id: str  # 8 hex digits, the same on every screen
    side: str  # "member": somebody asks to come in here; "joiner": this device asks there
    name: str  # what `approve NAME` takes
    label: str  # of the newcomer; at the joiner of the member that answers
    group: str
    address: str  # host of the other side, as whoever talks to it sees it
    by: str  # label of the member that talks to the newcomer, "" if this device does
    words: list[str]
    answer: str  # "needed" here, "yes" was said here, "open": nobody is asked here
    other: str  # "needed": the other side has not said yes yet; "yes": it has
    left_s: float  # until it counts as no
    devices: int  # at the joiner: in that group, as its offer said; else 1
    becomes: str = ""  # the label a newcomer would have here, if that is another than `name`


class VerifyView(Struct, frozen=True):
    """Files that a person wanted read again, and what was found so far."""

    path: str  # below Shared/; "": everything
    running: bool
    text: str
    files: int
    bytes: int
    skipped: int  # changed meanwhile
    damaged: list[str]
    damaged_count: int  # of all, also those that are not listed
    unreadable: list[str]
    unreadable_count: int


class StateView(Struct, frozen=True):
    """Everything a face shows."""

    device: dict[str, str]
    group: dict[str, str] | None
    node: dict[str, object] | None
    ring: list[RingView]
    state: str  # in_sync | sending | receiving | busy | waiting | paused | trouble
    reason: str | None  # one sentence, None exactly if in_sync
    command: str | None  # what a person can type about it
    synced: bool  # every head heard of stands here, and everything of mine that is known is shared
    devices: list[DeviceView]
    files: int  # without folders
    folders: int
    bytes: int
    need_files: int
    need_folders: int
    need_bytes: int  # still to come: pieces here do not count; nothing comes to an offline share
    received_bytes: int
    sent_bytes: int
    transfers: list[TransferView]
    deliveries: list[DeliveryView]  # everybody else who lacks something, or is not known to have it
    uploads: list[UploadView]
    troubles: list[TroubleView]
    trouble_count: int  # of all, also those that are not listed
    folder: str
    own_folder: str
    port: int
    door: dict[str, object]
    invite: InviteView | None  # the code in force, but for the code itself
    found: list[FoundView]
    tried: dict[str, object]
    former: list[FormerView]
    refused: list[dict[str, str]]
    counters: dict[str, int]  # what came that nobody could use, and how often, by a stable name
    requests: list[RequestView] = []  # the oldest first
    skipped_files: int = 0  # of others: lacks here, since a person does not want it
    skipped_folders: int = 0
    skipped_bytes: int = 0
    ignored: int = 0  # files and folders of mine left out by my .potluckignore
    verify: VerifyView | None = None  # the last, since the start
    undelivered_files: int = 0  # of mine: no other device is, or was, known to have these, at most
    undelivered_bytes: int = 0
