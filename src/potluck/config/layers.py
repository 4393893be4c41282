"""Four layers become one: command line, then `POTLUCK_SECTION_KEY`, the TOML file, the default.

Strategy: names are checked before values, so that a typing error gets a suggestion instead of
silence, and every value is converted by its field's own type, so an error names the key, the value
and where it came from.

Guarantees: an unknown section or key is an error in the file and in the environment alike; for each
key it is known which layer won. Limits: one file is read; nothing is written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

import msgspec

from potluck.config.sections import SECTIONS
from potluck.core.content.paths import printable
from potluck.core.errors import PotluckError, UsageError

SettingKind: TypeAlias = Any
"""A type as msgspec reads it from a field."""
SettingValue: TypeAlias = Any
"""A setting of its field's type."""


def merge_layers(
    typed: Mapping[str, object], environ: Mapping[str, str], config_file: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Each key's value, and the layer it comes from; `typed` is what the command line gave, by key.

    Raises UsageError naming key, value and origin.
    """
    layers = [
        ("flag", typed, "the command line"),
        ("environment", _from_environment(environ), "the environment"),
        ("file", _from_file(config_file), config_file),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for section, struct in SECTIONS.items():
        for known in msgspec.structs.fields(struct):
            key = f"{section}.{known.name}"
            values[key], origins[key] = known.default, "default"
            for origin, layer, where in reversed(layers):
                if key in layer:
                    values[key] = _convert(key, layer[key], known.type, where)
                    origins[key] = origin
    return values, origins


def _convert(key: str, value: object, kind: SettingKind, where: str) -> SettingValue:
    try:
        return msgspec.convert(value, kind, strict=not isinstance(value, str))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        reason = str(error).split(" - at")[0].replace("`", "")
        raise UsageError(
            f"{key} cannot be {value!r}.", f"{reason} ({where})", f"correct {key} in {where}"
        ) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for variable in sorted(environ):
        section, _, key = variable.removeprefix("POTLUCK_").lower().partition("_")
        if not variable.startswith("POTLUCK_") or section not in SECTIONS or not key:
            continue
        _check_key(section, key, f"the environment ({variable})")
        value = environ[variable]
        default = msgspec.structs.fields(SECTIONS[section])
        is_list = any(known.name == key and isinstance(known.default, tuple) for known in default)
        found[f"{section}.{key}"] = (
            [part.strip() for part in value.split(",") if part.strip()] if is_list else value
        )
    return found


def _from_file(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (shells and config speak os paths)
            tables = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PotluckError(
            f"The configuration {path} cannot be read.", str(error.strerror), "check its rights"
        ) from error
    except (ValueError, RecursionError) as error:  # no TOML, no text, or nested without end
        raise UsageError(
            f"The configuration {path} is not TOML.", str(error), "correct that line"
        ) from error
    found: dict[str, object] = {}
    for section, table in tables.items():
        if section not in SECTIONS or not isinstance(table, dict):
            raise _unknown("section", f"[{section}]", path, [f"[{name}]" for name in SECTIONS])
        for key, value in table.items():
            _check_key(section, key, path)
            found[f"{section}.{key}"] = value
    return found


def _check_key(section: str, key: str, where: str) -> None:
    known = [entry.name for entry in msgspec.structs.fields(SECTIONS[section])]
    if key not in known:
        raise _unknown("key", key, where, known, f"{section}.")


def _unknown(kind: str, name: str, where: str, known: list[str], prefix: str = "") -> UsageError:
    close = get_close_matches(name, known, 1)
    fix = f"did you mean {prefix}{close[0]}?" if close else "known here: " + ", ".join(known)
    return UsageError(
        f"Unknown {kind} {prefix}{printable(name)} in {where}.", "a name was mistyped", fix
    )
