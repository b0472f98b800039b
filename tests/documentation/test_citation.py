import yaml
from shown_commands import ROOT

from landmark_discovery import __version__

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version_and_licence():
    assert str(CITATION["version"]) == __version__
    assert CITATION["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


def test_it_has_what_the_format_needs_and_names_the_paper():
    assert {"cff-version", "message", "title", "authors"} <= set(CITATION)
    assert CITATION["authors"] == [{"name": "The landmark-discovery authors"}]
    paper = CITATION["preferred-citation"]
    assert [author["family-names"] for author in paper["authors"]] == ["Mallis", "Sanchez", "Bell", "Tzimiropoulos"]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert paper["title"].partition(":")[0] in readme
    assert paper["identifiers"][0]["value"].removeprefix("arXiv:") in readme
