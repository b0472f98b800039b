import pytest

from landmark_discovery.cli.failures import failures

FAILED = """\
Error in rule prepare:
    jobid: 4
    output: resources/stores/cats
    log: {log} (check log file(s) for error details)
    shell:
        landmarks prepare
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Write what Snakemake said about a run with these failed logs, and give what is repeated of it."""
    monkeypatch.chdir(tmp_path)

    def failures_of(**logs):
        for name, text in logs.items():
            if text is not None:
                (tmp_path / f"{name}.log").write_text(text, encoding="utf-8")
        said = "".join(FAILED.format(log=f"{name}.log") for name in logs)
        (tmp_path / "snakemake.txt").write_text(f"Building DAG of jobs...\n{said}", encoding="utf-8")
        return failures(["snakemake.txt"])

    return failures_of


def test_the_last_line_of_each_failed_step_is_repeated_with_its_log(run):
    assert run(one="start\nerror: a.jpg: empty; remove it\n", two="error: b\n") == [
        "error: a.jpg: empty; remove it [one.log]",
        "error: b [two.log]",
    ]


def test_what_a_progress_bar_overwrote_is_passed_over(run):
    assert run(one="images: 0%\rimages: 50%\r\nerror: b\n\n") == ["error: b [one.log]"]
    assert run(one="images: 0%\rimages: 50%\r") == ["images: 50% [one.log]"]


def test_what_torchrun_says_after_the_error_is_passed_over(run):
    assert run(one="error: a\nerror: b\nTraceback\nChildFailedError:\n====\n") == ["error: b [one.log]"]
    assert run(one="Traceback\nKeyError: 3\n") == ["KeyError: 3 [one.log]"]


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_log_without_words_is_passed_over(run, text):
    assert run(one=text) == []


def test_a_step_that_failed_twice_is_named_once(run, tmp_path):
    run(one="error: b\n")
    assert failures(["snakemake.txt", tmp_path / "snakemake.txt", "none.txt"]) == ["error: b [one.log]"]
