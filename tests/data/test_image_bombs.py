"""Images of a few bytes that would fill the memory: refused by name, or left out, before they are decoded."""

import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from mutations import run_in_memory

from landmark_discovery.data.image_headers import HeaderError, parse_header
from landmark_discovery.data.images import MAX_IMAGE_BYTES, read_image
from landmark_discovery.errors import UserError

SIZES = (100_000, 20_000)
LIMIT = "at most 108,000,000 are read"


def png(side):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    rows = zlib.compress(bytes(2**20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg(side):
    """Say a side in a JPEG of 8 x 8 pixels, which has 16 bits for it."""
    whole = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    frame = whole.index(b"\xff\xc0") + 5
    return whole[:frame] + struct.pack(">HH", min(side, 65_535), min(side, 65_535)) + whole[frame + 4 :]


def bmp(side):
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header + bytes(100)


def webp(side):
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + 2 * (side - 1).to_bytes(3, "little")
    whole = cv2.imencode(".webp", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    return b"RIFF" + struct.pack("<I", 4 + len(canvas) + len(whole) - 12) + b"WEBP" + canvas + whole[12:]


def gif(side):
    side = min(side, 65_535)
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6) + b"\x2c" + bytes(9) + b"\x02\0;"


def tiff(*sizes):
    """Write a grey TIFF with tags of sizes as (tag, kind, value), which may stand there twice."""
    rows = bytes([129, 0]) * 2**13
    strip = [(258, 3, 8), (259, 3, 32_773), (262, 3, 1), (273, 4, 0), (277, 3, 1), (278, 4, 2**20), (279, 4, len(rows))]
    count = len(sizes) + len(strip)
    places = {273: 8 + 2 + 12 * count + 4}
    tags = b"".join(struct.pack("<HHII", tag, kind, 1, places.get(tag, value)) for tag, kind, value in (*sizes, *strip))
    return b"II*\0" + struct.pack("<IH", 8, count) + tags + bytes(4) + rows


def tiff_of(side):
    return tiff((256, 4, side), (257, 4, side))


MAKERS = {"bmp": bmp, "jpg": jpeg, "png": png, "tif": tiff_of, "webp": webp}


@pytest.mark.parametrize("side", SIZES)
@pytest.mark.parametrize("ending", MAKERS)
def test_an_image_that_says_it_is_huge_is_refused_with_the_limit(tmp_path, ending, side):
    path = tmp_path / f"bomb.{ending}"
    path.write_bytes(MAKERS[ending](side))
    said = min(side, 65_535) if ending == "jpg" else side
    assert path.stat().st_size < 20_000
    with pytest.raises(UserError, match=rf"bomb\.{ending}: {said} x {said} pixels; {LIMIT}"):
        read_image(path)


def test_a_gif_is_refused_whatever_its_name_and_size(tmp_path):
    (tmp_path / "bomb.png").write_bytes(gif(100_000))
    with pytest.raises(UserError, match="not a JPEG, PNG, BMP, WebP or TIFF image"):
        read_image(tmp_path / "bomb.png")


PREPARE = """
import sys
from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.data.prepare import prepare_store
settings = DatasetSettings(kind="folder", path=sys.argv[1], on_bad_image=sys.argv[3])
print(prepare_store(sys.argv[1], settings, sys.argv[2], threads=2).facts["dropped"])
"""


def prepared(folder, output, on_bad_image):
    arguments = ["", str(folder), str(output), on_bad_image]
    return run_in_memory(f"import sys; sys.argv = {arguments!r}\n{PREPARE}", 3 * 2**28)


def test_a_folder_with_bombs_is_prepared_without_them_in_little_memory(make_folder, tmp_path):
    folder = make_folder()
    bombs = {f"bomb{side}.{ending}": make(side) for ending, make in MAKERS.items() for side in SIZES}
    for name, content in {**bombs, "gif.png": gif(20_000)}.items():
        (folder / name).write_bytes(content)
    ended = prepared(folder, tmp_path / "store", "skip")
    assert ended.returncode == 0, ended.stderr
    assert "11 of 14 images left out" in ended.stderr
    assert all(f"{name}" in ended.stdout for name in (*bombs, "gif.png"))
    assert ended.stdout.count(LIMIT) == len(bombs)


def test_a_folder_with_a_bomb_is_refused_in_little_memory(make_folder, tmp_path):
    folder = make_folder()
    (folder / "z.png").write_bytes(png(100_000))
    ended = prepared(folder, tmp_path / "store", "stop")
    assert f"z.png: 100000 x 100000 pixels; {LIMIT}; replace or remove the file" in ended.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("kind", [3, 4, 9])
def test_of_a_size_that_a_tiff_says_twice_the_one_counts_that_decoders_take(kind):
    sizes = ((256, kind, 30_000), (256, 3, 100), (257, kind, 30_000), (257, 3, 100))
    if kind == 9:
        with pytest.raises(HeaderError, match="the TIFF gives no size"):
            parse_header(tiff(*sizes))
    else:
        assert parse_header(tiff(*sizes)).width == 30_000
    small = tiff((256, 3, 100), (256, kind, 200), (257, 3, 100), (257, kind, 200))
    decoded = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.shape[1] == parse_header(small).width == 100


def test_a_file_larger_than_any_image_is_not_read(tmp_path):
    path = tmp_path / "sparse.png"
    path.write_bytes(png(4))
    os.truncate(path, MAX_IMAGE_BYTES + 1)
    with pytest.raises(UserError, match=r"sparse\.png: 1,728,000,001 bytes; at most 1,728,000,000 are read"):
        read_image(path)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_and_a_device_are_not_waited_for(tmp_path, kind):
    path = tmp_path / "endless.png"
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"endless\.png: not a file but a pipe or device"):
        read_image(path)
