"""The paper's experiments from download to verdict, on tiny copies of every archive, served from loopback."""

import csv
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from fake_archives import write_celeba_downloads, write_ls3d_downloads
from fake_checkpoints import authors_checkpoint

from landmark_discovery.config.data import SyntheticSettings
from landmark_discovery.config.training import ModelSettings
from landmark_discovery.data.folder import read_folder
from landmark_discovery.data.images import read_image
from landmark_discovery.data.synthetic.dataset import write_synthetic_dataset
from landmark_discovery.downloads.sources import read_sources
from landmark_discovery.models.superpoint import SuperPoint

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
MODEL = ModelSettings(input_size_px=96, width=16, depth=2, norm_groups=2, descriptor_dim=16)
# Random weights of SuperPoint score nothing over the paper's threshold.
SMALL = (
    f"model={MODEL.model_dump_json()}",
    "device=cpu",
    "bootstrap={superpoint_threshold: 0.016}",
    "stage1={batch_pairs: 2, iterations: 4, warmup_iterations: 2, round_iterations: 2}",
    "clustering={training_clusters: 32, iterations: 5, redos: 1, restarts: 1, candidate_factor: 1}",
    "stage2={batch_size: 4, iterations: 2}",
    "report={grid_images: 4, gallery_images: 2}",
)
ACCEPTED = "accept_licences=[superpoint, celeba, 300w-lp, ls3d-w]"
LICENSED = {"celeba": "accept_licences=[superpoint, celeba]", "ls3d": "accept_licences=[superpoint, 300w-lp, ls3d-w]"}

pytestmark = pytest.mark.slow


def drawn_faces(folder):
    settings = SyntheticSettings(train_identities=10, test_identities=2, images_per_identity=2, image_size_px=96)
    write_synthetic_dataset(settings, folder)
    source = read_folder(folder)
    return [(read_image(path), points) for path, points in zip(source.paths, source.landmarks, strict=True)]


def write_everything(folder, faces):
    """Write a tiny copy of every download, by its name."""
    for archive, inner in (("img_align_celeba.zip", "img_align_celeba"), ("celeba.tar.gz", "img_align_celeba_hq")):
        write_celeba_downloads(folder, faces, mafl_train=10, mafl_test=4, archive=archive, inner=inner)
    write_celeba_downloads(folder, faces, mafl_train=10, mafl_test=4)
    write_ls3d_downloads(folder, faces, test=4)
    torch.manual_seed(0)
    torch.save(SuperPoint().state_dict(), folder / "superpoint_v1.pth")
    for kind in ("celeba", "ls3d"):
        for count in (10, 30):
            for stage in (1, 2):
                content = authors_checkpoint(stage, count, MODEL)
                torch.save(content, folder / f"{kind}_k{count}_stage{stage}.pth")


