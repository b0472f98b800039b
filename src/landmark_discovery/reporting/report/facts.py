"""The sections of what the result rests on: data, configuration, provenance, licences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from landmark_discovery.config.detectors import DETECTORS
from landmark_discovery.config.loading import default_values, merged, recipe_values
from landmark_discovery.config.schema import Config
from landmark_discovery.downloads.licences import Licence
from landmark_discovery.reporting import html
from landmark_discovery.reporting.changes import changed_keys, configuration_value
from landmark_discovery.reporting.tables import UNKNOWN, duration

_FACT_NAMES = {
    "points": "True points an image",
    "images_with_points": "Images with true points",
    "subjects_on_both_sides": "Subjects in training and test",
    "test_images_equal_to_training": "Test images equal to a training image",
    "width_px": "Width in pixels",
    "height_px": "Height in pixels",
    "images_sha256": "SHA-256 of the stored pixels",
    "unlisted_images": "Images not in the table of samples",
    "other_files": "Files that are no images",
    "dropped": "Images left out",
}
_MACHINE_NAMES = {"gpus": "GPUs", "cpu": "Processor", "cpu_cores": "Processor cores", "memory_gib": "Memory in GiB"}
_MOST_DROPPED = 200


def dataset_section(cards: Mapping[str, Mapping[str, Any]]) -> str:
    """Show the data set's cards: counts, and the images that were left out, with reasons.

    Args:
        cards: by label, such as "Training", facts of an `ImageStore`; a single one needs no label.
    """
    parts: list[str] = []
    for label, facts in cards.items():
        ranges = {key: _range(value) if key in ("width_px", "height_px") else value for key, value in facts.items()}
        dropped = ranges.pop("dropped", None) or []
        named = {_FACT_NAMES.get(key, key): value for key, value in ranges.items()}
        parts += [html.heading(label, 3)] if len(cards) > 1 else []
        parts += [html.nested({**named, _FACT_NAMES["dropped"]: len(dropped)}, 4), _dropped(dropped)]
    return html.section("dataset", "Data set", *parts)


def configuration_section(configuration: Mapping[str, Any]) -> str:
    """Show the keys that differ from the recipe, and folded, every key, ready to be used again."""
    recipe = str(configuration.get("recipe"))
    rows = [
        (key, configuration_value(value), configuration_value(base))
        for key, value, base in changed_keys(configuration, merged(default_values(), _recipe(recipe)))
    ]
    text = yaml.safe_dump(dict(configuration), sort_keys=False, allow_unicode=True, width=100)
    different = html.table(("Key", "This run", f"Recipe {recipe}"), rows, numbers=False)
    same = html.paragraph(f"Every key is as in the recipe {recipe}.")
    return html.section(
        "configuration",
        "Configuration",
        html.paragraph(f"What differs from the recipe {recipe}; config/README.md explains each key.", quiet=True),
        different if rows else same,
        html.folded("Every key", html.code(text), printed=False),
    )


def provenance_section(record: Mapping[str, Any] | None) -> str:
    """Show which code, software and machine made the results, when, and from which files."""
    if record is None:
        return html.section("provenance", "Provenance", html.paragraph("Nothing was recorded about this run."))
    makers = {f"Trained by: {stage}": facts for stage, facts in (record.get("trained_by") or {}).items()}
    code = record.get("code") or {}
    rows = [
        ("Code", _code_words(code)),
        *((name, _code_words(facts.get("code") or {})) for name, facts in makers.items()),
        ("First step began", str(record.get("started") or UNKNOWN)),
        ("Last step ended", str(record.get("ended") or UNKNOWN)),
        ("All steps together", duration(record.get("seconds"))),
        ("Configuration, SHA-256", str((record.get("configuration") or {}).get("sha256") or UNKNOWN)),
        *((f"Seed: {key}", str(seed)) for key, seed in (record.get("seeds") or {}).items()),
    ]
    parts = [html.table((), rows, numbers=False)]
    machine = {_MACHINE_NAMES.get(key, key): value for key, value in (record.get("machine") or {}).items()}
    for title, content in (("Machine", machine), ("Software", record.get("versions") or {})):
        listed = [(name, html.plain_value(value)) for name, value in content.items()]
        parts += [html.heading(title, 3), html.table((), listed, numbers=False)] if listed else []
    for title, key, columns in (
        ("Inputs", "inputs", ("path", "bytes", "sha256")),
        ("Downloads", "downloads", ("name", "bytes", "sha256")),
    ):
        parts += _file_table(title, record.get(key) or [], columns)
    packages = [(name, str(version)) for name, version in (record.get("packages") or {}).items()]
    parts.append(html.folded("Every installed package", html.table((), packages, numbers=False), printed=False))
    return html.section("provenance", "Provenance", *parts)


def licence_section(licences: Sequence[Licence], config: Config) -> str:
    """Show the licences that the results depend on.

    Args:
        licences: of data and bootstrap weights that were downloaded.
        config: of the experiment: the kind of the data set, and the detector whose weights come with the program.
    """
    own = {
        "synthetic": "The faces were drawn by this project and are free.",
        "folder": "The images are yours: what their owners allow holds for the weights and pictures of this run too.",
    }
    listed = [(one.title, one.terms, one.address) for one in licences]
    parts = [html.paragraph(own[config.dataset.kind])] if config.dataset.kind in own else []
    detector = DETECTORS[config.bootstrap.detector]
    if detector.licence is not None and not config.pretrained:
        parts.append(html.paragraph(f"{detector.title}'s weights: {detector.licence}."))
    parts.append(html.paragraph("The code is under the MIT licence."))
    parts.append(html.table(("Of", "Terms", "Where they stand"), listed, numbers=False) if listed else "")
    if not listed:
        parts.append(html.paragraph("Nothing else that needs a licence went into this result."))
    return html.section("licences", "Licences", *parts)


def _recipe(name: str) -> dict[str, Any]:
    return {**(recipe_values(name) if name in ("paper", "short") else {}), "recipe": name}


def _dropped(dropped: Sequence[Mapping[str, Any]]) -> str:
    rows = [(str(one.get("image")), str(one.get("reason"))) for one in dropped[:_MOST_DROPPED]]
    more = len(dropped) - len(rows)
    rest = html.paragraph(f"... and {more:,} more, in facts.json of the prepared data set.") if more else ""
    table = html.table(("Image left out", "Why"), rows, numbers=False) if rows else ""
    return html.folded(f"Images left out, and why ({len(dropped):,})", table, rest)


def _range(value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, list | tuple) or len(value) != 2:
        return value
    return value[0] if value[0] == value[1] else f"{value[0]} to {value[1]}"


def _code_words(code: Mapping[str, Any]) -> str:
    state = ", with changes" if code.get("clean") is False else ""
    return f"version {code.get('version', UNKNOWN)}, revision {code.get('revision', UNKNOWN)}{state}"


def _file_table(title: str, files: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    rows = [tuple(html.plain_value(file.get(column)) for column in columns) for file in files]
    names = [{"sha256": "SHA-256"}.get(column, html.words(column)) for column in columns]
    return [html.heading(title, 3), html.table(names, rows, numbers=False)] if rows else []
