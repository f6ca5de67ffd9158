"""The page in a browser: it shows the library's numbers, and can be used by keyboard, on a phone and on paper."""

from fractions import Fraction
from itertools import product

import pytest

import ottt_ref as ot
from ottt_ref.blackboard.quantities import HALF_SQUARES, METHODS
from ottt_ref.explain.data import page_data
from ottt_ref.explain.example import example
from ottt_ref.explain.page import page
from ottt_ref.explain.shown import Shown
from ottt_ref.simulation.simulator import run
from tests.browser import Browser, find

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find() is None, reason="there is no Chromium here to show the page"),
]
ENTRIES = [("layer0.weight", (i, j)) for i in range(2) for j in range(2)] + [
    ("layer1.weight", (0, j)) for j in range(2)
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    found = example()
    (folder / "page.html").write_bytes(page(page_data(Shown(found.network, found.inputs, found.targets), grid="decay")))
    opened = Browser(find(), folder / "profile")
    opened.url = (folder / "page.html").as_uri()
    yield opened
    opened.close()


@pytest.fixture
def shown(browser):
    browser.size(1280, 900)
    browser.media()
    browser.open(browser.url)
    return browser


@pytest.fixture(scope="module")
def sums():
    """By method its GradientSum, of the library."""
    found = example()
    activity = run(found.network, found.inputs)
    return {
        name: method.sums(found.network, activity, found.inputs, found.targets, HALF_SQUARES)
        for name, method in METHODS.items()
    }


def entry(found, w):
    parameter, index = ENTRIES[w]
    return found[parameter][index]


def choose(browser, w):
    browser.run(f"document.querySelector('input[name=weight][value=\"{w}\"]').click()")


def total(browser):
    return Fraction(browser.run("document.getElementById('sum').dataset.value"))


def pressed(browser):
    buttons = "[...document.querySelectorAll('#methods button[aria-pressed=true]')]"
    return tuple(browser.run(f"{buttons}.map((button) => button.id.slice('method-'.length))"))


def set_time(browser, t):
    browser.run(
        f"(() => {{ const time = document.getElementById('time'); time.value = {t};"
        " time.dispatchEvent(new Event('input')); })()"
    )


def test_the_table_has_the_librarys_gradients_of_every_method_and_weight(shown, sums):
    cells = shown.run(
        "[...document.querySelectorAll('#all td')].map((td) => [td.dataset.method, td.dataset.weight, td.dataset.value,"
        " td.firstChild.textContent, td.className])"
    )
    seen = set()
    for method, w, exact, text, mark in cells:
        seen.add((method, int(w)))
        if method == "otpe":  # two layers: it is BPTT
            method = "bptt"
        value = entry(sums[method].values, int(w))
        assert Fraction(exact) == value
        assert float(Fraction(text.replace("−", "-"))) == pytest.approx(float(value), rel=5e-4)
        assert (mark == "same") == (value == entry(sums["bptt"].values, int(w)) and (mark != "" or method != "bptt"))
    assert seen >= {(method, w) for method in METHODS for w in range(6)}


def test_the_lit_paths_of_every_method_and_weight_add_up_to_the_librarys_gradient(shown, sums):
    for w in range(6):
        choose(shown, w)
        for method in ot.paths.METHODS:
            shown.run(f"document.getElementById('method-{method}').click()")
            assert total(shown) == entry(sums["bptt" if method == "otpe" else method].values, w)
            assert method in pressed(shown)
            assert "exactly the same" in shown.run("document.getElementById('sum-said').textContent")
    assert shown.problems == []


def test_the_switches_light_up_the_methods_that_keep_these_paths(shown):
    network, names = example().network, set()
    for w, layer in ((0, 0), (5, 1)):
        choose(shown, w)
        for first, second, resets in product((False, True), repeat=3):
            for switch, on in (("wait-0", first), ("wait-1", second), ("resets", resets)):
                shown.run(
                    f"(() => {{ const s = document.getElementById('{switch}');"
                    f" if (s.checked !== {str(on).lower()}) s.click(); }})()"
                )
            waits = {l for l, on in ((0, first), (1, second)) if on}
            keep = ot.paths.Selection(waits=waits, resets="any" if resets else "none", loops=False, traces=True)
            assert pressed(shown) == ot.paths.methods_of(network, layer, keep)
            names.add(pressed(shown))
    assert names >= {("sltt",), ("ottt",), ("otpe", "bptt"), ("bptt-kept",), ()}


def test_forward_methods_fill_in_as_time_moves_and_bptt_only_at_the_end(shown, sums):
    shown.run("document.getElementById('method-ottt').click()")
    for t in range(1, 7):
        set_time(shown, t)
        assert total(shown) == sum(entry(term, 0) for term in by_step(sums["ottt"], t))
        rows = shown.run(
            "[...document.querySelectorAll('#so-far tbody tr')].map((row) => [...row.cells].map((c) => c.textContent))"
        )
        found = {row[0]: row[1:] for row in rows}
        assert found["BPTT"][0] == f"{11 * t} numbers" and found["OTTT"][0] == "12 numbers"
        assert found["BPTT"][1].startswith("waits") == (t < 6)
        so_far = sum(entry(term, 0) for term in by_step(sums["sltt"], t))
        assert float(Fraction(found["SLTT"][1].replace("−", "-"))) == pytest.approx(float(so_far), rel=5e-4)


def test_the_errors_of_an_earlier_step_are_shown_with_when_they_are_known(shown, sums):
    set_time(shown, 4)
    cells = shown.run("[...document.querySelectorAll('#numbers tbody tr')].map((row) => row.lastChild.textContent)")
    known = sums["bptt"].errors[0][3, 0]
    assert [cell.endswith(" (at t = 6)") for cell in cells] == [False] * 2 + [True] * 3
    for cell, value in zip(cells[2:], known):
        number = Fraction(cell.removesuffix(" (at t = 6)").replace("−", "-"))
        assert float(number) == pytest.approx(float(value), rel=5e-4)


def test_bptt_with_the_reset_has_no_sum_before_the_end(shown):
    shown.run("document.getElementById('method-bptt-kept').click()")
    set_time(shown, 5)
    text, late = shown.run(
        "[document.getElementById('sum').textContent, [...document.querySelectorAll('#network .lit')]"
        ".every((line) => line.classList.contains('late'))]"
    )
    assert text == "not before t = 6" and late
    said = shown.run("document.getElementById('sum-said').textContent")
    assert said.endswith("BPTT (reset kept) only at the end, going back.")
    shown.run("document.getElementById('method-bptt').click()")
    said = shown.run("document.getElementById('sum-said').textContent")
    assert said.endswith("OTPE adds them up as time moves; BPTT only at the end, going back.")


def by_step(found, t):
    return [{name: terms[k] for name, terms in found.terms.items()} for k in range(t)]


def test_another_decay_shows_the_library_at_that_decay(shown):
    at_zero = (
        "(() => { const slider = document.getElementById('slider-decay'); slider.value = 0;"
        " slider.dispatchEvent(new Event('input')); })()"
    )
    shown.run(at_zero)
    assert shown.run("document.getElementById('slider-decay-too').value") == "0"
    values = {}
    for method in ("sltt", "ottt", "bptt"):
        shown.run(f"document.getElementById('method-{method}').click()")
        values[method] = total(shown)
    assert values["sltt"] == values["ottt"] == values["bptt"] != 0  # claim E4
    assert shown.run("document.getElementById('slider-decay').getAttribute('aria-valuetext')") == "0"


def test_keys_move_through_time_and_the_focus_is_seen(shown):
    said = "document.getElementById('time-said').textContent"
    assert shown.run(said) == "t = 6 of 6"
    for _ in range(2):
        shown.key("ArrowLeft", 37)
    assert shown.run(said) == "t = 4 of 6"
    assert shown.run("document.getElementById('live').textContent").startswith("Time step 4 of 6.")
    shown.key("ArrowRight", 39)
    assert shown.run(said) == "t = 5 of 6"
    focus = "((e) => [e.id || e.tagName, getComputedStyle(e).outlineStyle])(document.activeElement)"
    order = []
    for _ in range(14):
        shown.key("Tab", 9)
        name, outline = shown.run(focus)
        order.append(name)
        assert outline != "none" or name == "INPUT", name  # a weight's outline is drawn around its name
    assert order[:3] == ["A", "neuron", "slider-decay"] and order.index("time") < order.index("wait-0")
    assert "wait-0" in order
    shown.run("document.getElementById('wait-1').focus()")
    shown.key(" ", 32, " ")
    assert shown.run("document.getElementById('wait-1').checked") and shown.run("document.activeElement.id") == "wait-1"
    assert pressed(shown) == ("otpe", "bptt")


def test_it_fits_a_phone_in_light_and_dark_asks_for_nothing_and_prints_in_black(shown):
    for scheme, paper in (("light", "rgb(253, 253, 251)"), ("dark", "rgb(22, 23, 26)")):
        shown.size(390, 844, phone=True)
        shown.media(scheme=scheme)
        shown.open(shown.url)
        assert shown.run("document.documentElement.scrollWidth") <= 390
        assert shown.run("getComputedStyle(document.body).backgroundColor") == paper
    shown.media("print", "dark")
    colors = shown.run(
        "[...new Set([...document.querySelectorAll('.lit, .wire, .line, .curve, p')].map((e) =>"
        " getComputedStyle(e)[e.tagName === 'P' ? 'color' : 'stroke']))]"
    )
    assert colors and all(len(set(color[4:-1].split(", "))) == 1 for color in colors), colors  # greys alone
    assert all(url.startswith("file:") for url in shown.requests) and shown.problems == []


def test_every_control_and_drawing_has_a_name(shown):
    unnamed = shown.run(
        "[...document.querySelectorAll('input, select, button, svg[role=img]')]"
        ".filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length)))"
        ".map((e) => e.outerHTML.slice(0, 80))"
    )
    assert unnamed == []


def test_a_slider_that_is_fixed_says_why(shown):
    said = shown.run(
        "[...document.querySelectorAll('#sliders .slider')].map((each) => "
        "[each.querySelector('input').disabled, each.textContent.includes('too many paths')])"
    )
    assert said == [[False, False], [True, True], [True, True]]
