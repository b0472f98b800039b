import pytest
from fake_packages import HEADER, stanza
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged_text, fuzz

from landmark_discovery.bootstrap_training.debian_copyright import SEE_COPYRIGHT, UNKNOWN, FileLicence, read_copyright

LAKE = "usr/share/backgrounds/lake.jpg"
SEA = "usr/share/backgrounds/nature/sea.jpg"


def licence_of(path, *patterns):
    """Give the licence that a file has by stanzas with these patterns: A for the first, B for the second, ..."""
    stanzas = (stanza(files, "ABCDE"[index], "x") for index, files in enumerate(patterns))
    return read_copyright(HEADER + "".join(stanzas)).of(path).licence


@pytest.mark.parametrize(
    ("path", "patterns", "licence"),
    [
        # The source has the file as it is installed, or below the folder that is installed.
        (LAKE, ["*", LAKE], "B"),
        (LAKE, [LAKE, "*"], "A"),
        (LAKE, ["backgrounds/lake.jpg", "*"], "A"),
        (SEA, ["nature/sea.jpg", "*"], "A"),
        # In the source it lies in another folder, so that the name alone agrees.
        (LAKE, ["16.04/lake.jpg", "*"], "A"),
        (LAKE, ["src/16.04/lake.jpg", "src/16.04/other.jpg", "*"], "A"),
        # Several patterns in a stanza.
        (LAKE, ["*", "sea.jpg lake.jpg pond.jpg"], "B"),
        # The longest common tail wins, wherever it stands.
        (SEA, ["nature/sea.jpg", "abstract/sea.jpg", "*"], "A"),
        (SEA, ["old/nature/sea.jpg", "abstract/sea.jpg"], "A"),
        # Only one of the equal ends is whole.
        (LAKE, ["lake.jpg", "16.04/lake.jpg"], "A"),
        # Equal ends of two files of the source: nobody knows which of them is installed.
        (LAKE, ["16.04/lake.jpg", "20.04/lake.jpg", "*"], SEE_COPYRIGHT),
        # The last of equal patterns, as the format says.
        (LAKE, ["lake.jpg", "lake.jpg", "*"], "B"),
        (LAKE, ["*", "*"], "B"),
        # Folders.
        (SEA, ["*", "nature/*", "debian/*"], "B"),
        (SEA, ["nature/*", "*"], "A"),
        (SEA, ["backgrounds/*", "*.jpg"], "B"),
        ("usr/share/walls/Lake/contents/1.png", ["walls/*.png", "*"], "A"),
        # Wildcards in names.
        (LAKE, ["backgrounds/la*.jpg", "*"], "A"),
        (LAKE, ["backgrounds/l?ke.jpg", "*"], "A"),
        (LAKE, ["backgrounds/l?e.jpg", "*"], "B"),
        # The end of such a pattern would claim files of all folders.
        (LAKE, ["screenshots/*.jpg", "*"], "B"),
        # Parts of names don't count.
        ("usr/share/deep-lake.jpg", ["lake.jpg", "*"], "B"),
        (SEA, ["ature/sea.jpg", "nature/*"], "A"),
        (LAKE, ["debian/*", "Makefile"], SEE_COPYRIGHT),
        (LAKE, ["./lake.jpg", "*"], "A"),
        (LAKE, [r"la\*ke.jpg", "*"], "B"),
    ],
)
def test_the_stanza_whose_pattern_ends_most_like_the_installed_path_holds(path, patterns, licence):
    assert licence_of(path, *patterns) == licence


def test_holders_are_joined_and_licence_texts_left_out():
    text = HEADER + stanza("*", "CC-BY-SA-4.0\n All that the\n licence says.", "2018, Ann  B\n   2019, Carl D <c@d>")

    assert read_copyright(text).of(LAKE) == FileLicence("CC-BY-SA-4.0", "2018, Ann B; 2019, Carl D <c@d>")


def test_equal_statements_of_equal_ends_hold():
    text = HEADER + stanza("16.04/lake.jpg", "X", "Ann") + stanza("20.04/lake.jpg", "X", "Ann")

    assert read_copyright(text).of(LAKE) == FileLicence("X", "Ann")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "This package was put together by Ann.\n\nCopyright:\n  2012 Ann\n",
        stanza("*", "X", "Ann"),
        HEADER + "\nFiles: *\nLicense: X\n",
        HEADER + stanza("lake\\", "X", "Ann"),
        HEADER + stanza(r"la\ke.jpg", "X", "Ann"),
    ],
)
def test_files_that_no_program_can_read_are_referred_to(text):
    assert read_copyright(text).of(LAKE) == UNKNOWN


@given(data=st.data())
@fuzz(200)
def test_fuzzed_copyright_files_give_some_licence(data):
    whole = HEADER + stanza("16.04/lake.jpg *.png", "X", "Ann") + stanza("*", "Y", "Ann\n Carl")
    pieces = ("\n", "\n\n", ":", " ", "*", "\\", "?", "/", "Files: ", "License:", "Copyright: ", "\t", "#", "\x00", "[")
    found = read_copyright(data.draw(damaged_text(whole, pieces, r"[^\s]+"))).of(LAKE)

    assert found.licence
    assert found.author
