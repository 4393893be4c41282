"""Why, as far as it is about this device as a whole: its group, its disk, and what is in the
register of troubles.

Strategy: the register (engine/troubles.py) has its sentences already; here is said which of them
have to do with the path that is asked about: those about a path by that path, those about a device
by its label, what is held by the files that are, all others with everything. What is in the way of
a file, and the room that it lacks, is told for the file (why_lists.py, why_lacking.py). Limits: of
a kind of which very many are wrong at once the register keeps the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from potluck.core.wording import typable
from potluck.engine.others.hindrances import command_of
from potluck.engine.troubles import ASIDE, Trouble, TroubleKind
from potluck.engine.views.asked_path import AskedPath
from potluck.engine.views.reasons import Reason, ReasonKind, WhyParts

BY_PATH = {
    TroubleKind.UNREADABLE, TroubleKind.COVERED, TroubleKind.RESTLESS, TroubleKind.REFUSED,
    TroubleKind.DAMAGED, TroubleKind.WRITTEN,
}  # fmt: skip
"""What is wrong with a path, and with what is below it."""
BY_DEVICE = {
    TroubleKind.CLONE, TroubleKind.FROZEN, TroubleKind.TOO_LARGE, TroubleKind.LINK,
    TroubleKind.CERTIFICATE, TroubleKind.MISNAMED, TroubleKind.FORKED, TroubleKind.STRANGE,
    TroubleKind.LOST,
}  # fmt: skip
"""What is wrong with a device, or with what it shares."""
FOR_ALL = {TroubleKind.INDEX, TroubleKind.SILENT, TroubleKind.TLS}
"""What stops every file, or may."""


def _group(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """This device is not let in yet."""
    around, node = parts.neighbourhood, parts.node
    request = around.asked
    if request is not None:
        command = f"approve {typable(request.name, request.id)}"
        yield Reason(ReasonKind.GROUP, asked.text, request.question, command=command)
    elif (stands := around.unfinished) is not None:
        yield Reason(ReasonKind.GROUP, asked.text, stands.standing, command="pending")
    elif around.waits:
        words, command, wrong = around.waiting_for()
        yield Reason(ReasonKind.GROUP, asked.text, words, command=command, wrong=wrong)
    elif node.roster is None:
        yield Reason(ReasonKind.GROUP, asked.text, "this device is in no group yet")


def _offline(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """The folder of the share is not there."""
    if parts.node.share_present:
        return
    share = parts.own_folder.share
    why = share.unwritten.why if share.unwritten is not None else ""
    command = command_of(why, parts.node.settings.folder) or share.command
    yield Reason(ReasonKind.OFFLINE, asked.text, share.offline_words, command=command, wrong=True)


def _troubles(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """What the register has that has to do with the path."""
    for trouble in parts.node.troubles.all():
        if _has_to_do(parts, asked, trouble):
            # of a single path it is only to be known that changes are found a little later
            late = trouble.kind is TroubleKind.UNWATCHED and asked.text
            aside = late or trouble.kind in ASIDE
            fact = trouble.reason if trouble.kind in ASIDE else ""  # a sentence by itself
            yield Reason(
                ReasonKind.TROUBLE,
                trouble.subject,
                fact or f"{trouble.kind.value}: {trouble.reason}",
                trouble.since_s,
                trouble.next_s,
                trouble.command,
                wrong=trouble.wrong,
                open=not aside,
            )


HERE: tuple[Callable[[WhyParts, AskedPath], Iterator[Reason]], ...] = (_group, _offline, _troubles)
"""Each says what it sees."""


def _has_to_do(parts: WhyParts, asked: AskedPath, trouble: Trouble) -> bool:
    """Say whether a trouble has to do with what is asked about."""
    kind, subject = trouble.kind, trouble.subject
    if kind is TroubleKind.BLOCKED:
        return False
    if not asked.text or kind in FOR_ALL:
        return True
    if kind in BY_PATH:
        return asked.concerns(subject)
    if kind in BY_DEVICE:
        return _is_about(parts, asked, subject)
    if kind in {TroubleKind.KEPT, TroubleKind.LEFT_BEHIND}:
        return _is_kept(parts, asked, trouble)
    if kind is TroubleKind.HELD:
        meant = parts.own_folder.absent.holds_below(asked.inner)
    elif kind is TroubleKind.OLDER:
        meant = parts.publishing.older.files.has_below(asked.inner)
    else:
        meant = kind is TroubleKind.UNWATCHED
    return asked.name == parts.node.own_manifest and meant


def _is_about(parts: WhyParts, asked: AskedPath, label: str) -> bool:
    """Say whether some of the folder of the device with that label is meant."""
    if asked.name is None:
        return False
    return label in {
        parts.node.label_of(asked.name.owner), parts.node.layout.name_of(asked.name.owner)
    }  # fmt: skip


def _is_kept(parts: WhyParts, asked: AskedPath, trouble: Trouble) -> bool:
    """Say whether some of what is kept here of that owner is meant."""
    if asked.name is None or not _is_about(parts, asked, trouble.subject):
        return False
    if trouble.kind is TroubleKind.LEFT_BEHIND:
        return parts.receiving.holds.any_below(asked.name, asked.inner)
    lot = parts.receiving.held.lot(asked.name)
    if lot is None:
        return False
    return not asked.inner or asked.inner in lot.sizes or asked.inner in lot.folders
