import pytest

from landmark_discovery.config.experiments import load_experiments
from landmark_discovery.errors import UserError

FIVE = "image,x0,y0,x1,y1,x2,y2,x3,y3,x4,y4\na.png,1,2,3,4,5,6,7,8,9,10\n"


def experiments_on(folder, **evaluation):
    given = {"dataset": {"name": "mine", "kind": "folder", "path": str(folder)}, "evaluation": evaluation}
    return load_experiments(given, overrides={}, files=("mine.yaml",))


@pytest.mark.parametrize(
    ("evaluation", "fault"),
    [
        ({}, r"landmarks\.csv: normaliser '36-45' names point 45, but the ground truth has points 0 to 4; choose"),
        ({"normalizer": "box", "expected_points": 68}, "the protocol is for 68 true points an image, the ground truth"),
        ({"normalizer": "3-3"}, "normaliser '3-3' is a point's distance from itself; valid: i-j"),
        ({"normalizer": "0-1", "points": [3, 5]}, "points 3, 5 can't be taken from 5 true points"),
        ({"normalizer": "0-3", "truth": "landmarks_b"}, r"landmarks_b\.csv: normaliser '0-3' names point 3"),
    ],
)
def test_a_protocol_that_does_not_fit_the_points_is_refused_before_anything_runs(tmp_path, evaluation, fault):
    (tmp_path / "landmarks.csv").write_text("\ufeff\n" + FIVE, encoding="utf-8")
    (tmp_path / "landmarks_b.csv").write_text("image,x0,y0\n", encoding="utf-8")
    with pytest.raises(UserError, match=fault):
        experiments_on(tmp_path, **evaluation)


@pytest.mark.parametrize(
    "evaluation", [{"normalizer": "0-4"}, {"normalizer": "box"}, {"normalizer": "landmark-box", "points": [4, 0]}]
)
def test_a_protocol_that_fits_passes(tmp_path, evaluation):
    (tmp_path / "landmarks.csv").write_text(FIVE, encoding="utf-8")
    assert experiments_on(tmp_path, expected_points=5, **evaluation)


@pytest.mark.parametrize("table", [None, b"", b"\xff\xfe", b"image,x0\na.png,1\n", b"image\n"])
def test_without_a_sound_table_nothing_is_said_here(tmp_path, table):
    if table is not None:
        (tmp_path / "landmarks.csv").write_bytes(table)
    assert experiments_on(tmp_path)


def test_a_table_that_is_not_there_is_named_before_anything_runs(tmp_path):
    (tmp_path / "landmarks_b.csv").write_text(FIVE, encoding="utf-8")
    with pytest.raises(UserError, match=r"true points of landmarks_c\.csv, which isn't there; .*there: landmarks_b$"):
        experiments_on(tmp_path, truth="landmarks_c")


@pytest.mark.parametrize(
    ("kind", "evaluation", "fault"),
    [
        ("synthetic", {"normalizer": "36-68"}, "data set synthetic: normaliser '36-68' names point 68"),
        ("synthetic", {"truth": "landmarks_5"}, "landmarks_5.csv, which isn't there; .*there: landmarks$"),
        ("celeba", {"truth": "landmarks_5"}, "data set celeba: normaliser '36-45' names point 45"),
        ("ls3d", {"expected_points": 5}, "data set ls3d: the protocol is for 5 true points an image"),
    ],
)
def test_a_protocol_that_does_not_fit_a_made_data_set_is_refused(kind, evaluation, fault):
    with pytest.raises(UserError, match=fault):
        load_experiments({"dataset": {"kind": kind}, "evaluation": evaluation}, overrides={}, files=("mine.yaml",))


def test_every_data_set_of_a_sweep_is_checked(tmp_path):
    (tmp_path / "landmarks.csv").write_text(FIVE, encoding="utf-8")
    sweep = {"dataset": [{"name": "drawn"}, {"name": "mine", "kind": "folder", "path": str(tmp_path)}]}
    with pytest.raises(UserError, match="names point 45"):
        load_experiments({"sweep": sweep}, overrides={}, files=("mine.yaml",))
