"""The page in a browser: it shows the library's numbers, and can be used by keyboard, on a phone and on paper."""

import re
from fractions import Fraction
from itertools import product
from math import prod

import pytest

import ottt_ref as ot
from ottt_ref.blackboard.description import described
from ottt_ref.blackboard.quantities import HALF_SQUARES, METHODS, traces_of
from ottt_ref.explain.data import page_data
from ottt_ref.explain.example import example
from ottt_ref.explain.page import page
from ottt_ref.explain.shown import Shown
from ottt_ref.simulation.simulator import run
from proofs.museum import exhibit as museum
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
        assert found["BPTT"][1] == found["BPTT (reset kept)"][1] == str(11 * t) and found["OTTT"][1] == "12"
        for method in ("BPTT", "BPTT (reset kept)", "SR"):
            assert (found[method][0] == "not before t = 6") == (t < 6)
        for method, name in (("SLTT", "sltt"), ("RTRL", "rtrl"), ("OTTT", "ottt")):
            so_far = sum(entry(term, 0) for term in by_step(sums[name], t))
            assert number(found[method][0]) == pytest.approx(float(so_far), rel=5e-4)
        assert found["OTPE"] == [found["RTRL"][0], "14"]  # two layers: the same, and as time moves


NUMBERS = (
    "Object.fromEntries([...document.querySelectorAll('#network text[data-number]')]"
    ".map((text) => [text.dataset.number, text.textContent]))"
)


def number(text):
    """What a text of the page says."""
    return float(Fraction(text.replace("−", "-")))


def test_everything_appears_in_the_drawing_as_it_is_computed_and_bptts_errors_at_the_end(shown, sums):
    found = example()
    activity = run(found.network, found.inputs)
    traces, _ = traces_of(found.network, activity, "derivation")
    known = {
        "x,-1": activity.inputs,
        "â,-1": traces["layer0"][0].values,
        "â,0": traces["layer1"][0].values,
        "e": activity.outputs - found.targets,
    }
    for l in range(2):
        known |= {f"u,{l}": activity.layer_potentials[l], f"ψ,{l}": activity.layer_surrogate_derivatives[l]}
        known |= {f"g,{l}": sums["ottt"].errors[l], f"δ,{l}": sums["bptt"].errors[l]}
    for now in (1, 4, 6):
        set_time(shown, now)
        texts = shown.run(NUMBERS)
        expected = {f"sum,{t}": float(entry(term, 0)) for t, term in enumerate(by_step(sums["ottt"], now))}
        for name, values in known.items():
            for t, i in product(range(6 if name[0] == "δ" else now), range(values.shape[2])):
                place = f"e,e,{i},{t}" if name == "e" else f"{name},{i},{t}"
                if now == 6 or name[0] != "δ":
                    expected[place] = float(values[t, 0, i])
        assert set(texts) == set(expected)
        for place, value in expected.items():
            assert number(texts[place]) == pytest.approx(value, rel=5e-3), place


def test_bptts_errors_are_in_no_table_before_the_end(shown, sums):
    set_time(shown, 5)
    cells = "[...document.querySelectorAll('#numbers tbody tr')].map((row) => row.lastChild.textContent)"
    assert shown.run(cells) == ["", ""] + ["not before t = 6"] * 3
    assert shown.run("document.getElementById('backwards').hidden")
    set_time(shown, 6)
    assert not shown.run("document.getElementById('backwards').hidden")
    rows = shown.run(
        "[...document.querySelectorAll('#deltas tbody tr')].map((row) => [...row.cells].map((c) => c.textContent))"
    )
    expected = [sums["bptt"].errors[l][:, 0, i] for l, i in ((0, 0), (0, 1), (1, 0))]
    for (_, *texts), values in zip(rows, expected, strict=True):
        assert [number(text) for text in texts] == pytest.approx([float(v) for v in values], rel=5e-4)


def test_what_each_method_stores_stands_beside_the_drawing_and_on_a_phone_below_it_and_its_sliders(shown):
    places = (
        "['network', 'so-far', 'key', 'weights', 'sliders-too'].map((id) => { const r = document.getElementById(id)"
        ".getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; })"
    )
    drawing, table, *_ = shown.run(places)
    assert table[0] >= drawing[2] and drawing[1] - 60 <= table[1] and table[3] <= drawing[3]
    shown.size(390, 844, phone=True)
    shown.open(shown.url)
    bottoms = (
        "[...document.querySelectorAll('#sliders-too .slider')].map((each) => each.getBoundingClientRect().bottom)"
    )
    drawing, table, key, weights, sliders = shown.run(places)
    assert drawing[3] <= sliders[1] <= drawing[3] + 40 and len(set(shown.run(bottoms))) == 1  # side by side
    assert sliders[3] <= table[1] <= sliders[3] + 90 and table[3] <= key[1] <= weights[1]


