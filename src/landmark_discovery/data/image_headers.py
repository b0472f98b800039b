"""What an image file says about itself before it is decoded: format, size, orientation, and whether it is whole.

OpenCV decodes whatever it recognises, fills a JPEG that breaks off with grey (up to version 4), and applies the
orientation only together with losses (no alpha, 8 bits). Reading the headers here makes all that explicit, lets a data
set be measured without decoding it, and stops an image that would fill the memory before it does.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# 0xFF, then neither a stuffed zero nor a restart marker: where the compressed data of a JPEG ends.
_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_JPEG_START, _JPEG_END, _JPEG_TEMPORARY, _JPEG_APP1 = 0xD8, 0xD9, 0x01, 0xE1
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BREAKS_OFF = "the file breaks off before the end of the image"
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_ORIENTATION = 256, 257, 274


class HeaderError(ValueError):
    """Say why a file isn't an image, or not a whole one."""


@dataclass(frozen=True)
class ImageHeader:
    """Describe an image file.

    Attributes:
        format: JPEG, PNG, BMP, WebP or TIFF.
        width: pixels, of the image as it is to be seen.
        height: likewise.
        orientation: what remains to be done to the decoded pixels, as in EXIF, 1 to 8; 1: nothing.
    """

    format: str
    width: int
    height: int
    orientation: int = 1


def parse_header(data: bytes) -> ImageHeader:
    """Read format, size and orientation of an image file, by its content and not by its name.

    Raises:
        HeaderError: not an image of a supported format, or one that breaks off.
    """
    if not data:
        raise HeaderError("the file is empty")
    parse = next((parser for start, parser in _PARSERS if data.startswith(start)), None)
    if parse is None:
        raise HeaderError("not a JPEG, PNG, BMP, WebP or TIFF image")
    try:
        header = parse(data)
    except (struct.error, IndexError) as error:
        raise HeaderError("the file breaks off in its header") from error
    if header.width < 1 or header.height < 1:
        raise HeaderError(f"the header gives a size of {header.width} x {header.height}")
    return header


def _jpeg(data: bytes) -> ImageHeader:
    size: tuple[int, int] | None = None
    orientation = 1
    for marker, content in _jpeg_segments(data):
        if marker in _JPEG_FRAMES and size is None:
            height, width = struct.unpack_from(">HH", content, 1)
            size = (width, height)
        elif marker == _JPEG_APP1 and content.startswith(b"Exif\0\0"):
            orientation = _orientation(content[6:])
    if size is None:
        raise HeaderError("the JPEG holds no picture")
    return _oriented("JPEG", *size, orientation)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 2
    while True:
        match = _JPEG_MARKER.search(data, position)
        if match is None:
            raise HeaderError(_BREAKS_OFF)
        marker, position = match.group()[-1], match.end()
        if marker == _JPEG_END:
            return
        if marker in (_JPEG_START, _JPEG_TEMPORARY):
            continue
        (length,) = struct.unpack_from(">H", data, position)
        yield marker, data[position + 2 : position + length]
        position += length


def _png(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from(">II", data, 16)
    orientation, position, kind = 1, 8, b""
    while kind != b"IEND":
        if position + 8 > len(data):
            raise HeaderError(_BREAKS_OFF)
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"eXIf":
            orientation = _orientation(data[position + 8 : position + 8 + length])
        position += length + 12
    if position > len(data):
        raise HeaderError(_BREAKS_OFF)
    return _oriented("PNG", width, height, orientation)


def _bmp(data: bytes) -> ImageHeader:
    (header_size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", data, 18)
    # A negative height says that the rows run from top to bottom.
    return ImageHeader("BMP", width, abs(height))


def _webp(data: bytes) -> ImageHeader:
    if data[8:12] != b"WEBP":
        raise HeaderError("not a JPEG, PNG, BMP, WebP or TIFF image")
    end = struct.unpack_from("<I", data, 4)[0] + 8
    if end > len(data):
        raise HeaderError(_BREAKS_OFF)
    size, orientation, position = (0, 0), 1, 12
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        content = data[position + 8 : position + 8 + length]
        if kind in (b"VP8X", b"VP8L", b"VP8 ") and size == (0, 0):
            size = _webp_size(kind, content)
        elif kind == b"EXIF":
            orientation = _orientation(content.removeprefix(b"Exif\0\0"))
        position += 8 + length + length % 2
    return _oriented("WebP", *size, orientation)


def _webp_size(kind: bytes, content: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", content, 6)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(data: bytes) -> ImageHeader:
    tags = _tiff_tags(data)
    if _TIFF_WIDTH not in tags or _TIFF_HEIGHT not in tags:
        raise HeaderError("the TIFF gives no size")
    header = _oriented("TIFF", tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT], _valid_orientation(tags))
    # OpenCV turns a TIFF by itself, whatever flags it is given.
    return ImageHeader("TIFF", header.width, header.height)


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Read the whole-number tags of the first directory; of a tag that stands twice decoders take the first."""
    order = "<" if data[:2] == b"II" else ">"
    (offset,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, offset)
    tags: dict[int, int] = {}
    seen: set[int] = set()
    for position in range(offset + 2, offset + 2 + 12 * count, 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHI4s", data, position)
        first = tag not in seen
        seen.add(tag)
        if first and kind in (3, 4):  # 16 and 32 bits; the shorter ones stand at the front of the field
            (tags[tag],) = struct.unpack_from(f"{order}H" if kind == 3 else f"{order}I", value)
    return tags


def _orientation(exif: bytes) -> int:
    """Read the orientation of an EXIF block, which has the form of a TIFF; a damaged block says nothing."""
    try:
        return _valid_orientation(_tiff_tags(exif))
    except struct.error:
        return 1


def _valid_orientation(tags: dict[int, int]) -> int:
    orientation = tags.get(_TIFF_ORIENTATION, 1)
    return orientation if 1 <= orientation <= 8 else 1


def _oriented(image_format: str, width: int, height: int, orientation: int) -> ImageHeader:
    # From 5 on, rows become columns.
    if orientation >= 5:
        width, height = height, width
    return ImageHeader(image_format, width, height, orientation)


_PARSERS = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"BM", _bmp),
    (b"RIFF", _webp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
