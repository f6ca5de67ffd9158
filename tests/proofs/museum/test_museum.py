"""The museum: every exhibit stands, is the smallest of its hunt, and is shown with all that happens in it."""

import io
import json
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from rich.console import Console

from ottt_ref.blackboard.quantities import METHODS
from proofs import __main__, command
from proofs.claim import Refuted
from proofs.claims import BY_NAME
from proofs.museum import exhibit, hall, hunts
from tests import oracles

EXHIBITS = exhibit.load_all()
every_exhibit = pytest.mark.parametrize("shown", EXHIBITS, ids=lambda shown: shown.name)
DENSE_METHODS = {
    "ottt": "ottt",
    "ottt-authors": "ottt",
    "sltt": "sltt",
    "bptt": "bptt",
    "bptt-kept": "bptt",
    "sr": None,
}


def test_there_is_one_for_each_hunt_and_each_fact_of_the_theory():
    assert {shown.name for shown in EXHIBITS} == set(hunts.HUNTS)
    pairs = {(shown.left, shown.right, shown.relation, bool(shown.loops)) for shown in EXHIBITS}
    assert ("ottt", "bptt", "point apart", False) in pairs
    assert ("ottt", "sr", "point apart", False) in pairs and ("ottt", "sr", "point apart", True) in pairs
    assert ("ottt", "bptt", "the first vanishes, the second does not", False) in pairs
    assert {shown.theorem for shown in EXHIBITS} <= set(BY_NAME)


@every_exhibit
def test_it_stands(shown):
    shown.check()
    assert all(isinstance(value, Fraction) for value in shown.values)


@every_exhibit
def test_its_values_are_those_of_the_oracles(shown):
    """Another implementation, in plain Python numbers: feedforward networks of spikes that are 0 or 1."""
    if shown.loops or shown.soft:
        assert shown.name in ("ottt-sr-apart-recurrent", "ottt-bptt-apart-recurrent", "detached-derivative")
        return
    layers = oracles.plain_layers(shown.network)
    x, y = [list(row) for row in shown.inputs], list(shown.targets)
    for name, value in zip((shown.left, shown.right), shown.values):
        got = oracle_rate(shown, layers, x, name) if name in exhibit.RATES else oracle(shown, layers, x, y, name)
        assert got == value


def oracle(shown, layers, x, y, method):
    options = {"bptt-kept": {"reset_gradient": "kept"}, "ottt-authors": {"dialect": "authors"}}.get(method, {})
    name = {"sr": "spike_representation"}.get(method, DENSE_METHODS[method])
    sample = oracles.METHODS[name](layers, x, y, oracles.half_squared_distance, **options)
    scale = 1 if method == "sr" else len(x)  # the oracle's loss is the mean over the steps
    return sample.gradients[shown.layer][0][0][0] * scale


def oracle_rate(shown, layers, x, name):
    steps = oracles.simulate(layers, x)
    (rate,) = oracles.weighted_rate([step.outputs[0] for step in steps], shown.decay)
    (current,) = oracles.weighted_rate([oracles.affine(layers[0], row) for row in x], shown.decay)
    last = steps[-1]
    left = 0 if shown.reset == "hard" and last.outputs[0][0] else last.potentials[0][0] - last.outputs[0][0]
    normaliser = sum(shown.decay**k for k in range(len(x)))
    return {"rate": rate, "mapping": min(max(current, 0), 1), "balance": current - left / normaliser}[name]


def test_the_soft_network_changes_as_its_derivative_says():
    """Differences of the loss, in fractions."""
    shown = exhibit.load(exhibit.FOLDER / "detached-derivative.json")

    def loss(step):
        weight = shown.weights[0][0][0] + step
        moved = replace(shown, weights=(((weight,),),))
        return sum((o - y) ** 2 for o, y in zip(moved.activity.outputs.flat, [*shown.targets] * 2)) / 2

    # the potential is at the threshold, where ψ has a kink: differences from one side
    steps = [Fraction(-1, 10**k) for k in (6, 7)]
    slopes = [(loss(step) - loss(Fraction(0))) / step for step in steps]
    assert abs(slopes[1] - shown.values[1]) < Fraction(1, 10**6)
    assert abs(slopes[1] - shown.values[1]) < abs(slopes[0] - shown.values[1]) / 5


@every_exhibit
def test_it_comes_back_from_its_file(shown, tmp_path):
    path = tmp_path / f"{shown.name}.json"
    path.write_text(exhibit.text(shown), encoding="utf-8")
    assert exhibit.load(path) == shown
    assert (exhibit.FOLDER / path.name).read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ottt-sr-apart-recurrent", "hard-reset", "authors-dialect", "ottt-zero-bptt-not"])
def test_a_hunt_finds_what_is_stored(name):
    assert hunts.run(name) == exhibit.load(exhibit.FOLDER / f"{name}.json")


def test_hunts_go_from_the_smallest_numbers_on():
    hunt = hunts.HUNTS["hard-reset"]
    costs = [
        hunts.cost(
            (e.decay, *(w for rows in e.weights for row in rows for w in row), *(x for r in e.inputs for x in r))
        )
        for e in hunts.candidates(hunt, (1, 1), 2)
    ]
    assert costs == sorted(costs) and len(costs) == 2 * 8 * 3 * 2


def test_a_hunt_without_prey_says_so(monkeypatch):
    never = replace(hunts.HUNTS["hard-reset"], spaces=(((1, 1), 1),))  # at T = 1 all methods agree
    monkeypatch.setitem(hunts.HUNTS, "never", never)
    with pytest.raises(LookupError, match="never: none among 32 networks"):
        hunts.run("never")


