import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
RUNNER_VARIABLES = ("ACCEPT", "CORES", "EXPERIMENT", "SEEDS", "SUMMARY", "GITHUB_STEP_SUMMARY", "MAKEFLAGS", "MFLAGS")


def workflow(name):
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))


def steps_of(path):
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def planned(*arguments, **variables):
    """Give the commands that make would run, in one line each, with these variables of the environment."""
    environment = {name: value for name, value in os.environ.items() if name not in RUNNER_VARIABLES} | variables
    command = ["make", "--dry-run", "--no-print-directory", *arguments]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return result.stdout.replace("\\\n", " ").splitlines()


def test_there_are_workflows_for_the_tests_the_paper_and_the_containers():
    assert [path.stem for path in WORKFLOWS] == ["containers", "paper", "tests"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_step_that_runs_something_is_one_make_target(path):
    commands = [step["run"] for step in steps_of(path) if "run" in step]
    assert commands
    for command in commands:
        program, target, *variables = shlex.split(command)
        assert (program, "\n" in command.strip()) == ("make", False)
        assert target in TARGETS
        assert all(re.fullmatch(r"[A-Z]+=\S*", variable) for variable in variables)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_from_outside_gets_into_a_command_line(path):
    assert not any("${{" in step["run"] for step in steps_of(path) if "run" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_jobs_have_least_permissions_pinned_actions_and_time_limits(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["permissions"] == {"contents": "read"}
    assert content["concurrency"]["group"]
    for job in content["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] > 0
    for step in steps_of(path):
        assert ("run" in step) != ("uses" in step)
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/none@v0"))


def test_the_tests_and_the_demo_run_on_python_3_11():
    jobs = workflow("tests")["jobs"]
    assert {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step} == {
        "make test",
        "make demo",
    }
    for job in jobs.values():
        assert job["runs-on"] == "ubuntu-latest"
        assert {"python-version": "3.11"} in [step.get("with") for step in job["steps"]]


def test_the_paper_runs_weekly_and_by_hand_on_a_gpu_keeps_its_results_and_shows_the_verdict():
    content = workflow("paper")
    triggers = content[True]  # YAML 1.1 reads the key `on` as true
    assert set(triggers) == {"schedule", "workflow_dispatch"}
    assert set(triggers["workflow_dispatch"]["inputs"]) == {"experiment", "seeds"}
    for job in content["jobs"].values():
        assert job["runs-on"] == ["self-hosted", "gpu"]
        commands = [step.get("run") for step in job["steps"]]
        assert "make verdict-summary" in commands
        assert job["steps"][-1]["uses"].startswith("actions/upload-artifact@")


def test_every_experiment_that_the_paper_offers_has_a_file():
    names = workflow("paper")[True]["workflow_dispatch"]["inputs"]["experiment"]["options"]
    assert [name for name in names if not (ROOT / "config" / f"{name}.yaml").is_file()] == ["none"]


def test_the_papers_run_sweeps_over_the_seeds_and_accepts_the_licences():
    run, summary = planned("paper", EXPERIMENT="ls3d_k30", SEEDS="1,2", ACCEPT="ls3d-w,300w-lp", CORES="16")[-2:]
    words = shlex.split(run)
    assert words[1:] == [
        *(".venv/bin/snakemake", "--cores", "16", "--configfile", "config/ls3d_k30.yaml"),
        *("--config", "accept_licences=[ls3d-w,300w-lp]", "sweep={seed: [1,2]}"),
    ]
    assert shlex.split(summary) == [".venv/bin/landmarks", "verdict-summary", "results/ls3d_k30-sweep/verdict"]
    assert planned("paper", "EXPERIMENT=ls3d_k30", "SEEDS=1,2", "ACCEPT=ls3d-w,300w-lp", "CORES=16")[-2:] == [
        run,
        summary,
    ]


def test_without_seeds_and_licences_nothing_is_configured():
    run = shlex.split(planned("paper")[-2])
    assert run[1:] == [".venv/bin/snakemake", "--cores", "2", "--configfile", "config/celeba_k10.yaml"]


def test_the_authors_weights_have_a_target_each():
    run = shlex.split(planned("pretrained", ACCEPT="celeba")[-2])
    targets = ["pretrained_celeba", "pretrained_ls3d"]
    assert run[1:] == [".venv/bin/snakemake", *targets, "--cores", "2", "--config", "accept_licences=[celeba]"]


@pytest.mark.parametrize(
    ("variables", "options"),
    [({}, []), ({"GITHUB_STEP_SUMMARY": "page"}, ["--append-to", "page"]), ({"SUMMARY": "s"}, ["--append-to", "s"])],
)
def test_verdicts_are_appended_to_the_page_of_a_run_or_printed(variables, options):
    (summary,) = planned("verdict-summary", **variables)[-1:]
    assert shlex.split(summary) == [
        ".venv/bin/landmarks",
        "verdict-summary",
        "--tolerate-misses",
        *options,
        "results/*/verdict",
    ]
