"""Say in words why values of a configuration are refused."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from landmark_discovery.config.allowed import Node, allowed_values, schema_node, section_keys
from landmark_discovery.config.base import BOOLEAN_FOR_NUMBER, Section
from landmark_discovery.config.yaml_text import shown
from landmark_discovery.errors import UserError, nearest_name

# Of several mistakes a mistyped name is told first: the value of its key is missing for that reason alone.
_UNKNOWN_KEY = ("extra_forbidden", "invalid_key")


def explained_refusal(problem: ValidationError, section: type[Section], where: str | Path | None) -> UserError:
    """Turn what pydantic found into one line: the key, its value, and what is allowed.

    Args:
        problem: why the values are refused.
        section: the section that they were meant for.
        where: what to call their source.
    """
    first = min(problem.errors(), key=lambda error: error["type"] not in _UNKNOWN_KEY)
    path = tuple(first["loc"])
    if first["type"] in _UNKNOWN_KEY:
        valid = section_keys(section, path[:-1])
        return UserError(f"unknown key {_dotted(path)!r}", where=where, remedy=nearest_name(str(path[-1]), valid))
    if first["type"] == "value_error":
        return UserError(f"{_dotted(path)}: {first['ctx']['error']}", where=where, remedy="change one of the two")
    if first["type"] == "missing":
        path = path[:-1]
    allowed = allowed_values(_node_at_or_above(section, path))
    hint = "; YAML reads yes, no, on and off as true and false" if first["type"] == BOOLEAN_FOR_NUMBER else ""
    return UserError(f"{_dotted(path)} is {shown(first['input'])}", where=where, remedy=f"allowed: {allowed}{hint}")


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)


def _node_at_or_above(section: type[Section], path: tuple[str | int, ...]) -> Node:
    while path:
        try:
            return schema_node(section, path)
        except (KeyError, IndexError, StopIteration):
            path = path[:-1]
    return schema_node(section, ())
