import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from fake_packages import HEADER, image_bytes, on_side, stanza, textured, write_package
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged_bytes, damaged_text, fuzz, only_user_errors

from landmark_discovery.bootstrap_training import crops as module
from landmark_discovery.bootstrap_training.crops import (
    REDRAWS,
    cut_crops,
    cut_photographs,
    read_crops,
    read_photographs,
)
from landmark_discovery.bootstrap_training.photographs import collect_photographs
from landmark_discovery.config.photographs import PhotographSettings
from landmark_discovery.errors import UserError

SETTINGS = PhotographSettings(
    packages=("walls", "waves"),
    min_side_px=64,
    crop_px=48,
    crops_per_photograph=5,
    min_texture=0.25,
    test_share=0.5,
)


def with_keys(**keys):
    return PhotographSettings.model_validate(SETTINGS.model_dump() | keys)


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def contents_below(folder):
    return {name: (folder / name).read_bytes() for name in files_below(folder)}


@pytest.fixture
def packages(tmp_path):
    folder = tmp_path / "packages"
    write_package(
        folder,
        "walls",
        "4:1.0-2",
        {
            "usr/share/walls/lake.png": on_side("train", image_bytes(textured(100, 80))),
            "usr/share/walls/flat.png": on_side("test", image_bytes(np.full((80, 80), 9, np.uint8))),
            "usr/share/walls/sea/contents/120x90.jpg": on_side("train", image_bytes(textured(120, 90, seed=1), ".jpg")),
            "usr/share/walls/sea/contents/70x90.jpg": on_side("train", image_bytes(textured(70, 90, seed=2), ".jpg")),
        },
        HEADER + stanza("*", "GPL-2+", "2008, Ann") + stanza("old/lake.png", "CC0-1.0", '2018, "Bob",\n Carl'),
    )
    lake = on_side("test", image_bytes(textured(90, 90, seed=3)))
    write_package(folder, "waves", files={"usr/share/walls/lake.png": lake})
    return folder


