"""Older words: true for an older copy, for another disk, and for both."""

from __future__ import annotations

from potluck.core.content.facts import Amount, ManifestName, Spot
from potluck.engine.events import LinkId, Mount, MountsSeen
from potluck.engine.own.older_files import OlderFiles
from potluck.engine.own.older_words import disk_words, keepers_words, named_files, older_words
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import group, key, node
from tests.engine.listeners import Heard

ROOT = b"r" * 32
KEPT = (
    "with another content than I share, since a disk was mounted there, or went: what I share stays"
    " with the others; to have that here again, "
)


class Home:
    """A device with files of both causes."""

    def __init__(self, *by_disk: bytes, copies: tuple[bytes, ...] = ()) -> None:
        self.node = node(1)
        self.node.roster = group(1)
        self.files = OlderFiles(self.node, Heard())
        for path in by_disk:
            self.files.note(path, ROOT, by_disk=True)
        for path in copies:
            self.files.note(path, ROOT)

    def mount(self, path: bytes) -> None:
        point = self.node.layout.path_of(Spot(self.node.own_manifest, path))
        self.node.mounts.on_seen(MountsSeen((Mount(point, 1),)))

    def said(self, *, found: bool = False) -> tuple[str, str]:
        return older_words(self.node, self.files, found=found)


def test_the_first_names_are_said() -> None:
    assert named_files([b"a"]) == "1 file (a)"
    words = named_files([b"e", b"d", b"c", b"b", b"a"])
    assert words.startswith("5 files (a, ")
    assert words.endswith(" more)")


def test_of_a_disk_that_is_mounted_there_it_is_said_how_that_ends() -> None:
    home = Home(b"d/a", b"d/e/b")
    home.mount(b"d")
    text, command = home.said()
    assert text == (
        f"2 files (d/a and d/e/b) {KEPT}unmount that disk – if what is here now is to be shared,"
        " type: confirm d1/d"
    )
    assert command == "findmnt -T /Shared/d1/d/a"


def test_of_one_that_went_repair_is_named_too() -> None:
    home = Home(b"d/a")
    text, command = home.said()
    assert text == (
        f"1 file (d/a) {KEPT}mount the disk that was there, or type: repair – if what is here now"
        " is to be shared, type: confirm d1/d/a"
    )
    assert command == "findmnt -T /Shared/d1/d/a"
    assert home.files.want() == 1
    text, command = home.said()
    assert text.endswith("exchanged for that as soon as a device that has it is linked")
    assert command == "peers"


def test_it_is_said_if_something_is_given_up_with_that() -> None:
    more = (
        "if what is here now is to be shared, and what is not to be seen there is to go everywhere"
    )
    for subject, named in (("d1/d", True), ("d1", True), ("d1/d/e", False), ("d1/de", False)):
        home = Home(b"d/a", b"d/e/b")
        trouble = Trouble(TroubleKind.COVERED, subject, "", "", 0.0, None)
        home.node.troubles.note(trouble)
        assert (f"{more}, type: confirm d1/d" in home.said()[0]) is named, subject
        assert more not in Home(b"a", b"d/b").said()[0], "there is no path to type"


def test_files_of_several_folders_have_no_name_in_common() -> None:
    assert Home(b"a", b"d/b").said()[0].endswith("type: confirm PATH")


def test_an_older_copy_is_said_before_and_has_its_own_command() -> None:
    both = Home(b"d/a", copies=(b"c",))
    text, command = both.said()
    assert text.startswith("1 file (c) with an earlier content than I share: the later versions ")
    assert "; 1 file (d/a) with another content" in text
    assert command == "repair"
    both.files.want()
    assert both.said()[1] == "peers"
    text, command = Home().said(found=True)
    assert text.startswith("this folder does not go on from where potluck left it")
    assert command == ""
    assert (Home().said(), disk_words(both.node, Home().files)) == (("", ""), ("", ""))


def test_who_keeps_the_others_until_a_person_confirms_there_is_said_and_no_command_here() -> None:
    for home in (Home(b"d/a"), Home(copies=(b"c",))):
        home.node.roster = group(1, 2, 3)
        ann, cat = (home.node.peer(key(number).device) for number in (2, 3))
        ann.link = LinkId(5)
        ann.held[ManifestName.own(key(3).device)] = Amount(7, 0, 70)
        cat.held[home.node.own_manifest] = Amount(6, 0, 60)
        home.files.want()
        assert keepers_words(home.node) == "", "of another folder, and by one that is away"
        assert home.said()[1] == "peers"
        ann.held[home.node.own_manifest] = Amount(60, 0, 771)
        text, command = home.said()
        assert text.endswith(
            "exchanged for that as soon as a device that has it is linked; d2 keeps 60 files"
            " (771 B) of mine as before, since very many were deleted or replaced at once; what I"
            " share now comes from the trash there, as far as it is in it, once that is confirmed:"
            " type there: confirm d1"
        )
        assert command == ""
    home.node.roster = None
    assert keepers_words(home.node) == ""
