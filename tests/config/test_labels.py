"""Labels: comfortable as folder names, taken from what is there, refused with a better one."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.config.labels import (
    LabelChoice,
    aliases_in,
    choose_label,
    default_label,
    folders_in,
    given_label,
)
from potluck.core.errors import UsageError
from potluck.core.group.labels import LABEL_RULE


@pytest.mark.parametrize(
    ("host_name", "label"),
    [("kitchen-pc.home.arpa", "kitchen-pc"), ("...", "device"), ("", "device")],
)
def test_a_label_is_the_host_name_without_its_domain(host_name: str, label: str) -> None:
    assert default_label(host_name) == label
    assert choose_label([], host_name) == LabelChoice(label, taken=False, refused=())


@pytest.mark.parametrize(
    ("folder", "taken"),
    [
        ("192.168.1.10", True),  # an address
        ("LAPTOP", True),  # the host name, written otherwise: the folder stays as it is
        ("laptop", False),  # the host name: nothing that would have to be said
        ("laptop.home.arpa", True),  # … with its domain
        ("Travel-Mate", True),  # an alias
        ("den.home.arpa", True),  # … that the table writes with its final dot
    ],
)
def test_the_one_folder_that_is_named_after_this_host_is_its_own(folder: str, taken: bool) -> None:
    names = ["192.168.1.10", "travel-mate", "den.home.arpa."]
    chosen = choose_label(["somebody", folder], "laptop.home.arpa", names)
    assert chosen == LabelChoice(folder, taken=taken, refused=())


def test_of_several_folders_that_would_do_none_is_taken() -> None:
    with pytest.raises(UsageError) as caught:
        choose_label(["x", "laptop", "192.168.1.10"], "laptop", ["192.168.1.10"])
    assert caught.value.what == (
        "192.168.1.10 and laptop below Shared/ could each be the folder of this device."
    )
    assert caught.value.cause == "each is named after this host, and a device has one folder"
    assert caught.value.fix == "say which: potluck up FOLDER --name 192.168.1.10"
    with pytest.raises(UsageError) as caught:
        choose_label(["a b", "laptop"], "laptop", ["a b"], "/media/my disk")
    assert caught.value.fix == "say which: potluck up '/media/my disk' --name 'a b'"


def test_a_folder_that_no_device_can_be_called_after_is_named_and_not_taken() -> None:
    long = "laptop." + "a" * 60
    chosen = choose_label([long, "Shared"], long, ["shared", "", "localhost"])
    assert chosen == LabelChoice("laptop", taken=False, refused=("Shared", long))
    chosen = choose_label([long, "10.0.0.2", ""], long, ["10.0.0.2", ""])
    assert chosen == LabelChoice("10.0.0.2", taken=True, refused=(long,))
    folders = ["FD91:7:0:0::3", "fe80::2", "fd91:7::4", "mate."]
    chosen = choose_label(folders, "laptop", ["fd91:7::3", "fe80::2", "mate"])
    refused = ("FD91:7:0:0::3", "fe80::2", "mate.")
    assert chosen == LabelChoice("laptop", taken=False, refused=refused)


def test_a_name_that_every_machine_has_is_no_name_of_this_one() -> None:
    assert choose_label(["localhost"], "laptop", ["localhost"]).label == "laptop"
    assert not choose_label(["localhost"], "localhost").taken


def test_folders_are_folders_and_nothing_else(tmp_path: Path) -> None:
    assert folders_in(str(tmp_path)) == []
    (tmp_path / "Shared" / "laptop").mkdir(parents=True)
    (tmp_path / "Shared" / "laptop2").write_text("a file is no folder")
    (tmp_path / "Shared" / "laptop3").symlink_to("laptop")
    assert folders_in(str(tmp_path)) == ["laptop"]


HOSTS = """
127.0.0.1\tlocalhost localhost.localdomain
127.0.1.1   laptop.home.arpa laptop   # Debian's line
192.168.1.10 mate Travel-Mate
192.168.1.11 den laptop-of-somebody # laptop
::1  ip6-localhost localhost6

# laptop nothing
"""


def test_the_table_of_hosts_names_this_host_by_name_and_by_address() -> None:
    assert aliases_in(HOSTS, "laptop", ["192.168.1.10"]) == [
        *("laptop.home.arpa", "laptop", "mate", "Travel-Mate"),
    ]
    assert aliases_in(HOSTS, "LAPTOP.other", []) == ["laptop.home.arpa", "laptop"]
    assert aliases_in(HOSTS, "localhost", []) == []
    assert aliases_in("127.0.0.1 localhost box", "box", []) == ["box"]


def test_a_line_about_an_ipv6_address_counts_however_that_is_written() -> None:
    hosts = "FD91:7:0:0::3 cellar cellar.\nfe80::2%eth0 attic\nfd91:7::4 den\n"
    assert aliases_in(hosts, "laptop", ["fd91:7::3", "fe80::2"]) == ["cellar", "cellar.", "attic"]
    assert aliases_in("10.0.0.2 laptop. mate", "laptop", []) == ["laptop.", "mate"]


def test_a_given_label_is_taken_as_it_is_or_refused_with_a_better_one() -> None:
    assert given_label("kitchen pc", "flag") == "kitchen pc"
    assert given_label("A\u030angstrom", "flag") == "\u00c5ngstrom", "as a file manager gives it"
    with pytest.raises(UsageError) as caught:
        given_label("a/b", "file")
    assert "cannot be a device's name (file)" in caught.value.what
    assert (caught.value.cause, caught.value.fix) == (LABEL_RULE, "use “a-b”")
    with pytest.raises(UsageError) as caught:
        given_label("Everyone", "flag")
    assert caught.value.fix == "choose another with --name"
    for wrong in ("con", "nul.txt", "a:b", "-x", "trailing "):
        with pytest.raises(UsageError):
            given_label(wrong, "flag")
