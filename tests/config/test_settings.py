"""Settings: what comes out of all layers, as the daemon works with it, and what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.config.sections import IN_USE
from potluck.config.settings import Flags, Settings, resolve_settings
from potluck.core.errors import UsageError
from potluck.core.limits import FREE_MIN_BYTES, PORT


def resolve(tmp_path: Path, toml: str = "", flags: Flags | None = None, **environ: str) -> Settings:
    file = tmp_path / "config.toml"
    if toml:
        file.write_text(toml, encoding="utf-8")
    return resolve_settings(
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
    keys = ("network.port", "node.name", "limits.workers", "sync.rescan_s")
    origins = [settings.origins[key] for key in keys]
    assert origins == ["flag", "environment", "file", "default"]


def test_a_list_in_the_environment_is_split_at_commas(tmp_path: Path) -> None:
    settings = resolve(
        tmp_path, POTLUCK_NETWORK_PEERS="a, b:99", POTLUCK_NETWORK_DISCOVERY="beacon"
    )
    assert settings.peers == (("a", PORT), ("b", 99))
    assert settings.discovery == ("beacon",)


def test_the_folder_of_a_home_replaces_only_the_default(tmp_path: Path) -> None:
    def folder(typed: str | None) -> str:
        return resolve_settings(
            Flags(folder=typed), {}, config_file="/missing", state_dir="/s", folder="/home-folder"
        ).folder

    assert folder(None) == "/home-folder"
    assert folder("/typed") == "/typed"


def test_who_names_no_folder_means_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folder(last: str | None, usual: str | None = "/usual", typed: str = "") -> tuple[str, str]:
        settings = resolve_settings(
            Flags(folder=typed or None),
            {},
            config_file="/missing",
            state_dir="/s",
            folder=usual,
            last_folder=last,
        )
        return settings.folder, settings.origins["node.folder"]

    assert folder("/last") == ("/last", "last")
    assert folder("/usual") == ("/usual", "default"), "nothing to be said of it"
    assert folder("/last", typed="/typed") == ("/typed", "flag")
    assert folder(None) == ("/usual", "default")

    def nobody_knows(_path: Path) -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "expanduser", nobody_knows)
    with pytest.raises(UsageError):
        folder(None, usual=None)


def test_a_key_without_effect_is_said_not_swallowed(tmp_path: Path) -> None:
    assert resolve(tmp_path, '[limits]\ndown = "20M"').warnings == (
        "limits.down has no effect in this version.",
    )
    assert resolve(tmp_path).origins.keys() >= IN_USE
    assert resolve(tmp_path, "[sync]\nrescan_s = 60").warnings == (
        "sync.rescan_s has no effect in this version.",
    )
    assert resolve(tmp_path, "[limits]\nworkers = 3").warnings == ()
    assert resolve(tmp_path).confine
    assert not resolve(tmp_path, "[node]\nconfine = false").confine
    mdns = resolve(tmp_path, '[network]\ndiscovery = ["beacon", "mdns"]')
    assert mdns.warnings == ("network.discovery: mdns has no effect in this version.",)


@pytest.mark.parametrize(
    ("toml", "says", "fix"),
    [
        ('[limits]\nmin_free = "lots"', "“lots” is not a size", "512MiB"),
        ('[network]\npeers = ["a b"]', "is not a device's address", "192.168.1.10"),
        ('[node]\nname = "a/b"', "cannot be a device's name (file)", "use “a-b”"),
    ],
)
def test_a_value_that_cannot_be_meant_is_an_error(
    tmp_path: Path, toml: str, says: str, fix: str
) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(tmp_path, toml)
    assert says in caught.value.what
    assert fix in caught.value.fix


@pytest.mark.parametrize("folder", ["~nobody-of-that-name/x", "/a\0b"])
def test_a_folder_that_nobody_knows_is_an_error(tmp_path: Path, folder: str) -> None:
    flags = Flags(folder=folder)
    with pytest.raises(UsageError) as caught:
        resolve_settings(flags, {}, config_file=str(tmp_path / "none"), state_dir=str(tmp_path))
    assert "up " in caught.value.fix
