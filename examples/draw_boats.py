"""Draw a folder of sailing boats: images of an object that the package knows nothing about.

    python examples/draw_boats.py resources/boats
    snakemake --cores 2 --configfile config/boats.yaml

Boats differ in pose (place, size, heel, bow to the left or right), proportions and colours, and so does the scene.
The folder holds images and nothing else: no boxes, no points, no split. With `--with-landmarks` it also gets a
landmarks.csv of eight true points, for the evaluation; training never reads them.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

POINTS = ("bow", "stern", "waterline_bow", "waterline_stern", "mast_foot", "mast_top", "boom_end", "jib_top")
# Drawn larger and shrunk, and with whole parts of a pixel, so that edges are smooth.
OVERSAMPLING = 3
SUBPIXEL_BITS = 4

Image = NDArray[np.uint8]
Color = tuple[int, ...]


@dataclass(frozen=True)
class Canvas:
    """Draw shapes of boat coordinates (x to the bow, y up, hull length 1) into an image.

    Attributes:
        image: (S, S, 3) BGR, changed by drawing.
        matrix: (2, 3), from boat coordinates to pixels.
    """

    image: Image
    matrix: NDArray[np.float64]

    def to_pixels(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points (..., 2) to pixels, whole numbers at pixel centres."""
        return np.asarray(points) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def polygon(self, points: ArrayLike, color: Color) -> None:
        """Fill a polygon (n, 2) and draw its dark outline."""
        outline = _fixed(self.to_pixels(points))
        cv2.fillPoly(self.image, [outline], color, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.polylines(self.image, [outline], True, _darker(color, 0.55), 2, cv2.LINE_AA, SUBPIXEL_BITS)

    def line(self, points: ArrayLike, color: Color, width: float) -> None:
        """Draw an open line through points (n, 2), its width in boat lengths."""
        thickness = max(1, round(width * float(np.linalg.norm(self.matrix[:, 1]))))
        cv2.polylines(self.image, [_fixed(self.to_pixels(points))], False, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)

    def disc(self, centre: ArrayLike, radius: float, color: Color) -> None:
        """Fill a circle and draw its dark outline."""
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        self.polygon(np.asarray(centre) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), color)


def draw_boat(rng: np.random.Generator, size_px: int) -> tuple[Image, NDArray[np.float64]]:
    """Draw one boat.

    Returns:
        The image (size_px, size_px, 3) BGR, and its true points (8, 2) in pixels, in the order of `POINTS`.
    """
    large = size_px * OVERSAMPLING
    canvas = Canvas(_background(rng, large), _pose(rng, large))
    points = canvas.to_pixels(_draw_parts(rng, canvas))
    _waves_before(rng, canvas)
    small = cv2.resize(canvas.image, (size_px, size_px), interpolation=cv2.INTER_AREA)
    noisy = small + rng.normal(0, rng.uniform(1, 6), small.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), (points + 0.5) / OVERSAMPLING - 0.5


