"""Pictures inside of a page, as data URIs."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.drawing import Picture

QUALITY = 80


def data_uri(picture: Picture, quality: int = QUALITY) -> str:
    """Write a picture (H, W, 3) as WebP in a data URI; equal pictures give equal texts."""
    content = cv2.imencode(".webp", picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
    return f"data:image/webp;base64,{base64.b64encode(content.tobytes()).decode('ascii')}"


def data_uri_of_file(path: str | Path, width_px: int, quality: int = QUALITY) -> str:
    """Write a picture file as WebP in a data URI.

    Args:
        path: of the file.
        width_px: wider pictures are shrunk to this.
        quality: of the compression, 1 to 100.

    Raises:
        UserError: no such file, or no picture.
    """
    try:
        content = np.frombuffer(Path(path).read_bytes(), dtype=np.uint8)
        decoded = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path, remedy="make it anew") from error
    if decoded is None:
        raise UserError("not a picture", where=path, remedy="make it anew")
    height, width = decoded.shape[:2]
    if width > width_px:
        size = (width_px, round(height * width_px / width))
        decoded = cv2.resize(decoded, size, interpolation=cv2.INTER_AREA)
    return data_uri(np.asarray(decoded[..., ::-1], dtype=np.uint8), quality)
