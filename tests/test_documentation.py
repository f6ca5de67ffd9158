"""The documentation builds without a warning, is whole, and asks no other host for anything."""

import functools
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import pytest

import ottt_ref as ot
from experiments.figures.command import FIGURES
from ottt_ref import conformance, nir
from proofs.claims import CLAIMS

from .pages import PAGES, ROOT

pytestmark = pytest.mark.slow

pytest.importorskip("sphinx", reason="the extra docs builds the documentation")
pytest.importorskip("myst_nb")
pytest.importorskip("jupytext")
pytest.importorskip("furo")

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "embed": "src", "object": "data"}


class Page(HTMLParser):
    """The ids of a page, its links, and the addresses that a browser loads to show it."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads, self.tags = set(), [], [], set()
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.add(tag)
        self.ids |= {values["id"]} if "id" in values else set()
        self.links += [values["href"]] if tag == "a" and values.get("href") else []
        if tag == "link" and values.get("rel") not in ("next", "prev", "index", "search", "genindex"):
            self.loads.append(values["href"])
        if values.get(LOADED.get(tag)):
            self.loads.append(values[LOADED[tag]])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documentation")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-d", str(folder / "cache"), "docs", str(folder / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(built):
    return {path.relative_to(built).as_posix(): Page(path) for path in sorted(built.rglob("*.html"))}


def test_every_page_is_there(pages):
    names = {f"{path.stem}.html" for path in PAGES if path.parent == ROOT / "docs"}
    assert names <= set(pages) and len(names) > 10


def test_every_internal_link_leads_to_an_anchor(pages):
    followed = 0
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = unquote(urljoin(name, parts.path))
            assert target in pages or target.startswith("_"), f"{name}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{name}: {link}"
                followed += 1
    assert followed > 100


def test_nothing_is_loaded_from_another_host(built, pages):
    for name, page in pages.items():
        assert page.loads or name == "search.html"
        for address in page.loads:
            parts = urlsplit(address)
            assert not parts.netloc and parts.scheme in ("", "data"), f"{name}: {address}"
    for path in [*built.rglob("*.css")]:
        for address in re.findall(r"url\(([^)]*)\)|@import\s+([^;]+)", path.read_text(encoding="utf-8")):
            assert "//" not in "".join(address).replace("http://www.w3.org", ""), path


def test_every_claim_has_its_anchor_statement_and_proof(pages):
    theory = pages["theory.html"]
    assert {claim.name for claim in CLAIMS} <= theory.ids
    assert "math" in theory.tags and "$" not in re.sub(r"<(script|style).*?</\1>", "", theory.text, flags=re.DOTALL)
    for claim in CLAIMS:
        section = theory.text.split(f'id="{claim.name}"')[1].split("</section>")[0]
        assert ">Proof<" in section and "Hypotheses" in section and "Checked" in section and "<math" in section
        assert ("stops being true" in section) == bool(claim.counterexamples)


def test_every_public_name_is_in_the_reference(pages):
    ids = pages["reference.html"].ids
    for package in (ot, conformance, nir):
        for name in package.__all__:
            dotted = f"{package.__name__}.{name}"
            assert dotted in ids or dotted.replace(".", "-") in ids, dotted
    for name in ot.methods.METHODS:
        assert f"ottt_ref.{name.replace('-', '_')}.gradients" in ids


def test_lessons_are_shown_as_they_ran_and_are_left_as_notebooks(built, pages):
    lessons = [name for name in pages if name.startswith("lessons/")]
    assert len(lessons) == 7
    for name in lessons:
        source = (ROOT / "experiments" / name).with_suffix(".py").read_text(encoding="utf-8")
        shown = pages[name].text
        assert shown.count('<img class="lesson" alt="') == source.count("pictures.show(") > 0
        assert "put your answer in the place" in shown
        notebook = json.loads(
            (built.parent / "jupyter_execute" / name).with_suffix(".ipynb").read_text(encoding="utf-8")
        )
        assert any(cell.get("outputs") for cell in notebook["cells"])


def test_every_picture_has_its_sources_below_it(pages):
    shown = {name: re.findall(r'<img [^>]*src="_images/(\w+)\.svg"', page.text) for name, page in pages.items()}
    assert set().union(*shown.values()) == set(FIGURES)
    for name, pictures in shown.items():
        for picture in pictures:
            below = pages[name].text.split(f"_images/{picture}.svg")[1].split("</figcaption>")[0]
            assert "Sources: " in below and "theory.html#" in below, (name, picture)


def test_docstrings_that_name_a_claim_link_to_it(pages):
    assert {"theory.html#E1", "theory.html#E2", "theory.html#Q1"} <= set(pages["reference.html"].links)


# Every page in a frame as wide as a phone, and in one as wide as a desktop: how far it can be scrolled sideways, and
# what sticks out of it without a box of its own to scroll in. The code of lessons needs no scrolling.
PROBE = """<!DOCTYPE html><body><script>
const pages = {pages}, widths = [390, 1280], result = {{}};
const frame = document.createElement("iframe");
document.body.append(frame);
(async () => {{
  for (const width of widths) for (const page of pages) {{
    frame.style.width = width + "px"; frame.style.height = "900px";
    await new Promise(done => {{ frame.onload = done; frame.src = page; }});
    const root = frame.contentDocument.documentElement;
    const scrolls = each => ["auto", "scroll"].includes(frame.contentWindow.getComputedStyle(each).overflowX);
    const boxed = each => each && each.tagName !== "ARTICLE" && (scrolls(each) || boxed(each.parentElement));
    const out = [...root.querySelectorAll("article *")].filter(
      each => each.getBoundingClientRect().right > root.clientWidth + 1 && !boxed(each));
    const hidden = [...root.querySelectorAll(".cell_input pre, .cell_output pre")].filter(
      each => each.scrollWidth > each.clientWidth + 1);
    result[page + " at " + width] =
      [root.clientWidth, root.scrollWidth, [...out, ...hidden].map(each => each.outerHTML.slice(0, 80))];
  }}
  document.body.textContent = JSON.stringify(result);
}})();
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_):
        pass


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium to show the pages in (apt install chromium)")
def test_no_page_is_wider_than_a_phone_or_a_desktop(built, pages, tmp_path):
    (built / "probe.html").write_text(PROBE.format(pages=json.dumps(sorted(pages))), encoding="utf-8")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=built))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        flags += (
            " --disable-component-update --disable-sync --window-size=1400,1000 --virtual-time-budget=60000 --dump-dom"
        )
        address = f"http://127.0.0.1:{server.server_port}/probe.html"
        command = [CHROMIUM, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", address]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False).stdout
    finally:
        server.shutdown()
        server.server_close()
    widths = json.loads(re.search(r"<body>(\{.*?\})", shown, re.DOTALL)[1])
    assert len(widths) == 2 * len(pages)
    assert all(width > 300 for width, _, _ in widths.values())
    assert not {page: found for page, found in widths.items() if found[1] > found[0] or found[2]}
