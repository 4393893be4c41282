"""Safe paths: a corpus of hostile names, the rules one by one, and the laws of the algebra.

Strategy: hostile names are generated from families (control, bidi, zero-width, encodings, dots,
lengths), so that the corpus is complete within each; hypothesis draws the friendly ones.
"""

from __future__ import annotations

import copy
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from potluck.core.content.joiners import joiner_means_something
from potluck.core.content.paths import (
    NOT_UTF_8,
    SHOWN_CHARACTERS,
    SafePath,
    collision_key,
    not_portable,
    parse_wire_path,
    printable,
    why_unsafe,
    within,
)
from potluck.core.errors import UnsafePath

BIDI = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
ZERO_WIDTH = [
    0x00AD,
    0x180E,
    0x200B,
    0x200C,
    0x200D,
    0x2060,
    0x2064,
    0x206A,
    0xFEFF,
    0xFFF9,
    0xE0001,
    0xE0041,
]
CONTROL = [*range(1, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]

HOSTILE: list[tuple[bytes, str]] = [
    *[(f"a{chr(code)}b".encode(), "control character") for code in CONTROL],
    *[(f"gpj.{chr(code)}exe".encode(), "bidi control") for code in BIDI],
    *[(f"pass{chr(code)}word".encode(), "zero-width character") for code in ZERO_WIDTH],
    *[(b"x" + bytes([byte]), NOT_UTF_8) for byte in range(0x80, 0x100)],
    *[
        (b"a/" + name, "reserved name")
        for name in (b".potluck", b".Potluck", b".POTLUCK", b".potluc\xe2\x84\xaa")
    ],
    (b".potluck", "reserved name"),
    (b".potluck/marker", "reserved name"),
    (b"", "empty component"),
    (b"/", "empty component"),
    (b"/etc/passwd", "empty component"),
    (b"a/", "empty component"),
    (b"a//b", "empty component"),
    (b".", "dot component"),
    (b"..", "dot component"),
    (b"../x", "dot component"),
    (b"a/../../etc/passwd", "dot component"),
    (b"a/.", "dot component"),
    (b"./a", "dot component"),
    (b"a\\b", "backslash"),
    (b"..\\..\\x", "backslash"),
    (b"a\0b", "NUL"),
    (b"\0", "NUL"),
    (b"a\0\x1b", "NUL"),
    (b"\xed\xa0\x80", NOT_UTF_8),
    (b"a\xed\xbf\xbf", NOT_UTF_8),
    (b"\xed\xa0\xbd\xed\xb8\x80", NOT_UTF_8),
    (b"\xc0\xaf", NOT_UTF_8),
    (b"\xc0\xae\xc0\xae/x", NOT_UTF_8),
    (b"\xe0\x80\xaf", NOT_UTF_8),
    (b"\xf0\x80\x80\xaf", NOT_UTF_8),
    (b"\xf4\x90\x80\x80", NOT_UTF_8),
    (b"\xe2\x82", NOT_UTF_8),
    (b"n" * 256, "too long"),
    ("é".encode() * 128, "too long"),
    ("😀".encode() * 64, "too long"),
    (b"/".join([b"x" * 200] * 20), "too long"),
    (b"/".join([b"d"] * 65), "too deep"),
]

FRIENDLY = [
    "a",
    "a b",
    "…",
    "..a",
    "a..",
    "...",
    ".hidden",
    ".potluck2",
    "potluck",
    "ünïcödé",
    "e\u0301",
    "日本語.txt",
    "😀.png",
    "n" * 255,
    "é" * 127,
    "con",
    "a:b",
    "$(rm -rf ~)",
    "family 👨\u200d👩\u200d👧.jpg",
    "می\u200cخواهم.txt",
    "क्\u200dष",
    "-rf",
    "'\"`",
    "%2e%2e%2f",
    "~",
]


def path(text: str) -> SafePath:
    return parse_wire_path(text.encode())


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf"), exclude_characters="/\\"),
    min_size=1,
).filter(lambda name: not why_unsafe(name))
paths = (
    st.lists(names, min_size=1, max_size=8)
    .map("/".join)
    .filter(lambda text: len(text.encode()) <= 4000)
    .map(path)
)


