import dataclasses

import numpy as np
import pytest

from landmark_discovery.reporting.report.inputs import read_run
from landmark_discovery.reporting.report.overview import (
    headline_figures,
    landmark_sentence,
    overview,
    paper_comparison,
    warnings,
)

TEN = {
    "ground_truth": True,
    "num_landmarks": 10,
    "distinct_landmarks": 10,
    "forward_nme": 5.7,
    "mean_shape_nme": 26.9,
}


@pytest.fixture(scope="module")
def run(small_run, files_of):
    return read_run(files_of(small_run))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            "Ten landmarks, all distinct; they predict the true points with an error of 5.7 %, a fifth of what "
            "ignoring the image and its box gives.",
        ),
        (
            {"num_landmarks": 30, "distinct_landmarks": 28, "forward_nme": 12.0},
            "30 landmarks, 28 distinct; they predict the true points with an error of 12.0 %, 45 % of what ignoring "
            "the image and its box gives.",
        ),
        (
            {"num_landmarks": 1, "distinct_landmarks": 1, "forward_nme": 13.0, "frame": "crop"},
            "One landmark; it predicts the true points with an error of 13.0 %, half of what ignoring the image gives.",
        ),
        (
            {"forward_nme": 26.0},
            "Ten landmarks, all distinct; they predict the true points hardly better than ignoring the image does "
            "(26.0 % against 26.9 %). Nothing useful was learnt.",
        ),
        (
            {"forward_nme": 57.8},
            "Ten landmarks, all distinct; they predict the true points worse than ignoring the image does (57.8 % "
            "against 26.9 %). Nothing useful was learnt.",
        ),
        (
            {"forward_nme": None, "distinct_landmarks": 0},
            "Ten landmarks, 0 distinct. How well they predict the true points is undefined: there was nothing to "
            "measure.",
        ),
        (
            {"ground_truth": False, "forward_nme": None, "mean_shape_nme": None},
            "Ten landmarks, all distinct. This data set has no true points, so no error can be measured: look whether "
            "a mark sits on the same part in every image.",
        ),
    ],
)
def test_a_sentence_says_whether_it_worked(changes, words):
    assert landmark_sentence({**TEN, **changes}) == words


def test_figures_stand_beside_what_ignoring_the_image_gives(run):
    shown = {name: (value, beside) for name, value, beside in headline_figures(run)}
    metrics = run.final
    assert shown["Forward error"] == (
        f"{metrics['forward_nme']:.2f} %",
        f"{metrics['mean_shape_nme']:.2f} % for the mean shape",
    )
    assert shown["Backward error"][0] == f"{metrics['backward_nme']:.2f} %"
    assert shown["Distinct landmarks"][0] == "2 of 2"
    # Stage 2 gives every landmark in every image: no figure of merit.
    assert "Found" not in shown


def test_the_headline_protocol_comes_first_where_there_is_one(run):
    with_headline = dataclasses.replace(run, headlines=(run.final, {**run.final, "forward_nme": 3.21}))
    names = [name for name, *_ in headline_figures(with_headline)]
    assert names[:2] == ["Forward error, headline", "Forward error, curves"]
    assert headline_figures(with_headline)[0][1] == "3.21 %"


def test_without_ground_truth_figures_need_none(run_without_truth, files_of):
    run = read_run(files_of(run_without_truth))
    shown = {name: value for name, value, _ in headline_figures(run)}
    assert list(shown) == ["Distinct landmarks", "Spread", "Moves", "Score"]
    assert shown["Moves"] == f"{run.stability.movement.mean():.1f} %"
    assert shown["Score"] == f"{run.test_scores.mean():.2f}"


def test_heatmaps_that_are_faint_and_landmarks_that_jump_are_named(run):
    def seen(score, jumps):
        final = dataclasses.replace(run.predictions[-1], score=np.full_like(run.predictions[-1].score, score))
        changed = dataclasses.replace(run, predictions=(run.predictions[0], final))
        changed.__dict__["stability"] = dataclasses.replace(run.stability, jumps=np.array([jumps, np.nan]))
        return warnings(changed)

    assert seen(0.5, 0.2) == []
    assert seen(0.06, 0.2) == ["The heatmaps are faint (mean score 0.06): the network recognises next to nothing."]
    assert seen(0.5, 0.4) == [
        "In 40 % of the test images, on average, a landmark lies far from where the others expect it."
    ]


def test_a_rate_below_one_is_shown(run):
    partly = dataclasses.replace(run, metrics=(run.final, {**run.final, "detection_rate": [0.5, 1.0]}))
    assert ("Found", "75 %", "of the landmarks, mean over the test images") in headline_figures(partly)


def test_landmarks_that_are_rarely_found_are_named(run):
    rare = dataclasses.replace(run, metrics=(run.final, {**run.final, "detection_rate": [0.49, None]}))
    named = "Landmark 0: found in under half of the test images."
    assert named in warnings(rare)
    assert named not in warnings(run)


def test_published_figures_stand_beside_the_measured_ones():
    figure = {"id": "mafl", "metric": "forward_nme", "evaluation": "headline", "value": 3.19, "certainty": "quoted"}
    shown = paper_comparison({"figures": [{**figure, "mean": 3.4, "difference": 0.21, "status": "within"}]})
    assert "3.40 %" in shown
    assert "3.19 % (quoted)" in shown
    assert "+0.21" in shown
    missing = paper_comparison({"figures": [{**figure, "mean": None, "difference": None, "status": "absent"}]})
    assert "undefined" in missing
    assert "absent" in missing


def test_nothing_is_said_of_the_paper_where_nothing_was_compared():
    assert paper_comparison(None) == ""
    assert "No published figure" in paper_comparison({"figures": []})


def test_the_grid_shows_test_images_alone(run):
    page = overview(run)
    assert page.count("<img ") == run.config.report.grid_images == 4
    train = run.predictions[-1].image[run.predictions[-1].split == "train"]
    assert not any(f'alt="{name} ' in page for name in train)
