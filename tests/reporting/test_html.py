import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.reporting import html

HOSTILE = "</script><script>alert(1)</script> & \"quotes\" 'too'"


def texts_and_tags(page):
    texts, tags = [], []

    class Reader(HTMLParser):
        def handle_data(self, data):
            texts.append(data)

        def handle_starttag(self, tag, attrs):
            tags.append((tag, dict(attrs)))

    Reader().feed(page)
    return "".join(texts), tags


def test_pages_need_no_other_file():
    page = html.page("T & T", html.paragraph("words"))
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>T &amp; T</title>" in page
    _, tags = texts_and_tags(page)
    addresses = [attributes[name] for _, attributes in tags for name in ("src", "href") if name in attributes]
    assert addresses == ["data:,"]


def test_a_page_has_one_heading_of_the_first_level():
    assert html.page("Title").count("<h1") == 1
    assert html.page("Title", "<header><h1>Mine</h1></header>").count("<h1") == 1


@pytest.mark.parametrize(
    "make",
    [
        html.paragraph,
        html.heading,
        html.code,
        lambda words: html.table((words,), [(words,)]),
        lambda words: html.table(("", words), [("", words)], numbers=False),
        lambda words: html.figures([(words, words, words)]),
        lambda words: html.definitions({words: words}),
        lambda words: html.folded(words, "<p>x</p>"),
        lambda words: html.section("a", words, "<p>x</p>"),
        lambda words: html.picture("data:,", words, words),
        lambda words: html.nested({words: words}),
    ],
)
def test_words_are_shown_and_never_run(make):
    text, tags = texts_and_tags(make(HOSTILE))
    assert HOSTILE.lower() in text.lower()
    assert "script" not in [tag for tag, _ in tags]


@given(words=st.text())
def test_any_words_in_data_come_back_and_cannot_end_the_element(words):
    element = html.data("facts", {"words": words})
    body = element.removeprefix('<script type="application/json" id="facts">').removesuffix("</script>")
    assert "<" not in body
    assert json.loads(body) == {"words": words}


def test_long_names_of_keys_may_go_on_in_the_next_line():
    table = html.table((), [("stage1.optimizer.warmup_iterations", "1")])
    assert "stage1.<wbr>optimizer.<wbr>warmup_<wbr>iterations" in table
    assert "<wbr>" not in html.table((), [("stage1.iterations", "1")])


def test_parts_without_anything_in_them_are_left_out():
    assert html.section("a", "Title", "") == html.folded("More", "") == ""


def test_what_is_not_for_paper_is_marked():
    assert 'class="screen-only"' in html.folded("More", "<p>x</p>", printed=False)
    assert "screen-only" not in html.folded("More", "<p>x</p>")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "yes"),
        (12345, "12,345"),
        (0.123456, "0.1235"),
        ([], "none"),
        ([1, 2], "1, 2"),
        ({"a": 1, "b": None}, "a: 1, b: none"),
        ("a", "a"),
    ],
)
def test_values_are_written_for_people(value, words):
    assert html.plain_value(value) == words


def test_mappings_and_lists_of_them_become_tables_of_their_own():
    shown = html.nested({"images": 3031, "left_out": [{"image": "a", "reason": "b"}], "size": {"width": 5}})
    assert '<th scope="row">Images</th><td>3,031</td>' in shown
    assert "<h3>Left out</h3>" in shown
    assert "<h3>Size</h3>" in shown


def test_keys_are_turned_into_words():
    assert html.words("num_true_points") == "Number of true points"
    assert html.words("forward_nme_std") == "Forward NME std"
