import pytest

from benchmarks.__main__ import main


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["benchmarks", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code

    return call


def test_two_reports_are_compared_from_the_command_line(run, tmp_path, capsys):
    options = ("speed", "--small", "--device", "cpu", "--only", "limits", "--seconds", "0.1", "--output")
    assert not run(*options, tmp_path / "a")
    assert not run(*options, tmp_path / "b")
    capsys.readouterr()
    assert not run("compare", tmp_path / "a" / "benchmarks.json", tmp_path / "b" / "benchmarks.json")
    assert "of 2 figures" in capsys.readouterr().out


def test_an_error_of_the_user_is_one_line_and_the_status_2(run, tmp_path, capsys):
    assert run("compare", tmp_path / "none.json", tmp_path / "none.json") == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
