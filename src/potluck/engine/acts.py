"""Acts: what a person asks of the group goes to the part whose business it is, and is answered.

Strategy: every act is looked at by type, once, here. A part that cannot do what is asked raises one
of core/errors.py, and the person reads its three parts; what it returns says what happened.
Guarantees: each act has exactly one Reply, also while this device is leaving; mypy refuses an act
that is forgotten. Limits: an act whose end is not known at once is answered by the part whose
business it is, with what is known by then.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from potluck.core.errors import NotFound, PotluckError, Refused
from potluck.core.wording import set_off, typable
from potluck.engine.adopting import Adopting
from potluck.engine.clones import Clones
from potluck.engine.confirming import Confirming
from potluck.engine.effects import Reply
from potluck.engine.group.admission_policy import AdmissionPolicy, groups_called
from potluck.engine.group.code_entering import Codes
from potluck.engine.group.forgetting import Forgetting
from potluck.engine.group.named_devices import NO_PLACE
from potluck.engine.group.renaming import Renaming
from potluck.engine.group.requests import Requests
from potluck.engine.group.stewardship import Stewardship
from potluck.engine.lost_disks import LostDisks
from potluck.engine.node import Node
from potluck.engine.others.skipping import Skipping
from potluck.engine.own.imports import LEAVING, START_AGAIN, WAS_ENDED
from potluck.engine.person_acts import (
    AdoptAsked,
    AppointAsked,
    ApproveAsked,
    AskAsked,
    ConfirmAsked,
    DenyAsked,
    ForgetAsked,
    GroupAct,
    InviteAsked,
    JoinAsked,
    KeepAsked,
    KeepHereAsked,
    LeaveForGoodAsked,
    NewIdentityAsked,
    OthersAct,
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
from potluck.engine.scrubbing import Scrub
from potluck.engine.succession import Succession
from potluck.engine.taking import Taking
from potluck.engine.taking_back import TakingBack


class GroupParts(NamedTuple):
    """The parts that change who is in the group, how it is called, and what becomes of folders."""

    stewardship: Stewardship
    renaming: Renaming
    forgetting: Forgetting
    adopting: Adopting
    succession: Succession
    clones: Clones
    confirming: Confirming
    lost_disks: LostDisks
    scrub: Scrub
    taking: Taking
    skipping: Skipping
    taking_back: TakingBack


class Acts:
    """Hands acts to the parts, and answers them."""

    def __init__(
        self,
        node: Node,
        requests: Requests,
        admission_policy: AdmissionPolicy,
        codes: Codes,
        group: GroupParts,
    ) -> None:
        """Answer through that node; the other parts do what is asked of them."""
        self._node, self._requests, self._codes = node, requests, codes
        self._admission_policy = admission_policy
        self._group = group

    def __repr__(self) -> str:
        return f"<Acts leaving={self._node.leaving}>"

    def handle(self, act: PersonAct) -> None:
        """A person wants something of the group."""
        try:
            text = self._done(act)
            if text is None:
                return
            reply = Reply(act.command, ok=True, text=text)
        except PotluckError as error:
            reply = Reply(
                act.command,
                ok=False,
                text=error.what,
                code=error.code,
                cause=error.cause,
                fix=error.fix,
            )
        self._node.do(reply)

    def _done(self, act: PersonAct) -> str | None:
        """Do it and return what happened, None if that is told later; raises PotluckError."""
        if self._node.leaving:
            raise Refused(LEAVING, WAS_ENDED, START_AGAIN)
        if isinstance(act, GroupAct | OthersAct):
            return self._of_others(act) if isinstance(act, OthersAct) else self._grouped(act)
        match act:
            case ApproveAsked() | DenyAsked():
                return self._answer(act)
            case AskAsked(_, name):
                return self._ask(name)
            case InviteAsked(_, life_s):
                return self._codes.invitations.invite(life_s)
            case UninviteAsked():
                return self._codes.invitations.uninvite()
            case JoinAsked(_, code):
                self._codes.invitations.check_other(code)
                self._codes.joining.begin(act)
                return None
            case _:
                assert_never(act)

    def _of_others(self, act: OthersAct) -> str | None:
        """Do something about the folders of others here; raises PotluckError."""
        if isinstance(act, TakeAsked):
            self._group.taking.begin(act)
            return None
        skipping = self._group.skipping
        if isinstance(act, SkipAsked):
            return skipping.skip(act.patterns)
        if isinstance(act, KeepAsked):
            return skipping.keep(act.patterns)
        return skipping.get(act.patterns)

    def _answer(self, act: ApproveAsked | DenyAsked) -> str:
        """Say yes or no to a request; raises PotluckError."""
        if isinstance(act, ApproveAsked) and act.replace is not None:
            return self._group.succession.approve(act.name, act.replace)
        return self._requests.answer(act.name, yes=isinstance(act, ApproveAsked))

    def _grouped(self, act: GroupAct) -> str | None:
        """Change who is in the group, or how it is called; raises PotluckError."""
        stewardship, renaming, forgetting, adopting, *_ = self._group
        text: str | None = None
        match act:
            case RemoveAsked():
                text = self._removed(act)
            case ForgetAsked(_, name, preview):
                text = forgetting.forget(name, preview=preview)
            case AdoptAsked():
                adopting.begin(act)
            case ConfirmAsked() | RepairAsked() | VerifyAsked() | UndoAsked():
                text = self._held(act)
            case LeaveForGoodAsked():
                text = stewardship.leave(act)
            case KeepHereAsked() | NewIdentityAsked():
                text = self._decided(act)
            case AppointAsked():
                text = stewardship.appoint(act)
            case RenameDeviceAsked(_, old, new):
                text = renaming.rename_device(old, new)
            case RenameGroupAsked(_, name):
                text = renaming.rename_group(name)
            case _:
                assert_never(act)
        return text

    def _held(self, act: ConfirmAsked | RepairAsked | VerifyAsked | UndoAsked) -> str:
        """Let go what is held, have it or what went back, or see what is damaged.

        Raises PotluckError.
        """
        if isinstance(act, VerifyAsked):
            return self._group.scrub.verify(act.path)
        if isinstance(act, UndoAsked):
            return self._group.taking_back.undo()
        if isinstance(act, ConfirmAsked):
            return self._group.confirming.confirm(act.name)
        return self._group.lost_disks.repair()

    def _decided(self, act: KeepHereAsked | NewIdentityAsked) -> str:
        """Say which of two machines with one identity it is; raises PotluckError."""
        clones = self._group.clones
        return clones.keep_here(act) if isinstance(act, KeepHereAsked) else clones.renew(act)

    def _removed(self, act: RemoveAsked) -> str:
        """Put a device out, and have its folder go if that is wanted; raises PotluckError."""
        forgetting = self._group.forgetting
        if act.forget and forgetting.knows(act.name):  # it is out already
            return forgetting.forget(act.name, preview=act.preview)
        before = forgetting.frozen
        text = self._group.stewardship.remove(act)
        fresh = forgetting.frozen - before if act.forget else set()
        if [device for device in fresh if not forgetting.sign(device)]:
            what = f"{set_off(act.name)} is removed, but its files stay here, as they are."
            raise Refused(what, NO_PLACE, f"on another steward: forget {typable(act.name, 'NAME')}")
        return text

    def _ask(self, name: str) -> str:
        """Have a group near by asked that nobody asks just now; raises PotluckError."""
        near = groups_called(self._admission_policy, name)
        requests, around = self._requests.list, self._admission_policy.found
        stands = requests.between(near[0], around) if len(near) == 1 else None
        if stands is not None:  # a second one beside it would end in none of the two
            what = f"{name} is not asked now: a request between it and this device stands already."
            if stands.needed:
                answer = f"approve {typable(stands.name, stands.id)}"
                raise Refused(what, stands.question, answer)
            raise Refused(what, stands.standing, "pending")
        if not self._admission_policy.want(name):
            raise NotFound(
                f"No group called {name} is near that this device could ask.",
                "it is gone, its door is shut, this device has company, or the name was mistyped",
                "peers",
            )
        return (
            f"{name} is asked to let this device in. If it can be, three words to compare stand on "
            "both screens; if not, peers says why."
        )
