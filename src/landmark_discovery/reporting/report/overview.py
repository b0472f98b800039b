"""The first screen of the report: did it work?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from landmark_discovery.evaluation.metrics import mean_present
from landmark_discovery.evaluation.normalizers import describe_normalizer
from landmark_discovery.files import finite_number
from landmark_discovery.geometry import FloatArray
from landmark_discovery.reporting import html
from landmark_discovery.reporting.crops import spread
from landmark_discovery.reporting.report.inputs import Run
from landmark_discovery.reporting.report.tiles import landmark_keys, landmark_tiles
from landmark_discovery.reporting.summary import detection_rates, mean_detection_rate
from landmark_discovery.reporting.tables import UNKNOWN, fraction_of, number_word, percent, share

# From this share of the mean shape's error on, nothing was learnt that the mean doesn't know.
USELESS_RATIO = 0.9
# A landmark found in fewer of the test images is named on the first screen.
RARE = 0.5
# Mean height of the heatmaps below which nothing was recognised: networks that work reach 0.4 to 0.6, one that had
# learnt a fixed pattern 0.06.
FAINT = 0.15
# Landmarks that jump in a larger share of the test images, on average, are no landmarks.
RESTLESS = 0.25
_GRID_PX = 208


def overview(run: Run) -> str:
    """Say whether it worked: a sentence, figures beside their yardsticks, and landmarks on test images."""
    sentences = [landmark_sentence(run.final), *warnings(run)]
    return html.section(
        "overview",
        "Did it work?",
        f'<p class="answer">{escape(" ".join(sentences))}</p>',
        html.figures(headline_figures(run)),
        paper_comparison(run.verdict),
        _grid(run),
    )


def landmark_sentence(metrics: Mapping[str, Any]) -> str:
    """Say in plain words what was found and how good it is.

    Args:
        metrics: of stage 2.
    """
    count, distinct = int(metrics.get("num_landmarks") or 0), metrics.get("distinct_landmarks")
    apart = (
        "" if count < 2 or distinct is None else (", all distinct" if distinct == count else f", {distinct} distinct")
    )
    subject = f"{number_word(count).capitalize()} landmark{'s' * (count != 1)}{apart}"
    if not metrics.get("ground_truth"):
        return (
            f"{subject}. This data set has no true points, so no error can be measured: look whether a mark sits on "
            "the same part in every image."
        )
    forward, mean_shape = (finite_number(metrics.get(key)) for key in ("forward_nme", "mean_shape_nme"))
    if forward is None or not mean_shape:
        return f"{subject}. How well they predict the true points is undefined: there was nothing to measure."
    they = "they predict" if count != 1 else "it predicts"
    ratio = forward / mean_shape
    if ratio >= USELESS_RATIO:
        compared = "worse than" if ratio > 1 else "hardly better than"
        return (
            f"{subject}; {they} the true points {compared} ignoring the image does ({percent(forward, 1)} "
            f"against {percent(mean_shape, 1)}). Nothing useful was learnt."
        )
    # In pixels of the image, the mean shape doesn't know where the object is, which the landmarks are told by its box.
    ignored = "the image" if metrics.get("frame") == "crop" else "the image and its box"
    return (
        f"{subject}; {they} the true points with an error of {percent(forward, 1)}, {fraction_of(ratio)} of what "
        f"ignoring {ignored} gives."
    )


def warnings(run: Run) -> list[str]:
    """Say what a reader should know before trusting the figures."""
    rare = [
        str(landmark) for landmark, rate in enumerate(detection_rates(run.final)) if rate is not None and rate < RARE
    ]
    said = []
    if rare:
        plural = "s" * (len(rare) > 1)
        said.append(f"Landmark{plural} {', '.join(rare)}: found in under half of the test images.")
    score, jumps = _mean(run.test_scores), _mean(run.stability.jumps)
    if score is not None and score < FAINT:
        said.append(f"The heatmaps are faint (mean score {score:.2f}): the network recognises next to nothing.")
    if jumps is not None and jumps > RESTLESS:
        said.append(
            f"In {share(jumps)} of the test images, on average, a landmark lies far from where the others expect it."
        )
    if run.config.pretrained:
        said.append("The weights are the authors' own; nothing was trained.")
    return said


def headline_figures(run: Run) -> list[tuple[str, str, str]]:
    """List the figures of the first screen: what it is, its value, and what to hold it against."""
    final = run.final
    found = mean_detection_rate(final)
    counts = [("Distinct landmarks", f"{html.plain_value(final.get('distinct_landmarks'))} of {run.num_landmarks}", "")]
    # Stage 2 gives every landmark in every image it reads.
    counts += [] if found in (None, 1) else [("Found", share(found), "of the landmarks, mean over the test images")]
    if not run.has_truth:
        return [*counts, *_figures_without_truth(run)]
    first = [_forward("Forward error, headline", run.headlines[-1])] if run.headlines else []
    name = "Forward error" if not first else "Forward error, curves"
    backward = (
        "Backward error",
        percent(finite_number(final.get("backward_nme"))),
        f"{percent(finite_number(final.get('mean_landmark_nme')))} for mean positions",
    )
    return [*first, _forward(name, final), backward, *counts]


def _figures_without_truth(run: Run) -> list[tuple[str, str, str]]:
    spread, movement = (_mean(values) for values in (run.stability.spread, run.stability.movement))
    score = _mean(run.test_scores)
    return [
        ("Spread", UNKNOWN if spread is None else percent(spread, 1), "of the crop, from where the others expect it"),
        ("Moves", UNKNOWN if movement is None else percent(movement, 1), "of the crop; 0 ignores the image"),
        ("Score", UNKNOWN if score is None else f"{score:.2f}", "mean height of the heatmaps, at best about 1"),
    ]


def _mean(values: FloatArray) -> float | None:
    return finite_number(float(mean_present(values)))


def paper_comparison(verdict: Mapping[str, Any] | None) -> str:
    """Hold the figures against the published ones, where there are any."""
    listed: Sequence[Mapping[str, Any]] = (verdict or {}).get("figures") or []
    if not listed:
        return (
            html.paragraph(
                "No published figure is for this data set, these landmarks and this protocol; the yardstick is what "
                "ignoring the image gives.",
                quiet=True,
            )
            if verdict is not None
            else ""
        )
    rows = [
        (
            f"{html.words(str(one.get('metric')))}, {one.get('evaluation')} ({one.get('id')})",
            percent(finite_number(one.get("mean"))),
            f"{percent(finite_number(one.get('value')))} ({one.get('certainty')})",
            UNKNOWN if (difference := finite_number(one.get("difference"))) is None else f"{difference:+.2f}",
            str(one.get("status")),
        )
        for one in listed
    ]
    return html.heading("Beside the published figures", 3) + html.table(
        ("", "Measured", "Published", "Difference", "Verdict"), rows
    )


def _forward(name: str, metrics: Mapping[str, Any]) -> tuple[str, str, str]:
    mean_shape = percent(finite_number(metrics.get("mean_shape_nme")))
    return (name, percent(finite_number(metrics.get("forward_nme"))), f"{mean_shape} for the mean shape")


def _grid(run: Run) -> str:
    predictions = run.predictions[-1]
    rows = spread(np.flatnonzero(predictions.split == "test"), run.config.report.grid_images)
    unit = describe_normalizer(str(run.final["normalizer"])) if run.final.get("normalizer") else ""
    note = "Test images, evenly spread; training never saw them. The same mark should sit on the same part everywhere."
    if run.has_truth and unit:
        note += f" Errors are in percent of {unit}; lower is better."
    return (
        landmark_tiles(run.store, predictions, rows, _GRID_PX)
        + landmark_keys(run.num_landmarks)
        + html.paragraph(note, quiet=True)
    )
