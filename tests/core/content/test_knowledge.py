"""Knowledge: nothing is claimed that is not known, and each word has its one true reason.

Strategy: small pictures, one fact changed at a time. Limits: whether the facts themselves are true
is watched in the simulation (tests/sim/truth.py).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.knowledge import (
    LACKS_ALL_OWN,
    CopyKnown,
    DeviceKnown,
    Incoming,
    Knowledge,
    ManifestKnown,
    Obstacle,
    OwnWork,
    Situation,
    Standing,
    State,
    copy_known,
    no_room_there,
    situation,
    standing,
)
from potluck.core.content.last_words import HeadNumber, LastWord
from potluck.core.keys.identity import DeviceId

ME, ADA, BEN = (DeviceId(bytes([number]) * 32) for number in range(3))
MINE, ADAS = ManifestName.own(ME), ManifestName.own(ADA)
H1, H2, H3 = (HeadNumber(1, seq) for seq in (1, 2, 3))
WHOLE = Amount(3, 1, 300)
SOME = Amount(1, 0, 100)


def manifest(name=MINE, heard=H2, held=H2, missing=NOTHING) -> ManifestKnown:
    return ManifestKnown(name, heard, held, WHOLE, missing)


def device(device=BEN, label="ben", here=True, away_s=None, **said: LastWord) -> DeviceKnown:
    names = {"mine": MINE, "adas": ADAS}
    words = {names[name]: word for name, word in said.items()}
    return DeviceKnown(device, label, here, words, away_s)


def all_of(number=H2) -> LastWord:
    return LastWord(number, NOTHING)


def picture(*devices: DeviceKnown, manifests=None, **more) -> Knowledge:
    return Knowledge(ME, tuple(manifests or [manifest()]), devices, **more)


# -- other devices ---------------------------------------------------------------------------------
def test_only_who_is_here_and_spoke_of_this_very_head_is_said_to_hold_it():
    assert copy_known(device(mine=all_of()), manifest()) is CopyKnown.ALL
    assert copy_known(device(mine=LastWord(H2, SOME)), manifest()) is CopyKnown.LACKS
    assert copy_known(device(mine=all_of(H1)), manifest()) is CopyKnown.UNKNOWN
    assert copy_known(device(mine=all_of(H3)), manifest()) is CopyKnown.UNKNOWN
    assert copy_known(device(), manifest()) is CopyKnown.UNKNOWN
    assert copy_known(device(here=False, mine=all_of()), manifest()) is CopyKnown.AWAY


def test_of_what_has_two_states_nobody_is_known_to_hold_either():
    forked = replace(manifest(), forked=True)
    assert copy_known(device(mine=all_of()), forked) is CopyKnown.UNKNOWN
    assert copy_known(device(ADA, "ada"), replace(manifest(ADAS), forked=True)) is CopyKnown.UNKNOWN
    assert not picture(manifests=[replace(manifest(ADAS), forked=True)]).synced


def test_an_owner_has_what_it_announced_last_unless_it_says_nothing_of_it():
    assert copy_known(device(ADA, "ada"), manifest(ADAS)) is CopyKnown.UNKNOWN
    doubts = device(ADA, "ada", adas=LastWord(HeadNumber(0, 0), NOTHING))
    assert copy_known(doubts, manifest(ADAS)) is CopyKnown.UNKNOWN
    ada = device(ADA, "ada", adas=all_of(H1))
    assert copy_known(ada, manifest(ADAS)) is CopyKnown.ALL
    assert copy_known(ada, manifest(ADAS, heard=H3)) is CopyKnown.UNKNOWN
    assert copy_known(replace(ada, here=False), manifest(ADAS)) is CopyKnown.AWAY


def test_an_owner_that_lacks_its_own_files_has_none_of_them():
    ada = device(ADA, "ada", adas=LastWord(H1, WHOLE))
    assert ada.offline
    assert not device(ADA, "ada", adas=all_of()).offline
    assert not device(ADA, "ada", mine=LastWord(H2, SOME)).offline
    assert copy_known(ada, manifest(ADAS)) is CopyKnown.LACKS
    assert standing(picture(manifests=[manifest(ADAS)]), ada) == Standing(
        True, NOTHING, WHOLE, WHOLE
    )


def test_an_owner_that_lacks_some_of_its_own_files_has_the_others_and_is_not_offline():
    ada = replace(device(ADA, "ada", adas=LastWord(H2, SOME)), shares=WHOLE)
    assert copy_known(ada, manifest(ADAS)) is CopyKnown.LACKS
    assert not ada.offline
    assert replace(ada, said={ADAS: LastWord(H2, WHOLE)}).offline
    knows = standing(picture(ada, manifests=[manifest(ADAS)]), ada)
    assert (knows.known, knows.has, knows.lacks) == (True, WHOLE.less(SOME), SOME)
    both = [manifest(), manifest(ADAS)]
    assert situation(picture(ada, manifests=both)).state is State.SENDING, "it is waited for"


def test_what_is_lacking_of_my_own_folder_comes_from_nobody():
    covered = picture(manifests=[manifest(missing=SOME)])
    assert (covered.missing(), covered.to_come(), covered.synced) == (SOME, NOTHING, False)
    work = replace(covered, own_work=(OwnWork.LOOKING,))
    assert situation(work) == Situation(State.BUSY, OwnWork.LOOKING.value)
    more = [manifest(missing=SOME), manifest(ADAS, missing=Amount(2, 0, 5))]
    assert "2 files (5 B) to come" in situation(picture(manifests=more)).reason


def test_a_device_stands_as_it_said_and_is_known_only_in_all():
    both = (manifest(), manifest(ADAS))
    known = device(mine=LastWord(H2, SOME), adas=all_of())
    assert standing(picture(manifests=both), known) == Standing(True, Amount(5, 2, 500), SOME, SOME)
    old = device(mine=LastWord(H1, SOME), adas=all_of())
    assert standing(picture(manifests=both), old) == Standing(False, WHOLE, SOME, SOME)
    silent = device()
    assert standing(picture(), silent) == Standing(False, NOTHING, WHOLE, WHOLE)
    boasting = device(mine=LastWord(H2, Amount(9, 9, 9)))
    assert standing(picture(), boasting).lacks == Amount(3, 1, 9)


def test_of_a_folder_that_is_newer_than_its_last_word_a_device_did_not_say_that_it_lacks_it():
    both = (manifest(), manifest(ADAS))
    gone = standing(picture(manifests=both), device(here=False, mine=all_of()))
    assert (gone.known, gone.lacks, gone.said) == (False, WHOLE, NOTHING)


def test_of_what_is_not_held_here_nothing_is_said():
    nothing_yet = picture(manifests=[replace(manifest(ADAS), held=None)])
    assert standing(nothing_yet, device()) == Standing(True, NOTHING, NOTHING, NOTHING)


def test_an_owner_lacks_nothing_of_its_own():
    assert standing(picture(manifests=[manifest(ADAS)]), device(ADA, "ada")).lacks == NOTHING


# -- totals ----------------------------------------------------------------------------------------
def test_totals_are_those_of_all_folders():
    both = picture(manifests=[manifest(), manifest(ADAS, missing=SOME)])
    assert both.whole() == Amount(6, 2, 600)
    assert both.missing() == SOME


def test_synced_is_whoever_stands_at_every_head_and_has_told_its_own():
    assert picture().synced
    assert not picture(manifests=[manifest(ADAS, heard=H3)]).synced
    assert not picture(manifests=[manifest(ADAS, missing=SOME)]).synced
    assert not picture(manifests=[manifest(ADAS, missing=Amount(0, 1, 0))]).synced
    kept = replace(manifest(ADAS), kept=True)
    assert not picture(manifests=[kept]).synced, "what its owner does not want stands here"
    assert not picture(own_work=(OwnWork.READING,)).synced
    assert not picture(incoming=Incoming(placing=True)).synced, "something may have to go"
    assert not picture(index_fails=True).synced, "what is mine may never be told"
    assert not picture(doubled=True).synced, "two machines speak for a folder"
    written = picture(own_work=(OwnWork.WRITTEN,))
    assert (written.synced, situation(written).state) == (True, State.BUSY)


# -- the word --------------------------------------------------------------------------------------
def test_in_sync_is_when_nothing_is_open():
    assert situation(picture()) == Situation(State.IN_SYNC)
    assert situation(picture(device(mine=all_of()))) == Situation(State.IN_SYNC)
    assert situation(picture(device(here=False))) == Situation(State.IN_SYNC)


def test_what_a_person_has_to_see_to_comes_first():
    stop = Obstacle(State.PAUSED, "the disk is almost full", "df -h")
    other = Obstacle(State.TROUBLE, "x")
    lacking = picture(manifests=[manifest(ADAS, missing=SOME)], hindrances=(stop, other))
    assert situation(lacking) == Situation(State.PAUSED, "the disk is almost full", "df -h")


@pytest.mark.parametrize(
    ("incoming", "state", "reason"),
    [
        (
            Incoming(senders=("ada",), asked=("ben",), placing=True),
            State.RECEIVING,
            "1 file (100 B) to come from ada",
        ),
        (
            Incoming(asked=("ben",), placing=True),
            State.RECEIVING,
            "asking ben for the newest list",
        ),
        (Incoming(placing=True), State.RECEIVING, "1 file (100 B) to come, being put in place"),
        (Incoming(), State.BUSY, "1 file (100 B) to come, none on its way right now"),
        (
            Incoming(absent=SOME),
            State.BUSY,
            "1 file (100 B) of others not found here: looking once more",
        ),
        (
            Incoming(absent=SOME, senders=("ada",)),
            State.RECEIVING,
            "1 file (100 B) to come from ada",
        ),
    ],
)
def test_what_is_lacking_is_explained_by_what_is_done_about_it(incoming, state, reason):
    lacking = [manifest(ADAS, missing=SOME)]
    seen = picture(device(ADA, "ada"), manifests=lacking, incoming=incoming)
    assert situation(seen) == Situation(state, reason)


def test_a_head_that_was_heard_and_is_not_held_is_busy():
    behind = [manifest(ADAS, heard=H3)]
    assert situation(picture(device(ADA, "ada"), manifests=behind)) == Situation(
        State.BUSY, "somebody holds a newer list of files than this device"
    )


def test_what_nobody_looked_at_since_the_start_is_not_in_sync():
    seen = picture(incoming=Incoming(unseen=("ada", "ben")))
    assert situation(seen) == Situation(State.BUSY, "looking at what is here of ada and ben")
    assert not seen.synced


def test_what_is_to_go_is_work_too():
    assert situation(picture(incoming=Incoming(placing=True))) == Situation(
        State.RECEIVING, "putting the newest changes in place"
    )


def test_who_waits_says_for_whom():
    lacking = [manifest(ADAS, missing=SOME)]
    ada = device(ADA, "ada", here=False, away_s=300)
    spaced = situation(picture(ada, manifests=lacking, incoming=Incoming(sample="ada/my v.bin")))
    assert spaced.reason.endswith(": “ada/my v.bin” (100 B to come)")
    sample = Incoming(sample="ada/v.bin", sample_bytes=72)
    assert situation(picture(ada, manifests=lacking, incoming=sample)) == Situation(
        State.WAITING,
        "waiting for ada (away for 5 min): ada/v.bin (100 B to come), 72 B are here",
    )
    assert situation(picture(ada, manifests=lacking, incoming=Incoming(sample="ada/v.bin"))) == (
        Situation(State.WAITING, "waiting for ada (away for 5 min): ada/v.bin (100 B to come)")
    )
    never = device(ADA, "ada", here=False)
    assert situation(picture(never, manifests=lacking)) == Situation(
        State.WAITING, "waiting for ada: 1 file (100 B)"
    )
    behind = [manifest(ADAS, heard=H3)]
    assert situation(picture(never, manifests=behind)) == Situation(
        State.WAITING, "waiting for ada: there are newer files"
    )
    two = [manifest(ADAS, missing=SOME), manifest(ManifestName.own(BEN), missing=SOME)]
    gone = device(BEN, "ben", here=False, away_s=3)
    assert situation(picture(ada, gone, manifests=two)) == Situation(
        State.WAITING, "waiting for ada and ben: 2 files (200 B)"
    )


def test_nobody_waits_for_an_owner_while_somebody_else_has_it_all():
    lacking = [manifest(ADAS, missing=SOME)]
    ada = device(ADA, "ada", here=False)
    for word, waits in (
        (all_of(), False),
        (all_of(H3), False),
        (all_of(H1), True),
        (LastWord(H2, SOME), True),
    ):
        state = situation(picture(ada, device(adas=word), manifests=lacking)).state
        assert (state is State.WAITING) == waits
    away = device(here=False, adas=all_of())
    assert situation(picture(ada, away, manifests=lacking)).state is State.WAITING
    stranger = [manifest(ManifestName.own(DeviceId(b"x" * 32)), missing=SOME)]
    assert situation(picture(ada, manifests=stranger)).state is State.BUSY


def test_what_only_a_removed_device_had_is_not_to_come():
    stuck = replace(manifest(ADAS, missing=SOME), removed="ada", stuck=True)
    alone = picture(device(), manifests=[manifest(), stuck])
    words = "no device of the group could bring 1 file (100 B) of ada, which is out of the group"
    assert situation(alone) == Situation(State.TROUBLE, words, "forget ada")
    assert (alone.to_come(), alone.missing(), alone.synced) == (NOTHING, SOME, False)
    away = picture(device(here=False), manifests=[manifest(), stuck])
    words = (
        "waiting for ben: nobody else could bring 1 file (100 B) of ada, which is out of the group"
    )
    assert situation(away) == Situation(State.WAITING, words)
    listless = replace(stuck, heard=H3, missing=NOTHING)
    two = picture(device(), manifests=[listless, replace(listless, removed="cleo")])
    words = "no device of the group could bring the last list of files of ada and cleo"
    assert situation(two) == Situation(
        State.TROUBLE, f"{words}, which are out of the group", "forget ada"
    )
    looked = replace(alone, incoming=Incoming(absent=SOME))
    assert "looking once more" in situation(looked).reason
    coming = replace(manifest(ManifestName.own(BEN), missing=SOME))
    more = picture(device(), manifests=[stuck, coming])
    assert more.to_come() == SOME
    assert situation(more).reason == "1 file (100 B) to come, none on its way right now"


def test_own_work_is_told_by_the_most_important():
    busy = picture(own_work=(OwnWork.PUBLISHING, OwnWork.READING))
    assert situation(busy) == Situation(State.BUSY, "reading my files")


def test_who_lacks_something_of_mine_is_sent_to():
    ben, ada = device(mine=LastWord(H2, SOME)), device(ADA, "ada", mine=LastWord(H2, SOME))
    assert situation(picture(ben)) == Situation(
        State.SENDING, "ben still lacks 1 file (100 B) of mine"
    )
    assert situation(picture(ben, ada)) == Situation(
        State.SENDING, "ben and ada still lack 1 file (100 B) of mine"
    ), "it may be one and the same"
    half = device(ADA, "ada", mine=LastWord(H2, Amount(1, 0, 50)))
    assert situation(picture(ben, half)) == Situation(
        State.SENDING, "ben and ada still lack 1 file (up to 100 B) of mine"
    )
    more = device(ADA, "ada", mine=LastWord(H2, Amount(2, 0, 50)))
    assert situation(picture(ben, more)) == Situation(
        State.SENDING, "ben and ada still lack up to 2 files (100 B) of mine"
    )
    old, new = device(mine=all_of(H1)), device(ADA, "ada")
    assert situation(picture(old)) == Situation(
        State.SENDING, "ben has not said yet what is there of my newest files"
    )
    assert situation(picture(old, new)) == Situation(
        State.SENDING, "ben and ada have not said yet what is there of my newest files"
    )


def test_nobody_waits_for_a_device_whose_share_is_offline_and_it_is_waited_for_as_an_owner():
    lost = {"adas": LastWord(H2, WHOLE), "mine": LastWord(H2, WHOLE)}
    both = [manifest(), manifest(ADAS)]
    assert situation(picture(device(ADA, "ada", **lost), manifests=both)).state is State.IN_SYNC
    lacking = picture(device(ADA, "ada", **lost), manifests=[manifest(ADAS, missing=SOME)])
    words = f"waiting for ada (it {LACKS_ALL_OWN}): 1 file (100 B)"
    assert situation(lacking) == Situation(State.WAITING, words)
    ada = replace(device(ADA, "ada", **lost), holds_others=True)
    back = picture(ada, manifests=[manifest(), manifest(ADAS, missing=SOME)])
    assert situation(back).state is State.BUSY, "its share is there: what it shares is on its way"
    assert situation(picture(ada, manifests=both)).state is State.SENDING


def test_what_others_lack_of_others_is_not_sent_by_me():
    assert situation(picture(device(adas=LastWord(H2, SOME)), manifests=[manifest(ADAS)])) == (
        Situation(State.IN_SYNC)
    )


# -- what is skipped -------------------------------------------------------------------------------
def test_what_is_skipped_here_is_not_waited_for_and_not_here():
    known = picture(manifests=[manifest(), replace(manifest(ADAS, missing=SOME), skipped=SOME)])
    assert known.synced
    assert situation(known) == Situation(State.IN_SYNC)
    assert known.missing() == SOME
    assert known.to_come() == NOTHING
    more = Amount(2, 0, 200)
    known = picture(manifests=[manifest(), replace(manifest(ADAS, missing=more), skipped=SOME)])
    assert not known.synced
    assert known.to_come() == SOME


def test_who_skips_some_of_mine_is_not_waited_for_and_never_said_to_hold_it():
    skips = LastWord(H2, SOME, SOME)
    assert copy_known(device(mine=skips), manifest()) is CopyKnown.LACKS
    known = picture(device(mine=skips))
    assert situation(known) == Situation(State.IN_SYNC)
    stands = standing(known, known.devices[0])
    assert (stands.has, stands.lacks, stands.skips) == (WHOLE.less(SOME), SOME, SOME)
    some = LastWord(H2, Amount(2, 0, 200), SOME)
    word = situation(picture(device(mine=some)))
    assert word == Situation(State.SENDING, "ben still lacks 1 file (100 B) of mine")


# -- what has no room ------------------------------------------------------------------------------
def test_who_has_no_room_for_some_of_mine_still_lacks_it_and_that_is_said():
    two = Amount(2, 0, 200)
    short = LastWord(H2, two, NOTHING, SOME)
    assert copy_known(device(mine=short), manifest()) is CopyKnown.LACKS
    known = picture(device(mine=short), device(ADA, "ada", mine=LastWord(H2, two)))
    words = "ben and ada still lack 2 files (200 B) of mine; no room for 1 file (100 B) on ben"
    assert situation(known) == Situation(State.SENDING, words)
    stands = [standing(known, each) for each in known.devices]
    assert [(each.lacks, each.no_room) for each in stands] == [(two, SOME), (two, NOTHING)]


def test_no_more_has_no_room_than_there_is_here():
    much = Amount(2**40, 2**40, 2**40)
    assert no_room_there(device(mine=LastWord(H2, much, NOTHING, much)), manifest()) == WHOLE
    skips = LastWord(H2, much, SOME, much)
    assert no_room_there(device(mine=skips), manifest()) == WHOLE.less(SOME)
    assert no_room_there(device(), manifest()) == NOTHING
    unheld = manifest(held=None)
    known = picture(device(mine=LastWord(H2, SOME, NOTHING, SOME)), manifests=[unheld])
    assert standing(known, known.devices[0]).no_room == NOTHING


# -- what is held ----------------------------------------------------------------------------------
def test_who_keeps_mine_as_it_was_waits_for_a_person_and_is_not_called_silent():
    held = {MINE: Amount(24, 0, 2400), ADAS: SOME}
    keeps = replace(device(mine=all_of(H1)), held=held)
    known = picture(keeps, my_label="me", manifests=[manifest(), manifest(ADAS)])
    found = situation(known)
    assert found.state is State.WAITING
    assert found.reason.startswith("ben keeps 24 files (2.4 KB) of mine as before, since ")
    assert "type there: confirm me; if not, here type: undo" in found.reason
    undone = situation(replace(known, can_undo=False))
    assert undone.reason.endswith("type there: confirm me"), "nothing is left to be taken back"
    assert standing(known, keeps).held == Amount(25, 0, 2500), "of all folders that are known"
    lacks = replace(device(mine=LastWord(H2, SOME)), held=held)
    assert situation(picture(lacks)).state is State.SENDING, "that much comes by itself"
    skips = replace(device(mine=LastWord(H2, SOME, SOME)), held=held)
    assert situation(picture(skips)).state is State.WAITING, "what is held counts besides"
    assert situation(picture(keeps, device(ADA, "ada"))).state is State.SENDING
    has = replace(device(mine=all_of()), held=held)
    assert situation(picture(has)) == Situation(State.IN_SYNC), "its newer word counts"
    away = replace(keeps, here=False)
    assert situation(picture(away)) == Situation(State.IN_SYNC), "nobody waits for who is away"
