"""One HTML file that finds landmarks in a browser: model, runtime and all, with no server and no network."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from landmark_discovery import __version__
from landmark_discovery.data.image_headers import parse_header
from landmark_discovery.data.images import read_image_size
from landmark_discovery.downloads.licences import LICENCES
from landmark_discovery.errors import UserError
from landmark_discovery.export.onnx_graph import OnnxModel
from landmark_discovery.files import read_json, write_text
from landmark_discovery.inference.summary import counted
from landmark_discovery.reporting.colors import landmark_colors, landmark_marker
from landmark_discovery.reporting.html import code, definitions, heading, paragraph

Box = tuple[float, float, float, float]

_RUNTIME = "onnxruntime-web"
_RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
_REMEDY = "make it with `make web-runtime` and give build/web/node_modules/onnxruntime-web/dist"
_SCRIPTS = ("cutting.js", "drawing.js", "network.js", "page.js", "boxes.js", "camera.js", "controls.js")
# What browsers show.
_EXAMPLE_FORMATS = ("JPEG", "PNG", "WebP", "BMP")
# More would make the page heavy.
_EXAMPLE_BYTES = 2**21
_SLOT = re.compile(r"@@([a-z]+)@@")
# The words that the MIT licence asks to be kept with every copy.
_MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice and
this permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED
"AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT
HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


@dataclass(frozen=True)
class Runtime:
    """Hold what runs ONNX in a browser.

    Attributes:
        script: JavaScript of onnxruntime-web, an ES module.
        wasm: its WebAssembly.
        version: of onnxruntime-web.
    """

    script: str
    wasm: bytes
    version: str


@dataclass(frozen=True)
class Example:
    """Hold a picture that the page can show where its user has none at hand.

    Attributes:
        name: of the file.
        content: its bytes.
        box: x_min, y_min, x_max, y_max in its pixels; None: the whole picture.
    """

    name: str
    content: bytes
    box: Box | None


def read_runtime(folder: str | Path) -> Runtime:
    """Read onnxruntime-web from the folder `dist` of its package.

    Raises:
        UserError: the folder or a file of it isn't there, or isn't what it is called.
    """
    script, wasm = (_content(Path(folder) / name) for name in _RUNTIME_FILES)
    facts = read_json(Path(folder).parent / "package.json", kind="package.json", remedy=_REMEDY)
    try:
        text = script.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if facts.get("name") != _RUNTIME or not text or not wasm.startswith(b"\0asm"):
        raise UserError(f"not the files of {_RUNTIME}", where=folder, remedy=_REMEDY)
    # A browser's tools would ask the network for the map.
    text = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)
    return Runtime(text, wasm, str(facts.get("version", "")))


def read_example(path: str | Path, box: Box | None = None) -> Example:
    """Read a picture for the page.

    Args:
        path: of the picture: JPEG, PNG, WebP or BMP, whatever its name.
        box: x_min, y_min, x_max, y_max of the object in its pixels; None: the whole picture.

    Raises:
        UserError: not a readable image of these formats, a file larger than 2 MiB, or a box without area or not
            within the picture.
    """
    size = read_image_size(path)
    content = Path(path).read_bytes()
    image_format = parse_header(content).format
    if image_format not in _EXAMPLE_FORMATS:
        remedy = f"give one of {', '.join(_EXAMPLE_FORMATS)}"
        raise UserError(f"browsers don't show {image_format}", where=path, remedy=remedy)
    if len(content) > _EXAMPLE_BYTES:
        raise UserError(f"{len(content):,} bytes", where=path, remedy=f"give one of at most {_EXAMPLE_BYTES:,}")
    if box is not None:
        _check_box(box, size, path)
    return Example(Path(path).name, content, box)


def _check_box(box: Box, size: tuple[int, int], path: str | Path) -> None:
    x_min, y_min, x_max, y_max = box
    words = f"the box {', '.join(f'{corner:g}' for corner in box)}"
    if not (x_min < x_max and y_min < y_max):
        raise UserError(f"{words} has no area", where=path, remedy="x_max must exceed x_min, and y_max y_min")
    if x_min < 0 or y_min < 0 or x_max > size[0] or y_max > size[1]:
        raise UserError(
            f"{words} isn't within the picture of {size[0]} x {size[1]} pixels",
            where=path,
            remedy="give x_min, y_min, x_max, y_max in pixels of the picture as it is seen",
        )


def export_page(exported: OnnxModel, runtime: Runtime, path: str | Path, example: Example | None = None) -> None:
    """Write the page, whole or not at all; equal inputs give equal bytes.

    Args:
        exported: the ONNX file.
        runtime: that runs it.
        path: of the page.
        example: a picture to show; None: the page offers none.

    Raises:
        UserError: the file can't be written.
    """
    write_text(path, page_text(exported, runtime, example))


def page_text(exported: OnnxModel, runtime: Runtime, example: Example | None = None) -> str:
    """Give the page that `export_page` writes."""
    slots = {
        "title": escape(f"Find {counted(exported.num_landmarks, 'landmark')} in a picture"),
        "style": _template("page.css"),
        "about": _about(exported, runtime),
        "settings": _json(_settings(exported, example)),
        "worker": _template("worker.js"),
        "runtime": _packed(runtime.script.encode("utf-8")),
        "wasm": _packed(runtime.wasm),
        "model": _packed(exported.content),
        "script": "\n".join(_template(name) for name in _SCRIPTS),
    }
    return _SLOT.sub(lambda slot: slots[slot[1]], _template("page.html"))


def _settings(exported: OnnxModel, example: Example | None) -> dict[str, Any]:
    colors = landmark_colors(exported.num_landmarks).tolist()
    return {
        "rule": vars(exported.rule),
        "offsetPx": exported.offset_px,
        "marks": [
            {"color": "#{:02x}{:02x}{:02x}".format(*color), "shape": landmark_marker(landmark)}
            for landmark, color in enumerate(colors)
        ],
        "example": None if example is None else {**vars(example), "content": _base64(example.content)},
    }


def _about(exported: OnnxModel, runtime: Runtime) -> str:
    return "\n".join(
        (
            paragraph(_model_words(exported)),
            heading("Licences"),
            definitions(_licences(exported.about)),
            definitions(
                {
                    f"This page: landmark-discovery {__version__}": "MIT licence.",
                    f"{_RUNTIME} {runtime.version}": "Copyright (c) Microsoft Corporation. MIT licence, below.",
                }
            ),
            code(" ".join(_MIT.split())),
        )
    )


def _model_words(exported: OnnxModel) -> str:
    data = exported.about.get("data", {})
    images, name = data.get("train_images"), data.get("name")
    source = f"{images:,} images of the data set {name}" if isinstance(images, int) and name else "a set of images"
    return (
        f"{counted(exported.num_landmarks, 'landmark')}, discovered without any annotation in {source} by the method "
        "of Mallis, Sanchez, Bell and Tzimiropoulos (TPAMI 2023). The model finds the parts of the kind of object that "
        "it learnt from, one object a picture; on pictures of anything else its landmarks mean nothing."
    )


def _licences(about: Mapping[str, Any]) -> dict[str, str]:
    """Name the licences of data and bootstrap weights that the model depends on."""
    keys = [key for key in about.get("licences", ()) if key in LICENCES]
    if not keys:
        return {"The model": "No licence of data or bootstrap weights that limits its use is known to the run."}
    return {f"The model depends on: {LICENCES[key].title}": f"{LICENCES[key].terms}." for key in keys}


@lru_cache(maxsize=16)
def _template(name: str) -> str:
    return (resources.files("landmark_discovery.export") / "templates" / name).read_text(encoding="utf-8").strip()


def _json(content: Mapping[str, Any]) -> str:
    """Write JSON that can't end the element of the page in which it stands."""
    return json.dumps(content, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")


def _packed(content: bytes) -> str:
    # The time would differ from page to page.
    return _base64(gzip.compress(content, compresslevel=9, mtime=0))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path, remedy=_REMEDY) from error
