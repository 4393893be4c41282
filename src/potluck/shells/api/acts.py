"""Acts over the local API: which there are, and what each body must say.

Strategy: a table from the name in `POST /api/v1/act/NAME` to the Struct of its body, which turns
itself into the fact that the engine hears. Guarantees: a body that cannot be meant is Malformed,
with an example that works; a name that is none is NotFound. Limits: form only; what names mean is
the engine's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from potluck.core.errors import Malformed, NotFound
from potluck.core.group.codes import TypedCode
from potluck.core.limits import INVITE_S
from potluck.core.wire.catalogue import Address
from potluck.core.wire.framing import decoded
from potluck.engine.person_acts import (
    AdoptAsked,
    AppointAsked,
    ApproveAsked,
    AskAsked,
    ConfirmAsked,
    DenyAsked,
    ForgetAsked,
    GetAsked,
    InviteAsked,
    JoinAsked,
    KeepAsked,
    KeepHereAsked,
    LeaveForGoodAsked,
    NewIdentityAsked,
    PersonAct,
    RemoveAsked,
    RenameDeviceAsked,
    RenameGroupAsked,
    RepairAsked,
    SkipAsked,
    TakeAsked,
    UndoAsked,
    UninviteAsked,
    VerifyAsked,
)
from potluck.shells.api.requests import REQUEST_BYTES


class _Body(Protocol):
    """What was asked, decoded."""

    def fact(self, command: int) -> PersonAct:
        """Return what the engine hears; raises Malformed."""


class ApproveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/approve."""

    name: str = ""
    replace: str | None = None

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return ApproveAsked(command, self.name, self.replace)


class DenyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/deny."""

    name: str = ""

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return DenyAsked(command, self.name)


class AskBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/ask."""

    name: str

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return AskAsked(command, self.name)


class InviteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/invite."""

    minutes: float = INVITE_S / 60

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return InviteAsked(command, self.minutes * 60)


class UninviteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/uninvite."""

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return UninviteAsked(command)


class JoinBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/join."""

    code: str
    peer: Address | None = None  # [HOST, PORT], an address of ours: it is asked besides
    waits: bool = False  # it was given at the start: `status` tells what became of it,
    last: bool = False  # and whether it is tried again

    def __repr__(self) -> str:
        """Show nothing of the code."""
        return "<JoinBody>"

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return JoinAsked(command, TypedCode(self.code), self.peer, self.waits, self.last)


class RemoveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/remove."""

    name: str
    everybody: bool = False
    preview: bool = False
    forget: bool = False

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return RemoveAsked(command, self.name, self.everybody, self.preview, self.forget)


class ForgetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/forget."""

    name: str
    preview: bool = False

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return ForgetAsked(command, self.name, self.preview)


class AdoptBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/adopt."""

    name: str

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return AdoptAsked(command, self.name)


class ConfirmBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/confirm."""

    name: str = ""

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return ConfirmAsked(command, self.name)


class TakeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/take."""

    path: str
    into: str = ""

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return TakeAsked(command, self.path, self.into)


class SkipBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/skip."""

    patterns: tuple[str, ...] = ()

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return SkipAsked(command, self.patterns)


class KeepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/keep."""

    patterns: tuple[str, ...] = ()

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return KeepAsked(command, self.patterns)


class GetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/get."""

    patterns: tuple[str, ...]

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return GetAsked(command, self.patterns)


class RepairBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/repair."""

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return RepairAsked(command)


class VerifyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/verify."""

    path: str = ""

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return VerifyAsked(command, self.path)


class UndoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/undo."""

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return UndoAsked(command)


class LeaveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/leave."""

    preview: bool = False

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return LeaveForGoodAsked(command, self.preview)


class KeepHereBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/keep-here."""

    preview: bool = False

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return KeepHereAsked(command, self.preview)


class NewIdentityBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/new-identity."""

    preview: bool = False

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return NewIdentityAsked(command, self.preview)


class AppointBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/appoint."""

    name: str

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return AppointAsked(command, self.name)


class RenameDeviceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/rename-device."""

    new: str
    old: str = ""

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return RenameDeviceAsked(command, self.old, self.new)


class RenameGroupBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/act/rename-group."""

    name: str

    def fact(self, command: int) -> PersonAct:
        """Return the act."""
        return RenameGroupAsked(command, self.name)


@dataclass(frozen=True, slots=True)
class _Form:
    """How one act is asked for."""

    decoder: msgspec.json.Decoder[_Body]
    example: str  # of a body that works


ACTS: Final[dict[str, _Form]] = {
    "adopt": _Form(msgspec.json.Decoder(AdoptBody), 'send {"name": "bert"}'),
    "forget": _Form(msgspec.json.Decoder(ForgetBody), 'send {"name": "bert", "preview": true}'),
    "approve": _Form(msgspec.json.Decoder(ApproveBody), 'send {"name": "bert"}'),
    "appoint": _Form(msgspec.json.Decoder(AppointBody), 'send {"name": "bert"}'),
    "ask": _Form(msgspec.json.Decoder(AskBody), 'send {"name": "Home"}'),
    "confirm": _Form(msgspec.json.Decoder(ConfirmBody), 'send {"name": "bert"}'),
    "skip": _Form(msgspec.json.Decoder(SkipBody), 'send {"patterns": ["*.iso"]}'),
    "keep": _Form(msgspec.json.Decoder(KeepBody), 'send {"patterns": ["nas/docs"]}'),
    "get": _Form(msgspec.json.Decoder(GetBody), 'send {"patterns": ["*.iso"]}'),
    "take": _Form(msgspec.json.Decoder(TakeBody), 'send {"path": "bert/a.txt", "into": "docs"}'),
    "repair": _Form(msgspec.json.Decoder(RepairBody), "send {}"),
    "verify": _Form(msgspec.json.Decoder(VerifyBody), 'send {"path": "bert/photos"}'),
    "undo": _Form(msgspec.json.Decoder(UndoBody), "send {}"),
    "deny": _Form(msgspec.json.Decoder(DenyBody), 'send {"name": "bert"}'),
    "invite": _Form(msgspec.json.Decoder(InviteBody), 'send {"minutes": 10}'),
    "uninvite": _Form(msgspec.json.Decoder(UninviteBody), "send {}"),
    "join": _Form(msgspec.json.Decoder(JoinBody), 'send {"code": "the three words"}'),
    "keep-here": _Form(msgspec.json.Decoder(KeepHereBody), 'send {"preview": true}'),
    "new-identity": _Form(msgspec.json.Decoder(NewIdentityBody), 'send {"preview": true}'),
    "leave": _Form(msgspec.json.Decoder(LeaveBody), 'send {"preview": true}'),
    "remove": _Form(msgspec.json.Decoder(RemoveBody), 'send {"name": "bert", "preview": true}'),
    "rename-device": _Form(
        msgspec.json.Decoder(RenameDeviceBody), 'send {"old": "bert", "new": "bertha"}'
    ),
    "rename-group": _Form(msgspec.json.Decoder(RenameGroupBody), 'send {"name": "Home"}'),
}


def decode_act(name: str, body: bytes) -> Callable[[int], PersonAct]:
    """Return what makes the fact of a request; raises NotFound or Malformed."""
    form = ACTS.get(name)
    if form is None:
        raise NotFound("There is no such act.", f"only {', '.join(sorted(ACTS))} can be asked for")
    try:
        wanted = decoded(form.decoder, body, REQUEST_BYTES)
    except Malformed as error:
        raise Malformed("The request is not understood.", error.cause, form.example) from error
    return wanted.fact
