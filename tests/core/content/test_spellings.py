"""The spellings of one owner's paths: which are placed, whatever came first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.content.name_limits import CaseFolding, NameLimits
from potluck.core.content.paths import not_portable
from potluck.core.content.spellings import SPELLINGS_MAX, Spellings

LIMITS = NameLimits(CaseFolding.ALL, form=True, refused=frozenset({not_portable("a:b")}))
component = st.sampled_from(["a", "A", "b", "B", "\u00e9", "e\u0301", "E\u0301", "x:y"])
path = st.lists(component, min_size=1, max_size=3).map(lambda parts: "/".join(parts).encode())


def known(*paths: bytes) -> Spellings:
    spellings = Spellings(LIMITS)
    for each in paths:
        spellings.set(each, wanted=True)
    return spellings


def is_placed(spellings: Spellings, each: bytes) -> bool:
    return not spellings.placed_instead(each) and not spellings.why_refused(each)


def key_of(each: bytes) -> bytes:
    return b"/".join(LIMITS.key(name.decode()).encode() for name in each.split(b"/"))


def test_of_names_that_are_one_the_byte_smaller_is_placed() -> None:
    spellings = known(b"foo", b"Foo", b"bar")
    assert spellings.placed_instead(b"foo") == b"Foo"
    assert spellings.placed_instead(b"Foo") == b""
    assert spellings.placed_instead(b"bar") == b""
    assert spellings.placed_instead(b"unknown") == b""
    assert repr(spellings) == "<Spellings: 3 paths, 2 keys>"


def test_of_two_folders_one_is_placed_with_all_that_is_in_it() -> None:
    spellings = known(b"photos/two.jpg", b"Photos/one.jpg")
    assert spellings.placed_instead(b"photos/two.jpg") == b"Photos"
    assert spellings.placed_instead(b"Photos/one.jpg") == b""
    assert spellings.others(b"Photos/one.jpg") == [b"photos"]
    below = [spellings.has_below(each) for each in (b"Photos", b"Photos/one.jpg", b"PHOTOS", b"x")]
    assert below == [True, False, False, False]
    spellings.set(b"Photos", wanted=True)
    assert spellings.has_below(b"Photos")


def test_a_file_and_a_folder_are_told_apart_no_better() -> None:
    spellings = known(b"foo", b"Foo/in")
    assert spellings.placed_instead(b"foo") == b"Foo"


def test_folders_are_compared_name_by_name() -> None:
    # by bytes "a b" comes before "a/"; its names have nothing to do with those of "a"
    spellings = known(b"A/z", b"a/Z", b"a b")
    assert spellings.placed_instead(b"a/Z") == b"A"
    assert spellings.placed_instead(b"a b") == b""


def test_what_changes_names_what_is_decided_anew() -> None:
    spellings = known(b"foo")
    assert spellings.set(b"foo", wanted=True) == set()
    assert spellings.set(b"Foo", wanted=True) == {b"Foo", b"foo"}
    assert spellings.set(b"FOo/in", wanted=True) == {b"Foo", b"FOo", b"FOo/in"}
    assert spellings.set(b"FOo/in", wanted=False) == {b"Foo", b"FOo", b"FOo/in"}
    assert spellings.set(b"foo", wanted=False) == {b"Foo"}  # it may have stayed, and kept Foo out
    assert spellings.set(b"never", wanted=False) == set()


def test_what_stays_comes_first_with_all_in_it_and_nothing_in_another_one_keeps_it_out() -> None:
    spellings = known(b"Tune/b1", b"TUNE/b1", b"Tune/c", b"Tune/C", b"TUNE/D/x", b"Tune/d")

    def stays(path: bytes) -> bool:
        return path in {b"Tune", b"TUNE/b1"}

    assert spellings.placed_instead(b"Tune/b1", stays) == b""
    assert spellings.placed_instead(b"Tune/d", stays) == b""
    assert spellings.placed_instead(b"Tune/c", stays) == b"Tune/C"
    assert spellings.placed_instead(b"TUNE/b1", stays) == b"Tune"
    assert spellings.placed_instead(b"Tune/b1") == b"TUNE"


def test_where_no_names_are_one_it_is_not_asked_what_stays() -> None:
    def stays(_: bytes) -> bool:
        raise AssertionError

    assert known(b"a/b", b"c").placed_instead(b"a/b", stays) == b""


def test_the_smaller_spelling_of_a_last_name_is_of_the_same_folder() -> None:
    spellings = known(b"a/B", b"a/b", b"A/b", b"c")
    smaller = [spellings.smaller(each) for each in (b"a/b", b"a/B", b"A/b", b"c", b"a", b"C", b"x")]
    assert smaller == [b"a/B", b"", b"", b"", b"A", b"", b""]


def test_what_ended_may_still_stand_until_it_is_said_that_it_does_not() -> None:
    spellings = known(b"Foo", b"foo")
    spellings.set(b"Foo", wanted=False)
    assert spellings.placed_instead(b"foo") == b""
    assert spellings.others(b"foo") == [b"Foo"]
    spellings.stands_no_more(b"Foo")
    assert spellings.others(b"foo") == []
    spellings.stands_no_more(b"foo")  # shared: it stays known
    assert spellings.placed_instead(b"FOO") == b"foo"


def test_what_stands_and_is_not_shared_is_known_and_keeps_nothing_out() -> None:
    spellings = Spellings(LIMITS)
    spellings.may_stand(b"Foo")
    assert spellings.placed_instead(b"foo") == b""
    assert spellings.others(b"foo") == [b"Foo"]
    spellings.stands_no_more(b"Foo")
    spellings.stands_no_more(b"Foo")
    assert spellings.others(b"foo") == []


def test_what_cannot_be_held_keeps_nothing_out() -> None:
    spellings = known(b"x:y/A", b"X:y/a")
    assert spellings.why_refused(b"x:y/A") == not_portable("x:y")
    assert spellings.placed_instead(b"X:y/a") == b""
    assert Spellings(NameLimits()).why_refused(b"x:y") == ""


@given(st.lists(st.tuples(path, st.booleans()), max_size=12), st.randoms())
def test_whatever_came_first_the_same_are_placed(changes, random) -> None:
    spellings, shared = Spellings(LIMITS), set[bytes]()
    for each, wanted in changes:
        spellings.set(each, wanted=wanted)
        (shared.add if wanted else shared.discard)(each)
    order = sorted(shared)
    random.shuffle(order)
    again = known(*order)
    for each in shared:
        assert spellings.placed_instead(each) == again.placed_instead(each)


@given(st.sets(path, max_size=10))
def test_no_two_that_are_placed_are_one_and_what_is_not_is_kept_out_by_one_that_is(shared) -> None:
    spellings = known(*shared)
    placed = [each for each in shared if is_placed(spellings, each)]
    keys = [key_of(each) for each in placed]
    assert len(set(keys)) == len(keys)
    for each in shared - set(placed):
        instead = spellings.placed_instead(each)
        if not spellings.why_refused(each):
            assert instead < each
            assert not spellings.placed_instead(instead)
    good = [each for each in shared if not spellings.why_refused(each)]
    assert bool(placed) == bool(good)  # at least the smallest of all is


@given(st.sets(path, max_size=8), path, st.booleans())
def test_whatever_is_decided_otherwise_is_named(shared, changed, wanted) -> None:
    spellings = known(*shared)
    before = {each for each in shared if is_placed(spellings, each)}
    roots = spellings.set(changed, wanted=wanted)
    for each in shared - {changed}:
        if is_placed(spellings, each) != (each in before):
            assert any(each == root or each.startswith(root + b"/") for root in roots)


def test_of_very_many_spellings_of_one_name_some_are_noted_and_none_of_the_rest_is_placed() -> None:
    """Each is compared with all of its key: 100,000 of one would take the loop 20 minutes."""
    many = [f"{number:09b}".translate(str.maketrans("01", "Aa")) for number in range(512)]
    paths = sorted(name.encode() for name in many)
    spellings = known(*paths)
    assert [each for each in paths if is_placed(spellings, each)] == [paths[0]]
    assert len(spellings.others(paths[0])) == SPELLINGS_MAX - 1
    in_them = known(*(each + b"/in" for each in paths))
    assert len(in_them.others(paths[0] + b"/in")) <= 2 * SPELLINGS_MAX
    assert spellings.set(paths[-1], wanted=False) == set(), "it was never noted"
    assert spellings.set(paths[0], wanted=False) == {paths[0], paths[1]}
    assert spellings.set(b"aaaaaaaaa", wanted=True) == {paths[1]}, "what may stand made room"
    assert paths[0] not in spellings.others(paths[1])
    assert spellings.set(paths[2] + b"/in", wanted=True) == {paths[2] + b"/in"}
