"""The page of --html: everything is on it, nothing is loaded, and a real browser shows it on a phone."""

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import threading
from html.parser import HTMLParser

import pytest
from markupsafe import escape

import proofs.__main__ as program
from proofs import induction, report, verdict
from proofs.claims import BY_NAME, CLAIMS
from proofs.museum import hall
from proofs.museum.exhibit import load_all
from proofs.page import write as page
from proofs.search import Result, run
from proofs.surveys import Cell

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
VOID = {"meta", "img", "br", "hr", "link", "input"}
COQ = {"E1": induction.Proof("E1.v", 1, 0.5, None), "E2": induction.Proof("E2.v", 2, 0.5, "it is <wrong>")}
CELLS = [Cell("D1", 0.5, 1, 6, trained, 60, 0.0, 0.17, 0.75, None if trained else 0.28, 0) for trained in (False, True)]


class Reader(HTMLParser):
    """Collects tags, ids and attributes, and checks that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.urls = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []
        self.urls += [values[name] for name in ("src", "srcset", "action", "data") if name in values]
        if tag not in VOID and tag != "mspace":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        if tag in ("tr", "td", "th", "li", "p", "dt", "dd") and tag not in self.open:
            raise AssertionError(f"</{tag}> closes nothing")
        assert self.open.pop() == tag, f"</{tag}> in the wrong place, inside {self.open[-3:]}"


@pytest.fixture(scope="module")
def results():
    return [run(claim, 1, size=(1, 2, 2)) for claim in CLAIMS if claim.name != "M1"]


@pytest.fixture(scope="module")
def written(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    page.write(path, results, {"seed": 0}, proofs=COQ, cells=CELLS, exhibits=load_all())
    return path


def test_every_claim_has_a_sketch_whose_formulas_and_code_exist():
    for claim in CLAIMS:
        sketch = claim.sketch
        assert "<math" in page.formula(sketch.formula, block=True) and len(sketch.proof) > 80
        assert "$" not in page.prose(sketch.proof) and "\\" not in page.prose(sketch.proof)
        assert sketch.equations
        for equation in sketch.equations:
            code = page.find(equation.code)
            assert code.source.startswith(("def ", "class ", "@")) and re.search(r"\.py:\d+$", code.place)


@pytest.mark.slow
def test_everything_about_a_claim_is_on_the_page(written, results):
    text = written.read_text(encoding="utf-8")
    for result in results:
        claim = BY_NAME[result.name]
        for part in (claim.statement, claim.hypotheses, claim.source, claim.checked, report.slack_text(result)):
            assert str(escape(part)) in text
        for certificate in result.certificates:
            assert certificate.architecture in text
        for line in result.counterexamples:
            assert str(escape(line)) in text
        assert f'id="{claim.name}"' in text
        decided = verdict.decide(result, COQ.get(result.name))
        assert f">{decided.word}</span>: {escape(decided.text)}</dd>" in text
    for shown in load_all():
        assert str(escape(hall.heading(shown))) in text
        assert all(f"<td>{escape(name)}</td>" in text for name, _ in hall.steps(shown))
    assert "it is &lt;wrong&gt;" in text and "proved, without axioms" in text
    assert "17 %" in text and "0.28" in text and "–" in text


@pytest.mark.slow
def test_the_page_is_whole_and_loads_nothing(written):
    reader = Reader(written.read_text(encoding="utf-8"))
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert reader.links and all(link.removeprefix("#") in reader.ids for link in reader.links)
    assert reader.urls and all(url.startswith("data:image/svg+xml;base64,") for url in reader.urls)
    assert "math" in reader.tags and "link" not in reader.tags and "iframe" not in reader.tags


@pytest.mark.slow
def test_the_same_results_give_the_same_page(written, results, tmp_path):
    page.write(tmp_path / "again.html", results, {"seed": 0}, proofs=COQ, cells=CELLS, exhibits=load_all())
    assert (tmp_path / "again.html").read_bytes() == written.read_bytes()


def test_a_claim_that_fails_says_so(tmp_path):
    failed = Result("E1", 3, 4, None, "layer0.weight[0, 0]: 1 < 2 & more", (), 0.1)
    page.write(tmp_path / "failed.html", [failed], {})
    text = (tmp_path / "failed.html").read_text(encoding="utf-8")
    assert "0 of 1 claims hold" in text and "E1 fail" in text and "1 &lt; 2 &amp; more" in text
    assert "Not checked here" in text and Reader(text).open == []


def test_the_slacks_are_told_in_words():
    claim = BY_NAME["R2"]
    shown = page.distribution(claim, (0.1, 0.2, 0.4, float("inf")))
    assert shown["words"] == "3 cases: least 0.1, median 0.2, largest 0.4; 1 without a finite value"
    assert shown["means"] == "the gap comes within … of its bound" and shown["picture"]
    assert page.distribution(claim, (0.5,))["words"] == "0.5 in 1 case"
    assert page.distribution(claim, (0.5, 0.5))["picture"] is None
    assert page.distribution(claim, (float("inf"),)) is None and page.distribution(claim, ()) is None
    assert page.distribution(claim, tuple(10.0**-k for k in range(9)))["picture"]


@pytest.mark.slow
def test_the_command_writes_the_page(tmp_path, capsys):
    path = tmp_path / "report.html"
    assert program.main(["--claim", "H1", "--claim", "R2", "--cases", "6", "--html", str(path), "--workers", "1"]) == 0
    text = path.read_text(encoding="utf-8")
    assert "2 of 2 claims hold" in text and "rate-gap" not in text and "the membrane ends 1/8 below" in text
    assert f"wrote {path}" in capsys.readouterr().out


def test_a_page_that_cannot_be_written_is_refused_before_any_work(tmp_path, capsys):
    assert program.main(["--html", str(tmp_path / "nowhere" / "report.html")]) == 2
    assert "folder that can be written" in capsys.readouterr().err


PROBE = """<!DOCTYPE html><iframe id="phone" src="report.html#D1" style="width:360px;height:800px"></iframe><script>
addEventListener("load", () => {
  const page = document.getElementById("phone").contentDocument;
  const root = page.documentElement;
  const link = page.querySelector('a[href^="#code-"]');
  const code = page.getElementById(link.getAttribute("href").slice(1));
  const formulas = [...page.querySelectorAll("math")].filter(each => !each.closest("details"));
  const before = code.open;
  link.click();
  setTimeout(() => {
    const found = { width: root.scrollWidth, formulas: formulas.length,
      flat: formulas.filter(each => each.getBoundingClientRect().height < 8).length,
      pictures: [...page.images].filter(each => each.complete && each.naturalWidth > 0).length,
      images: page.images.length, before: before, after: code.open };
    document.body.setAttribute("data-found", JSON.stringify(found));
  }, 300);
});
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium to show the page in (apt install chromium)")
def test_a_real_browser_shows_it_on_a_phone(written):
    folder = written.parent
    (folder / "probe.html").write_text(PROBE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
        address = f"http://127.0.0.1:{server.server_port}/probe.html"
        profile = f"--user-data-dir={folder / 'profile'}"
        shown = subprocess.run([CHROMIUM, *flags, profile, address], capture_output=True, text=True, timeout=120)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    found = json.loads(html.unescape(re.search('data-found="(.*?)"', shown.stdout)[1]))
    assert found["width"] <= 360  # nothing makes the whole page scroll sideways
    assert found["formulas"] > 100 and found["flat"] == 0  # formulas are drawn
    assert found["pictures"] == found["images"] > 5
    assert (found["before"], found["after"]) == (False, True)  # a link to code opens it
