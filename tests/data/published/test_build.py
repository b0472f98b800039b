import sys

import pytest
from fake_archives import blank_faces, write_celeba_downloads, write_ls3d_downloads

from landmark_discovery.cli.main import main
from landmark_discovery.config.loading import load_config
from landmark_discovery.config.published import dataset_downloads
from landmark_discovery.data.published import celeba, ls3d
from landmark_discovery.data.store import read_store


@pytest.fixture
def landmarks(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; give its exit status and the last line on stderr."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("signal.signal", lambda *_: None)
        monkeypatch.setattr(sys, "argv", ["landmarks", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            return end.code, capsys.readouterr().err.strip().splitlines()[-1:]
        return None

    return run


@pytest.mark.parametrize("kind", ["celeba", "ls3d"])
def test_from_downloads_to_prepared_stores_by_the_command_line(tmp_path, landmarks, kind):
    if kind == "celeba":
        write_celeba_downloads(tmp_path / "in", blank_faces(12), mafl_train=4, mafl_test=3, archive="celeba.tar.gz")
        chosen = ("--kind", "celeba", "--archive", "celeba.tar.gz")
    else:
        write_ls3d_downloads(tmp_path / "in", blank_faces(5), test=2)
        chosen = ("--set", "dataset.kind=ls3d")
    built = landmarks("build-dataset", *chosen, "--downloads", "in", "--output", "data")
    assert built == (0, built[1])
    for part in ("training", "evaluation"):
        done = landmarks("prepare", "--dataset", "data", "--tables", f"data/{part}", "--output", part)
        assert done == (0, done[1])

    training, evaluation = read_store(tmp_path / "training"), read_store(tmp_path / "evaluation")
    assert set(training.splits) == {"train"}
    assert training.landmarks is None
    assert set(evaluation.splits) == {"train", "test"}
    assert evaluation.landmarks.shape[1:] == (68, 2)
    assert list(evaluation.more_landmarks) == (["landmarks_5"] if kind == "celeba" else [])


def test_a_data_set_that_is_not_the_papers_is_refused(landmarks):
    status, lines = landmarks("build-dataset", "--downloads", "in", "--output", "out")
    assert status == 2
    assert lines == ["error: dataset.kind is synthetic, which isn't a data set of the paper; valid: celeba, ls3d"]


def test_a_missing_download_is_one_line_of_error(landmarks):
    status, lines = landmarks("build-dataset", "--kind", "ls3d", "--downloads", "in", "--output", "out")

    assert status == 2
    assert lines == [
        "error: in: 3 of 3 downloads aren't there: 300W-LP.zip, LS3D-W-balanced-20-03-2017.zip, "
        "300W_LPBoundingBoxes.pickle; fetch each with `landmarks download`, or put it there by hand under this name"
    ]


def test_the_names_of_the_downloads_are_the_same_where_they_are_asked_for_and_where_they_are_read():
    read = (celeba.PARTITION_FILE, celeba.MAFL_TRAIN_FILE, celeba.MAFL_TEST_FILE)
    read += (celeba.FIVE_POINTS_FILE, celeba.BOXES_FILE, celeba.POINTS_FILE)
    asked = dataset_downloads(load_config({"dataset": {"kind": "celeba", "archive": "celeba.tar.gz"}}))
    assert set(asked) == {"celeba.tar.gz", *read}
    asked = dataset_downloads(load_config({"dataset": {"kind": "ls3d"}}))
    assert set(asked) == {ls3d.TRAINING_ARCHIVE, ls3d.TEST_ARCHIVE, ls3d.BOXES_FILE}
