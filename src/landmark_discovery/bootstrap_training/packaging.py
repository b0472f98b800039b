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
from landmark_discovery.downloads.digests import digest_of
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_folder, read_json, write_json, write_text

CARD_NAME, RECORD_NAME = "superpoint_open.md", "superpoint_open.json"
TRAININGS = ("magicpoint", "superpoint")


def package_bootstrap_weights(trainings: Path, photographs: Path, output: Path) -> None:
    """Write the folder of the weights: float16 safetensors, their sha256, the card, and the record of the training.

    Args:
        trainings: folder with magicpoint/ and superpoint/, each with weights.safetensors and record.json.
        photographs: table of the photographs, as `landmarks collect-photographs` writes it.
        output: folder to write.

    Raises:
        UserError: a file is missing or isn't what it should be.
    """
    network = read_network(trainings / "superpoint" / "weights.safetensors").folded()
    records = {name: read_json(trainings / name / "record.json", remedy="train it anew") for name in TRAININGS}
    table = _read_photographs(photographs)
    with atomic_folder(output) as folder:
        weights = folder / WEIGHTS_NAME
        save_file(half_precision(network.state_dict()), weights, metadata={"detector": "superpoint-open"})
        digest = digest_of(weights, "sha256").value
        write_text(folder / DIGEST_NAME, f"{digest}  {WEIGHTS_NAME}\n")
        write_json(folder / RECORD_NAME, {"sha256": digest, "photographs": licence_counts(table), **records})
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
    """Count the photographs that were used, by package, version and licence."""
    used = photographs[photographs["used"] == "yes"].fillna("")
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
    yield (
        "Repeated by `make bootstrap-weights`. No image of a person's face was sought; no annotation was made by hand."
    )
    yield "## Photographs"
    yield "\n".join(
        ["| package | version | licence | photographs |", "| --- | --- | --- | --- |"]
        + [
            f"| {row['package'] or 'a folder'} | {row['version']} | {row['licence']} | {row['photographs']} |"
            for row in licence_counts(photographs)
        ]
    )
    yield "None of them is part of the package, nor can one be drawn out of the weights."
    yield "## Limits"
    yield (
        "- Trained on drawn shapes and on landscapes, animals, plants and things; figures on faces and on photographs "
        "that training never saw stand in docs/bootstrap-weights.md.\n"
        "- Turned by more than 60 degrees or sized by more than 2, an image has other keypoints."
    )
    yield "## Licence"
    yield "MIT, as the code. Licences of the photographs are those of the table above."


def _training_line(name: str, record: Mapping[str, Any]) -> str:
    titles = {"magicpoint": "MagicPoint, on drawn shapes", "superpoint": "Detector and descriptor, on photographs"}
    losses = ", ".join(f"{loss.replace('_', ' ')} {value:.3f}" for loss, value in record["last_losses"].items())
    return (
        f"- {titles[name]}: {record['iterations']:,} iterations in {record['seconds'] / 60:.0f} minutes on "
        f"{record['device']}, seed {record['settings']['seed']}, {record['settings']['precision']}; {losses}."
    )


def _read_photographs(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str)
    except (OSError, ValueError) as error:
        raise UserError(f"can't be read ({error})", where=path, remedy="run `landmarks collect-photographs`") from error
    missing = {"package", "version", "licence", "used"} - set(table.columns)
    if missing:
        raise UserError(f"lacks the column {min(missing)!r}", where=path, remedy="run `landmarks collect-photographs`")
    return table
