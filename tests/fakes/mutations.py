"""Files as faults and attackers leave them: a whole one is damaged, and nothing but the project's own error may come.

`FUZZ_FACTOR=20 pytest tests -k fuzz` tries twenty times as many examples.
"""

import json
import math
import os
import pathlib
import pickle
import re
import resource
import subprocess
import sys
import zipfile
from contextlib import contextmanager, suppress

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from landmark_discovery.errors import UserError

FACTOR = int(os.environ.get("FUZZ_FACTOR", "1"))
# What stands where something else belongs.
ODD_VALUES = (
    None,
    True,
    -1,
    0,
    0.5,
    2**62,
    2**63,
    10**30,
    1e308,
    math.nan,
    math.inf,
    "",
    "x",
    "\0",
    "1e400",
    "9" * 5000,
    [],
    {},
    [[[]]],
    [None],
    {"a": {"b": [1]}},
)
ODD_ARRAYS = (
    np.array(5),
    np.array("text"),
    np.zeros(0),
    np.zeros(3),
    np.zeros((3, 2)),
    np.zeros((2, 0, 2)),
    np.full((2, 3, 2), -1),
    np.full((2, 3, 2), np.inf),
    np.full((2, 3, 2), 1e300),
    np.full((2, 3, 2), 7 + 1j),
    np.full((2, 3), True),
    np.full((2, 3, 2), 99),
    np.full(3, 99),
    np.array(["a", "b"]),
    np.array([b"\xff", b"b"]),
    np.full((2, 3, 2), "x"),
    np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
    np.zeros(2, dtype=[("x", "f8"), ("y", "i4")]),
    np.zeros((2, 3, 2), dtype="V5"),
)


def fuzz(examples):
    """Try so many examples, the same ones each time."""
    return settings(
        max_examples=examples * FACTOR,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@contextmanager
def only_user_errors():
    """Let a reader succeed, or end with the project's own error."""
    with suppress(UserError):
        yield


@st.composite
def damaged_bytes(draw, whole):
    """Cut a file, change, remove or repeat some of its bytes, or put others in their place."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data)))
        end = min(len(data), place + draw(st.integers(1, 9)))
        kind = draw(st.sampled_from(("cut", "change", "flip", "remove", "repeat", "insert")))
        if kind == "cut":
            del data[place:]
        elif kind == "flip" and place < len(data):
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "change":
            data[place:end] = draw(st.binary(min_size=end - place, max_size=end - place))
        elif kind == "remove":
            del data[place:end]
        elif kind == "repeat":
            data[place:place] = data[place:end] * draw(st.integers(1, 30))
        else:
            data[place:place] = draw(st.binary(max_size=9))
    return bytes(data)


@st.composite
def damaged_text(draw, whole, pieces, word=r"[^,\n]+"):
    """Put pieces that mean something into a text, mostly in the place of a word, such as a cell of a table."""
    text = whole
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 12))
        words = list(re.finditer(word, text))
        if words and draw(st.integers(0, 3)):
            start, end = draw(st.sampled_from(words)).span()
        text = text[:start] + draw(st.sampled_from(pieces)) + text[end:]
    return text


@st.composite
def damaged_tree(draw, whole, odd=ODD_VALUES):
    """Take a value or key out of nested dicts and lists, add one, or put an odd value in its place."""
    root = {"": _copied(whole)}
    for _ in range(draw(st.integers(1, 2))):
        node, child = root, ""
        while isinstance(node[child], dict | list) and node[child] and draw(st.integers(0, 4)):
            node = node[child]
            child = draw(st.sampled_from(sorted(node, key=str) if isinstance(node, dict) else range(len(node))))
        kind = draw(st.sampled_from(("replace", "replace", "remove", "add")))
        if kind == "remove" and node is not root:
            del node[child]
        elif kind == "add" and isinstance(node[child], dict):
            node[child][draw(st.sampled_from(("x", "", "seed", "name")))] = _copied(draw(st.sampled_from(odd)))
        else:
            node[child] = _copied(draw(st.sampled_from(odd)))
    return root[""]


def damaged_json(whole):
    """Damage a JSON file: its values, or its bytes."""
    trees = damaged_tree(whole).map(lambda tree: json.dumps(tree).encode())
    return trees | trees | damaged_bytes(json.dumps(whole).encode())


def _copied(tree):
    if isinstance(tree, dict):
        return {key: _copied(value) for key, value in tree.items()}
    return [_copied(value) for value in tree] if isinstance(tree, list) else tree


@st.composite
def damaged_arrays(draw, whole):
    """Take a named array out, or put one of another shape or type in its place."""
    arrays = dict(whole)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(whole)))
        if draw(st.integers(0, 4)):
            arrays[name] = draw(st.sampled_from(ODD_ARRAYS))
        else:
            arrays.pop(name, None)
    return arrays


class Trap:
    """Make a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(self.path),)


def trap_pickle(path):
    """Write the pickle of a trap."""
    return pickle.dumps(Trap(path))


def npz_with_trap(path, arrays, name, sprung):
    """Write an .npz in which an array holds an object that makes the file `sprung` when it is unpickled."""
    np.savez(path, **{**arrays, name: np.array([Trap(sprung), None], dtype=object)})


def npz_bomb(path, arrays, name, count):
    """Write an .npz in which an array is `count` zeros of 8 bytes, a hundredth of that on the disk."""
    np.savez_compressed(path, **{other: array for other, array in arrays.items() if other != name})
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({count},), }}".ljust(117) + "\n"
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{name}.npy", "w", force_zip64=True) as member,
    ):
        member.write(b"\x93NUMPY\x01\x00\x76\x00" + header.encode())
        for _ in range(count // 2**17):
            member.write(bytes(2**20))


def run_in_memory(code, limit_bytes):
    """Run Python code in a process of its own that can't have more memory than so much, and give how it ended."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes)),
    )
