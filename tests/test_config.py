"""Settings: the four layers in order, their origins, and an error for everything that cannot be
meant.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck import config
from potluck.config import (
    Flags,
    Settings,
    clean_label,
    derive_label,
    parse_open,
    parse_peer,
    parse_size,
)
from potluck.core.errors import PotluckError, UsageError
from potluck.core.limits import FREE_MIN_BYTES, PORT


def resolve(tmp_path: Path, toml: str = "", flags: Flags | None = None, **environ: str) -> Settings:
    file = tmp_path / "config.toml"
    if toml:
        file.write_text(toml, encoding="utf-8")
    return config.resolve(
        flags or Flags(), environ, config_file=str(file), state_dir=str(tmp_path / "state")
    )


def test_nothing_given_is_all_defaults(tmp_path: Path) -> None:
    settings = resolve(tmp_path)
    assert (settings.port, settings.port_given, settings.label, settings.open_s) == (
        PORT,
        False,
        None,
        None,
    )
    assert settings.folder == str(Path("~/Potluck").expanduser().resolve())
    assert settings.min_free_bytes == FREE_MIN_BYTES
    assert settings.warnings == ()
    assert set(settings.origins.values()) == {"default"}


def test_each_layer_beats_the_one_below(tmp_path: Path) -> None:
    toml = (
        '[network]\nport = 1111\npeers = ["a"]\n[node]\nname = "from file"\n[limits]\nworkers = 3'
    )
    settings = resolve(
        tmp_path,
        toml,
        Flags(port=3333),
        POTLUCK_NETWORK_PORT="2222",
        POTLUCK_NODE_NAME="from environment",
    )
    assert (settings.port, settings.label, settings.workers) == (3333, "from environment", 3)
    assert settings.port_given
    assert [settings.origins[key] for key in ("network.port", "node.name", "limits.workers", "sync.rescan_s")] == [
        "flag", "environment", "file", "default",
    ]  # fmt: skip


def test_a_list_in_the_environment_is_split_at_commas(tmp_path: Path) -> None:
    settings = resolve(
        tmp_path, POTLUCK_NETWORK_PEERS="a, b:99", POTLUCK_NETWORK_DISCOVERY="beacon"
    )
    assert settings.peers == (("a", PORT), ("b", 99))
    assert settings.discovery == ("beacon",)


def test_the_folder_of_a_home_replaces_only_the_default(tmp_path: Path) -> None:
    def folder(typed: str | None) -> str:
        return config.resolve(
            Flags(folder=typed), {}, config_file="/missing", state_dir="/s", folder="/home-folder"
        ).folder

    assert folder(None) == "/home-folder"
    assert folder("/typed") == "/typed"


@pytest.mark.parametrize(
    ("toml", "says", "fix"),
    [
        ("[netwrok]\nport = 1", "Unknown section [netwrok]", "did you mean [network]?"),
        ("[network]\nprot = 1", "Unknown key network.prot", "did you mean network.port?"),
        ("[network]\nzzz = 1", "Unknown key network.zzz", "known here: port, discovery_port"),
        ('[network]\nport = "x"', "network.port cannot be 'x'", "correct network.port"),
        ("[network]\nport = 70000", "network.port cannot be 70000", "correct"),
        ("[network]\nport = true", "network.port cannot be True", "correct"),
        ('[network]\ndiscovery = ["shouting"]', "network.discovery cannot be", "correct"),
        ("port = 1", "Unknown section [port]", "did you mean"),
        ("[network\nport", "is not TOML", "correct that line"),
        ('[limits]\nmin_free = "lots"', "“lots” is not a size", "512MiB"),
        ('[node]\nname = "a/b"', "cannot be a device's name (file)", "use “a-b”"),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_a_way_out(
    tmp_path: Path, toml: str, says: str, fix: str
) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(tmp_path, toml)
    assert says in caught.value.what
    assert fix in caught.value.fix


def test_bytes_that_are_not_text_are_not_toml(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not TOML"):
        resolve(tmp_path)


def test_a_configuration_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(PotluckError, match="cannot be read"):
        resolve(tmp_path)


def test_an_unknown_key_in_the_environment_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(tmp_path, POTLUCK_NETWORK_PROT="1")
    assert "POTLUCK_NETWORK_PROT" in caught.value.what
    assert caught.value.fix == "did you mean network.port?"


def test_other_variables_are_left_alone(tmp_path: Path) -> None:
    assert (
        resolve(
            tmp_path, POTLUCK_HOME="/x", POTLUCK_DEMO_CORRUPT="1", POTLUCK_NETWORK="y", PATH="z"
        ).port
        == PORT
    )


def test_a_key_without_effect_is_said_not_swallowed(tmp_path: Path) -> None:
    assert resolve(tmp_path, '[limits]\ndown = "20M"').warnings == (
        "limits.down has no effect in this version.",
    )
    assert resolve(tmp_path).origins.keys() >= config.IN_USE
    assert resolve(tmp_path, "[sync]\nrescan_s = 60").warnings == (
        "sync.rescan_s has no effect in this version.",
    )
    assert resolve(tmp_path, "[limits]\nworkers = 3").warnings == ()
    mdns = resolve(tmp_path, '[network]\ndiscovery = ["beacon", "mdns"]')
    assert mdns.warnings == ("network.discovery: mdns has no effect in this version.",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("512MiB", 512 * 2**20),
        ("20M", 20_000_000),
        ("1.5 GB", 1_500_000_000),
        ("7b", 7),
        ("2Ki", 2048),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nas", ("nas", PORT)),
        ("192.168.1.10:99", ("192.168.1.10", 99)),
        ("[fe80::1%eth0]:99", ("fe80::1%eth0", 99)),
        ("[::1]", ("::1", PORT)),
        ("fe80::1", ("fe80::1", PORT)),
    ],
)
def test_peers(text: str, expected: tuple[str, int]) -> None:
    assert parse_peer(text) == expected


@pytest.mark.parametrize("text", ["", "a b", "host:0", "host:99999", "host:port", "[::1", "a:b:zz"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError):
        parse_peer(text)


def test_how_long_the_door_is_open() -> None:
    assert (parse_open(""), parse_open("30"), parse_open("always")) == (3600.0, 1800.0, "always")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "99999"])
def test_an_open_time_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(UsageError, match="--open"):
        parse_open(text)


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