@pytest.fixture
def pictures(tmp_path):
    """Make a folder of three photographs, one of which has texture in a corner alone."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    corner = np.full((200, 300), 128, dtype=np.uint8)
    corner[:140, :140] = textured(140, 140, seed=5)
    for name, side, image in (
        ("a.png", "train", textured(150, 110)),
        ("sub/b.bmp", "test", textured(64, 90, seed=4)),
        ("c.png", "train", corner),
    ):
        (folder / name).write_bytes(on_side(side, image_bytes(image, name[-4:])))
    return folder


@pytest.fixture
def collection(pictures, tmp_path):
    collect_photographs(with_keys(folder=str(pictures)), tmp_path / "none", tmp_path / "collection")
    return tmp_path / "collection"


def test_photographs_of_packages_are_collected_with_a_table_of_all_images(packages, tmp_path):
    collect_photographs(SETTINGS, packages, tmp_path / "out")

    table = pd.read_csv(tmp_path / "out" / "photographs.csv", dtype=str, keep_default_na=False)
    shown = table[["package", "version", "file", "width_px", "height_px", "licence", "author", "split", "used"]]
    rest = ("GPL-2+", "2008, Ann")
    unknown = ("see the package's copyright file",) * 2
    sea = "walls/walls/sea/contents/120x90.jpg"
    assert [tuple(row) for row in shown.to_numpy()] == [
        ("walls", "4:1.0-2", "walls/flat.png", "80", "80", *rest, "test", "too smooth: texture 0.000"),
        ("walls", "4:1.0-2", "walls/lake.png", "100", "80", "CC0-1.0", '2018, "Bob",; Carl', "train", "yes"),
        ("walls", "4:1.0-2", "walls/sea/contents/120x90.jpg", "120", "90", *rest, "train", "yes"),
        ("walls", "4:1.0-2", "walls/sea/contents/70x90.jpg", "70", "90", *rest, "train", f"variant of {sea}"),
        ("waves", "1.0-2", "walls/lake.png", "90", "90", *unknown, "test", "yes"),
    ]
    assert files_below(tmp_path / "out") == ["photographs.csv", "walls/walls/lake.png", sea, "waves/walls/lake.png"]
    for photograph in read_photographs(tmp_path / "out"):
        assert hashlib.sha256(photograph.path.read_bytes()).hexdigest() == photograph.sha256
    assert [photograph.row for photograph in read_photographs(tmp_path / "out")] == [1, 2, 4]


def test_photographs_of_a_folder_have_no_package(pictures, collection):
    table = pd.read_csv(collection / "photographs.csv", dtype=str, keep_default_na=False)

    assert table["file"].tolist() == ["a.png", "c.png", "sub/b.bmp"]
    assert (table[["package", "version", "licence", "author"]] == "").to_numpy().all()
    assert files_below(collection) == ["a.png", "c.png", "photographs.csv", "sub/b.bmp"]
    assert (collection / "sub" / "b.bmp").read_bytes() == (pictures / "sub" / "b.bmp").read_bytes()


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"folder": "nowhere"}, "nowhere: no such folder"),
        ({"packages": ["missing"]}, "missing"),
        ({"min_side_px": 999}, "5 images were looked at, 0 count, and none of them is for the train side"),
        ({"test_share": 1e-12}, "5 images were looked at, 3 count, and none of them is for the test side"),
        ({"test_share": 1 - 1e-12}, "none of them is for the train side; .*change `photographs.test_share`"),
    ],
)
def test_without_photographs_for_a_side_nothing_is_written(packages, tmp_path, monkeypatch, keys, fault):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(UserError, match=fault):
        collect_photographs(with_keys(**keys), packages, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["packages"]


def test_a_damaged_package_leaves_the_former_collection(packages, tmp_path):
    collect_photographs(SETTINGS, packages, tmp_path / "out")
    before = files_below(tmp_path / "out")
    next(packages.glob("waves*")).write_bytes(b"!<arch>\nnothing")

    with pytest.raises(UserError, match=r"waves_1.0-2_all.deb: not a readable Debian package"):
        collect_photographs(SETTINGS, packages, tmp_path / "out")
    assert files_below(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "packages"]


@pytest.mark.parametrize("keys", [{"min_side_px": 999}, {"packages": ("gone",)}, {"folder": "gone"}, {"folder": "."}])
def test_a_refused_run_leaves_the_table_and_the_images_of_the_former_one(packages, tmp_path, monkeypatch, keys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    collect_photographs(SETTINGS, packages, tmp_path / "out")
    before = contents_below(tmp_path)

    with pytest.raises(UserError):
        collect_photographs(with_keys(**keys), packages, tmp_path / "out")
    assert contents_below(tmp_path) == before
    assert len(before) == 6


@pytest.mark.parametrize(
    ("keys", "outputs"),
    [
        (
            {"folder": "pictures"},
            ("pictures", "pictures/sub", "pictures/new/deep", "new/../pictures", "link", "../here"),
        ),
        ({"folder": "link"}, ("pictures", "link", "link/new")),
        ({"folder": "pictures"}, ("packages", "packages/new")),
        ({}, ("packages", "packages/new", "../here")),
    ],
)
def test_an_output_over_what_is_read_is_refused_and_all_stays(packages, pictures, tmp_path, monkeypatch, keys, outputs):
    here = tmp_path / "here"
    (here / "new").mkdir(parents=True)
    packages.rename(here / "packages")
    pictures.rename(here / "pictures")
    (here / "link").symlink_to("pictures", target_is_directory=True)
    # As if all of them were collections.
    for folder in (".", "packages", "pictures", "pictures/sub"):
        (here / folder / "photographs.csv").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(here)
    before = contents_below(tmp_path)

    for output in outputs:
        with pytest.raises(UserError, match="contain it or lie in it; write into another folder"):
            collect_photographs(with_keys(**keys), Path("packages"), Path(output))
        assert contents_below(tmp_path) == before


def test_only_a_collection_or_an_empty_folder_is_replaced(pictures, tmp_path):
    settings, output = with_keys(folder=str(pictures)), tmp_path / "out"
    output.mkdir()
    collect_photographs(settings, tmp_path / "none", output)
    before = contents_below(output)
    collect_photographs(settings, tmp_path / "none", output)
    assert contents_below(output) == before

    (output / "photographs.csv").unlink()
    with pytest.raises(UserError, match="holds what isn't known for an earlier result"):
        collect_photographs(settings, tmp_path / "none", output)
    with pytest.raises(UserError, match=r"a\.png: a file, not a folder"):
        collect_photographs(settings, tmp_path / "none", output / "a.png")
    assert contents_below(output) == {name: data for name, data in before.items() if name != "photographs.csv"}


def test_a_step_s_part_of_the_settings_without_any_source_is_refused(tmp_path):
    for keys, fault in (({"packages": ()}, "neither packages nor a folder"), ({"folder": " "}, "folder is empty")):
        with pytest.raises(UserError, match=f"photographs: {fault}"):
            collect_photographs(SETTINGS.model_copy(update=keys), tmp_path / "none", tmp_path / "out")


def test_squares_are_cut_with_their_photograph_and_split(collection, tmp_path):
    cut_crops(tmp_path / "pictures" / ".." / collection.name, SETTINGS, 0, tmp_path / "crops.npz")

    crops = read_crops(tmp_path / "crops.npz")
    assert crops.images.shape == (len(crops.photograph), 48, 48)
    assert crops.split.tolist() == ["test" if row == 2 else "train" for row in crops.photograph]
    assert (np.diff(crops.photograph) >= 0).all()
    counts = np.bincount(crops.photograph)
    assert counts.tolist()[::2] == [5, 5]
    assert 1 <= counts[1] <= 5
    assert all(module.texture_share(image) >= SETTINGS.min_texture for image in crops.images)


def test_equal_seeds_cut_equal_squares_and_others_don_t(collection):
    photographs = read_photographs(collection)
    first, again, other = (cut_photographs(photographs, SETTINGS, seed).images for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


def test_what_is_cut_out_of_a_photograph_does_not_depend_on_the_others(collection):
    photographs = read_photographs(collection)
    together = cut_photographs(photographs, SETTINGS, 0)

    for photograph in photographs:
        alone = cut_photographs([photograph], SETTINGS, 0)
        assert np.array_equal(alone.images, together.images[together.photograph == photograph.row])


def test_squares_of_the_smallest_size_are_pixels_of_the_photograph(collection):
    photograph = read_photographs(collection)[2]
    grey = cv2.imread(str(photograph.path), cv2.IMREAD_GRAYSCALE)
    crops = cut_photographs([photograph], with_keys(crop_px=64, crops_per_photograph=3), 0)

    windows = np.lib.stride_tricks.sliding_window_view(grey, (64, 64)).reshape(-1, 64, 64)
    assert all((windows == image).all(axis=(1, 2)).any() for image in crops.images)


def test_sizes_are_log_uniform_from_the_square_to_the_shorter_side_and_places_uniform(monkeypatch):
    asked = []
    monkeypatch.setattr(module.cv2, "resize", lambda part, size, **_: asked.append(part) or np.zeros(size[::-1]))
    # A pixel says where it lies.
    places = np.arange(400 * 1600).reshape(400, 1600)
    generator = np.random.default_rng(0)
    for _ in range(2000):
        module._draw_square(places, 100, generator)

    sides = np.array([part.shape for part in asked])
    assert (sides[:, 0] == sides[:, 1]).all()
    assert (sides.min(), sides.max()) == (100, 400)
    assert np.median(sides) == pytest.approx(200, rel=0.05)
    corners = np.array([divmod(part[0, 0], 1600) for part in asked])
    shares = corners / np.maximum(np.array([400, 1600]) - sides, 1)
    assert shares[:, 1].mean() == pytest.approx(0.5, abs=0.03)
    assert shares[sides[:, 0] < 380, 0].mean() == pytest.approx(0.5, abs=0.03)


def test_a_square_without_texture_is_drawn_anew_and_at_last_left_out(collection, monkeypatch):
    drawn = []
    smooth, rough = np.zeros((48, 48), dtype=np.uint8), textured(48, 48)

    def draw(*_):
        drawn.append(len(drawn))
        # The first square succeeds at the last try, the second never, the others at once.
        return rough if len(drawn) == 1 + REDRAWS or len(drawn) > 2 * (1 + REDRAWS) else smooth

    monkeypatch.setattr(module, "_draw_square", draw)
    crops = cut_photographs(read_photographs(collection)[:1], SETTINGS, 0)

    assert len(crops.images) == 4
    assert len(drawn) == 2 * (1 + REDRAWS) + 3


def test_squares_that_would_fill_the_memory_are_refused_before_any_is_cut(collection, monkeypatch):
    photographs = read_photographs(collection)
    with pytest.raises(UserError, match=r"3 photographs with 1000000 squares .*; lower `photographs.crops_per_photogr"):
        cut_photographs(photographs, with_keys(crops_per_photograph=1_000_000), 0)

    monkeypatch.setattr(module, "MAX_BYTES", 3 * 5 * 48**2)
    assert len(cut_photographs(photographs, SETTINGS, 0).images) > 0
    with pytest.raises(
        UserError, match="3 photographs with 6 squares of 48 px each would be 41,472 bytes; at most 34,"
    ):
        cut_photographs(photographs, with_keys(crops_per_photograph=6), 0)


def test_photographs_that_give_no_square_are_refused(collection):
    photographs = read_photographs(collection)
    photographs[0].path.write_bytes(image_bytes(np.full((90, 90), 7, np.uint8)))
    with pytest.raises(UserError, match=r"1 photographs gave no square with enough texture"):
        cut_photographs(photographs[:1], SETTINGS, 0)
    with pytest.raises(UserError, match=r"64 x 90 pixels; squares need 72"):
        cut_photographs(photographs[2:], with_keys(crop_px=72, min_side_px=72), 0)
    with pytest.raises(UserError, match=r"gone\.png: can't be read .*; leave it out of the folder"):
        cut_photographs([replace(photographs[0], path=collection / "gone.png")], SETTINGS, 0)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("package,", "packet,", r"photographs.csv: the columns are packet,"),
        (",train,", ",trial,", r"photographs.csv, line 2: unknown split 'trial'"),
        (None, "x", "is no sha256; collect the photographs anew"),
        (",a.png", ",../pictures/a.png", "image '../pictures/a.png' isn't inside the folder"),
        (",a.png", ",/pictures/a.png", "image '/pictures/a.png' isn't inside the folder"),
    ],
)
def test_a_changed_table_is_refused_by_its_line(collection, old, new, fault):
    text = (collection / "photographs.csv").read_text(encoding="utf-8")
    digest = read_photographs(collection)[0].sha256
    (collection / "photographs.csv").write_text(text.replace(old or digest, new), encoding="utf-8")

    with pytest.raises(UserError, match=fault):
        read_photographs(collection)


def test_a_folder_without_a_table_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"photographs.csv: no such file"):
        read_photographs(tmp_path)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"images": np.zeros((2, 8, 16), np.uint8)}, r"uint8 of the shape \(2, 8, 16\), not uint8 squares"),
        ({"images": np.zeros((2, 8, 8, 3), np.uint8)}, r"the shape \(2, 8, 8, 3\), not uint8 squares"),
        ({"images": np.uint8(3)}, r"the shape \(\), not uint8 squares"),
        ({"images": np.zeros((2, 8, 8), np.uint16)}, "uint16 of the shape"),
        ({"images": np.zeros((2, 0, 0), np.uint8)}, "2 squares of 0 px; at least one is needed"),
        ({"images": np.zeros((0, 8, 8), np.uint8)}, "0 squares of 8 px; at least one is needed"),
        ({"images": np.zeros((2, 12, 12), np.uint8)}, "2 squares of 12 px; .*sides divisible by 8"),
        ({"photograph": np.zeros(3, int)}, r"'photograph' is int64 of the shape \(3,\), not 2 whole numbers"),
        ({"photograph": np.zeros(2)}, "'photograph' is float64"),
        ({"split": np.array(["train"])}, r"'split' is <U5 of the shape \(1,\), not 2 texts"),
        ({"split": np.zeros(2, int)}, "'split' is int64"),
        ({"split": np.array(["train", "trial"])}, "unknown split 'trial'; valid: train, test"),
    ],
)
def test_arrays_that_are_no_squares_of_whole_cells_are_refused_in_one_line(tmp_path, changed, fault):
    sound = {"images": np.zeros((2, 8, 8), np.uint8), "photograph": np.zeros(2, int), "split": ["train", "test"]}
    np.savez(tmp_path / "crops.npz", **sound)
    assert read_crops(tmp_path / "crops.npz").split.tolist() == ["train", "test"]

    np.savez(tmp_path / "crops.npz", **sound | changed)
    with pytest.raises(UserError, match=rf"crops\.npz: .*{fault}.*; make it anew by `landmarks cut-photographs`$"):
        read_crops(tmp_path / "crops.npz")


@pytest.fixture
def whole(collection, tmp_path):
    """Give the bytes of a table and of crops."""
    cut_crops(collection, SETTINGS, 0, tmp_path / "crops.npz")
    return (collection / "photographs.csv").read_bytes(), (tmp_path / "crops.npz").read_bytes()


@given(data=st.data())
@fuzz(60)
def test_a_fuzzed_collection_is_cut_or_refused(collection, whole, data):
    pieces = (",", "\n", '"', "", "yes", "/", "..", "\0", "test", "b.png", "9" * 300)
    text = data.draw(damaged_text(whole[0].decode(), pieces))
    (collection / "photographs.csv").write_text(text, encoding="utf-8")

    with only_user_errors():
        cut_photographs(read_photographs(collection), SETTINGS, 0)


@given(data=st.data())
@fuzz(100)
def test_fuzzed_crops_are_read_or_refused(tmp_path, whole, data):
    (tmp_path / "crops.npz").write_bytes(data.draw(damaged_bytes(whole[1])))

    with only_user_errors():
        read_crops(tmp_path / "crops.npz")
