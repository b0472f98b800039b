import json

import numpy as np
import pandas as pd

from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.keypoint_evaluation.evaluate import DetectorEvaluation
from landmark_discovery.keypoint_evaluation.tables import markdown, write_detector_tables

SETTINGS = KeypointEvaluationSettings(max_keypoints=50)


def evaluation(parts=True):
    figures = {"keypoints": 43.21, "repeatability": 0.7, "repeatability_se": 0.0123}
    figures |= {"match_precision": np.nan, "match_precision_se": np.nan, "mma_3px": 0.5, "mma_3px_se": np.nan}
    figures |= {"homography_auc_5px": 0.25, "homography_auc_5px_se": 0.1}
    rows = [
        {"detector": detector, "images": "faces", "condition": condition, **figures}
        for detector in ("sift", "open|mine")
        for condition in ("rotation", "light")
    ]
    part = {"detector": "sift", "keypoints": 43.21, "part_hit_share": 0.4, "part_hit_share_se": 0.01}
    part |= {"random_part_hit_share": 0.26, "same_part_share": 0.2, "same_part_share_se": 0.02}
    part |= {"random_same_part_share": 0.07}
    return DetectorEvaluation(pd.DataFrame(rows), pd.DataFrame([part]) if parts else None, SETTINGS)


def test_the_page_puts_detectors_beside_one_another():
    lines = markdown(evaluation()).splitlines()
    rows = [line for line in lines if line.startswith("| faces")]
    assert rows[0] == "| faces | light | sift | 43.2 | 0.700 ± 0.012 | – | 0.500 | 0.250 ± 0.100 |"
    assert [row.split(" | ")[1:3] for row in rows] == [
        ["light", "sift"],
        ["light", "open&#124;mine"],
        ["rotation", "sift"],
        ["rotation", "open&#124;mine"],
    ]
    assert "| sift | 43.2 | 0.400 ± 0.010 | 0.260 | 0.200 ± 0.020 | 0.070 |" in lines
    assert lines[0].startswith("The strongest 50 keypoints an image, at least 4 px apart and 4 px from the border.")


def test_every_row_of_a_table_has_as_many_cells():
    blocks = [block.splitlines() for block in markdown(evaluation()).split("\n\n") if block.startswith("|")]
    assert len(blocks) == 2
    for block in blocks:
        assert len({line.count(" | ") for line in block}) == 1


def test_the_files_hold_every_figure(tmp_path):
    write_detector_tables(tmp_path / "out", evaluation())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "detectors.csv",
        "detectors.md",
        "parts.csv",
        "settings.json",
    ]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "detectors.csv"), evaluation().pairs)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "parts.csv"), evaluation().parts)
    assert json.loads((tmp_path / "out" / "settings.json").read_text(encoding="utf-8"))["max_keypoints"] == 50


def test_parts_of_an_earlier_run_do_not_stay(tmp_path):
    write_detector_tables(tmp_path, evaluation())
    write_detector_tables(tmp_path, evaluation(parts=False))
    assert not (tmp_path / "parts.csv").exists()
    assert "Facial parts" not in (tmp_path / "detectors.md").read_text(encoding="utf-8")
