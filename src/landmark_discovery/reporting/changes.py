"""In which keys two configurations differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landmark_discovery.config.yaml_text import inline_yaml

# Keys of which the result can't depend, in the eyes of who compares it with the recipe.
_NAMES_ALONE = ("experiment", "sweep")


def changed_keys(
    configuration: Mapping[str, Any], base: Mapping[str, Any], section: str = ""
) -> list[tuple[str, Any, Any]]:
    """List the dotted keys whose values differ, with both values; None where a side lacks the key."""
    changed: list[tuple[str, Any, Any]] = []
    for key in dict.fromkeys([*configuration, *base]):
        ours, theirs = configuration.get(key), base.get(key)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            changed += changed_keys(ours, theirs, f"{section}{key}.")
        elif _plain(ours) != _plain(theirs) and section + key not in _NAMES_ALONE:
            changed.append((section + key, ours, theirs))
    return changed


def configuration_value(value: Any) -> str:  # noqa: ANN401
    """Write a value of the configuration as its file has it."""
    return inline_yaml(_plain(value))


def _plain(value: Any) -> Any:  # noqa: ANN401
    return list(value) if isinstance(value, tuple) else value