def test_on_a_phone_the_drawing_stays_in_sight_while_a_control_is_used_where_both_have_room(shown):
    seen = (
        "['network', 'wait-1'].map((id) => { const r = document.getElementById(id).getBoundingClientRect();"
        " return [r.top, r.bottom]; })"
    )
    for height in (844, 664):
        shown.size(390, height, phone=True)
        shown.open(shown.url)
        shown.run("window.scrollTo(0, document.body.scrollHeight)")  # the focus has to come from below
        shown.run("document.getElementById('wait-1').focus()")
        drawing, switch = shown.run(seen)
        assert drawing[0] >= 0 and drawing[1] <= switch[0] and switch[1] <= height
    shown.size(390, 500, phone=True)  # it would hide all else
    shown.wait("!document.querySelector('.stage').classList.contains('held')")
    shown.size(1280, 844)
    assert shown.run("getComputedStyle(document.querySelector('.first')).position") == "static"


def test_every_route_shows_its_factors_those_of_resets_too(shown):
    choose(shown, 0)
    shown.run("document.getElementById('more').click()")
    rows = shown.run(
        "[...document.querySelectorAll('#paths tbody tr')].map((row) => ({"
        " fixed: [...row.querySelectorAll('.factor')].map((each) => each.dataset.value),"
        " ways: [...row.querySelectorAll('.ways')].map((each) => [...each.querySelectorAll('[data-kind]')]"
        ".map((way) => [way.dataset.kind, way.dataset.value])),"
        " said: row.cells[2].textContent, path: row.cells[0].textContent }))"
    )
    assert len(rows) == 57 and sum("(waits)" in row["path"] for row in rows) == 0
    several = 0
    for row in rows:
        product_of_fixed = prod(Fraction(value) for value in row["fixed"])
        if row["ways"]:  # through the reset: all ways to choose, but for those without one
            assert "through the reset" in row["path"]
            several += any(len(ways) > 1 for ways in row["ways"])
            every = prod(sum(Fraction(value) for _, value in ways) for ways in row["ways"])
            without = prod(sum(Fraction(value) for kind, value in ways if kind == "leak") for ways in row["ways"])
            product_of_fixed *= every - without
        assert float(product_of_fixed) == pytest.approx(number(row["said"]), rel=5e-4), row
    assert several > 5


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


def other(browser, tmp_path, found, **options):
    """Another network's page, opened at its end."""
    shown_here = Shown(found.network, found.inputs, found.targets, **options)
    (tmp_path / "other.html").write_bytes(page(page_data(shown_here, grid="none")))
    browser.open((tmp_path / "other.html").as_uri())


LONG = str(2**53 + 1)


def test_numbers_beyond_floats_stay_exact_and_one_is_said_as_one(shown, tmp_path):
    content = {"weights": [[[LONG], ["1/3"]], [[1, 2], [f"1/{LONG}", f"{3**40}/{7**30}"]]], "readout": "spiking"}
    content |= {"surrogate": {"type": "triangle", "width": 2**60}, "inputs": [[3]], "targets": [0, LONG]}
    found = described(content)
    other(shown, tmp_path, found)
    activity = run(found.network, found.inputs)
    for name in ("sltt", "bptt"):
        values = METHODS[name].sums(found.network, activity, found.inputs, found.targets, HALF_SQUARES).values
        for w, value in enumerate([v for array in values.values() for v in array.ravel()]):
            choose(shown, w)
            shown.run(f"document.getElementById('method-{name}').click()")
            assert total(shown) == value
            assert "exactly the same" in shown.run("document.getElementById('sum-said').textContent")
    said = shown.run("document.body.textContent + document.getElementById('network').innerHTML")
    assert (
        "1 time step, " in said
        and "1 path is lit" in said
        and "after 1 time step:" in shown.run("document.querySelector('#state svg').ariaLabel")
    )
    assert not re.search(r"\b1 (time steps|numbers|routes|paths|potentials|spikes|inputs|traces)\b", said)
    assert shown.problems == []


def test_a_number_that_is_too_long_is_rounded_and_not_taken_for_an_exact_one(shown, tmp_path):
    content = {"weights": [[["1/3"]], [[f"{10**45 + 1}/{3 * 10**45}"]]], "readout": "spiking", "inputs": [[3]] * 6}
    found = described({**content, "targets": [0], "decay": f"{3**50}/{3**50 + 1}"})
    other(shown, tmp_path, found)
    shown.run("document.getElementById('method-bptt').click()")
    said, value = shown.run(
        "[document.getElementById('sum-said').textContent, document.getElementById('sum').dataset.value]"
    )
    assert "the same but for rounding" in said and value.startswith("~")
    activity = run(found.network, found.inputs)
    values = METHODS["bptt"].sums(found.network, activity, found.inputs, found.targets, HALF_SQUARES).values
    assert float(value[1:]) == pytest.approx(float(values["layer0.weight"][0, 0]), rel=1e-12)


