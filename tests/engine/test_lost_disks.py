"""Lost disks: what went with a disk is brought back, or given up, by the very next command."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest

from potluck.core.content.facts import NOTHING, Spot
from potluck.core.content.paths import SafePath
from potluck.core.errors import NotFound, Refused
from potluck.engine.bringing_back import BringingBack
from potluck.engine.events import Mount, MountsSeen
from potluck.engine.lost_disks import LostDisks
from potluck.engine.own.mount_memory import MountMemory
from potluck.engine.troubles import TroubleKind
from tests.engine.owntree import Own

TOP = "d1"


class Home:
    """A device with a file of its own, and two on a disk that was mounted in its folder."""

    def __init__(self, above: str = "") -> None:
        self.own = own = Own()
        self.at = f"{above}usb"
        own.folders = {"usb"} if not above else {above.rstrip("/"), self.at}
        own.write(f"{above}a", "a")
        own.write(f"{self.at}/b", "bb")
        own.write(f"{self.at}/c", "cc")
        own.settle()
        own.node.now += 5.0
        self.mount(Mount(own.path(self.at), 1))
        own.settle()
        self.wanted: list[bytes] = []
        bringing = BringingBack(own.node, own.publishing, self)
        covered = own.own_folder.covered
        self.part = LostDisks(own.node, covered, own.publishing, bringing)

    def mount(self, *mounts: Mount) -> None:
        seen = self.own.node.mounts.on_seen(MountsSeen(mounts))
        self.own.own_folder.covered.on_mounts(seen)
        self.own.tick()

    def die(self) -> None:
        """The disk goes, and potluck has said so."""
        self.own.remove(f"{self.at}/b")
        self.own.remove(f"{self.at}/c")
        self.mount()
        self.own.settle()

    def on_wanted(self, spot: Spot) -> None:
        self.wanted.append(spot.path)

    def on_came(self, paths: Iterable[SafePath]) -> None:
        raise AssertionError(paths)

    def is_looking_at(self, paths: Collection[bytes]) -> bool:
        return False

    @property
    def covered(self) -> int:
        return len(self.own.node.troubles.of(TroubleKind.COVERED))


@pytest.fixture
def home() -> Home:
    """What is left when the disk is gone."""
    it = Home()
    it.die()
    assert (it.covered, repr(it.part)) == (1, "<LostDisks: 2 paths>")
    return it


def test_repair_has_it_come_back_from_the_others_and_the_disk_is_forgotten(home: Home) -> None:
    said = home.part.repair()
    assert said.startswith(f"2 files (4 B) wanted back into {TOP}, as far as others have it: ")
    assert home.wanted == [b"usb/b", b"usb/c"]
    own = home.own
    assert (home.covered, own.own_folder.covered.amount) == (0, NOTHING)
    assert MountMemory(own.node.index.meta).folders() == {}
    own.own_folder.scan()
    own.settle()
    own.tick(60.0)
    own.settle()
    assert {"usb/b", "usb/c"} <= set(own.published()), "held, whatever looks say"
    assert len(own.publishing.held) == 2


def test_confirm_gives_up_what_it_names_and_nothing_else_that_went(home: Home) -> None:
    said = home.part.confirm(b"usb/b")
    assert said is not None
    assert said.startswith("Confirmed: 1 file (2 B).")
    home.own.tick()
    home.own.settle()
    assert set(home.own.published()) == {"a", "usb", "usb/c"}
    assert home.part.confirm(b"usb/b") is None
    assert home.part.confirm(b"usb") is not None, "the folder stands, what went is given up"
    home.own.tick()
    home.own.settle()
    assert set(home.own.published()) == {"a", "usb"}
    assert home.covered == 0


def test_confirm_without_a_path_gives_up_nothing_that_went_with_a_disk(home: Home) -> None:
    with pytest.raises(Refused) as error:
        home.part.confirm()
    assert error.value.what.startswith(f"Nothing was given up: {TOP}/usb/b went with a disk")
    assert error.value.fix == f"confirm {TOP}/usb/b"
    own = home.own
    own.publishing.held.hold([b"a"])
    assert home.part.confirm() is not None, "what else is held is let go"
    assert home.covered == 1


@pytest.mark.parametrize("is_back", [False, True])
def test_who_names_more_than_the_folder_of_a_disk_gives_up_nothing_that_is_in_question(
    is_back: bool,
) -> None:
    home = Home("docs/")
    home.die()
    own = home.own
    if is_back:
        home.mount(Mount(own.path("docs/usb"), 2))
        own.settle()
        own.tick(60.0)
        own.settle()
    with pytest.raises(Refused) as error:
        home.part.confirm(b"docs")
    assert "is hidden by a disk, or went with one, which may come back" in error.value.what
    assert error.value.fix == f"confirm {TOP}/docs/usb/b"
    own.publishing.held.hold([b"docs/a"])
    said = home.part.confirm(b"docs")
    assert said is not None
    assert said.startswith("Confirmed: 1 file (1 B).")
    own.tick()
    own.settle()
    assert {"docs/usb/b", "docs/usb/c"} <= set(own.published())
    assert home.covered == 1


def test_where_nothing_can_be_brought_back_nothing_is_held(home: Home) -> None:
    home.own.node.cloned = True
    with pytest.raises(Refused):
        home.part.repair()
    assert (home.covered, len(home.own.publishing.held)) == (1, 0)


def test_what_stands_on_a_disk_that_is_there_is_no_matter_of_repair() -> None:
    home = Home()
    with pytest.raises(NotFound):
        home.part.repair()
    assert home.part.confirm(b"usb/b") is None
    assert home.part.confirm() is None


def back_and_lacks() -> Home:
    """The disk is back after files were met in its place, and one was deleted on it elsewhere."""
    home = Home()
    own = home.own
    disk = {name: own.files[name] for name in ("usb/b", "usb/c")}
    home.die()
    own.write("usb/met", "met")
    own.touch("usb/met")
    own.settle()
    own.remove("usb/met")
    own.touch("usb/met")
    own.settle()
    own.tick(60.0)
    own.settle()
    assert "usb/met" not in own.published()
    own.files["usb/b"] = disk["usb/b"]
    home.mount(Mount(own.path("usb"), 2))
    own.settle()
    own.tick(60.0)
    own.settle()
    assert home.covered == 1
    assert "usb/c" in own.published()
    return home


def test_confirm_with_a_path_ends_what_a_disk_that_is_there_lacks_or_hides() -> None:
    home = back_and_lacks()
    own = home.own
    with pytest.raises(NotFound) as error:
        home.part.repair()
    assert error.value.what == f"{TOP}/usb/c cannot be brought back now."
    assert error.value.fix == f"confirm {TOP}/usb/c"
    assert home.part.confirm() is None, "without a path nothing of it goes"
    assert home.part.confirm(b"usb/b") is None
    assert "usb/c" in own.published()
    said = home.part.confirm(b"usb")
    assert said is not None
    assert said.startswith("Confirmed: 1 file (2 B).")
    own.tick()
    own.settle()
    assert set(own.published()) >= {"a", "usb", "usb/b"}
    assert "usb/c" not in own.published()
    assert (home.covered, own.own_folder.covered.amount) == (0, NOTHING)
    home.mount()
    home.mount(Mount(own.path("usb"), 3))
    own.settle()
    own.remove("usb/b")
    home.mount()
    own.settle()
    assert "usb/b" in own.published(), "as ever: what goes with it is not deleted"


def test_what_was_given_up_and_only_hidden_is_shared_again_once_it_is_seen() -> None:
    home = back_and_lacks()
    own = home.own
    assert home.part.confirm(b"usb/c") is not None
    own.tick()
    own.settle()
    own.write("usb/c", "cc")
    own.touch("usb/c")
    own.settle()
    assert "usb/c" in own.published()


def test_what_is_hidden_is_not_given_up_before_a_look_is_over() -> None:
    home = back_and_lacks()
    home.mount(Mount(home.own.path("usb"), 4))
    assert home.part.confirm(b"usb/c") is None
