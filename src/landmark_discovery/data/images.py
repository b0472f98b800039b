"""Reading image files of any common kind as 8-bit RGB, whole or not at all."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.image_headers import HeaderError, ImageHeader, parse_header
from landmark_discovery.errors import UserError

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# Nine times a photograph of 12 megapixels; decoded, 0.3 GB as 8-bit RGB and 0.8 GB as 16-bit RGBA.
MAX_IMAGE_PIXELS = 108_000_000
# That as 16-bit RGBA without compression, and as much again for what else a file may hold.
MAX_IMAGE_BYTES = 16 * MAX_IMAGE_PIXELS
# OpenCV 5 moved these functions; 0 is silence in both.
_decoder_log: Any = cv2.utils.logging if hasattr(cv2.utils, "logging") else cv2
_SILENT = 0
_REMEDY = "replace or remove the file, or set `dataset.on_bad_image: skip`"


def is_image_name(path: str | Path) -> bool:
    """Tell whether a file name ends like an image's (`SUFFIXES`, in either case)."""
    return Path(path).suffix.lower() in SUFFIXES


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Read an image as RGB (H, W, 3), turned as its EXIF orientation says.

    Grey becomes three equal channels, 16 bits are scaled to 8, transparent parts become black, and of several pages
    or frames the first is taken. A file that breaks off is refused; bytes changed in its middle are found only where
    the decoder notices them.

    Raises:
        UserError: no readable file, not an image, broken, or more than `MAX_IMAGE_PIXELS` or `MAX_IMAGE_BYTES`.
    """
    data = _file_content(path)
    header = _checked_header(path, data)
    # BMP has no agreed meaning for a fourth channel: many files leave it zero.
    flags = cv2.IMREAD_COLOR if header.format == "BMP" else cv2.IMREAD_UNCHANGED
    try:
        decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise _broken(path, f"the {header.format} can't be decoded ({error.err})") from error
    if decoded is None:
        raise _broken(path, f"the {header.format} can't be decoded: it is broken or of an unsupported kind")
    image = _turned(_as_rgb8(path, np.asarray(decoded)), header.orientation)
    if image.shape[:2] != (header.height, header.width):
        raise _broken(path, f"its header says {header.width} x {header.height} pixels, its content isn't that")
    return image


def read_image_size(path: str | Path) -> tuple[int, int]:
    """Read (width, height) in pixels of an image as `read_image` would give it, without decoding it.

    Raises:
        UserError: no readable file, not an image, visibly broken, or more than `MAX_IMAGE_PIXELS` or
            `MAX_IMAGE_BYTES`.
    """
    header = _checked_header(path, _file_content(path))
    return header.width, header.height


@contextmanager
def quiet_decoder() -> Iterator[None]:
    """Keep OpenCV's own messages about broken images off stderr, where ours says it in one line."""
    level = _decoder_log.getLogLevel()
    _decoder_log.setLogLevel(_SILENT)
    try:
        yield
    finally:
        _decoder_log.setLogLevel(level)


def _file_content(path: str | Path) -> bytes:
    try:
        found = Path(path).stat()
        # A pipe would be waited for, and a device may never end.
        if stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode) or stat.S_ISSOCK(found.st_mode):
            raise _broken(path, "not a file but a pipe or device")
        if found.st_size > MAX_IMAGE_BYTES:
            raise _broken(path, f"{found.st_size:,} bytes; at most {MAX_IMAGE_BYTES:,} are read")
        return Path(path).read_bytes()
    except OSError as error:
        raise _broken(path, f"can't be read ({error.strerror})") from error


def _checked_header(path: str | Path, data: bytes) -> ImageHeader:
    try:
        header = parse_header(data)
    except HeaderError as error:
        raise _broken(path, str(error)) from error
    if header.width * header.height > MAX_IMAGE_PIXELS:
        raise _broken(path, f"{header.width} x {header.height} pixels; at most {MAX_IMAGE_PIXELS:,} are read")
    return header


def _as_rgb8(path: str | Path, decoded: NDArray[np.integer[Any] | np.floating[Any]]) -> NDArray[np.uint8]:
    if decoded.dtype == np.uint16:
        # 65535 / 257 = 255: full white stays full white.
        decoded = cv2.convertScaleAbs(decoded, alpha=1 / 257)
    channels = 1 if decoded.ndim == 2 else decoded.shape[2]
    if decoded.dtype != np.uint8 or channels not in (1, 3, 4):
        raise _broken(path, f"{channels} channels of type {decoded.dtype}, which isn't 8- or 16-bit grey, RGB or RGBA")
    pixels: NDArray[np.uint8] = np.ascontiguousarray(decoded, dtype=np.uint8)
    if channels == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    if channels == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    opaque = cv2.cvtColor(pixels[..., 3], cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.multiply(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), opaque, scale=1 / 255), dtype=np.uint8)


def _turned(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _broken(path: str | Path, what: str) -> UserError:
    return UserError(what, where=path, remedy=_REMEDY)
