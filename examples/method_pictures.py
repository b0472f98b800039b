"""Make the pictures of docs/method.md from a finished run: `python examples/method_pictures.py results/demo FOLDER`.

What the steps of the workflow drew into the folder of the run is cut to a few images, the same ones at each step; the
curves and the figures of the rounds are plotted anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file
from landmark_discovery.reporting.curves import plot_curves
from landmark_discovery.reporting.drawing import Picture, stack, tile
from landmark_discovery.reporting.grids import TILE_PX, title_line
from landmark_discovery.reporting.training_plots import plot_stage1

# Grids have six images in a row, with a gap around each (reporting.drawing.tile).
COLUMNS = 6
GAP_PX = 6
# Faces to all sides, with and without glasses and beards.
SHOWN = (1, 5, 6, 8, 9, 11)
JPEG_QUALITY = 82


def make_pictures(run: Path, folder: Path) -> list[Path]:
    """Write the pictures.

    Args:
        run: folder of a finished experiment, such as results/demo.
        folder: gets them.

    Returns:
        The files.

    Raises:
        UserError: a picture of the run is missing, or the folder can't be written.
    """
    rounds = sorted((run / "stage1" / "rounds").glob("round_*.png"))
    if not rounds:
        raise UserError("holds no pictures of rounds", where=run, remedy="give the folder of a finished run")
    pictures = {
        "bootstrap.jpg": chosen_images(_read(run / "pictures" / "bootstrap.png")),
        "rounds.jpg": _first_and_last(rounds),
        "clusters.jpg": _read(run / "pictures" / "stage1" / "galleries.png"),
        "landmarks.jpg": chosen_images(_read(run / "pictures" / "stage2" / "landmarks.png")),
    }
    for name, picture in pictures.items():
        _write_jpeg(folder / name, picture)
    plots = [folder / "forward_curve.svg", folder / "stage1_rounds.svg"]
    plot_curves({f"Stage {stage}": run / "evaluation" / f"stage{stage}" for stage in (1, 2)}, "forward", plots[:1])
    plot_stage1(run / "stage1" / "training_log.csv", run / "stage1" / "rounds.csv", [[], plots[1:]])
    return [*(folder / name for name in pictures), *plots]


def chosen_images(grid: Picture, positions: Sequence[int] = SHOWN, columns: int = 3) -> Picture:
    """Lay some images of a grid of the report out anew.

    Args:
        grid: as `landmark_grid` and `keypoint_grid` draw it, without a title above.
        positions: of the images, row by row from 0.
        columns: of the result.
    """
    corners = (divmod(position, COLUMNS) for position in positions)
    places = [(GAP_PX + row * (TILE_PX + GAP_PX), GAP_PX + column * (TILE_PX + GAP_PX)) for row, column in corners]
    return tile([grid[top : top + TILE_PX, left : left + TILE_PX] for top, left in places], columns, GAP_PX)


def _first_and_last(rounds: Sequence[Path]) -> Picture:
    first, last = (chosen_images(_read(path)) for path in (rounds[0], rounds[-1]))
    width = first.shape[1]
    last_title = f"The last of {len(rounds)} rounds"
    return stack([title_line("The first round, after the warm-up", width), first, title_line(last_title, width), last])


def _read(path: Path) -> Picture:
    image = cv2.imread(str(path))
    if image is None:
        raise UserError("no such picture", where=path, remedy="give the folder of a finished run")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _write_jpeg(path: Path, picture: Picture) -> None:
    image = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    with atomic_file(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def main() -> None:
    """Read the command line and write the pictures."""
    parser = argparse.ArgumentParser(description="Make the pictures of docs/method.md from a finished run.")
    parser.add_argument("run", type=Path, help="folder of a finished experiment, such as results/demo")
    parser.add_argument("folder", type=Path, help="folder to write, such as docs/pictures/method")
    given = parser.parse_args()
    try:
        for path in make_pictures(given.run, given.folder):
            print(path)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