def test_the_corpus_is_large():
    assert len({data for data, _ in HOSTILE}) >= 200


@pytest.mark.parametrize(("data", "reason"), HOSTILE, ids=lambda value: repr(value)[:40])
def test_hostile_names_are_refused_with_the_precise_reason(data: bytes, reason: str):
    with pytest.raises(UnsafePath) as refused:
        parse_wire_path(data)
    assert refused.value.cause == reason
    assert refused.value.what.isprintable()
    assert refused.value.fix


@pytest.mark.parametrize("name", FRIENDLY)
def test_friendly_names_pass_unchanged(name: str):
    made = path(name)
    assert made.parts == (name,)
    assert made.wire == name.encode()
    assert path("top").child(name).name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a\0", "\udcff", "\x1b[2J", ".PotLuck"]
)
def test_a_hostile_child_is_refused(name: str):
    with pytest.raises(UnsafePath) as refused:
        path("top").child(name)
    assert refused.value.cause == why_unsafe(name) != ""


def test_the_reason_for_each_kind_of_component():
    assert why_unsafe("a/b") == "slash"
    assert why_unsafe("\udcff") == NOT_UTF_8
    assert why_unsafe("x" * 256) == "too long"
    assert why_unsafe("é" * 127) == ""


def test_a_path_cannot_be_made_by_hand_or_changed():
    with pytest.raises(TypeError):
        SafePath()
    made = path("a/b")
    with pytest.raises(AttributeError):
        made.parts = ("..",)
    with pytest.raises(AttributeError):
        del made.wire
    with pytest.raises(AttributeError):
        made.extra = 1
    assert copy.copy(made) is copy.deepcopy(made) is made


def test_it_compares_only_with_its_own_kind():
    assert path("a") != "a"
    with pytest.raises(TypeError):
        _ = path("a") < "b"
    assert path("a") <= path("a")
    assert repr(path("a/b")) == "SafePath('a/b')"


def test_the_limits_count_what_is_inside_a_tree():
    label = path("l" * 64)
    longest = path("/".join(["x" * 199] * 20))
    assert len(longest.wire) == 3999
    assert label.joined(longest).relative_to(label) == longest
    with pytest.raises(UnsafePath, match="is refused") as refused:
        label.joined(longest).child("yy")
    assert refused.value.cause == "too long"
    full = path("/".join(["x" * 199] * 19 + ["x" * 200]))
    assert label.joined(full).relative_to(label) == full
    assert "…" in refused.value.what
    deepest = path("/".join(["d"] * 64))
    assert label.joined(deepest).relative_to(label) == deepest
    with pytest.raises(UnsafePath) as refused:
        label.joined(deepest).child("d")
    assert refused.value.cause == "too deep"


def test_a_refused_name_is_shown_whole_as_far_as_a_line_goes():
    name = "x" * (SHOWN_CHARACTERS - 4)
    for refused_name, shown in ((name + "\x07", name + "\\x07"), (name + "\x07y", name + "\\x0…")):
        with pytest.raises(UnsafePath) as refused:
            path("top").child(refused_name)
        assert refused.value.what == f"the name “{shown}” is refused"
        assert len(shown) == SHOWN_CHARACTERS


def test_relative_to_needs_something_below():
    with pytest.raises(ValueError, match="not below"):
        path("a").relative_to(path("a"))
    with pytest.raises(ValueError, match="not below"):
        path("ab/c").relative_to(path("a"))


def test_starts_with_compares_components_and_not_letters():
    assert path("a/b").starts_with(path("a"))
    assert path("a").starts_with(path("a"))
    assert not path("ab").starts_with(path("a"))
    assert not path("a").starts_with(path("a/b"))


@given(paths)
def test_parsing_is_the_inverse_of_wire(made: SafePath):
    assert parse_wire_path(made.wire) == made
    assert hash(parse_wire_path(made.wire)) == hash(made)
    assert str(made).encode() == made.wire


