import hashlib
import os
from fractions import Fraction

import cv2
import numpy as np
import pytest
from fake_packages import image_bytes, textured
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.photograph_choice import (
    COLUMNS,
    MAX_CORRELATION,
    Candidate,
    choose_photographs,
    picture_name,
    split_of,
    texture_share,
)
from landmark_discovery.config.photographs import PhotographSettings

SETTINGS = PhotographSettings(min_side_px=64, crop_px=48, min_texture=0.25)


@pytest.fixture
def choose(tmp_path):
    """Write images by their names, and choose among them in this order."""

    def choose_among(images, settings=SETTINGS, picture=str):
        candidates = []
        for name, content in images.items():
            data = content if isinstance(content, bytes) else image_bytes(content)
            (tmp_path / name).write_bytes(data)
            candidates.append(Candidate(tmp_path / name, name, picture(name)))
        return choose_photographs(candidates, settings).set_index("file")

    return choose_among


def half_striped(width, height, contrast):
    """Give the left half of an image stripes of one pixel that differ by twice the contrast."""
    image = np.full((height, width), 100, dtype=np.uint8)
    image[::2, : width // 2] += contrast
    image[1::2, : width // 2] -= contrast
    return image


@pytest.mark.parametrize(("contrast", "share"), [(0, 0.0), (4, 0.0), (5, 0.5)])
def test_texture_counts_the_cells_that_deviate_by_more_than_four(contrast, share):
    assert texture_share(half_striped(160, 80, contrast)) == share


def test_texture_leaves_out_what_is_no_whole_cell():
    image = np.zeros((15, 23), dtype=np.uint8)
    image[8:, :] = image[:, 16:] = np.indices((15, 23)).sum(axis=0)[8:, :].max()

    assert texture_share(image) == 0.0
    assert texture_share(np.zeros((7, 100), dtype=np.uint8)) == 0.0


@pytest.mark.parametrize("turn", [False, True])
def test_texture_does_not_depend_on_the_resolution(turn):
    small = textured(720, 480)
    large = cv2.resize(small, (2160, 1440), interpolation=cv2.INTER_NEAREST)
    small, large = (small.T.copy(), large.T.copy()) if turn else (small, large)

    assert texture_share(large) == texture_share(small) > 0.9


@given(st.integers(0, 2**256 - 1), st.floats(0, 1))
def test_the_split_grows_with_the_share_and_looks_at_the_last_digits_alone(number, share):
    digest = f"{number:064x}"

    assert split_of(digest, 0.0) == "train"
    assert split_of(digest, 1.0) == "test"
    assert split_of(digest, share) == ("test" if Fraction(number % 2**64, 2**64) < Fraction(share) else "train")
    if split_of(digest, share) == "test":
        assert split_of(digest, min(1.0, share + 0.1)) == "test"


def test_a_fifth_of_many_files_is_for_the_test():
    digests = [hashlib.sha256(str(index).encode()).hexdigest() for index in range(2000)]

    assert 340 < sum(split_of(digest, 0.2) == "test" for digest in digests) < 460


@pytest.mark.parametrize(
    ("files", "is_one"),
    [
        (("Altai/contents/images/5120x2880.png", "Altai/contents/images/1080x1920.png"), True),
        (("Flow/contents/images_dark/720x1440.jpg", "Flow/contents/images/5120x2880.jpg"), True),
        (("Elephants_5640x3172.jpg", "Elephants.jpg"), True),
        (("wood-d.webp", "wood-l.webp"), True),
        (("Stripes-Dark.png", "Stripes-Light.png"), True),
        (("Altai/contents/images/5120x2880.png", "Flow/contents/images/5120x2880.png"), False),
        (("nature/Lake.jpg", "abstract/Lake.jpg"), False),
        (("lake1.jpg", "lake2.jpg"), False),
        (("Darkness.jpg", "Lightness.jpg"), False),
        (("land.jpg", "lanl.jpg"), False),
    ],
)
def test_names_give_away_sizes_and_shades_of_a_picture(files, is_one):
    assert (picture_name(files[0]) == picture_name(files[1])) is is_one


def test_images_that_are_small_smooth_or_broken_are_listed_with_the_reason(choose):
    gradient = np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1))
    table = choose(
        {
            "good.png": textured(80, 64),
            "narrow.png": textured(63, 200, seed=1),
            "smooth.png": gradient,
            "half.png": half_striped(160, 80, 30),
            "broken.png": image_bytes(textured(80, 80, seed=2))[:-40],
            "text.jpg": b"not an image",
        }
    )

    assert tuple(table.reset_index().columns.sort_values()) == tuple(sorted(COLUMNS))
    assert table["used"].to_dict() == {
        "good.png": "yes",
        "narrow.png": "smaller than 64 px",
        "smooth.png": "too smooth: texture 0.000",
        "half.png": "yes",
        "broken.png": "can't be read: the file breaks off before the end of the image",
        "text.jpg": "can't be read: not a JPEG, PNG, BMP, WebP or TIFF image",
    }
    assert table.loc["half.png", ["width_px", "height_px", "package", "licence"]].tolist() == [160, 80, "", ""]
    assert table.loc["text.jpg", ["width_px", "height_px", "sha256", "split"]].tolist() == [""] * 4
    assert table.loc["good.png", "sha256"] == hashlib.sha256(image_bytes(textured(80, 64))).hexdigest()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_sizes_and_shades_of_a_picture_the_largest_stays(choose, order):
    large = textured(320, 240)
    images = [
        ("small.png", cv2.resize(large, (160, 120), interpolation=cv2.INTER_AREA)),
        ("large.png", large),
        ("dim.png", (cv2.resize(large, (240, 180), interpolation=cv2.INTER_AREA) * 0.6 + 20).astype(np.uint8)),
    ]
    table = choose(dict(images[index] for index in order))

    assert table["used"].to_dict() == {
        "small.png": "variant of large.png",
        "large.png": "yes",
        "dim.png": "variant of large.png",
    }


