import os
import subprocess
import sys

import pytest

from landmark_discovery.cli.main import app, main
from landmark_discovery.errors import UserError

COMMANDS = [
    "downloads",
    "download",
    "synthesize",
    "build-dataset",
    "prepare",
    "bootstrap",
    "train-stage1",
    "export-pseudo-groundtruth",
    "train-stage2",
    "predict-dataset",
    "convert-weights",
    "predict",
    "package-model",
    "model-card",
    "export-onnx",
    "check-onnx",
    "export-page",
    "evaluate",
    "plot-curves",
    "draw-pictures",
    "draw-keypoints",
    "plot-training",
    "report",
    "compare",
    "verdict",
    "verdict-summary",
    "provenance",
    "crate",
    "doctor",
    "show-config",
    "config-documents",
]


def test_there_is_a_command_for_every_step(landmarks):
    result = landmarks("--help")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    commands = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :] if line.startswith("  ")]
    assert [name for name in commands if name in COMMANDS] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(landmarks, command):
    result = landmarks(command, "--help")
    assert result.returncode == 0
    assert f"Usage: landmarks {command}" in result.stdout


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from landmark_discovery.cli import main; "
        "print([name for name in ('torch', 'cv2', 'faiss', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("evaluate", "--predictions", "none.npz", "--samples", "none.csv", "--output", "out"),
            "error: none.csv: no such file",
        ),
        (
            ("synthesize", "--set", "dataset.synthetic.sead=3", "--output", "out"),
            "error: unknown key 'dataset.synthetic.sead'; did you mean 'seed'?",
        ),
        (("synthesize", "--config", "none.yaml", "--output", "out"), "error: none.yaml: can't be read"),
        (
            ("synthesize", "--settings", "{}", "--set", "seed=3", "--output", "out"),
            "error: --settings says everything",
        ),
        (("predict-dataset", "--stage", "2", "--store", "none", "--weights", "w", "--output", "out"), "error: none: "),
        (("config-documents",), "error: "),
    ],
)
def test_an_error_of_the_user_is_one_line_and_leaves_nothing(landmarks, tmp_path, arguments, line):
    result = landmarks(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_is_refused_with_the_nearest_one(landmarks):
    result = landmarks("evalute")
    assert result.returncode == 2
    assert "'evaluate'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("what\nin two lines", where="here", remedy="do this"), 2, "error: here: what in two lines; do this"),
        (FileNotFoundError(2, "No such file", "x.csv"), 2, "error: x.csv: No such file"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_stops_a_command_decides_the_exit_status(monkeypatch, capsys, error, status, line):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("landmark_discovery.config.documents.write_documents", fail)
    monkeypatch.setattr("landmark_discovery.cli.project.Path.exists", lambda _: True)
    monkeypatch.setattr(sys, "argv", ["landmarks", "config-documents"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == status
    assert capsys.readouterr().err.strip() == line


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("landmark_discovery.config.documents.documents", fail)
    with pytest.raises(ZeroDivisionError):
        app(["config-documents", "--root", str(__file__).rsplit("/tests/", 1)[0]], standalone_mode=False)


@pytest.mark.parametrize(("chosen", "interval_s"), [({}, 1.0), ({"TQDM_MININTERVAL": "0.25"}, 0.25)])
def test_progress_is_told_once_a_second_since_it_also_goes_into_log_files(chosen, interval_s):
    code = (
        "from landmark_discovery.cli import main; "
        "main.app = lambda: print(__import__('tqdm').tqdm([]).mininterval); "
        "main.main()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_MININTERVAL"} | chosen
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert float(result.stdout) == interval_s
