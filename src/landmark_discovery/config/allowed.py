"""Say in words what a key of the configuration may hold, from its JSON schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from landmark_discovery.config.schema import Config

Node = Mapping[str, Any]

_SINGULAR = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
_PLURAL = {"integer": "whole numbers", "number": "numbers", "string": "texts"}


@cache
def config_schema() -> dict[str, Any]:
    """Give the JSON schema of the whole configuration; treat it as read-only."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


def schema_node(path: Sequence[str | int]) -> Node:
    """Find the schema of a key.

    Args:
        path: names of the sections and the key, and positions in lists, such as ("stage1", "iterations").

    Raises:
        KeyError: there is no such key.
    """
    node: Node = config_schema()
    for part in path:
        node = _resolved(node)
        node = node["properties"][part] if isinstance(part, str) else _element(node, part)
    return _resolved(node)


def allowed_values(node: Node) -> str:
    """Say what a key may hold, such as "a whole number of at least 1, or null"."""
    node = _resolved(node)
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


def section_keys(path: Sequence[str | int]) -> list[str]:
    """List the keys of a section; none where `path` isn't a section."""
    return list(schema_node(path).get("properties", {}))


def _resolved(node: Node) -> Node:
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        target: Node = config_schema()["$defs"][name]
        return target
    return node


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
    items = _resolved(node["items"])
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
