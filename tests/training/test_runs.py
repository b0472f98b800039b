import numpy as np
import pandas as pd
import pytest
import torch

from landmark_discovery.bootstrap.keypoints import BootstrapKeypoints
from landmark_discovery.clustering.pseudo_groundtruth import Landmarker, NamedDetections, name_detections
from landmark_discovery.config.training import DetectionSettings
from landmark_discovery.errors import UserError
from landmark_discovery.training import pseudo_groundtruth_export, runs
from landmark_discovery.training.prediction import fixed_threshold
from landmark_discovery.training.pseudo_groundtruth_export import compute_pseudo_groundtruth, landmarker_of
from landmark_discovery.training.runs import run_stage1, run_stage2
from landmark_discovery.training.weights import load_weights

CROP, WINDOW = (14, 12, 46, 44), (10, 8, 50, 48)
TEST_IMAGE = 3


@pytest.fixture
def store(build_store, faces):
    """Six images of 60 x 60 pixels, of which the fourth is for the test."""
    splits = ["test" if index == TEST_IMAGE else "train" for index in range(6)]
    return build_store(faces(size=60), [CROP] * 6, [WINDOW] * 6, splits)


def keypoints_of(names, inliers=4):
    points = np.random.default_rng(0).uniform(16, 42, (len(names), 4, 2))
    inlier = np.broadcast_to(np.arange(4) < np.reshape(inliers, (-1, 1)), (len(names), 4)).copy()
    return BootstrapKeypoints(np.array(names), points, np.ones((len(names), 4)), inlier, "made-up")


KEYPOINTS = keypoints_of(["0.png", "1.png", "2.png", "4.png", "5.png"])


@pytest.fixture
def trained(tmp_path, store, tiny_config):
    """Train stage 1; give the weights' file and the landmarks that were drawn, by the name of the picture."""
    drawn = {}
    path = tmp_path / "stage1" / "weights.safetensors"
    run_stage1(
        store, KEYPOINTS, tiny_config(), path, lambda landmarks, picture: drawn.update({picture.name: landmarks})
    )
    return path, drawn


def test_stage_1_leaves_its_log_and_a_line_a_round_beside_the_weights(trained):
    folder = trained[0].parent
    assert pd.read_csv(folder / "training_log.csv")["iteration"].tolist() == [2, 4]
    rounds = pd.read_csv(folder / "rounds.csv")
    assert rounds["round"].tolist() == [0, 1]
    assert rounds["iteration"].tolist() == [2, 4]


def test_each_round_is_told_in_one_line(tmp_path, store, tiny_config, capsys):
    run_stage1(store, KEYPOINTS, tiny_config(), tmp_path / "weights.safetensors")
    lines = [line for line in capsys.readouterr().err.splitlines() if "flip purity" in line]
    assert len(lines) == 2
    assert "round 0 (last: 1), iteration 2: 3.0 detections an image over" in lines[0]


def test_each_round_is_drawn_with_the_landmarks_of_the_training_images(trained):
    _, drawn = trained
    assert list(drawn) == ["round_00.png", "round_01.png"]
    assert drawn["round_00.png"].shape == (5, 3, 2)


def test_pictures_of_an_earlier_training_with_more_rounds_go(tmp_path, store, tiny_config):
    def draw(_landmarks, path):
        path.parent.mkdir(exist_ok=True)
        path.touch()

    earlier = [tmp_path / "rounds" / f"round_{number}.png" for number in ("00", "02", "100", "best")]
    for path in earlier:
        draw(None, path)
    run_stage1(store, KEYPOINTS, tiny_config(), tmp_path / "weights.safetensors", draw)
    assert sorted(path.name for path in (tmp_path / "rounds").iterdir()) == [
        "round_00.png",
        "round_01.png",
        "round_best.png",
    ]


def test_the_weights_hold_what_finds_the_landmarks_again(trained):
    landmarker = landmarker_of(load_weights(trained[0], stage=1))
    assert landmarker.centroids.shape == (3, 8)
    assert landmarker.flip_map.shape == (3,)
    assert 0 < landmarker.threshold < 1


def test_the_exported_pseudo_groundtruth_is_that_of_the_last_round(trained, store, tiny_config):
    path, drawn = trained
    truth = compute_pseudo_groundtruth(store, path, tiny_config())
    assert truth.image.tolist() == KEYPOINTS.image.tolist()
    np.testing.assert_allclose(truth.landmarks, drawn["round_01.png"], atol=1e-3)
    np.testing.assert_array_equal(np.isnan(truth.score), np.isnan(truth.landmarks[..., 0]))


def test_exported_landmarks_are_original_pixels_inside_the_crop(trained, store, tiny_config):
    points = compute_pseudo_groundtruth(store, trained[0], tiny_config()).landmarks
    found = points[np.isfinite(points).all(axis=2)]
    assert (found >= np.array(CROP[:2]) - 0.5).all()
    assert (found <= np.array(CROP[2:]) - 0.5).all()


