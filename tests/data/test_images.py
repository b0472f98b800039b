import contextlib
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landmark_discovery.data import images
from landmark_discovery.data.images import is_image_name, quiet_decoder, read_image, read_image_size
from landmark_discovery.errors import UserError

# Red, black, green over blue, black, black; lossless formats give it back as it is.
TURNABLE = np.zeros((2, 3, 3), dtype=np.uint8)
TURNABLE[0, 0], TURNABLE[0, 2], TURNABLE[1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
AS_SEEN = {
    1: ["R.G", "B.."],
    2: ["G.R", "..B"],
    3: ["..B", "G.R"],
    4: ["B..", "R.G"],
    5: ["RB", "..", "G."],
    6: ["BR", "..", ".G"],
    7: [".G", "..", "BR"],
    8: ["G.", "..", "RB"],
}


def in_letters(image):
    return ["".join("RGB"[pixel.argmax()] if pixel.any() else "." for pixel in row) for row in image]


def encode(suffix, image, *options):
    bgr = image[..., [2, 1, 0, 3][: image.shape[2]]] if image.ndim == 3 else image
    return cv2.imencode(suffix, np.ascontiguousarray(bgr), options)[1].tobytes()


def exif(orientation):
    return b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 274, 3, 1, orientation, 0, 0)


def png_chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, colour_type, raw, *chunks):
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", zlib.compress(raw)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def jpeg_with(segment, image):
    data = encode(".jpg", image)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def webp_with_exif(image, orientation):
    lossless = encode(".webp", image, cv2.IMWRITE_WEBP_QUALITY, 101)[12:]
    height, width = image.shape[:2]
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    block = exif(orientation)
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes([8, 0, 0, 0]) + sizes + lossless
    body += b"EXIF" + struct.pack("<I", len(block)) + block + bytes(len(block) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(image, orientation):
    height, width, channels = image.shape
    entries = [(256, width), (257, height), (258, 8), (259, 1), (262, 2), (273, 0), (274, orientation)]
    entries += [(277, channels), (278, height), (279, image.size)]
    after = 8 + 2 + 12 * len(entries) + 4
    data = b"II*\0" + struct.pack("<IH", 8, len(entries))
    for tag, value in entries:
        if tag == 258:
            data += struct.pack("<HHII", tag, 3, 3, after)
        else:
            data += struct.pack("<HHIHH", tag, 3, 1, after + 6 if tag == 273 else value, 0)
    return data + bytes(4) + struct.pack("<HHH", 8, 8, 8) + image.tobytes()


def written(tmp_path, data, name="image.png"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".webp"])
def test_lossless_colour_comes_back_as_rgb(tmp_path, suffix):
    options = (cv2.IMWRITE_WEBP_QUALITY, 101) if suffix == ".webp" else ()
    path = written(tmp_path, encode(suffix, TURNABLE, *options), f"image{suffix}")

    assert np.array_equal(read_image(path), TURNABLE)
    assert read_image_size(path) == (3, 2)


def test_jpeg_comes_back_nearly(tmp_path):
    image = np.full((16, 24, 3), (200, 100, 50), dtype=np.uint8)
    path = written(tmp_path, encode(".jpg", image), "image.JPG")

    assert np.abs(read_image(path).astype(int) - image).max() <= 3
    assert read_image_size(path) == (24, 16)


def test_size_of_lossy_webp(tmp_path):
    path = written(tmp_path, encode(".webp", np.full((16, 24, 3), 90, dtype=np.uint8), cv2.IMWRITE_WEBP_QUALITY, 80))

    assert read_image_size(path) == (24, 16)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif"])
def test_grey_becomes_three_equal_channels(tmp_path, suffix):
    image = read_image(written(tmp_path, encode(suffix, np.full((8, 8), 77, dtype=np.uint8))))

    assert image.shape == (8, 8, 3)
    assert (image == 77).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path, suffix):
    grey = np.array([[0, 257, 128 * 257, 200 * 257, 65535, 300]], dtype=np.uint16)

    assert read_image(written(tmp_path, encode(suffix, grey)))[0, :, 0].tolist() == [0, 1, 128, 200, 255, 1]


