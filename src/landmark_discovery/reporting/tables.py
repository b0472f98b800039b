"""The report's tables: metrics, timings, versions, data set and configuration, each a page of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from landmark_discovery.evaluation.normalizers import describe_normalizer
from landmark_discovery.reporting import html

_KNOWN_ROWS = (
    ("forward_nme", "Forward NME"),
    ("mean_shape_nme", "Baseline: mean shape"),
    ("backward_nme", "Backward NME"),
    ("mean_landmark_nme", "Baseline: mean landmark"),
)
_COUNT_ROWS = (("num_train_images", "Training images"), ("num_test_images", "Test images"))
_SHOWN_ELSEWHERE = {"distinct_landmarks", "num_landmarks", "normalizer", "detection_rate", "ground_truth"}
_FACT_NAMES = {
    "points": "True points an image",
    "images_with_points": "Images with true points",
    "subjects_on_both_sides": "Subjects in training and test",
    "width_px": "Width in pixels",
    "height_px": "Height in pixels",
    "dropped": "Images left out",
}
_DEFINITIONS = {
    "Forward NME": "A linear map, learnt on the training images, predicts the true points of the test images from the "
    "discovered landmarks. Low: the landmarks tell where all parts of the object are.",
    "Mean shape": "The same error for always predicting the training images' mean of the true points. A forward NME "
    "means nothing without it, since on aligned objects even this looks good.",
    "Backward NME": "The other way round: the landmarks predicted from the true points. Low: a landmark sits on the "
    "same place of the object in every image.",
    "Mean landmark": "The same error for always predicting each landmark's mean position.",
    "Distinct landmarks": "Landmarks that lie apart from each other on average, so that each counts once.",
    "Undefined": "There was nothing to compute the figure from; it is not zero.",
}


def metrics_page(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Show the figures of each stage beside their baselines, with definitions in words.

    Args:
        metrics: by label, such as "Stage 1", what metrics.json holds; NME in percent, None: undefined.
    """
    labels = list(metrics)
    rows = [(name, *(percent(metrics[label].get(key)) for label in labels)) for key, name in _KNOWN_ROWS]
    rows.append(("Distinct landmarks", *(_distinct(metrics[label]) for label in labels)))
    rows.append(("True points", *(html.plain_value(metrics[label].get("num_true_points")) for label in labels)))
    rows.append(("Divided by", *(html.plain_value(metrics[label].get("normalizer")) for label in labels)))
    rows += [(name, *(html.plain_value(metrics[label].get(key)) for label in labels)) for key, name in _COUNT_ROWS]
    if not has_ground_truth(metrics):
        words = (
            "No ground truth: the data set brings no true points, so there are no errors to report. "
            "Look at the landmark grids and galleries instead."
        )
        table = html.table(("", *labels), rows[len(_KNOWN_ROWS) :])
        return html.page("Metrics", html.paragraph(words), table, _detection_rates(metrics))
    return html.page(
        "Metrics",
        _headline(labels[-1], metrics[labels[-1]]),
        html.table(("", *labels), rows, strong=(0, 2)),
        html.heading("What the figures mean"),
        html.definitions({"NME": _nme_in_words(metrics), **_DEFINITIONS}),
        _detection_rates(metrics),
        _further(metrics),
        *_definitions_by_protocol(metrics),
    )


def timings_page(benchmarks: Mapping[str, pd.DataFrame]) -> str:
    """Show how long each step took and what memory it needed.

    Args:
        benchmarks: by step, in the order shown, Snakemake's benchmark table (columns s, max_rss in MB, mean_load).
    """
    if not benchmarks:
        return html.page("Timings", html.paragraph("No timings: Snakemake wrote no benchmark."))
    seconds = {step: mean_of(table, "s") for step, table in benchmarks.items()}
    rows = [
        (step, duration(seconds[step]), _memory(mean_of(table, "max_rss")), _load(mean_of(table, "mean_load")))
        for step, table in benchmarks.items()
    ]
    total = sum(value for value in seconds.values() if value is not None)
    rows.append(("Sum", duration(total), "", ""))
    note = "CPU load: 100 % is one core kept busy. Steps without a figure were too short to measure."
    columns = ("Step", "Time", "Memory", "CPU load")
    return html.page("Timings", html.table(columns, rows, strong=(len(rows) - 1,)), html.paragraph(note, quiet=True))


def versions_page(versions: Mapping[str, str]) -> str:
    """Show which software made the results."""
    return html.page("Software versions", html.table((), list(versions.items()), numbers=False))