def test_the_command_of_the_hunts(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(hunts, "FOLDER", tmp_path)
    assert hunts.main(["hard-reset"]) == 1
    assert "hard-reset.json holds another" in capsys.readouterr().out
    assert hunts.main(["hard-reset", "--write"]) == 0
    assert hunts.main(["hard-reset"]) == 0
    assert "network 45, values 3, 2" in capsys.readouterr().out
    assert hunts.main(["unicorn"]) == 2
    assert "NAME must be one of" in capsys.readouterr().err


def changed(**fields):
    return replace(EXHIBITS[0], **fields)


def test_an_exhibit_that_says_something_else_falls():
    with pytest.raises(Refuted, match=r"are stored, .* come out"):
        changed(values=(Fraction(1), Fraction(2))).check()
    with pytest.raises(Refuted, match="should be such that they"):
        shown = next(shown for shown in EXHIBITS if shown.relation == "differ")
        replace(shown, relation="point apart").check()


@pytest.mark.parametrize(
    "relation, holds, fails",
    [
        ("point apart", [(1, -2), (-1, 2)], [(1, 2), (0, -1), (-1, 0), (0, 0)]),
        ("the first vanishes, the second does not", [(0, 1), (0, -1)], [(0, 0), (1, 0), (1, 1)]),
        ("differ", [(1, 2), (0, 1)], [(1, 1), (0, 0)]),
        ("the first is below the second", [(1, 2)], [(1, 1), (2, 1)]),
        ("differ by 7/8 of 1/Λ_T", [(Fraction(7, 16), 0)], [(Fraction(7, 8), 0), (0, Fraction(7, 16))]),
    ],
)
def test_relations_mean_what_they_say(relation, holds, fails):
    assert set(exhibit.RELATIONS) >= {relation}
    assert all(exhibit.RELATIONS[relation](*pair, 2) for pair in holds)
    assert not any(exhibit.RELATIONS[relation](*pair, 2) for pair in fails)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: "",
        lambda content: "[]",
        lambda content: json.dumps({**content, "extra": 1}),
        lambda content: json.dumps({**content, "decay": "1/0"}),
        lambda content: json.dumps({**content, "decay": "3/2"}),
        lambda content: json.dumps({**content, "decay": "half"}),
        lambda content: json.dumps({**content, "left": "magic"}),
        lambda content: json.dumps({**content, "relation": "agree"}),
        lambda content: json.dumps({**content, "readout": "leaky"}),
        lambda content: json.dumps({**content, "soft": "no"}),
        lambda content: json.dumps({**content, "layer": 7}),
        lambda content: json.dumps({**content, "reset": "none"}),
        lambda content: json.dumps({**content, "weights": [["1"]]}),
        lambda content: json.dumps({**content, "inputs": []}),
        lambda content: json.dumps({**content, "loops": [[0, 0, [["1", "2"]]]]}),
        lambda content: json.dumps({key: value for key, value in content.items() if key != "says"}),
    ],
)
def test_a_file_that_is_no_exhibit_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "bad.json"
    path.write_text(damage(json.loads(exhibit.text(EXHIBITS[0]))), encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.json is no exhibit"):
        exhibit.load(path)


def printed(exhibits):
    stream = io.StringIO()
    fallen = hall.show(exhibits, Console(file=stream, width=300))
    return stream.getvalue(), fallen


@every_exhibit
def test_everything_that_happens_is_shown(shown):
    text, fallen = printed([shown])
    assert fallen == []
    for number in {*shown.values, *shown.activity.layer_potentials[0].flat, *np.array(shown.inputs).flat}:
        assert str(number) in text
    assert shown.theorem in text and shown.says in text
    assert len(re.findall("∇w[¹²] of", text)) == len(shown.methods)
    for name in (shown.left, shown.right):
        assert exhibit.TITLES[name] in text
        if name in exhibit.RATES:
            assert "Λ_T = " in text and "v[T] = " in text
        if name == "sr":
            assert "a¹ = " in text and "z¹ = " in text and "D p¹ = " in text


@every_exhibit
def test_errors_are_shown_of_each_method_that_has_one_for_each_time_step(shown):
    named = {name.rpartition("  ")[2] for name, _ in hall.steps(shown)} & {METHODS[name].title for name in METHODS}
    assert named == {METHODS[name].title for name in shown.methods if name != "sr"}


def test_a_fallen_exhibit_is_named():
    text, fallen = printed([changed(values=(Fraction(1), Fraction(2)))])
    assert fallen == [EXHIBITS[0].name] and "does not stand" in text


def test_the_command_prints_the_museum_and_the_other_counterexamples(capsys):
    assert __main__.main(["--counterexamples", "--claim", "E1", "--claim", "R2"]) == 0
    out = capsys.readouterr().out
    assert "ottt-zero-bptt-not" in out and "tightness" in out and out.rstrip().endswith("all stand")
    assert "ottt-sr-apart" not in out


def test_the_command_fails_where_one_does_not_stand(monkeypatch, capsys):
    monkeypatch.setattr(command, "load_all", lambda: [replace(EXHIBITS[1], values=(Fraction(1), Fraction(2)))])
    assert __main__.main(["--counterexamples", "--claim", EXHIBITS[1].theorem]) == 1
    assert f"these do not stand: {EXHIBITS[1].name}" in capsys.readouterr().out
