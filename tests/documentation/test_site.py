"""The built site: it needs no network, and it works in a browser, on a phone and on a wide screen."""

import functools
import http.server
import re
import subprocess
import sys
import threading

import pytest
from shown_commands import ROOT

pytest.importorskip("mkdocs", reason="the site needs envs/requirements-docs.txt")
pytestmark = pytest.mark.slow

PAGES = ("index", "own-images", "method", "faq", "running", "reference/configuration", "reference/command-line")
LOADED = re.compile(r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']?(https?:)?//""")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture(scope="module")
def address(site):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def open_page(browser, address):
    opened = []

    def open_at(name, width_px, **options):
        page = browser.new_page(viewport={"width": width_px, "height": 900}, **options)
        opened.append(page)
        page.faults = []
        page.on("console", lambda said: page.faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on(
            "request",
            lambda one: page.faults.append(one.url) if not one.url.startswith((address, "data:", "blob:")) else None,
        )
        page.on("requestfailed", lambda one: page.faults.append(one.url))
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        return page

    yield open_at
    for page in opened:
        page.close()


def test_every_page_of_the_documentation_is_built(site):
    written = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert written <= {path.stem for path in site.glob("*.html")}
    assert (site / "reference" / "python" / "evaluation.html").is_file()
    assert not list(site.rglob("hooks.py"))


def test_nothing_of_it_is_loaded_from_elsewhere(site):
    for path in site.rglob("*.html"):
        assert not LOADED.search(path.read_text(encoding="utf-8")), path
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")), path


def test_pages_that_are_made_have_their_words(site):
    keys = (site / "reference" / "configuration.html").read_text(encoding="utf-8")
    assert 'id="stage1.iterations"' in keys
    functions = (site / "reference" / "python" / "evaluation.html").read_text(encoding="utf-8")
    assert 'id="landmark_discovery.evaluation.metrics.distinct_landmarks"' in functions


@pytest.mark.browser
@pytest.mark.parametrize("width_px", [390, 1600])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_screen_and_shows_all_of_its_pictures(open_page, name, width_px):
    page = open_page(name, width_px)
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    assert page.evaluate("[...document.images].filter(one => !one.complete || !one.naturalWidth).length") == 0
    assert page.faults == []


@pytest.mark.browser
def test_the_search_finds_a_key(open_page):
    page = open_page("index", 1600)
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially("num_landmarks")
    found = page.locator(".md-search-result__link").first
    found.wait_for()
    assert ".html" in found.get_attribute("href")
    assert page.faults == []


@pytest.mark.browser
def test_light_and_dark_follow_the_reader_and_can_be_changed(open_page):
    page = open_page("index", 1600, color_scheme="dark")
    assert page.evaluate("document.body.dataset.mdColorScheme") == "slate"
    page.locator("label[for^=__palette]:not([hidden])").click()
    assert page.evaluate("document.body.dataset.mdColorScheme") == "default"


@pytest.mark.browser
def test_a_command_is_copied_by_a_click(open_page):
    page = open_page("install", 1600)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("pre button, pre nav button").first.click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("make demo")