def write_sources(path, served, address):
    """Write the table of downloads as it is, but with the tiny copies' addresses, sizes and digests."""
    columns = ("name", "what", "address", "mirror", "bytes", "about", "digest", "licence", "note")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for name, source in read_sources().items():
            content = (served / name).read_bytes()
            row = dict.fromkeys(columns, "") | {"name": name, "what": source.what, "address": f"{address}/{name}"}
            if source.digest is not None:
                row |= {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}"}
            if source.size_bytes is not None:
                row |= {"bytes": str(len(content))}
            writer.writerow(row | {"licence": source.licence_key or ""})


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Give a working folder whose downloads come from loopback."""
    folder = tmp_path_factory.mktemp("paper")
    served = folder / "served"
    write_everything(served, drawn_faces(folder / "faces"))
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=served)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        write_sources(folder / "sources.csv", served, f"http://127.0.0.1:{server.server_address[1]}")
        (folder / "run").mkdir()
        yield folder
        server.shutdown()
        thread.join()


def snakemake(project, *arguments, config=(), licences=ACCEPTED):
    environment = {**os.environ, "no_proxy": "127.0.0.1", "XDG_CACHE_HOME": str(project / "cache")}
    sources = f"downloads={{sources: {project / 'sources.csv'}}}"
    settings = ("--config", *SMALL, sources, *([licences] if licences else []), *config)
    command = [SNAKEMAKE, "--snakefile", ROOT / "Snakefile", "--cores", "2", *arguments, *settings]
    return subprocess.run(command, cwd=project / "run", env=environment, capture_output=True, text=True)


def run(project, *arguments, **options):
    result = snakemake(project, *arguments, **options)
    assert result.returncode == 0, (result.stdout + result.stderr)[-6000:]
    return result


def metrics_of(project, experiment, stage, protocol=""):
    path = project / "run" / "results" / experiment / "evaluation" / f"stage{stage}" / protocol / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8"))


def verdict_of(project, experiment):
    folder = project / "run" / "results" / experiment / "verdict"
    assert ElementTree.parse(folder / "verdict.xml").getroot() is not None
    assert (folder / "verdict.md").stat().st_size > 0
    return json.loads((folder / "verdict.json").read_text(encoding="utf-8"))


def check_figures(project, name, points):
    for stage in (1, 2):
        curves, headline = metrics_of(project, name, stage), metrics_of(project, name, stage, "headline")
        assert (curves["num_true_points"], headline["num_true_points"]) == (68, points)
        assert curves["num_test_images"] == headline["num_test_images"] == 4
        assert curves["num_landmarks"] == int(name.rpartition("_k")[2])
    assert metrics_of(project, name, 2)["forward_nme"] > 0


@pytest.mark.parametrize(("name", "points"), [("celeba_k30", 5), ("ls3d_k10", 68), ("ls3d_k30", 68)])
def test_an_experiment_runs_from_download_to_verdict(project, name, points):
    licences = LICENSED[name.partition("_")[0]]
    target = f"results/{name}/verdict/verdict.md"
    run(project, target, "--configfile", ROOT / "config" / f"{name}.yaml", licences=licences)
    check_figures(project, name, points)
    judged = {figure["id"]: figure["status"] for figure in verdict_of(project, name)["figures"]}
    assert set(judged) == ({"ls3d-forward", "ls3d-backward"} if name == "ls3d_k10" else set())
    assert "absent" not in judged.values()


def test_a_run_without_a_target_leaves_report_provenance_and_verdict(project):
    arguments = ("--configfile", ROOT / "config" / "celeba_k10.yaml")
    run(project, *arguments, licences=LICENSED["celeba"])
    check_figures(project, "celeba_k10", points=5)
    statuses = {figure["status"] for figure in verdict_of(project, "celeba_k10")["figures"]}
    assert statuses <= {"miss", "better", "within"}
    results = project / "run" / "results" / "celeba_k10"
    report = (results / "report.html").read_text(encoding="utf-8")
    for words in ("CelebA", "SuperPoint", "data:image/"):
        assert words in report
    assert (results / "pictures" / "stage1_losses.svg").is_file()
    inputs = (results / "provenance.json").read_text(encoding="utf-8")
    assert all(name in inputs for name in ("celeba.zip", "superpoint_v1.pth", "facts.json"))
    with np.load(results / "evaluation" / "stage2" / "predictions.npz") as archive:
        assert archive["landmarks"].shape == (14, 10, 2)
        assert sorted(archive["split"]) == ["test"] * 4 + ["train"] * 10
    # A licence more is no reason to fetch, and then to train, again.
    again = run(project, *arguments, "--dry-run")
    assert "Reason: Params have changed" in again.stdout + again.stderr
    assert not [rule for rule in ("download ", "prepare ", "train_stage1 ") if f"\n{rule}" in again.stdout]


@pytest.mark.parametrize("kind", ["celeba", "ls3d"])
def test_the_authors_weights_are_measured_by_the_same_rules(project, kind):
    model = f"model={MODEL.model_dump_json()}"
    arguments = ("--configfile", ROOT / "config" / f"pretrained_{kind}.yaml")
    target = f"results/pretrained_{kind}/verdict/verdict.md"
    run(project, target, *arguments, config=[model], licences=LICENSED[kind].replace("superpoint, ", ""))
    for count in (10, 30):
        for stage in (1, 2):
            metrics = metrics_of(project, f"pretrained_{kind}-k{count}", stage)
            assert metrics["num_landmarks"] == count
    assert [figure["seeds"] for figure in verdict_of(project, f"pretrained_{kind}")["figures"]] == [1, 1]
    weights = project / "run" / "results" / f"pretrained_{kind}-k10"
    assert not (weights / "pseudo_groundtruth.npz").exists()


def test_files_without_a_published_digest_are_pinned_and_a_changed_one_is_refused(project):
    digests = [f"resources/downloads/{name}.sha256" for name in ("celeba.zip", "CelebABoundingBoxes.pickle")]
    run(project, *digests, "--configfile", ROOT / "config" / "celeba_k10.yaml")
    lock = (project / "run" / "downloads.lock").read_text(encoding="utf-8")
    assert "celeba.zip" in lock
    assert "mafl_training.txt" not in lock
    downloads = project / "run" / "resources" / "downloads"
    (downloads / "CelebABoundingBoxes.pickle.sha256").unlink(missing_ok=True)
    right = (downloads / "CelebABoundingBoxes.pickle").read_bytes()
    try:
        (downloads / "CelebABoundingBoxes.pickle").write_bytes(right[:-1] + b"?")
        arguments = ("resources/downloads/CelebABoundingBoxes.pickle.sha256", "--configfile")
        result = snakemake(project, *arguments, ROOT / "config" / "celeba_k10.yaml")
        assert result.returncode != 0
        assert "CelebABoundingBoxes.pickle" in result.stdout + result.stderr
        assert hashlib.sha256(right).hexdigest() in result.stdout + result.stderr
    finally:
        (downloads / "CelebABoundingBoxes.pickle").write_bytes(right)


def test_what_a_user_must_accept_is_said_before_anything_runs(project):
    arguments = ("--configfile", ROOT / "config" / "celeba_k30.yaml", "--forceall")
    refused = snakemake(project, *arguments, licences=None)
    assert refused.returncode != 0
    assert "accept_licences" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "rule download" not in refused.stderr
    planned = snakemake(project, *arguments, "--dry-run", licences=None)
    assert planned.returncode == 0, planned.stderr
    assert "accept_licences" in planned.stderr


def test_what_provenance_names_has_run_before(project):
    target = "results/celeba_k10/provenance.json"
    arguments = (target, "--dry-run", "--forceall", "--configfile", ROOT / "config" / "celeba_k10.yaml")
    planned = run(project, *arguments, licences=LICENSED["celeba"])
    assert re.search(r"^evaluate_headline +2$", planned.stdout + planned.stderr, re.MULTILINE)


@pytest.mark.parametrize("name", ["celeba_k10", "celeba_k30", "ls3d_k10", "ls3d_k30"])
def test_the_short_form_plans_the_same_chain(project, name):
    planned = snakemake(project, "--dry-run", "--forceall", "--configfile", ROOT / "config" / f"{name}_short.yaml")
    assert planned.returncode == 0, planned.stderr
    output = planned.stdout + planned.stderr
    for rule in ("download", "build_dataset", "train_stage1", "evaluate_headline", "verdict", "provenance"):
        assert f"\n{rule} " in output
