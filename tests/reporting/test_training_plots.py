import numpy as np
import pandas as pd
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.training_plots import (
    ROUND_PANELS,
    STAGE2_PANELS,
    plot_stage1,
    plot_stage2,
    read_log,
    running_mean,
    small_multiples,
)

LOG = pd.DataFrame(
    {
        "iteration": [0, 10, 20],
        "loss": [3.0, 2.0, 1.0],
        "detector_loss": [0.3, 0.2, 0.1],
        "descriptor_loss": [2.7, 1.8, 0.9],
        "learning_rate": [0.0, 1e-4, 1e-4],
    }
)
ROUNDS = pd.DataFrame(
    {
        "round": [0, 1],
        "iteration": [10, 20],
        "threshold": [0.1, 0.15],
        "detections_over_threshold": [15.0, 14.0],
        "detections_kept": [6.0, 8.0],
        "clusters_alive": [9, 10],
        "flip_purity": [np.nan, 0.9],
        "images_kept": [90, 99],
        "detector_loss": [0.2, 0.1],
        "descriptor_loss": [1.0, 0.5],
    }
)


def shown(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}


def test_each_quantity_has_a_plot_of_its_own_with_its_values():
    panels = shown(small_multiples(LOG, STAGE2_PANELS))
    assert list(panels) == ["Loss", "Learning rate"]
    assert panels["Loss"].lines[0].get_ydata().tolist() == [3.0, 2.0, 1.0]
    assert panels["Loss"].lines[0].get_xdata().tolist() == [0, 10, 20]
    assert panels["Loss"].get_yscale() == "log"


def test_two_lines_in_a_plot_are_labelled():
    panels = shown(small_multiples(ROUNDS, ROUND_PANELS, across="round"))
    assert [text.get_text() for text in panels["Detections an image"].texts] == ["over threshold", "kept"]


def test_a_loss_of_zero_is_plotted_on_a_plain_axis():
    table = LOG.assign(loss=[1.0, 0.0, 0.0])
    assert shown(small_multiples(table, STAGE2_PANELS))["Loss"].get_yscale() == "linear"


def test_what_was_never_defined_is_said_so():
    table = ROUNDS.assign(flip_purity=np.nan)
    panel = shown(small_multiples(table, ROUND_PANELS, across="round"))["Flip purity (share, at best 1)"]
    assert [text.get_text() for text in panel.texts] == ["undefined"]


def test_an_empty_log_gives_a_plot_that_says_so():
    assert small_multiples(LOG.iloc[:0], STAGE2_PANELS).texts[0].get_text() == "nothing was logged"


def test_long_logs_are_smoothed():
    table = pd.DataFrame({"iteration": range(40), "loss": [1.0, 3.0] * 20, "learning_rate": 1.0})
    raw, smooth = shown(small_multiples(table, STAGE2_PANELS))["Loss"].lines
    assert np.ptp(raw.get_ydata()) == 2.0
    assert np.ptp(smooth.get_ydata()) < 1.0


def test_a_running_mean_takes_fewer_neighbours_at_the_ends():
    assert running_mean(np.array([0.0, 3.0, 6.0, 0.0]), 3).tolist() == [1.5, 3.0, 3.0, 3.0]


def test_all_plots_are_written_from_their_logs(tmp_path):
    LOG.to_csv(tmp_path / "log.csv", index=False)
    ROUNDS.to_csv(tmp_path / "rounds.csv", index=False)
    plot_stage1(tmp_path / "log.csv", tmp_path / "rounds.csv", [[tmp_path / "a.svg"], [tmp_path / "b.svg"]])
    plot_stage2(tmp_path / "log.csv", [tmp_path / "c.svg"])
    assert all((tmp_path / f"{name}.svg").read_text().startswith("<?xml") for name in "abc")


def test_a_missing_column_is_named(tmp_path):
    LOG.drop(columns="loss").to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(UserError, match=r"log\.csv: column 'loss' is missing; needed: iteration, loss, learning_rate"):
        read_log(tmp_path / "log.csv", STAGE2_PANELS, "iteration")
