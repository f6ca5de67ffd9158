"""The pictures: those of the documentation are what the command draws, and show what the claims say."""

import json
import re
import xml.etree.ElementTree
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from experiments import __main__ as program
from experiments.figures import agreement, command, lattice, memory, methods, rates, style, traces
from experiments.figures.command import CAPTIONS, DATA, FIGURES
from proofs.claims import BY_NAME

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STORED = ROOT / "docs" / "_static"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def stored():
    """What docs/_static/figures.json holds."""
    return json.loads((STORED / DATA).read_text(encoding="utf-8"))


def data_of(stored, name):
    return stored["figures"][name]["data"]


def leaves(data):
    """Everything in nested lists and mappings that is neither, with its place."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            for place, leaf in leaves(value):
                yield (key, *place), leaf
    else:
        yield (), data


def require_near(found, expected, tolerance):
    """The same places, the same words, and numbers within a relative or absolute tolerance."""
    found, expected = dict(leaves(found)), dict(leaves(expected))
    assert list(found) == list(expected)
    for place, value in expected.items():
        near = pytest.approx(value, rel=tolerance, abs=tolerance) if isinstance(value, float) else value
        assert found[place] == near, place


@pytest.mark.parametrize("picture", [methods, lattice, traces, agreement, rates], ids=lambda picture: picture.NAME)
def test_the_numbers_stored_are_what_is_measured(picture, stored):
    require_near(picture.measure(0), data_of(stored, picture.NAME), picture.TOLERANCE)


def test_the_memory_stored_is_what_is_measured(stored, monkeypatch):
    """At a few lengths, and with less of a warm-up: it takes ten seconds otherwise."""
    short, long = 1, 64
    known = data_of(stored, "memory")
    monkeypatch.setattr(memory, "STEPS", (short, long))
    monkeypatch.setattr(memory, "RTRL_STEPS", (short,))
    monkeypatch.setattr(memory, "WARM_UP_STEPS", 1000)
    for name, found in memory.measure(0)["kilobytes"].items():
        expected = [known["kilobytes"][name][known["time_steps"].index(steps)] for steps in (short, long)[: len(found)]]
        assert found == pytest.approx(expected, rel=memory.TOLERANCE), name


@pytest.mark.parametrize("name", FIGURES)
def test_the_pictures_stored_are_what_is_drawn_of_the_numbers_stored(name, stored):
    """Byte by byte with the matplotlib that drew them; another one may lay them out in another way."""
    text = (STORED / f"{name}.svg").read_text(encoding="utf-8")
    drawn = style.rendered(FIGURES[name], data_of(stored, name), "svg").decode()
    if stored["versions"]["matplotlib"] == matplotlib.__version__:
        assert drawn == text
    assert [each.text for each in elements(drawn, "text")] == [each.text for each in elements(text, "text")]
    assert stored["figures"][name]["title"] == FIGURES[name].TITLE


def elements(text, tag):
    return list(xml.etree.ElementTree.fromstring(text).iter(f"{SVG}{tag}"))


def test_the_captions_stored_are_those_of_the_pictures_and_name_claims_that_exist():
    assert (STORED / CAPTIONS).read_text(encoding="utf-8") == command.captions(FIGURES)
    for picture in FIGURES.values():
        sources = picture.CAPTION.split("Sources: ")[1] if "Sources: " in picture.CAPTION else ""
        named = re.findall(r"\b[A-Z]\d\b", sources)
        assert named and set(named) <= set(BY_NAME), picture.NAME


def test_every_picture_of_the_pages_is_one_of_these():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for name in re.findall(r"!\[[^]]*\]\((?:docs/)?_static/(\w+)\.svg\)", page.read_text(encoding="utf-8")):
            assert name in FIGURES, page


@pytest.mark.parametrize("name", FIGURES)
def test_an_svg_has_letters_a_dark_side_no_date_and_asks_for_nothing(name):
    text = (STORED / f"{name}.svg").read_text(encoding="utf-8")
    assert elements(text, "text") and not elements(text, "image") and "<dc:date>" not in text
    assert "prefers-color-scheme: dark" in text and style.LICENCE in text and FIGURES[name].TITLE in text
    links = {value for each in xml.etree.ElementTree.fromstring(text).iter() for value in each.attrib.values()}
    assert not [link for link in links if "//" in link and not link.startswith(("http://purl.org/",))]
    colours = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", text))
    assert colours <= {*style.DARK, style.AMBER}  # each has a counterpart on a dark page, or needs none


def test_colours_are_legible_on_paper_and_on_a_dark_page():
    """WCAG's contrast: 3 for lines (orange on white has less, and is drawn with marks), 4.5 for text."""
    for light, dark in style.DARK.items():
        if light in (style.PAPER, style.GRID):
            continue
        least = 4.5 if light in (style.INK, style.MUTED, style.BLUE) else 3
        assert contrast(light, style.PAPER) >= least and contrast(dark, style.DARK[style.PAPER]) >= least, light


