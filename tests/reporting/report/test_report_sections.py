import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.config.loading import load_config
from landmark_discovery.downloads.licences import LICENCES
from landmark_discovery.reporting.changes import changed_keys
from landmark_discovery.reporting.report.facts import (
    configuration_section,
    dataset_section,
    licence_section,
    provenance_section,
)
from landmark_discovery.reporting.report.images import best_median_worst
from landmark_discovery.reporting.report.inputs import read_run
from landmark_discovery.reporting.report.landmarks import Cell, landmark_section, sortable_table
from landmark_discovery.reporting.report.tiles import draw_error_tiles, point_strip
from landmark_discovery.reporting.report.training import loss_section, round_section, thinned, time_section

NAN = float("nan")


@pytest.fixture(scope="module")
def run(small_run, files_of):
    return read_run(files_of(small_run))


def test_the_best_the_median_and_the_worst_images_are_chosen():
    chosen = best_median_worst(np.array([5.0, 1.0, 9.0, NAN, 3.0, 7.0, 2.0]), 2)
    assert {name: positions.tolist() for name, positions in chosen.items()} == {
        "Best": [1, 6],
        "Median": [4, 0],
        "Worst": [2, 5],
    }


@given(errors=st.lists(st.floats(0, 9) | st.just(NAN), max_size=30), each=st.integers(1, 6))
def test_no_image_is_of_two_kinds_and_unknown_ones_of_none(errors, each):
    values = np.array(errors, dtype=np.float64)
    chosen = best_median_worst(values, each)
    listed = [int(position) for positions in chosen.values() for position in positions]
    assert len(listed) == len(set(listed))
    assert np.isfinite(values[listed]).all()
    assert len(chosen.get("Best", ())) == len(chosen.get("Worst", chosen.get("Best", ()))) or len(listed) < 3


def test_every_landmark_has_a_row_with_its_figures(run):
    page = landmark_section(run)
    backward = dict(zip(run.curves["backward"][0].names, run.curves["backward"][0].errors, strict=True))
    for name, error in backward.items():
        assert f'<a href="#landmark-{name}">' in page
        assert f">{error:.2f} %</td>" in page
    assert f"{run.stability.spread[0]:.1f} %" in page
    # Each is the other's partner in a mirrored image.
    assert [page.count(f'data-value="{landmark}">{landmark}</td>') for landmark in (0, 1)] == [1, 1]


def test_without_ground_truth_there_is_no_column_of_errors(run_without_truth, files_of):
    page = landmark_section(read_run(files_of(run_without_truth)))
    assert "Backward error" not in page
    assert "Spread" in page


def test_what_is_unknown_has_no_value_to_sort_by():
    table = sortable_table(["Landmark", "Error"], [[Cell("0", 0), Cell("–", None)], [Cell("1", 1), Cell("2 %", 2.0)]])
    assert 'data-value="">–</td>' in table
    assert 'data-value="2">2 %</td>' in table
    assert '<th scope="col" aria-sort="ascending"><button type="button">Landmark</button></th>' in table


def test_the_slider_starts_at_the_last_of_the_pictures(run):
    page = round_section(run)
    assert page.count("<img ") == 3
    assert page.count(" hidden>") == 2
    assert 'max="2" step="1" value="2"' in page
    assert "Round 1, after iteration 20: 1.8 of 9.5 detections an image kept, flip purity 0.80" in page


def test_a_picture_of_an_earlier_training_with_more_rounds_is_not_shown(run):
    rounds = run.files.training[0] / "rounds"
    shutil.copy(rounds / "round_01.png", rounds / "round_02.png")
    assert round_section(run).count("<img ") == 3


def test_a_run_that_was_not_trained_here_has_no_rounds_and_no_losses(small_run, files_of):
    run = read_run(files_of(small_run, training=(), bootstrap_picture=None))
    assert round_section(run) == ""
    assert loss_section(run) == ("", [])