def dataset_page(cards: Mapping[str, Mapping[str, Any]]) -> str:
    """Show the data set's cards: counts, and every image that was left out, with the reason.

    Args:
        cards: by label, such as "Training", facts of an `ImageStore`; a single one needs no label.
    """
    parts: list[str] = []
    for label, facts in cards.items():
        ranges = {key: _range(value) if key in ("width_px", "height_px") else value for key, value in facts.items()}
        parts += [html.heading(label)] if len(cards) > 1 else []
        parts.append(html.nested({_FACT_NAMES.get(key, key): value for key, value in ranges.items()}))
    return html.page("Data set", *parts)


def configuration_page(configuration: Mapping[str, Any]) -> str:
    """Show the whole configuration as YAML, ready to be used again."""
    text = yaml.safe_dump(dict(configuration), sort_keys=False, allow_unicode=True, width=100)
    return html.page("Configuration", html.code(text))


def has_ground_truth(metrics: Mapping[str, Mapping[str, Any]]) -> bool:
    """Say whether any stage was held against true points."""
    return any(stage.get("ground_truth", stage.get("mean_shape_nme") is not None) for stage in metrics.values())


def percent(value: float | None) -> str:
    """Write a percentage with two digits after the point; None: undefined."""
    return "undefined" if value is None else f"{value:.2f} %"


def duration(seconds: float | None) -> str:
    """Write a time span as people say it."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def mean_of(table: pd.DataFrame, column: str) -> float | None:
    """Average a benchmark's column over its repeats; None where Snakemake measured nothing ("-" or "NA")."""
    if column not in table.columns:
        return None
    mean = pd.to_numeric(table[column], errors="coerce").mean()
    return None if pd.isna(mean) else float(mean)


def _headline(label: str, stage: Mapping[str, Any]) -> str:
    return html.figures(
        [
            (
                f"{label}: forward NME",
                percent(stage.get("forward_nme")),
                f"mean shape {percent(stage.get('mean_shape_nme'))}",
            ),
            (
                f"{label}: backward NME",
                percent(stage.get("backward_nme")),
                f"mean landmark {percent(stage.get('mean_landmark_nme'))}",
            ),
            (f"{label}: distinct landmarks", _distinct(stage), ""),
        ]
    )


def _nme_in_words(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    names = sorted({str(stage["normalizer"]) for stage in metrics.values() if stage.get("normalizer")})
    divisor = "; or ".join(describe_normalizer(name) for name in names) or "a length of the object"
    eyes = " In the common order of 68 face points, 36 and 45 are the outer corners of the eyes." * ("36-45" in names)
    return f"Normalised mean error: the distance between predicted and true place, divided by {divisor}.{eyes}"


def _detection_rates(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    rates = [stage.get("detection_rate") or [] for stage in metrics.values()]
    rows = [
        (f"Landmark {landmark}", *(_share(some[landmark]) if landmark < len(some) else "–" for some in rates))
        for landmark in range(max((len(some) for some in rates), default=0))
    ]
    if not rows:
        return ""
    return html.heading("Test images in which each landmark was found") + html.table(("", *metrics), rows)


def _further(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    shown = {key for key, _ in _KNOWN_ROWS + _COUNT_ROWS} | _SHOWN_ELSEWHERE
    keys = dict.fromkeys(
        key for stage in metrics.values() for key, value in stage.items() if not isinstance(value, Mapping)
    )
    rows = [
        (html.words(key), *(html.plain_value(stage.get(key)) for stage in metrics.values()))
        for key in keys
        if key not in shown
    ]
    return html.heading("Further figures") + html.table(("", *metrics), rows, numbers=False) if rows else ""


def _definitions_by_protocol(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Write the definitions once for all columns that share them."""
    labels: dict[str, list[str]] = {}
    for label, stage in metrics.items():
        labels.setdefault(json.dumps(stage.get("definitions"), sort_keys=True), []).append(label)
    return [_exact_definitions(metrics[names[0]], " and ".join(names)) for names in reversed(labels.values())]


def _exact_definitions(stage: Mapping[str, Any], labels: str) -> str:
    exact = stage.get("definitions")
    if not isinstance(exact, Mapping) or not exact:
        return ""
    terms = {html.words(key): str(text) for key, text in exact.items()}
    return html.heading(f"Exact definitions: {labels}") + html.definitions(terms)


def _distinct(stage: Mapping[str, Any]) -> str:
    return f"{html.plain_value(stage.get('distinct_landmarks'))} of {html.plain_value(stage.get('num_landmarks'))}"


def _range(value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, list | tuple) or len(value) != 2:
        return value
    return value[0] if value[0] == value[1] else f"{value[0]} to {value[1]}"


def _share(value: float | None) -> str:
    return "undefined" if value is None else f"{100 * value:.0f} %"


def _memory(megabytes: float | None) -> str:
    return "–" if megabytes is None else f"{megabytes:,.0f} MB"


def _load(percentage: float | None) -> str:
    return "–" if percentage is None else f"{percentage:.0f} %"
