"""Say in words what a key of the configuration may hold, from its JSON schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from landmark_discovery.config.base import Section

Node = Mapping[str, Any]

_SINGULAR = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
_PLURAL = {"integer": "whole numbers", "number": "numbers", "string": "texts"}


@cache
def section_schema(section: type[Section]) -> Node:
    """Give the JSON schema of a section, every reference replaced by what it refers to; treat it as read-only."""
    schema = section.model_json_schema()
    resolved: Node = _resolved(schema, schema.get("$defs", {}))
    return resolved


def schema_node(section: type[Section], path: Sequence[str | int]) -> Node:
    """Find the schema of a key.

    Args:
        section: the outermost section, such as `Config`.
        path: names of the sections below it and the key, and positions in lists, such as ("stage1", "iterations").

    Raises:
        KeyError: there is no such key.
    """
    node = section_schema(section)
    for part in path:
        node = node["properties"][part] if isinstance(part, str) else _element(node, part)
    return node


def allowed_values(node: Node) -> str:
    """Say what a key may hold, such as "a whole number of at least 1, or null"."""
    if "anyOf" in node:
        choices = [allowed_values(choice) for choice in node["anyOf"] if choice.get("type") != "null"]
        return ", or ".join([*choices, *(["null"] if len(choices) < len(node["anyOf"]) else [])])
    if "enum" in node:
        return f"one of {', '.join(node['enum'])}"
    kind = node.get("type")
    if kind == "array":
        return _allowed_list(node)
    if kind == "object":
        return "a section of keys"
    return _SINGULAR[str(kind)] + _range(node)


def section_keys(section: type[Section], path: Sequence[str | int]) -> list[str]:
    """List the keys of the section at a path below a section; none where there is no section."""
    return list(schema_node(section, path).get("properties", {}))


def _resolved(part: Any, definitions: Node) -> Any:  # noqa: ANN401 - any part of a JSON schema
    if isinstance(part, list):
        return [_resolved(element, definitions) for element in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolved(definitions[str(part["$ref"]).rsplit("/", 1)[-1]], definitions)
    return {name: _resolved(below, definitions) for name, below in part.items() if name != "$defs"}


def _element(node: Node, position: int) -> Node:
    if "anyOf" in node:
        node = next(choice for choice in node["anyOf"] if choice.get("type") == "array")
    if "prefixItems" in node:
        prefix: Node = node["prefixItems"][position]
        return prefix
    items: Node = node["items"]
    return items


def _allowed_list(node: Node) -> str:
    if "prefixItems" in node:
        count = len(node["prefixItems"])
        return f"a list of {count} {_PLURAL[node['prefixItems'][0]['type']]}"
    items = node["items"]
    return f"a list of {_PLURAL.get(str(items.get('type')), 'sections')}{_range(items)}"


def _range(node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    parts = []
    if low is not None and high is not None:
        parts.append(f"from {low:g} to {high:g}")
    elif low is not None:
        parts.append(f"of at least {low:g}")
    elif high is not None:
        parts.append(f"of at most {high:g}")
    if "exclusiveMinimum" in node:
        parts.insert(0, f"above {node['exclusiveMinimum']:g}")
    if "exclusiveMaximum" in node:
        parts.append(f"below {node['exclusiveMaximum']:g}")
    if "multipleOf" in node:
        parts.append(f"divisible by {node['multipleOf']:g}")
    if "pattern" in node:
        parts.append(f"that matches {node['pattern']}")
    return "".join(f" {part}" for part in parts[:1]) + "".join(f", {part}" for part in parts[1:])