def test_losses_are_plotted_as_they_were_logged(run):
    page, plots = loss_section(run)
    drawn = {plot.identifier: plot for plot in plots}
    assert all(plot.place in page for plot in plots)
    assert drawn["stage1-0-plot"].traces[0]["y"] == [0.2, 0.1]
    assert drawn["stage1-0-plot"].layout["yaxis"]["type"] == "log"
    assert drawn["rounds-3-plot"].traces[0]["y"] == [0.7, 0.8]


def test_a_long_log_is_thinned_by_averaging_neighbours():
    table = pd.DataFrame({"iteration": [1, 2, 3, 4, 5], "loss": [1.0, 3.0, 5.0, 7.0, 20.0]})
    short = thinned(table, most=3)
    assert short["iteration"].tolist() == [2, 4, 5]
    assert short["loss"].tolist() == [2.0, 6.0, 20.0]
    assert thinned(table, most=5) is table


def test_times_are_summed_and_what_was_not_measured_is_left_open():
    tables = {
        "train_stage1": pd.DataFrame({"s": [900.0, 910.0], "max_rss": [1500.0, 1500.0], "mean_load": [180.0, 190.0]}),
        "evaluate": pd.DataFrame({"s": [5.0], "max_rss": ["-"], "mean_load": ["NA"]}),
    }
    page = time_section(tables)
    numbers = '<td class="number">15 min 05 s</td><td class="number">1,500 MB</td><td class="number">185 %</td>'
    assert f'<th scope="row">Train stage 1</th>{numbers}' in page
    assert '<td class="number">5.0 s</td><td class="number">–</td><td class="number">–</td>' in page
    assert '<th scope="row">Sum</th><td class="number">15 min 10 s</td>' in page
    assert "wrote no benchmark" in time_section({})


def test_the_cpu_load_of_a_step_under_ten_minutes_is_not_shown_since_snakemake_misses_its_end():
    short = pd.DataFrame({"s": [38.0], "max_rss": [618.0], "mean_load": [61.0]})
    long = pd.DataFrame({"s": [600.0], "max_rss": [618.0], "mean_load": [187.0]})
    alone = time_section({"train_stage2": short})
    assert "CPU load" not in alone
    assert '<td class="number">38 s</td><td class="number">618 MB</td></tr>' in alone
    both = time_section({"train_stage1": long, "train_stage2": short})
    assert '<td class="number">618 MB</td><td class="number">187 %</td>' in both
    assert '<td class="number">618 MB</td><td class="number">–</td>' in both


def test_the_data_set_card_names_every_image_left_out_with_the_reason():
    facts = {
        "points": None,
        "images": 3031,
        "width_px": [178, 178],
        "height_px": [200, 218],
        "unlisted_images": 100,
        "other_files": 4,
        "dropped": [{"image": "<b>.jpg", "reason": "broken JPEG"}],
    }
    page = dataset_section({"Training": facts})
    assert "Training</h3>" not in page
    assert '<th scope="row">&lt;b&gt;.jpg</th><td>broken JPEG</td>' in page
    assert "<td>3,031</td>" in page
    assert '<th scope="row">Width in pixels</th><td>178</td>' in page
    assert "<td>200 to 218</td>" in page
    assert '<th scope="row">True points an image</th><td>none</td>' in page
    assert '<th scope="row">Images not in the table of samples</th><td>100</td>' in page
    assert '<th scope="row">Files that are no images</th><td>4</td>' in page


def test_thousands_of_images_left_out_are_counted_and_the_first_listed():
    dropped = [{"image": f"{index}.jpg", "reason": "broken"} for index in range(1000)]
    page = dataset_section({"": {"dropped": dropped}})
    assert page.count("broken</td>") == 200
    assert "Images left out, and why (1,000)" in page
    assert "and 800 more" in page


def test_two_cards_stand_under_their_labels():
    page = dataset_section({"Training": {"images": 7}, "Evaluation": {"images": 9}})
    assert page.index("Training") < page.index("<td>7</td>") < page.index("Evaluation") < page.index("<td>9</td>")