@given(paths, names)
def test_a_child_has_its_parent_and_its_name(made: SafePath, name: str):
    below = made.child(name)
    assert below.parent == made
    assert below.name == name
    assert below.relative_to(made).parts == (name,)
    assert below.starts_with(made)


@given(paths)
def test_the_parents_end_at_depth_one(made: SafePath):
    depth, above = 1, made.parent
    while above is not None:
        assert made.starts_with(above)
        depth, above = depth + 1, above.parent
    assert depth == len(made.parts)


@given(paths, paths)
def test_joining_is_undone_by_relative_to(first: SafePath, second: SafePath):
    assume(len(first.wire) + len(second.wire) < 4000)
    joined = first.joined(second)
    assert joined == parse_wire_path(first.wire + b"/" + second.wire)
    assert joined.relative_to(first) == second


@given(paths, paths)
def test_order_is_that_of_the_bytes(first: SafePath, second: SafePath):
    assert (first < second) == (first.wire < second.wire)
    assert (first == second) == (first.wire == second.wire)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_path_of_the_same_bytes_or_a_reason(data: bytes):
    reason = ""
    try:
        made = parse_wire_path(data)
    except UnsafePath as refused:
        made = None
        reason = refused.cause
    if made is None:
        assert reason
    else:
        assert made.wire == data
        assert not any(part in {"", ".", ".."} or "/" in part for part in made.parts)


@given(names)
def test_normal_forms_and_case_collide(name: str):
    key = collision_key(name)
    for form in ("NFC", "NFD"):
        assert collision_key(unicodedata.normalize(form, name)) == key
    if name.isascii():
        assert collision_key(name.upper()) == key


def test_collisions_by_example():
    assert collision_key("ÄRGER.txt") == collision_key("a\u0308rger.TXT")
    assert collision_key("Straße") == collision_key("STRASSE")
    assert collision_key("a") != collision_key("b")


@pytest.mark.parametrize(
    "name",
    ["a<", 'a"', "a:b", "a|b", "a?", "a*", "a.", "a ", "CON", "con.txt", "aux", "NUL.tar.gz",
     "COM1", "lpt9.x", "COM¹", "con .txt", "CONIN$", "prn"],
)  # fmt: skip
def test_names_some_system_cannot_hold(name: str):
    assert not_portable(name)


@pytest.mark.parametrize(
    "name", ["console", "com", "com10", "lpt", "a.b", "nul-1", ".con", "comma", " a"]
)
def test_names_every_system_can_hold(name: str):
    assert not_portable(name) == ""


def test_printable_escapes_what_could_harm():
    assert printable("a\x1b[31m") == "a\\x1b[31m"
    assert printable(b"a\xffb\x80") == "a\\xffb\\x80"
    assert printable("x\u202ey") == "x\\u202ey"
    assert printable("\U000e0041") == "\\U000e0041"
    assert printable("\ud800\udc7f\udd00") == "\\ud800\\udc7f\\udd00"
    assert printable("a\\b") == "a\\b"
    assert printable("👨\u200d👩 a\u200db") == "👨\u200d👩 a\\u200db"
    assert printable("日本 😀") == "日本 😀"


@given(st.one_of(st.text(), st.binary()))
def test_printable_leaves_nothing_that_steers_a_terminal(name: str | bytes):
    shown = printable(name)
    assert all(unicodedata.category(letter) not in {"Cc", "Cs"} for letter in shown)
    hidden = [
        at for at, letter in enumerate(shown) if ord(letter) in {*BIDI, *ZERO_WIDTH, *CONTROL}
    ]
    assert all(joiner_means_something(shown, at) for at in hidden)
    assert printable(shown) == shown, "escaped once, however many screens it passes"


@given(st.text(), st.text())
def test_printable_never_makes_two_names_look_the_same(first: str, second: str):
    assume("\\" not in first + second)
    assume(not any(0xDC80 <= ord(letter) <= 0xDCFF for letter in first + second))
    assert (printable(first) == printable(second)) == (first == second)


def test_within_knows_folders_from_names_that_begin_alike() -> None:
    assert within(b"a/b/c", {b"a/b"})
    assert within(b"a", {b"a"})
    assert not within(b"ab/c", {b"a", b""})
