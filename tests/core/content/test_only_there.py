"""What only one device is known to have: never a file that another one said to have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.knowledge import DeviceKnown, Knowledge, ManifestKnown
from potluck.core.content.last_words import HeadNumber, LastWord
from potluck.core.content.only_there import only_on_each, own_only_here
from potluck.core.keys.identity import DeviceId

ME, NAS, TOM = (DeviceId(bytes([number]) * 32) for number in range(3))
MINE, NASES = ManifestName.own(ME), ManifestName.own(NAS)
HELD, OLD = HeadNumber(1, 5), HeadNumber(1, 4)
WHOLE, SOME, LESS = Amount(5, 1, 500), Amount(3, 0, 300), Amount(2, 0, 200)


def manifest(name: ManifestName = MINE, missing: Amount = NOTHING) -> ManifestKnown:
    return ManifestKnown(name, HELD, HELD, WHOLE, missing)


def device(
    who: DeviceId = NAS, *, here: bool = True, **words: Amount | tuple[HeadNumber, Amount]
) -> DeviceKnown:
    names, said = {"mine": MINE, "nases": NASES}, dict[ManifestName, LastWord]()
    for name, word in words.items():
        number, missing = (HELD, word) if isinstance(word, Amount) else word
        said[names[name]] = LastWord(number, missing)
    return DeviceKnown(who, "nas", here, said)


def known(*devices: DeviceKnown, of: ManifestKnown | None = None) -> Knowledge:
    return Knowledge(ME, (of or manifest(),), devices)


# -- of mine ---------------------------------------------------------------------------------------
def test_with_nobody_else_nothing_is_said() -> None:
    assert own_only_here(known()) == NOTHING


@pytest.mark.parametrize(
    ("others", "only"),
    [
        ([device()], WHOLE),  # it said nothing
        ([device(mine=NOTHING)], NOTHING),
        ([device(mine=NOTHING, here=False)], NOTHING),  # its last word counts
        ([device(mine=SOME)], SOME),
        ([device(mine=(OLD, NOTHING))], WHOLE),  # of a list before the newest
        ([device(mine=SOME), device(TOM, mine=LESS)], LESS),  # no more than lacks anywhere else
        ([device(mine=SOME), device(TOM, mine=NOTHING)], NOTHING),
        ([device(mine=Amount(9, 9, 900))], WHOLE),  # whatever it says
    ],
)
def test_no_more_than_lacks_where_least_does(others: list[DeviceKnown], only: Amount) -> None:
    assert own_only_here(known(*others)) == only


def test_what_is_not_here_is_not_only_here() -> None:
    assert own_only_here(known(device(), of=manifest(missing=SOME))) == WHOLE.less(SOME)


def test_of_two_states_nobody_is_known_to_have_either() -> None:
    forked = replace(manifest(), forked=True)
    assert own_only_here(known(device(mine=NOTHING), of=forked)) == WHOLE


def test_what_whoever_lacks_least_skips_is_as_a_person_wants_it() -> None:
    skips = replace(device(), said={MINE: LastWord(HELD, SOME, LESS)})
    assert own_only_here(known(skips)) == SOME.less(LESS)
    skips_all = replace(device(), said={MINE: LastWord(HELD, WHOLE, WHOLE)})
    assert own_only_here(known(skips_all)) == NOTHING
    assert own_only_here(known(skips_all, device(TOM, mine=LESS))) == LESS, "it has the rest"


# -- of others -------------------------------------------------------------------------------------
def test_what_is_here_is_not_only_there() -> None:
    assert only_on_each(known(device(), of=manifest(NASES))) == {NAS: NOTHING}


def test_the_newest_files_of_a_device_are_only_on_it() -> None:
    lacking = manifest(NASES, missing=SOME)
    assert only_on_each(known(device(), of=lacking)) == {NAS: SOME}
    tom = device(TOM, nases=LESS)
    assert only_on_each(known(device(), tom, of=lacking)) == {NAS: LESS, TOM: NOTHING}
    tom = device(TOM, nases=NOTHING)
    assert only_on_each(known(device(), tom, of=lacking)) == {NAS: NOTHING, TOM: NOTHING}
    assert only_on_each(known(device(), device(TOM), of=lacking))[NAS] == SOME


def test_an_owner_has_its_list_but_for_what_it_says_that_it_lacks() -> None:
    lacking, tom = manifest(NASES, missing=WHOLE), device(TOM, nases=LESS)
    nas = device(nases=(OLD, SOME))
    found = only_on_each(known(nas, tom, of=lacking))
    assert found == {NAS: LESS, TOM: SOME}


def test_what_i_lack_of_mine_may_be_only_with_another() -> None:
    lost = manifest(missing=SOME)
    assert only_on_each(known(device(mine=NOTHING), of=lost)) == {NAS: SOME}
    assert only_on_each(known(device(), of=lost)) == {NAS: NOTHING}, "it is not known to have any"