@pytest.mark.parametrize(("dtype", "full", "half"), [(np.uint8, 255, 128), (np.uint16, 65535, 128 * 257)])
def test_transparent_parts_become_black(tmp_path, dtype, full, half):
    image = np.array([[[full, 0, 0, full], [full, 0, 0, half], [full, full, full, 0]]], dtype=dtype)

    assert read_image(written(tmp_path, encode(".png", image))).tolist() == [[[255, 0, 0], [128, 0, 0], [0, 0, 0]]]


def test_palette_with_and_without_transparency(tmp_path):
    palette = png_chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0]))
    raw = b"\0\0\1"
    plain = written(tmp_path, png(2, 1, 8, 3, raw, palette), "plain.png")
    clear = written(tmp_path, png(2, 1, 8, 3, raw, palette, png_chunk(b"tRNS", bytes([0]))), "clear.png")

    assert read_image(plain).tolist() == [[[255, 0, 0], [0, 255, 0]]]
    assert read_image(clear).tolist() == [[[0, 0, 0], [0, 255, 0]]]


def test_one_bit_a_pixel(tmp_path):
    assert read_image(written(tmp_path, png(4, 1, 1, 0, b"\0\xa0")))[0, :, 0].tolist() == [255, 0, 255, 0]


def test_grey_with_alpha(tmp_path):
    assert read_image(written(tmp_path, png(2, 1, 8, 4, bytes([0, 200, 255, 200, 0])))).tolist() == [
        [[200, 200, 200], [0, 0, 0]]
    ]


def test_fourth_channel_of_a_bmp_is_ignored(tmp_path):
    data = bytearray(encode(".bmp", TURNABLE))
    pixels = np.zeros((2, 3, 4), dtype=np.uint8)
    pixels[..., :3] = TURNABLE[::-1, :, ::-1]
    offset = struct.unpack_from("<I", data, 10)[0]
    struct.pack_into("<H", data, 28, 32)
    path = written(tmp_path, bytes(data[:offset]) + pixels.tobytes(), "image.bmp")

    assert in_letters(read_image(path)) == AS_SEEN[1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    lossless = encode(".png", TURNABLE)
    files = {
        "image.png": lossless[:33] + png_chunk(b"eXIf", exif(orientation)) + lossless[33:],
        "image.webp": webp_with_exif(TURNABLE, orientation),
        "image.tif": tiff(TURNABLE, orientation),
    }
    for name, data in files.items():
        path = written(tmp_path, data, name)
        image = read_image(path)

        assert in_letters(image) == AS_SEEN[orientation], name
        assert read_image_size(path) == image.shape[1::-1], name


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_a_jpeg_is_applied(tmp_path, orientation):
    large = TURNABLE.repeat(16, axis=0).repeat(16, axis=1)
    path = written(tmp_path, jpeg_with(b"Exif\0\0" + exif(orientation), large), "image.jpg")
    image = read_image(path)

    dark_cleared = np.where(image[8::16, 8::16] > 128, image[8::16, 8::16], 0)
    assert in_letters(dark_cleared) == AS_SEEN[orientation]
    assert read_image_size(path) == image.shape[1::-1]


@pytest.mark.parametrize("block", [b"", b"II*\0", exif(9), b"II*\0\xff\xff\xff\xff"])
def test_damaged_exif_leaves_the_image_as_it_is(tmp_path, block):
    path = written(tmp_path, jpeg_with(b"Exif\0\0" + block, np.zeros((16, 32, 3), dtype=np.uint8)), "image.jpg")

    assert read_image(path).shape == (16, 32, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".tif"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.99])
