"""Person acts: what a person asks of the group, each answered by exactly one Reply.

Strategy: one frozen value for each act, with the number its Reply bears first. Names are as typed:
labels, or four characters of an id at least; what they mean the part finds out whose business it
is.
Guarantee: whoever answers an act may say no, and then says why in three parts (engine/acts.py).
Limits: the door, adding and leaving are older and stand in events.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core.group.codes import TypedCode
from potluck.core.wire.catalogue import Address


@dataclass(frozen=True, slots=True)
class ApproveAsked:
    """The person says yes: to a newcomer that asks, or to the group that this device asks.

    It is never taken for anything else: where nothing waits, nothing is asked by it.
    """

    command: int  # handle for Reply
    name: str  # the newcomer's or the group's, or the request's id; "" if there is only one
    # the removed device whose place the newcomer gets, by label or id; None: it gets nobody's
    replace: str | None = None


@dataclass(frozen=True, slots=True)
class DenyAsked:
    """The person says no to the same."""

    command: int  # handle for Reply
    name: str  # as in ApproveAsked


@dataclass(frozen=True, slots=True)
class AskAsked:
    """The person wants a group near by asked to let this device in; it answers nothing."""

    command: int  # handle for Reply
    name: str  # of the group


@dataclass(frozen=True, slots=True)
class InviteAsked:
    """The person wants a code by which one device gets in here."""

    command: int  # handle for Reply, whose text is the code
    life_s: float  # how long it is to count


@dataclass(frozen=True, slots=True)
class UninviteAsked:
    """The person takes back the code that is in force."""

    command: int  # handle for Reply


@dataclass(frozen=True, slots=True)
class JoinAsked:
    """The person typed a code of the group that this device is to be in."""

    command: int  # handle for Reply, which comes when it is known
    code: TypedCode  # shows itself to nobody
    peer: Address | None = None  # whom to ask besides
    waits: bool = False  # it was given at the start, and is tried again while nobody answers,
    last: bool = False  # but not after this time


@dataclass(frozen=True, slots=True)
class RemoveAsked:
    """The person wants a device out of the group."""

    command: int  # handle for Reply
    name: str  # its label, or the beginning of its id
    everybody: bool = False  # whom it let in as well
    preview: bool = False  # only say what would follow
    forget: bool = False  # its folder goes, too


@dataclass(frozen=True, slots=True)
class ForgetAsked:
    """The person wants the folder of a removed device to go from every disk."""

    command: int  # handle for Reply
    name: str  # its label, or the beginning of its id
    preview: bool = False  # only say what would follow


@dataclass(frozen=True, slots=True)
class AdoptAsked:
    """The person wants the folder of a removed device to be part of the own one."""

    command: int  # handle for Reply, which comes when it is
    name: str  # as in ForgetAsked


@dataclass(frozen=True, slots=True)
class TakeAsked:
    """The person wants a copy of somebody else's file or folder in the own folder."""

    command: int  # handle for Reply, which comes when it is there
    path: str  # below Shared/
    into: str = ""  # the folder in the own one where it comes, "" is that itself


@dataclass(frozen=True, slots=True)
class SkipAsked:
    """The person does not want some of what others share on this device."""

    command: int  # handle for Reply
    patterns: tuple[str, ...] = ()  # none: only say what is skipped


@dataclass(frozen=True, slots=True)
class KeepAsked:
    """The person wants some of what a pattern skips."""

    command: int  # handle for Reply
    patterns: tuple[str, ...] = ()  # as in SkipAsked


@dataclass(frozen=True, slots=True)
class GetAsked:
    """The person wants some of that after all."""

    command: int  # handle for Reply
    patterns: tuple[str, ...]  # that count no more, or paths


@dataclass(frozen=True, slots=True)
class ConfirmAsked:
    """The person says that deletes which are held were meant."""

    command: int  # handle for Reply
    name: str = ""  # whose, by label or id; "": this device's


@dataclass(frozen=True, slots=True)
class RepairAsked:
    """The person wants the own files back that only the others have."""

    command: int  # handle for Reply


@dataclass(frozen=True, slots=True)
class VerifyAsked:
    """The person wants all that is here read again, to see whether the disk damaged any of it."""

    command: int  # handle for Reply, which comes at once
    path: str = ""  # below Shared/; "": everything


@dataclass(frozen=True, slots=True)
class UndoAsked:
    """The person wants back what went from the own folder in the last go."""

    command: int  # handle for Reply


@dataclass(frozen=True, slots=True)
class LeaveForGoodAsked:
    """The person wants this device out of its group."""

    command: int  # handle for Reply
    preview: bool = False  # only say what would follow


@dataclass(frozen=True, slots=True)
class AppointAsked:
    """The person wants a device to be a steward."""

    command: int  # handle for Reply
    name: str  # as in RemoveAsked


@dataclass(frozen=True, slots=True)
class RenameDeviceAsked:
    """The person gives a device another name."""

    command: int  # handle for Reply
    old: str  # whose, by label or id; "": this device's
    new: str  # the label it is to have


@dataclass(frozen=True, slots=True)
class RenameGroupAsked:
    """The person gives the group another name."""

    command: int  # handle for Reply
    name: str  # which


@dataclass(frozen=True, slots=True)
class KeepHereAsked:
    """The person decides that this machine keeps the identity that another one has, too."""

    command: int  # handle for Reply
    preview: bool = False  # only say what would follow


@dataclass(frozen=True, slots=True)
class NewIdentityAsked:
    """The person decides that this machine gives its identity up, which another one has, too."""

    command: int  # handle for Reply
    preview: bool = False  # only say what would follow


EntryAct = ApproveAsked | DenyAsked | AskAsked | InviteAsked | UninviteAsked | JoinAsked
GroupAct = (
    RemoveAsked | ForgetAsked | AdoptAsked | ConfirmAsked | LeaveForGoodAsked | AppointAsked
    | RenameDeviceAsked | RenameGroupAsked | KeepHereAsked | NewIdentityAsked | RepairAsked
    | VerifyAsked | UndoAsked
)  # fmt: skip
OthersAct = TakeAsked | SkipAsked | KeepAsked | GetAsked  # of the folders of others here
PersonAct = EntryAct | GroupAct | OthersAct