def test_only_keys_that_differ_from_the_recipe_come_first():
    values = load_config({"recipe": "short", "stage1": {"iterations": 2777}, "experiment": "mine"}).model_dump(
        mode="json"
    )
    page = configuration_section(values)
    different = page[: page.index("<details")]
    assert "stage1.iterations</th><td>2777</td>" in different
    assert "mine" not in different
    assert different.count("<tr>") == 2
    assert "iterations: 2777" in page[page.index("<details") :]


def test_a_run_of_the_recipe_itself_says_so():
    values = load_config({"recipe": "paper"}).model_dump(mode="json")
    assert "Every key is as in the recipe paper." in configuration_section(values)


def test_keys_of_one_side_alone_differ_too():
    assert changed_keys({"a": {"b": 1, "c": (1, 2)}}, {"a": {"c": [1, 2], "d": 4}}) == [
        ("a.b", 1, None),
        ("a.d", None, 4),
    ]


def test_provenance_names_code_machine_and_inputs(run):
    page = provenance_section(run.provenance)
    assert "version 1.2, revision abc, with changes" in page
    assert "&lt;i&gt;fast&lt;/i&gt;" in page
    assert "00ff" in page
    assert "Nothing was recorded" in provenance_section(None)


def test_licences_are_those_that_the_result_depends_on():
    free = {"bootstrap": {"detector": "sift"}}
    page = licence_section([LICENCES["celeba"]], load_config({**free, "dataset": {"kind": "celeba"}}))
    assert "non-commercial research only" in page
    assert "SuperPoint" not in page
    own_images = load_config({**free, "dataset": {"kind": "folder", "path": "mine"}})
    assert "The images are yours" in licence_section([], own_images)
    assert "Nothing else that needs a licence" in licence_section([], load_config(free))


def test_the_packages_own_bootstrap_weights_are_told_with_their_licence():
    own = {"bootstrap": {"detector": "superpoint-open"}}
    assert "SuperPoint-open&#x27;s weights: MIT; trained from drawn shapes" in licence_section([], load_config(own))
    # Nothing was detected for the authors' weights.
    pretrained = load_config({**own, "pretrained": True, "dataset": {"kind": "celeba"}})
    assert "SuperPoint-open" not in licence_section([], pretrained)


def test_an_error_is_a_line_from_the_predicted_to_the_true_point(run):
    names = run.store.names[:1]
    points = np.array([[[20.0, 30.0]]])
    (same,) = draw_error_tiles(run.store, names, points, points, 60)
    (apart,) = draw_error_tiles(run.store, names, points, points + np.array([15, 0]), 60)
    changed = np.argwhere((same != apart).any(axis=-1))
    assert changed[:, 0].min() >= 28
    assert changed[:, 0].max() <= 32
    assert changed[:, 1].max() == pytest.approx(35, abs=2)


def test_the_strip_of_a_point_goes_from_the_most_to_the_least_accurate_image(run):
    measured = run.errors
    args = (run.store, measured.image, measured.true[:, 0], measured.predicted[:, 0])
    one = np.where(np.arange(6) == 2, 0.1, NAN)
    assert point_strip(*args, one).shape == (88, 88, 3)
    both = np.where(np.arange(6) == 4, 0.5, one)
    assert np.array_equal(point_strip(*args, both)[:, :88], point_strip(*args, one))
    assert point_strip(*args, np.full(6, NAN)) is None


def test_landmarks_that_were_never_found_are_shown_as_such(run):
    empty = dataclasses.replace(run.predictions[-1], landmarks=np.full((16, 2, 2), NAN), score=np.full((16, 2), NAN))
    blank = dataclasses.replace(run, predictions=(empty, empty))
    page = landmark_section(blank)
    assert page.count('data-value="">–</td>') == 6
    assert page.count(">none</td>") == 2
