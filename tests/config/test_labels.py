"""Labels: comfortable as folder names, taken from what is there, refused with a better one."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.config.labels import clean_label, derive_label, given_label
from potluck.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("kitchen-pc", "kitchen-pc"),
        ("Küche (alt)", "Küche (alt)"),
        ("a/b\\c\x1b[0m", "a-b-c-[0m".replace("[", "-")),
        ("..", ""),
        ("Everyone", ""),
        (".potluck", "potluck"),
        ("ü" * 40, "ü" * 32),
    ],
)
def test_labels_are_comfortable_folder_names(text: str, label: str) -> None:
    assert clean_label(text) == label


def test_a_label_is_the_host_name_without_its_domain(tmp_path: Path) -> None:
    assert derive_label(str(tmp_path), "kitchen-pc.home.arpa") == "kitchen-pc"
    assert derive_label(str(tmp_path), "...") == "device"


def test_a_folder_with_our_name_or_address_is_taken_as_ours(tmp_path: Path) -> None:
    for name in ("192.168.1.10", "somebody"):
        (tmp_path / "Shared" / name).mkdir(parents=True)
    (tmp_path / "Shared" / "laptop").write_text("a file is no folder")
    assert derive_label(str(tmp_path), "laptop", ["192.168.1.10"]) == "192.168.1.10"
    (tmp_path / "Shared" / "LAPTOP2").mkdir()
    assert derive_label(str(tmp_path), "laptop2", []) == "LAPTOP2"
    # two match: neither is certain
    assert derive_label(str(tmp_path), "laptop2", ["192.168.1.10"]) == "laptop2"


def test_a_given_label_is_taken_as_it_is_or_refused_with_a_better_one() -> None:
    assert given_label("kitchen pc", "flag") == "kitchen pc"
    with pytest.raises(UsageError) as caught:
        given_label("a/b", "file")
    assert "cannot be a device's name (file)" in caught.value.what
    assert caught.value.fix == "use “a-b”"
    with pytest.raises(UsageError) as caught:
        given_label("Everyone", "flag")
    assert caught.value.fix == "choose another with --name"
