"""The section that says what every figure of the report means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landmark_discovery.reporting import html
from landmark_discovery.reporting.report.inputs import Run
from landmark_discovery.reporting.report.overview import FAINT, RARE, RESTLESS, USELESS_RATIO
from landmark_discovery.reporting.stability import JUMP_PERCENT

_PLAIN_WORDS = {
    "Forward error": "A linear map, learnt on the training images, predicts the true points of the test images from "
    "the discovered landmarks. Low: the landmarks tell where all parts of the object are.",
    "Backward error": "The other way round: the landmarks predicted from the true points. Low: a landmark sits on the "
    "same place of the object in every image.",
    "Mean shape, mean position": "What a model reaches that ignores the image and always predicts the training images' "
    "mean. A forward error means nothing without it, since on aligned objects even this looks good. In pixels of the "
    "image it doesn't know where the object is, which the landmarks are told by its box; where objects lie and measure "
    "differently, `evaluation.frame: crop` is the fairer comparison.",
    "Undefined": "There was nothing to compute the figure from; it is not zero.",
}
_OWN = {
    "Found": "Share of the test images in which a landmark was found.",
    "Spread": "The evaluation's regression, learnt on the training images, predicts each landmark of a test image from "
    "the others; the spread is the mean distance to that prediction, in percent of the crop's width and height. It "
    "needs no true points. Low: the landmark keeps its place among the others. With `stage2.shape_prior` it was looked "
    "for there, so that a low spread alone proves nothing: see how it moves, and the pictures.",
    "Jumps": f"Share of the test images in which that distance is over {JUMP_PERCENT:g} % of the crop: the landmark "
    "then sits on another part of the object.",
    "Moves": "Mean distance of a landmark to its mean place in the crop, in percent of the crop's width and height. A "
    "landmark that sticks to a place in the crop hardly moves, whatever the image shows.",
    "Nearest": "The landmark whose mean distance over the test images is smallest, in percent of the crop. Landmarks "
    "on one place count once among the distinct ones.",
    "Mirror partner": "The landmark that a landmark becomes when the image is mirrored, as clustering found it: itself "
    "on the middle of a symmetric object.",
    "Score": "How sure the network is of a landmark: the height of its heatmap there. Scores of two runs can't be "
    "compared.",
    "Gallery": "Test images that have the landmark, evenly spread from the highest to the lowest score.",
    "Best, median, worst image": "By the mean error of the image's true points, over all training subsets.",
    "Hardly better": f"A forward error of at least {USELESS_RATIO:.0%} of the mean shape's.".replace("%", " %"),
    "Found in under half": f"Landmarks found in under {RARE:.0%} of the test images.".replace("%", " %"),
    "Faint": f"A mean score below {FAINT:g}.",
    "Far from where the others expect it": f"Said where landmarks jump in over {RESTLESS:.0%} of the test images, on "
    "average over the landmarks.".replace("%", " %"),
    "Round": "Between two rounds of stage 1 the network's detections are clustered anew; the clusters name what the "
    "next round learns from.",
    "Flip purity": "Share of the detections whose mirrored twin falls into the cluster that most twins of its cluster "
    "fall into; at best 1. Low: left and right are confused.",
    "Detections over threshold, kept": "Mean number an image: before, and after only the nearest of each cluster "
    "stays.",
    "Time, memory": "As Snakemake measured each step: wall-clock time, largest resident memory, mean CPU load. "
    "It looks at a step twice a second in the first 15 s and then every 30 s: a short peak of memory can escape it.",
}


def definition_section(run: Run) -> str:
    """Define every figure, folded: in plain words, then exactly by protocol."""
    words = {**(_PLAIN_WORDS if run.has_truth else {}), **_OWN}
    exact = {"stage 1 and stage 2": run.final, "the headline protocol": run.headlines[-1] if run.headlines else {}}
    parts = [html.folded("In plain words", html.definitions(words))]
    for name, metrics in exact.items():
        parts.append(html.folded(f"Exactly: {name}", html.definitions(_exact(metrics))) if _exact(metrics) else "")
    parts.append(html.folded("Every figure of both stages", figure_table(run.metrics, ("Stage 1", "Stage 2"))))
    if run.headlines:
        labels = ("Stage 1, headline", "Stage 2, headline")
        parts.append(html.folded("Every figure of the headline protocol", figure_table(run.headlines, labels)))
    return html.section("definitions", "What the figures mean", *parts)


def figure_table(metrics: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> str:
    """Show all plain values of metrics.json, a column a stage."""
    keys = dict.fromkeys(
        key for stage in metrics for key, value in stage.items() if not isinstance(value, Mapping | list)
    )
    rows = [(html.words(key), *(_value(stage.get(key)) for stage in metrics)) for key in keys]
    return html.table(("", *labels), rows)


def _exact(metrics: Mapping[str, Any]) -> dict[str, str]:
    exact = metrics.get("definitions")
    return {html.words(key): str(text) for key, text in exact.items()} if isinstance(exact, Mapping) else {}


def _value(value: Any) -> str:  # noqa: ANN401
    return "undefined" if value is None else html.plain_value(value)