def test_a_file_that_breaks_off_is_named(tmp_path, suffix, share):
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    data = encode(suffix, noise)
    path = written(tmp_path, data[: int(len(data) * share)], f"broken{suffix}")

    with quiet_decoder(), pytest.raises(UserError, match=rf"broken\{suffix}: .*; replace or remove"):
        read_image(path)


@pytest.mark.parametrize("cut", [33, 40, 60, -20, -12, -2])
def test_a_png_that_breaks_off_behind_its_header_is_not_said_to_break_off_in_it(tmp_path, cut):
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)

    for length, place in ((cut, "before the end of the image"), (20, "in its header")):
        path = written(tmp_path, encode(".png", noise)[:length])
        with pytest.raises(UserError, match=f"the file breaks off {place}"):
            read_image_size(path)


def test_a_broken_jpeg_with_a_whole_thumbnail_is_broken(tmp_path):
    thumbnail = encode(".jpg", np.zeros((8, 8, 3), dtype=np.uint8))
    data = jpeg_with(b"Exif\0\0" + exif(1) + thumbnail, np.full((64, 64, 3), 9, dtype=np.uint8))
    path = written(tmp_path, data[:-2], "broken.jpg")

    with pytest.raises(UserError, match="breaks off before the end of the image"):
        read_image_size(path)


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path):
    path = written(tmp_path, encode(".jpg", np.zeros((8, 8, 3), dtype=np.uint8)) + b"\0" * 100, "image.jpg")

    assert read_image(path).shape == (8, 8, 3)


def test_progressive_jpeg_with_restart_markers_is_whole(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encode(".jpg", image, cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)

    assert read_image(written(tmp_path, data, "image.jpg")).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html></html>", "not a JPEG, PNG, BMP, WebP or TIFF image"),
        (b"RIFF\x04\0\0\0WAVE", "not a JPEG, PNG, BMP, WebP or TIFF image"),
        (b"\xff\xd8\xff\xd9", "the JPEG holds no picture"),
        (png(0, 5, 8, 0, b""), "the header gives a size of 0 x 5"),
        (png(2, 1, 8, 0, b"\0\1\2").replace(b"IDAT", b"JDAT"), "the PNG can't be decoded"),
        (encode(".tif", np.zeros((2, 3), dtype=np.float32)), "1 channels of type float32"),
    ],
)
def test_what_is_no_image_is_named_with_the_reason(tmp_path, data, reason):
    with quiet_decoder(), pytest.raises(UserError) as caught:
        read_image(written(tmp_path, data))

    assert reason in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "image.png"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    suffix=st.sampled_from([".jpg", ".png", ".bmp", ".webp", ".tif"]),
    changes=st.lists(st.tuples(st.integers(0, 299), st.integers(0, 255)), max_size=4),
    length=st.integers(0, 2000),
)
def test_any_damage_gives_an_image_or_an_error_of_the_user(tmp_path, suffix, changes, length):
    data = bytearray(encode(suffix, TURNABLE))
    for position, value in changes:
        data[position % len(data)] = value
    path = written(tmp_path, bytes(data[:length]))
    with quiet_decoder(), contextlib.suppress(UserError):
        assert read_image(path).shape == (*read_image_size(path)[::-1], 3)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.png: can't be read \(No such file"):
        read_image(tmp_path / "none.png")


@pytest.mark.parametrize("read", [read_image, read_image_size])
def test_an_image_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch, read):
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    path = written(tmp_path, png(60_000, 60_000, 8, 0, b"\0"), "bomb.png")

    with pytest.raises(UserError, match=r"bomb\.png: 60000 x 60000 pixels; at most 108,000,000 are read"):
        read(path)


def test_names_of_images_in_either_case():
    assert [is_image_name(name) for name in ("a.JPG", "b.tiff", "c.WebP", "d.gif", "jpg", "e.jpg.txt")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_the_decoder_is_loud_again_afterwards():
    log = images._decoder_log
    before = log.getLogLevel()
    with quiet_decoder():
        assert log.getLogLevel() == 0

    assert log.getLogLevel() == before != 0
