"""The trained network as the file that comes with the package: weights, digest, model card and training record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor

from landmark_discovery.bootstrap.packaged import DIGEST_NAME, WEIGHTS_NAME
from landmark_discovery.bootstrap_training.runs import read_network
from landmark_discovery.config.bootstrap_training import BootstrapTrainingConfig
from landmark_discovery.digests import digest_of
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file, atomic_folder, read_json, write_json, write_text

CARD_NAME, RECORD_NAME = "superpoint_open.md", "superpoint_open.json"
TRAININGS = ("magicpoint", "superpoint")


def package_bootstrap_weights(
    trainings: Path, photographs: Path, config: BootstrapTrainingConfig, output: Path
) -> None:
    """Write the folder of the weights: float16 safetensors, their sha256, the card, and the record of the training.

    Args:
        trainings: folder with magicpoint/ and superpoint/, each with weights.safetensors and record.json.
        photographs: table of the photographs, as `landmarks collect-photographs` writes it.
        config: keys of the step `package-bootstrap-weights`, for the record.
        output: folder to write.

    Raises:
        UserError: a file is missing or isn't what it should be.
    """
    network = read_network(trainings / "superpoint" / "weights.safetensors").folded()
    records = {name: _read_record(trainings / name / "record.json") for name in TRAININGS}
    table = _read_photographs(photographs)
    with atomic_folder(output, lambda found: (found / RECORD_NAME).is_file()) as folder:
        # Made by itself, since what the library writes is private to its owner.
        with atomic_file(folder / WEIGHTS_NAME) as weights:
            save_file(half_precision(network.state_dict()), weights, metadata={"detector": "superpoint-open"})
        digest = digest_of(folder / WEIGHTS_NAME, "sha256").value
        write_text(folder / DIGEST_NAME, f"{digest}  {WEIGHTS_NAME}\n")
        settings = config.model_dump(mode="json")
        record = {"sha256": digest, "settings": settings, "photographs": licence_counts(table), **records}
        write_json(folder / RECORD_NAME, record)
        write_text(folder / CARD_NAME, weights_card(digest, records, table))


def half_precision(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Round parameters to float16.

    Raises:
        UserError: one is beyond its range.
    """
    rounded = {name: value.to(torch.float16).contiguous() for name, value in parameters.items()}
    wrong = [name for name, value in rounded.items() if not value.isfinite().all()]
    if wrong:
        raise UserError(f"{wrong[0]!r} is beyond the range of float16", remedy="train with a lower learning rate")
    return rounded


def licence_counts(photographs: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the photographs that were trained on, by package, version and licence; of a folder these are empty."""
    used = photographs[(photographs["used"] == "yes") & (photographs["split"] == "train")].fillna("")
    kinds = Counter(zip(used["package"], used["version"], used["licence"], strict=True))
    return [
        {"package": package, "version": version, "licence": licence, "photographs": count}
        for (package, version, licence), count in sorted(kinds.items())
    ]


def weights_card(digest: str, records: Mapping[str, Mapping[str, Any]], photographs: pd.DataFrame) -> str:
    """Write the model card of the weights as Markdown.

    Args:
        digest: sha256 of the file.
        records: of the two trainings, by name.
        photographs: the table of photographs.
    """
    return "\n\n".join(_card_parts(digest, records, photographs)) + "\n"


def _card_parts(digest: str, records: Mapping[str, Mapping[str, Any]], photographs: pd.DataFrame) -> Iterator[str]:
    yield "# superpoint-open"
    yield (
        "Finds generic keypoints in grey images and describes them: the network of SuperPoint (DeTone, Malisiewicz, "
        "Rabinovich 2018), its parameter names, weights of our own. 1,300,865 parameters in float16; "
        f"sha256 `{digest}`."
    )
    yield "## Use"
    yield "The detector `superpoint-open` of `bootstrap.detector` reads it; no download, no licence to accept."
    yield "## Training"
    yield "\n".join(_training_line(name, records[name]) for name in TRAININGS)
    yield "No point was annotated by hand. Repeated by `make bootstrap-weights`, under the settings of the record."
    yield "## Photographs that were trained on"
    yield "\n".join(
        ["| package | version | licence | photographs |", "| --- | --- | --- | --- |"]
        + [
            "| " + " | ".join(_cell(row[name]) for name in ("package", "version", "licence", "photographs")) + " |"
            for row in licence_counts(photographs)
        ]
    )
    yield "None of them is part of the package."
    yield "## Limits"
    yield (
        "- Few photographs were trained on; what the weights reach on others, and on faces, stands in "
        "docs/bootstrap-weights.md.\n"
        "- Images that are turned or sized far more than the training's warps have other keypoints."
    )
    yield "## Licence"
    yield (
        "MIT, as the code. Photographs stand under the licences of the table; we hold that weights are no adaptation "
        "of the photographs that they were trained on. Who holds otherwise trains on others: `photographs.folder`."
    )


def _training_line(name: str, record: Mapping[str, Any]) -> str:
    titles = {"magicpoint": "MagicPoint, on drawn shapes", "superpoint": "Detector and descriptor, on photographs"}
    losses = ", ".join(f"{loss.replace('_', ' ')} {value:.3f}" for loss, value in record["last_losses"].items())
    return (
        f"- {titles[name]}: {record['iterations']:,} iterations in {record['seconds'] / 60:.0f} minutes on "
        f"{record['device']}, seed {record['settings'].get('seed')}, {record['settings'].get('precision')}; {losses}."
    )


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|") or "-"


def _read_record(path: Path) -> dict[str, Any]:
    record = read_json(path, kind="record", remedy="train it anew")
    kinds: dict[str, type | tuple[type, ...]] = {
        "iterations": int,
        "seconds": (int, float),
        "device": str,
        "last_losses": dict,
        "settings": dict,
    }
    wrong = [name for name, kind in kinds.items() if not isinstance(record.get(name), kind)]
    if wrong:
        raise UserError(f"not the record of a training ({wrong[0]!r})", where=path, remedy="train it anew")
    return record


def _read_photographs(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str)
    except (OSError, ValueError) as error:
        raise UserError(f"can't be read ({error})", where=path, remedy="run `landmarks collect-photographs`") from error
    missing = {"package", "version", "licence", "split", "used"} - set(table.columns)
    if missing:
        raise UserError(f"lacks the column {min(missing)!r}", where=path, remedy="run `landmarks collect-photographs`")
    return table