def write_boats(folder: Path, count: int, seed: int, size_px: int, with_landmarks: bool) -> None:
    """Write boat_0000.jpg and so on, and landmarks.csv where asked for; the same seed gives the same images."""
    folder.mkdir(parents=True, exist_ok=True)
    header = ["image", *(f"{axis}{index}" for index in range(len(POINTS)) for axis in "xy")]
    rows = []
    for index in range(count):
        image, points = draw_boat(np.random.default_rng([seed, index]), size_px)
        name = f"boat_{index:04d}.jpg"
        cv2.imwrite(str(folder / name), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        rows.append([name, *(f"{value:.2f}" for value in points.ravel())])
    if with_landmarks:
        with (folder / "landmarks.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])


def _draw_parts(rng: np.random.Generator, canvas: Canvas) -> NDArray[np.float64]:
    """Draw a boat of random proportions and give its true points in boat coordinates."""
    bow, stern = (0.5, rng.uniform(0.15, 0.22)), (-0.5, rng.uniform(0.12, 0.17))
    waterline_bow, waterline_stern = (rng.uniform(0.32, 0.4), -0.05), (rng.uniform(-0.46, -0.38), -0.05)
    mast_x, boom_y = rng.uniform(0.0, 0.1), rng.uniform(0.27, 0.32)
    mast_foot, mast_top = (mast_x, 0.13), (mast_x, rng.uniform(1.0, 1.25))
    boom_end = (mast_x - rng.uniform(0.4, 0.5), boom_y)
    jib_top = (mast_x + 0.01, mast_top[1] * rng.uniform(0.78, 0.88))
    hull, sail, jib, trim = _color(rng, 30, 150), _color(rng, 190, 255), _color(rng, 150, 255), _color(rng, 20, 240)

    cabin, left, right = _color(rng, 120, 220), mast_x - 0.3, mast_x + 0.16
    canvas.polygon([(left, 0.1), (left + 0.02, 0.21), (right - 0.07, 0.21), (right, 0.1)], cabin)
    canvas.polygon([(left + 0.06, 0.14), (left + 0.06, 0.19), (left + 0.2, 0.19), (left + 0.2, 0.14)], (70, 50, 40))
    canvas.line([mast_foot, mast_top], (40, 60, 90), 0.022)
    canvas.line([mast_top, stern], (60, 60, 60), 0.005)
    leech = (boom_end[0] * 0.45 + mast_x * 0.55 - 0.05, boom_y + 0.5 * (mast_top[1] - boom_y))
    head = (mast_x - 0.015, mast_top[1] - 0.05)
    canvas.polygon([head, (mast_x - 0.015, boom_y), boom_end, leech], sail)
    canvas.disc((mast_x - 0.13, boom_y + 0.27), 0.065, trim)
    canvas.polygon([jib_top, (bow[0] - 0.02, bow[1] + 0.02), (mast_x + 0.06, boom_y - 0.03)], jib)
    canvas.line([(mast_x, boom_y), boom_end], (40, 60, 90), 0.022)
    tip = (mast_x - 0.16, mast_top[1] + rng.uniform(-0.05, 0.01))
    canvas.polygon([(mast_x, mast_top[1] + 0.02), tip, (mast_x, mast_top[1] - 0.05)], trim)
    canvas.polygon([stern, (0.0, 0.11), bow, waterline_bow, waterline_stern], hull)
    canvas.line([(-0.47, 0.09), (0.0, 0.07), (0.46, 0.11)], trim, 0.02)
    for x in (-0.28, -0.1, 0.08):
        canvas.disc((x, 0.025), 0.028, (225, 235, 240))
    return np.array([bow, stern, waterline_bow, waterline_stern, mast_foot, mast_top, boom_end, jib_top])


def _pose(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Place a boat somewhere on the sea, heeled, with its bow to the right or to the left; (2, 3)."""
    scale, heel = size * rng.uniform(0.46, 0.64), np.radians(rng.uniform(-14, 14))
    turn = np.array([[np.cos(heel), np.sin(heel)], [np.sin(heel), -np.cos(heel)]])
    turn[:, 0] *= rng.choice([-1, 1])
    place = size * rng.uniform(0.42, 0.58), rng.uniform(1.28 * scale, 0.9 * size)
    return np.concatenate([scale * turn, np.array(place)[:, None]], axis=1)


def _background(rng: np.random.Generator, size: int) -> Image:
    """Draw sky and sea, with haze between them anywhere behind the sails, and clouds, islands, gulls and buoys."""
    horizon, haze = size * rng.uniform(0.25, 0.7), size * rng.uniform(0.05, 0.2)
    row = np.arange(size)[:, None, None]
    share = np.clip((row - horizon) / haze + 0.5, 0, 1)
    mixed = (1 - share) * _color(rng, 140, 255) + share * _color(rng, 40, 170) - row * rng.uniform(0, 40) / size
    image = np.ascontiguousarray(np.broadcast_to(mixed, (size, size, 3)).clip(0, 255), dtype=np.uint8)
    for _ in range(rng.integers(0, 4)):
        centre, width = rng.uniform(0, (size, horizon)), size * rng.uniform(0.05, 0.2)
        cv2.ellipse(image, _whole(centre), _whole((width, width / 3)), 0, 0, 360, _color(rng, 200, 255), -1)
    for _ in range(rng.integers(0, 3)):
        foot, width = (rng.uniform(0, size), horizon), size * rng.uniform(0.05, 0.3)
        axes = _whole((width, width * rng.uniform(0.2, 0.5)))
        cv2.ellipse(image, _whole(foot), axes, 0, 180, 360, _color(rng, 60, 170), -1, cv2.LINE_AA)
    _clutter(rng, image, horizon)
    return image


def _clutter(rng: np.random.Generator, image: Image, horizon: float) -> None:
    size = len(image)
    for _ in range(30):
        x, y, width = rng.uniform(0, size), rng.uniform(horizon, size), size * rng.uniform(0.02, 0.12)
        shade = _darker(tuple(image[int(y), int(x)].tolist()), rng.uniform(0.8, 1.25))
        cv2.ellipse(image, _whole((x, y)), _whole((width, width / 8)), 0, 180, 360, shade, 2, cv2.LINE_AA)
    for _ in range(rng.integers(0, 5)):
        x, y, width = rng.uniform(0, size), rng.uniform(0, horizon), size * rng.uniform(0.01, 0.03)
        for side in (-1, 1):
            cv2.ellipse(image, _whole((x + side * width, y)), _whole((width, width)), 0, 180, 360, (70, 70, 70), 2)
    for _ in range(rng.integers(0, 4)):
        x, y, radius = rng.uniform(0, size), rng.uniform(horizon, size), size * rng.uniform(0.01, 0.03)
        cv2.circle(image, _whole((x, y)), round(radius), _color(rng, 0, 255), -1, cv2.LINE_AA)


def _waves_before(rng: np.random.Generator, canvas: Canvas) -> None:
    """Let some waves lap over the waterline."""
    foam, across = _color(rng, 140, 235), np.linspace(-0.07, 0.07, 9)
    for x in rng.uniform(-0.5, 0.5, 7):
        crest = -0.055 + 0.012 * np.cos(across / 0.07 * np.pi)
        canvas.line(np.stack([x + across, crest], axis=1), foam, 0.012)


def _color(rng: np.random.Generator, low: int, high: int) -> Color:
    return tuple(int(value) for value in rng.integers(low, high + 1, 3))


def _darker(color: Color, factor: float) -> Color:
    return tuple(min(255, round(factor * value)) for value in color)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    scaled: NDArray[np.int32] = np.rint(points * 2**SUBPIXEL_BITS).astype(np.int32)
    return scaled


def _whole(values: ArrayLike) -> tuple[int, int]:
    first, second = np.rint(np.asarray(values)).astype(int).tolist()
    return first, second


def main() -> None:
    """Read the command line and write the folder."""
    parser = argparse.ArgumentParser(description="Draw a folder of sailing boats.")
    parser.add_argument("folder", type=Path, help="folder to write")
    parser.add_argument("--count", type=int, default=400, help="number of images (400)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the drawing (0)")
    parser.add_argument("--size-px", type=int, default=160, help="width and height of an image (160)")
    parser.add_argument("--with-landmarks", action="store_true", help="also write landmarks.csv, eight true points")
    given = parser.parse_args()
    write_boats(given.folder, given.count, given.seed, given.size_px, given.with_landmarks)


if __name__ == "__main__":
    main()
