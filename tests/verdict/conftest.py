import json

import pytest

from landmark_discovery.verdict.figures import PublishedFigure

MAFL = {
    "id": "mafl-forward",
    "experiment": "celeba_k10",
    "stage": 2,
    "evaluation": "headline",
    "metric": "forward_nme",
    "value": 3.0,
    "definition": "five points",
    "source": "a paper",
    "certainty": "quoted",
    "tolerance": 0.5,
    "tolerance_reason": "so much do two runs differ",
    "sides": "both",
}


@pytest.fixture(scope="session")
def published():
    """Make a published figure of 3.0 +- 0.5, with changes."""
    return lambda **changes: PublishedFigure.model_validate({**MAFL, **changes})


@pytest.fixture
def write_run(tmp_path):
    """Write the metrics of a run, by stage and protocol, and give its results folder."""

    def write(name, stage=2, protocol="headline", **metrics):
        folder = tmp_path / "results" / name / "evaluation" / f"stage{stage}" / protocol
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
        return tmp_path / "results" / name

    return write
