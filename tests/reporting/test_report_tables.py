import json

import pandas as pd
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.reporting import html
from landmark_discovery.reporting.summary import read_benchmarks, software_versions, write_summary
from landmark_discovery.reporting.tables import (
    configuration_page,
    dataset_page,
    duration,
    mean_of,
    metrics_page,
    timings_page,
)

STAGE = {
    "ground_truth": True,
    "forward_nme": 6.213,
    "backward_nme": None,
    "mean_shape_nme": 20.408,
    "mean_landmark_nme": None,
    "distinct_landmarks": 9,
    "normalizer": "36-45",
    "num_landmarks": 10,
    "num_train_images": 2462,
    "num_test_images": 569,
    "detection_rate": [0.5, None],
    "repeats": 10,
    "definitions": {"forward_nme": "in percent of eyes & nose"},
}
NOTHING = dict.fromkeys(("forward_nme", "backward_nme", "mean_shape_nme", "mean_landmark_nme"))


def test_headline_figures_stand_beside_their_baselines():
    page = metrics_page({"Stage 1": STAGE | {"forward_nme": 7.2}, "Stage 2": STAGE})
    assert "<span>Stage 2: forward NME</span><b>6.21 %</b><span>mean shape 20.41 %</span>" in page
    assert '<td class="number">7.20 %</td><td class="number">6.21 %</td>' in page
    assert '<td class="number">9 of 10</td>' in page


def test_what_has_no_value_is_undefined_and_never_zero():
    page = metrics_page({"Stage 1": STAGE})
    assert "<b>undefined</b><span>mean landmark undefined</span>" in page


def test_the_definition_of_the_figures_stands_on_the_page():
    page = metrics_page({"Stage 2": STAGE})
    assert "divided by the distance of true points 36 and 45" in page
    assert "outer corners of the eyes" in page
    assert "<dt>Forward NME</dt><dd>in percent of eyes &amp; nose</dd>" in page
    assert "outer corners" not in metrics_page({"Stage 2": STAGE | {"normalizer": "box"}})


def test_without_ground_truth_the_page_says_so_and_shows_no_error():
    page = metrics_page({"Stage 2": STAGE | NOTHING | {"ground_truth": False}})
    assert "No ground truth" in page
    assert "Forward NME" not in page
    assert "9 of 10" in page


def test_landmarks_are_listed_with_the_share_of_images_that_have_them():
    page = metrics_page({"Stage 2": STAGE})
    assert '<th scope="row">Landmark 0</th><td class="number">50 %</td>' in page
    assert '<th scope="row">Landmark 1</th><td class="number">undefined</td>' in page


def test_timings_are_summed_and_what_was_not_measured_is_left_open():
    tables = {
        "stage1": pd.DataFrame({"s": [100.0, 110.0], "max_rss": [1500.0, 1500.0], "mean_load": [180.0, 190.0]}),
        "evaluate": pd.DataFrame({"s": [5.0], "max_rss": ["-"], "mean_load": ["NA"]}),
    }
    page = timings_page(tables)
    numbers = '<td class="number">1 min 45 s</td><td class="number">1,500 MB</td><td class="number">185 %</td>'
    assert f'<th scope="row">stage1</th>{numbers}' in page
    assert '<td class="number">5.0 s</td><td class="number">–</td><td class="number">–</td>' in page
    assert '<th scope="row">Sum</th><td class="number">1 min 50 s</td>' in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.04, "0.0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3600, "1 h 00 min"), (7321, "2 h 02 min")],
)
def test_time_spans_read_as_people_say_them(seconds, words):
    assert duration(seconds) == words


def test_a_column_that_is_not_there_has_no_mean():
    assert mean_of(pd.DataFrame({"s": [1.0]}), "max_rss") is None


def test_the_data_set_card_names_every_image_left_out_with_the_reason():
    facts = {
        "points": None,
        "images": 3031,
        "width_px": [178, 178],
        "height_px": [200, 218],
        "dropped": [{"image": "<b>.jpg", "reason": "broken JPEG"}],
    }
    page = dataset_page({"Training": facts})
    assert "Training</h2>" not in page
    assert '<th scope="row">&lt;b&gt;.jpg</th><td>broken JPEG</td>' in page
    assert "<td>3,031</td>" in page
    assert '<th scope="row">Width in pixels</th><td>178</td>' in page
    assert "<td>200 to 218</td>" in page
    assert '<th scope="row">True points an image</th><td>none</td>' in page


def test_two_cards_stand_under_their_labels():
    page = dataset_page({"Training": {"images": 7}, "Evaluation": {"images": 9}})
    assert page.index("Training") < page.index("<td>7</td>") < page.index("Evaluation") < page.index("<td>9</td>")


def test_the_configuration_is_yaml_that_can_be_used_again():
    assert "<pre>seed: 1993\ndataset:\n  name: a&lt;b\n</pre>" in configuration_page(
        {"seed": 1993, "dataset": {"name": "a<b"}}
    )


def test_pages_need_no_other_file():
    page = html.page("T & T", html.paragraph("words"))
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>T &amp; T</title>" in page
    assert "src=" not in page
    assert "href=" not in page


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "yes"),
        (12345, "12,345"),
        (0.123456, "0.1235"),
        ([], "none"),
        ([1, 2], "1, 2"),
        ("a", "a"),
    ],
)
def test_values_are_written_for_people(value, words):
    assert html.plain_value(value) == words


def test_the_summary_is_five_pages(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps(STAGE))
    own, shared = tmp_path / "benchmarks" / "train_stage1.tsv", tmp_path / "prepare" / "faces-0123456789.tsv"
    for path in (own, shared):
        path.parent.mkdir()
        path.write_text("s\tmax_rss\n12.5\t100\n")
    paths = write_summary(
        tmp_path / "report",
        {"Stage 2": tmp_path / "metrics.json"},
        [shared, own, tmp_path / "absent.tsv"],
        {"Training": {"name": "faces"}},
        {"seed": 1},
    )
    assert [path.name for path in paths] == [
        "metrics.html",
        "timings.html",
        "versions.html",
        "dataset.html",
        "configuration.html",
    ]
    assert paths[1].read_text().index("prepare</") < paths[1].read_text().index("train_stage1</")
    assert "Python" in paths[2].read_text()


def test_benchmarks_that_are_not_there_are_left_out(tmp_path):
    assert read_benchmarks([tmp_path / "absent.tsv"]) == {}
    assert "wrote no benchmark" in timings_page({})


def test_broken_metrics_are_named(tmp_path):
    (tmp_path / "metrics.json").write_text("[1]")
    with pytest.raises(UserError, match=r"metrics\.json: not a JSON object"):
        write_summary(tmp_path / "report", {"a": tmp_path / "metrics.json"}, [], {}, {})
    assert not (tmp_path / "report").exists()


def test_versions_name_what_results_depend_on():
    assert {"Python", "torch", "numpy", "matplotlib"} <= set(software_versions())


def test_keys_are_turned_into_words():
    assert html.words("num_true_points") == "Number of true points"
    assert html.words("forward_nme_std") == "Forward NME std"