def test_images_of_one_picture_by_name_are_variants_though_they_look_different(choose):
    images = {"100x80.png": textured(100, 80), "80x100.png": textured(80, 101, seed=1)}

    assert choose(images)["used"].tolist() == ["yes", "yes"]
    assert choose(images, picture=picture_name)["used"].tolist() == ["variant of 80x100.png", "yes"]


def test_a_variant_of_an_image_that_does_not_count_counts_itself(choose):
    smooth = np.full((400, 400), 90, dtype=np.uint8)

    assert choose({"a-dark.png": smooth, "a.png": textured(80, 80)}, picture=picture_name)["used"].tolist() == [
        "too smooth: texture 0.000",
        "yes",
    ]


@pytest.mark.parametrize("noise", [0.5, 1.5])
def test_alike_means_correlated_thumbnails(choose, noise):
    first, second = textured(128, 128).astype(float), textured(128, 128, seed=1).astype(float)
    mixed = np.clip(first + noise * (second - second.mean()), 0, 255).astype(np.uint8)
    images = {"a.png": first.astype(np.uint8), "b.png": mixed}
    thumbnails = [image.reshape(8, 16, 8, 16).mean(axis=(1, 3)).ravel() for image in images.values()]
    correlated = np.corrcoef(thumbnails)[0, 1] > MAX_CORRELATION

    used = choose(images)["used"].tolist()

    assert used == ["yes", "variant of a.png" if correlated else "yes"]


def test_names_that_a_table_would_change_are_not_used(choose):
    odd = os.fsdecode(b"odd\xff.png")
    table = choose({" a.png": textured(80, 80), odd: textured(80, 80, seed=1), "b c.png": textured(80, 80, seed=2)})

    assert table["used"].tolist() == ["its name begins or ends with a blank", "its name isn't UTF-8", "yes"]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    table = choose_photographs([Candidate(tmp_path / "a.png", "a.png", "a")], SETTINGS)

    assert table["used"].tolist() == ["can't be read: not a file but a pipe or device"]
