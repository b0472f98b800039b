"""The commands that take a trained detector to other programs and to a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import OutputFile, Store
from landmark_discovery.errors import UserError

ModelFile = Annotated[Path, typer.Option("--model", help="Model file, made by `landmarks package-model`.")]
OnnxFile = Annotated[Path, typer.Option("--onnx", help="ONNX file, made by `landmarks export-onnx`.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(export_onnx)
    app.command()(check_onnx)
    app.command()(export_page)


def export_onnx(model: ModelFile, output: OutputFile) -> None:
    """Write a model as ONNX, from stored images to landmarks, decoding included (docs/export.md)."""
    from landmark_discovery.export.onnx_graph import export_onnx as exported
    from landmark_discovery.inference.package import load_model

    exported(load_model(model), output)


def check_onnx(onnx: OnnxFile, model: ModelFile, store: Store, output: OutputFile) -> None:
    """Measure how far ONNX is from the pipeline's predictions of the test images; over 0.1 px is an error."""
    from landmark_discovery.data.store import read_store
    from landmark_discovery.export.onnx_check import LIMIT_PX, write_check
    from landmark_discovery.export.onnx_check import check_onnx as checked
    from landmark_discovery.export.onnx_graph import read_onnx
    from landmark_discovery.inference.package import load_model

    check = checked(read_onnx(onnx), load_model(model), read_store(store))
    # Written either way: it names the images that differ.
    write_check(output, check)
    if not check.within_limit:
        worst = check.facts()["farthest_beyond_limit"][0]
        place = f"landmark {worst['landmark']} of {worst['image']!r} most"
        raise UserError(f"{check}; {place}", where=onnx, remedy=f"at most {LIMIT_PX:g} px are allowed; see {output}")
    print(check)


def export_page(
    onnx: OnnxFile,
    runtime: Annotated[Path, typer.Option(help="Folder `dist` of onnxruntime-web, fetched by `make web-runtime`.")],
    output: OutputFile,
    example: Annotated[Path | None, typer.Option(help="A picture that the page offers as an example.")] = None,
    example_box: Annotated[
        str | None, typer.Option(help="Box around the object in it.", metavar="X_MIN,Y_MIN,X_MAX,Y_MAX")
    ] = None,
) -> None:
    """Write one HTML file that finds landmarks in a browser, without a server or a network."""
    if example is None and example_box is not None:
        raise UserError("a box without a picture", where="--example-box", remedy="give --example too")
    from landmark_discovery.export.onnx_graph import read_onnx
    from landmark_discovery.export.web_page import export_page as exported
    from landmark_discovery.export.web_page import read_example, read_runtime

    picture = None if example is None else read_example(example, None if example_box is None else _box(example_box))
    exported(read_onnx(onnx), read_runtime(runtime), output, picture)


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        x_min, y_min, x_max, y_max = (float(part) for part in text.split(","))
    except ValueError:
        x_min = y_min = x_max = y_max = 0.0
    if not (0 <= x_min < x_max < float("inf") and 0 <= y_min < y_max < float("inf")):
        raise UserError(
            f"{text!r} is no box", where="--example-box", remedy="give x_min,y_min,x_max,y_max in pixels of the picture"
        )
    return x_min, y_min, x_max, y_max