def test_trained_twice_is_the_same_network_the_same_landmarks_and_the_same_log(trained, tmp_path, store, tiny_config):
    again = tmp_path / "again" / "weights.safetensors"
    run_stage1(store, KEYPOINTS, tiny_config(), again)
    first, second = load_weights(trained[0], 1), load_weights(again, 1)
    assert first.facts == second.facts
    for one, other in ((first.network.state_dict(), second.network.state_dict()), (first.extras, second.extras)):
        assert all(torch.equal(one[name], other[name]) for name in one)
    for name in ("training_log.csv", "rounds.csv"):
        assert (trained[0].parent / name).read_bytes() == (again.parent / name).read_bytes()


def test_stage_2_starts_from_stage_1_and_keeps_the_flip_map(trained, tmp_path, store, tiny_config):
    truth = compute_pseudo_groundtruth(store, trained[0], tiny_config())
    output = tmp_path / "stage2" / "weights.safetensors"
    run_stage2(store, trained[0], truth, tiny_config(), output)
    weights = load_weights(output, stage=2)
    assert weights.extras["flip_map"].tolist() == truth.flip_map.tolist()
    assert pd.read_csv(output.parent / "training_log.csv")["iteration"].tolist() == [3]
    # Three iterations at a rate of 1e-5 for the trunk leave it near where stage 1 ended.
    trunk, start = weights.network.conv1.weight, load_weights(trained[0], stage=1).network.conv1.weight
    assert 0 < (trunk - start).abs().max() < 1e-3


@pytest.fixture
def warmup(monkeypatch, store, tmp_path, tiny_config):
    """Give the keypoints that the warm-up gets for bootstrap keypoints, without training."""

    seen = []

    def keep(_images, train, keypoints, *_args, **_options):
        seen.append((train, keypoints))
        raise InterruptedError

    monkeypatch.setattr(runs, "train_stage1", keep)

    def of(keypoints):
        with pytest.raises(InterruptedError):
            run_stage1(store, keypoints, tiny_config(), tmp_path / "weights.safetensors")
        return seen.pop()

    return of


def test_images_with_fewer_than_two_inliers_are_left_out_of_the_warm_up_and_come_back_afterwards(warmup):
    train, keypoints = warmup(keypoints_of(["0.png", "1.png", "2.png"], inliers=[1, 2, 4]))
    assert keypoints.image.tolist() == [1, 2]
    assert train.tolist() == [0, 1, 2, 4, 5]


def test_outliers_are_no_keypoints_of_the_warm_up(warmup):
    _, keypoints = warmup(keypoints_of(["2.png"], inliers=[3]))
    assert keypoints.points.isnan().any(dim=2).tolist() == [[False, False, False, True]]
    assert keypoints.ids.tolist() == [[0, 1, 2, -1]]


def test_keypoints_find_their_images_by_name_and_their_place_in_the_window(warmup):
    made = keypoints_of(["5.png", "0.png"])
    _, keypoints = warmup(made)
    assert keypoints.image.tolist() == [5, 0]
    np.testing.assert_allclose(keypoints.points.numpy(), made.points - np.array(WINDOW[:2]), atol=1e-4)


def test_no_image_with_keypoints_enough_is_an_error(tmp_path, store, tiny_config):
    with pytest.raises(UserError, match=r"none of 2 images has 2 bootstrap keypoints \(2 have any, at most 1\)"):
        run_stage1(store, keypoints_of(["0.png", "1.png"], inliers=1), tiny_config(), tmp_path / "weights.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_fixed_threshold_takes_the_place_of_choosing_one():
    one = np.array([0])
    landmarker = Landmarker(centroids=np.zeros((1, 2), np.float32), selected=one, flip_map=one, threshold=0.07)
    settings = fixed_threshold(DetectionSettings(target_detections=9.0, nms_half_side_cells=3), landmarker)
    assert settings == DetectionSettings(threshold=0.07, target_detections=None, nms_half_side_cells=3)


def test_stage_2_refuses_weights_of_another_network(trained, tmp_path, store, tiny_config):
    truth = compute_pseudo_groundtruth(store, trained[0], tiny_config())
    other = tiny_config(model={"descriptor_dim": 24})
    with pytest.raises(UserError, match="another network than the configuration describes"):
        run_stage2(store, trained[0], truth, other, tmp_path / "stage2.safetensors")


def test_stage_2_refuses_a_pseudo_groundtruth_of_another_number_of_landmarks(trained, tmp_path, store, tiny_config):
    truth = compute_pseudo_groundtruth(store, trained[0], tiny_config())
    with pytest.raises(UserError, match=r"has \d landmarks, not 4"):
        run_stage2(store, trained[0], truth, tiny_config(num_landmarks=4), tmp_path / "stage2.safetensors")


def test_fewer_clusters_than_landmarks_is_an_error_with_both_counts(trained, store, tiny_config, monkeypatch):
    def only_the_first(candidates, landmarker):
        named = name_detections(candidates, landmarker)
        first = named.cluster == 0
        return NamedDetections(named.detections.select(first), named.cluster[first], named.flipped_cluster[first])

    monkeypatch.setattr(pseudo_groundtruth_export, "name_detections", only_the_first)
    counts = r"num_landmarks is 3, but the detections form only 1 clusters \(\d+ over 0\.\d+, in [1-5] of 5 images\)"
    with pytest.raises(UserError, match=counts):
        compute_pseudo_groundtruth(store, trained[0], tiny_config())
