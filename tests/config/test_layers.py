"""The four layers: which wins, and an error for every name and value that cannot be meant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from potluck.config.layers import merge_layers
from potluck.core.errors import PotluckError, UsageError


def merge(
    tmp_path: Path, toml: str = "", typed: Mapping[str, object] | None = None, **environ: str
) -> tuple[dict[str, Any], dict[str, str]]:
    file = tmp_path / "config.toml"
    if toml:
        file.write_text(toml, encoding="utf-8")
    return merge_layers(typed or {}, environ, str(file))


@pytest.mark.parametrize(
    ("environ", "typed", "port", "origin"),
    [
        ({"POTLUCK_NETWORK_PORT": "2222"}, {"network.port": 3333}, 3333, "flag"),
        ({"POTLUCK_NETWORK_PORT": "2222"}, {}, 2222, "environment"),
        ({}, {}, 1111, "file"),
    ],
)
def test_each_layer_beats_the_one_below(
    tmp_path: Path, environ: dict[str, str], typed: dict[str, object], port: int, origin: str
) -> None:
    values, origins = merge(tmp_path, "[network]\nport = 1111", typed, **environ)
    assert (values["network.port"], origins["network.port"]) == (port, origin)
    assert origins["network.discovery_port"] == "default"


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
    ],
)
def test_what_cannot_be_meant_is_an_error_with_a_way_out(
    tmp_path: Path, toml: str, says: str, fix: str
) -> None:
    with pytest.raises(UsageError) as caught:
        merge(tmp_path, toml)
    assert says in caught.value.what
    assert fix in caught.value.fix


def test_bytes_that_are_not_text_are_not_toml(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not TOML"):
        merge(tmp_path)


def test_a_configuration_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(PotluckError, match="cannot be read"):
        merge(tmp_path)


def test_an_unknown_key_in_the_environment_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        merge(tmp_path, POTLUCK_NETWORK_PROT="1")
    assert "POTLUCK_NETWORK_PROT" in caught.value.what
    assert caught.value.fix == "did you mean network.port?"


def test_other_variables_are_left_alone(tmp_path: Path) -> None:
    others = {
        "POTLUCK_HOME": "/x",
        "POTLUCK_DEMO_CORRUPT": "1",
        "POTLUCK_NETWORK": "y",
        "PATH": "z",
    }
    _, origins = merge(tmp_path, "", {}, **others)
    assert set(origins.values()) == {"default"}