def contrast(one, other):
    bright, dark = sorted((luminance(colour) for colour in (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_no_two_methods_differ_by_colour_alone():
    for looks in (style.METHODS.values(), [look[:3] for look in agreement.COMPARED.values()]):
        for part in range(3):
            assert len({look[part] for look in looks}) == len(looks)


def test_the_unrolled_network_shows_what_theorem_e2_says(stored):
    paths = {name: set(map(tuple, found)) for name, found in data_of(stored, "methods")["paths"].items()}
    times = range(methods.STEPS)
    everything = {(t0, t1, t2) for t0 in times for t1 in times for t2 in times if t0 <= t1 <= t2}
    assert paths["BPTT"] == paths["RTRL"] == everything
    assert paths["OTTT"] == {path for path in everything if path[1] == path[2]}
    assert paths["SLTT"] == {path for path in everything if path[0] == path[1] == path[2]}


def test_the_lattice_has_a_path_count_and_a_share_for_each_set(stored):
    """Waits among k membranes: C(T + k, k + 1) paths at T steps, and a half of the weight for each that is closed."""
    sets = data_of(stored, "lattice")["sets"]
    assert [each["name"] for each in sets if each["name"]] == ["SLTT", "OTTT", "OTPE", "BPTT"]
    assert [each["layers"] for each in sets if each["name"]] == [[], [0], [0, 1], [0, 1, 2]]
    counts = {0: 5, 1: 15, 2: 35, 3: 70}
    shares = {0: "1/8", 1: "1/4", 2: "1/2", 3: "1"}
    assert len(sets) == 8
    for each in sets:
        size = len(each["layers"])
        assert (each["paths"], each["share"]) == (counts[size], shares[size])


def test_the_trace_and_the_potential_follow_their_equations(stored):
    data = data_of(stored, "traces")
    trace = 0.0
    for spike, value in zip(data["presynaptic"], data["trace"]):
        trace = data["decay"] * trace + spike
        assert value == pytest.approx(trace, abs=1e-12)  # the same sum, rounded in the same way but for its order
    assert [u >= 1 for u in data["potential"]] == [s == 1 for s in data["spikes"]]
    assert 0 < sum(data["spikes"]) < len(data["spikes"])


def test_bptt_alone_takes_more_memory_for_more_time_steps(stored):
    found = data_of(stored, "memory")["kilobytes"]
    assert found["BPTT"][-1] > 30 * found["BPTT"][0]
    for name in ("OTTT", "SLTT", "RTRL"):
        assert max(found[name]) < 1.15 * min(found[name])
    assert found["RTRL"][0] > 100 * found["OTTT"][0]


def test_the_agreement_is_as_its_caption_says(stored):
    data = data_of(stored, "agreement")
    means = {
        f: {pair: [cell[0] for cell in row] for pair, row in found["cosines"].items()} for f, found in data.items()
    }
    for found in means.values():
        assert all(ottt >= sltt > sr for ottt, sltt, sr in zip(*found.values()))
    assert means["depth"]["BPTT OTTT"][-1] < 0.9 < means["depth"]["BPTT OTTT"][0]
    assert means["depth"]["OTTT SR"] == sorted(means["depth"]["OTTT SR"], reverse=True)
    assert means["decay"]["OTTT SR"][-1] > 1.5 * means["decay"]["OTTT SR"][0]
    assert all(low <= mean <= high for found in data.values() for row in found["cosines"].values()
               for mean, low, high in row)  # fmt: skip


def test_rates_lie_in_the_band_of_r2(stored):
    data = data_of(stored, "rates")
    currents = np.array(data["currents"])
    inside = currents <= 1
    for each in data["decays"]:
        gaps = np.clip(currents, 0, 1) - np.array(each["rates"][str(rates.LONG)])
        assert np.all(gaps[inside] > -1e-12) and np.all(gaps[inside] < each["bound"] + 1e-12)  # rounding
        assert gaps.max() > 0.8 * each["bound"]
    assert [each["bound"] for each in data["decays"]] == pytest.approx([0.5, 1 / rates.LONG])


def test_the_command_writes_what_is_asked_for(tmp_path, capsys):
    """In both formats, the same bytes twice; another seed gives another picture."""
    assert program.main(["figures", "--figure", "traces", "--output", str(tmp_path / "a")]) == 0
    names = {"traces.svg", "traces.png", DATA, CAPTIONS}
    assert {path.name for path in (tmp_path / "a").iterdir()} == names
    assert all(str(tmp_path / "a" / name) in capsys.readouterr().out for name in ["traces.svg"])
    assert program.main(["figures", "--figure", "traces", "--output", str(tmp_path / "b")]) == 0
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    assert (tmp_path / "a" / "traces.png").read_bytes().startswith(b"\x89PNG")
    options = ["--figure", "traces", "--format", "svg", "--seed", "1", "--output", str(tmp_path / "c")]
    assert program.main(["figures", *options]) == 0
    assert {path.name for path in (tmp_path / "c").iterdir()} == names - {"traces.png"}
    assert (tmp_path / "c" / "traces.svg").read_bytes() != (tmp_path / "a" / "traces.svg").read_bytes()


def test_the_users_own_settings_of_matplotlib_change_nothing(stored):
    data = data_of(stored, "traces")
    before = style.rendered(traces, data, "svg")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "svg.fonttype": "path"}):
        assert style.rendered(traces, data, "svg") == before
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.parametrize(
    "wrong, words",
    [
        (["--figure", "trace"], "trace"),
        (["--format", "pdf"], "pdf"),
        (["--seed", "-1"], "must be a whole number of at least 0, got '-1'"),
        (["--output", "setup.cfg"], "folder"),
    ],
)
def test_wrong_options_are_refused_in_a_line(wrong, words, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert program.main(["figures", *wrong]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and words in error