def test_rows_of_outputs_errors_neurons_and_inputs_have_one_order(shown, tmp_path):
    content = {"weights": [[[1, 2], [2, 1]], [[1, 2], [2, 1]]], "readout": "spiking"}
    other(shown, tmp_path, described({**content, "inputs": [[1, 1]], "targets": [0, 1]}))
    tops = shown.run(
        "Object.fromEntries([...document.querySelectorAll('#network text[data-number]')]"
        ".map((text) => [text.dataset.number, text.getBoundingClientRect().top]))"
    )
    for row in ("e,e", "u,1", "u,0", "x,-1"):
        assert tops[f"{row},0,0"] < tops[f"{row},1,0"], row
    assert tops["e,e,1,0"] < tops["u,1,0,0"] and tops["u,1,1,0"] < tops["u,0,0,0"]  # as in the tables, first to last


@pytest.mark.parametrize(
    "name, reason, instead",
    [
        ("hard-reset-rate", "ψ of neuron 1 of layer 1 is 0 at every time step", "a[T] = 1, but x̄[T] - v[T]/Λ_T = 2"),
        ("rate-gap", "every error is 0: there is nothing to change at the output", "σ(x̄[T]) = 7/12, but a[T] = 0"),
    ],
)
def test_an_exhibit_without_paths_says_why_and_what_is_seen(shown, tmp_path, name, reason, instead):
    found = museum.load(museum.FOLDER / f"{name}.json")
    shown_here = Shown(
        found.network, found.input_array, museum.exact([found.targets]), says=found.says, seen=found.seen
    )
    (tmp_path / "page.html").write_bytes(page(page_data(shown_here, grid="none")))
    shown.open((tmp_path / "page.html").as_uri())
    said, seen, hidden = shown.run(
        "[document.getElementById('no-path').innerText, document.getElementById('seen').textContent,"
        " document.getElementById('no-path').hidden]"
    )
    assert said.startswith("No path of w¹ carries anything: ") and reason in said and not hidden
    assert "compares rates, not gradients" in seen and instead in seen


def test_a_long_drawing_scrolls_with_time_and_keeps_the_names_of_its_rows(shown, tmp_path):
    content = {"weights": [[["3/4"]], [[1]]], "decay": 0, "inputs": [[1], *[[0]] * 11], "targets": [0]}
    shown.size(390, 844, phone=True)
    other(shown, tmp_path, described(content))
    places = (
        "(() => { const box = document.getElementById('network').getBoundingClientRect(),"
        " [name, number] = [[...document.querySelectorAll('#network text')].find((text) => text.textContent === 'u¹₁'),"
        " document.querySelector(`#network text[data-number='u,0,0,${document.getElementById('time').value - 1}']`)];"
        " return [name, number].map((text) => text.getBoundingClientRect().left - box.left); })()"
    )
    for key, code, steps in (("", 0, 0), ("ArrowLeft", 37, 11)):  # by keys upon the drawing
        shown.run("document.getElementById('network').focus()")
        for _ in range(steps):
            shown.key(key, code)
        name, number_now = shown.run(places)
        assert 0 <= name < 40 < number_now < 362
    assert shown.run("document.getElementById('time-said').textContent") == "t = 1 of 12"
    assert shown.run("document.documentElement.scrollWidth") == 390


def test_in_floats_gradients_that_differ_by_rounding_alone_are_marked_as_the_same(shown, tmp_path):
    content = {"weights": [[["0.7"], ["0.9"]], [["0.3", "1.1"]]], "readout": "spiking", "numbers": "float64"}
    content |= {"decay": "0.3", "surrogate": "sigmoid", "inputs": [["1.3"], ["0.9"], ["1.7"], ["0.6"]], "targets": [1]}
    other(shown, tmp_path, described(content))
    cells = shown.run(
        "[...document.querySelectorAll('#all td')].filter((td) => ['ottt', 'rtrl', 'sltt'].includes(td.dataset.method))"
        ".map((td) => [td.dataset.method, Number(td.dataset.weight), td.className])"
    )
    marked = {(method, w) for method, w, mark in cells if mark == "same"}
    assert marked == {("rtrl", w) for w in range(4)} | {("ottt", 2), ("ottt", 3)}  # claim E1
