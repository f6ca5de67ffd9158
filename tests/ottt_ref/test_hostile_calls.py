"""Every public callable is called with right, nearly right and foreign arguments: `hostile` says how."""

import json

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import methods
from ottt_ref.conformance import adapter

from .hostile import running, values
from .hostile.catalogue import CATALOGUE
from .hostile.door import public_callables
from .hostile.naive import close

CALLS, SEED = 10_000, 0
STEP = 33  # of the calls that `python -m tests.ottt_ref.hostile` makes, about 300


def test_every_public_callable_has_right_calls():
    assert sorted(CATALOGUE) == sorted(set(public_callables()))
    assert len(CATALOGUE) > 400


@pytest.mark.slow
def test_hostile_calls_end_in_the_right_number_or_in_a_documented_error():
    pytest.importorskip("nir")
    reports = running.run(SEED, CALLS, step=STEP)
    assert not [report for report in reports if report["outcome"] == "finding"]
    counts = running.summary(reports)
    assert counts["calls"] == len(range(0, CALLS, STEP))
    assert 3 * counts["compared with an oracle"] > counts["calls"]
    assert counts["refused"] > 0.1 * counts["calls"]


def test_a_call_is_repeated_by_its_number():
    for number in (3, 40):
        shown = [json.dumps(running.made(SEED, number)) for _ in range(2)]
        assert shown[0] == shown[1]


def right(number, name, function, oracle, monkeypatch, raises=None, **arguments):
    """The report of a call that takes the place of another."""
    call = running.Call(function, arguments, oracle, raises=raises)
    monkeypatch.setattr(running, "prepared", lambda *_: (name, call, dict(arguments), True))
    return running.made(SEED, number)


def test_a_wrong_number_a_changed_argument_and_a_refusal_are_found(monkeypatch):
    def oracle(result, given):
        close(result, given["x"] * 2)

    x = np.ones(3)
    assert right(0, "f", lambda x: x * 2, oracle, monkeypatch, x=x)["outcome"] == "passed"
    assert "wrong: " in right(0, "f", lambda x: x * 3, oracle, monkeypatch, x=x)["finding"]
    assert "changed its arguments ['x']" in right(0, "f", lambda x: x.__imul__(2), oracle, monkeypatch, x=x)["finding"]
    assert "refused a right call: TypeError" in right(0, "f", len, oracle, monkeypatch, obj=3)["finding"]
    assert "did not raise ValueError" in right(0, "f", dict, oracle, monkeypatch, ValueError)["finding"]


def test_an_undocumented_error_is_found():
    for error, found in (
        (KeyError("w"), "finding"),
        (ValueError("w must be 1"), "refused"),
        (ValueError(""), "finding"),
    ):
        call = running.Call(lambda: None, {}, None)
        assert running._of_error("f", call, {}, False, error)["outcome"] == found


@pytest.mark.slow
def test_a_crash_and_a_hang_are_named(monkeypatch, tmp_path):
    """A child that dies in call 2, and one that is silent in call 1."""
    program = tmp_path / "child.py"
    lines = [
        "import os, signal, time, sys, json",
        "first = int(sys.argv[1])",
        "for k in range(first, 4):",
        '    print(json.dumps({"begins": k}), flush=True)',
        "    if k == 2: os.kill(os.getpid(), signal.SIGSEGV)",
        "    while k == 1: pass",
        '    print(json.dumps({"number": k, "name": "f", "outcome": "passed"}), flush=True)',
    ]
    program.write_text("\n".join(lines))
    popen = running.subprocess.Popen
    monkeypatch.setattr(running, "SILENCE", 0.1)
    monkeypatch.setattr(running, "PATIENCE", 0.1)
    monkeypatch.setattr(
        running.subprocess, "Popen", lambda given, **options: popen([given[0], str(program), given[5]], **options)
    )
    found = {report["number"]: report.get("finding", "")[:5] for report in running.run(0, 4)}
    assert found == {0: "", 1: "hang:", 2: "crash", 3: ""}


def test_nearly_right_and_foreign_values_are_drawn_by_the_generator():
    rng = np.random.default_rng(0)
    kinds = {type(values.foreign(rng)) for _ in range(300)}
    assert {type(None), str, dict, list, bool, np.float32, type(x for x in ())} <= kinds
    arrays = [values.near_array(rng, np.ones((2, 3))) for _ in range(300)]
    plain = [array for array in arrays if isinstance(array, np.ndarray)]
    assert any(array.dtype.byteorder == ">" for array in plain) and any(not array.flags.writeable for array in plain)
    assert any(not array.flags.aligned for array in plain) and any(
        array.ndim == 0 or array.size == 0 for array in plain
    )


NETWORK = ot.dense_network([2, 3, 2], rng=7)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: methods.Traces(NETWORK, 1, "Authors"), "dialect must be one of 'derivation', 'authors'"),
        (lambda: ot.ottt.OTTT(NETWORK, 1, "author"), "dialect must be one of 'derivation', 'authors'"),
        (lambda: methods.Traces(None, 1, "authors"), "network must be a Network, got None"),
        (lambda: methods.Rule(NETWORK, 0), "batch_size must be at least 1, got 0"),
        (lambda: methods.Rule("abc", 1), "network must be a Network, got 'abc'"),
        (lambda: methods.FeedbackMatrices([np.ones((3, 2))]).check(None), "network must be a Network, got None"),
        (lambda: ot.rates.require_rates(None, "values", {}, []), "network must be a Network, got None"),
        (lambda: ot.LIF().require_held("layers[0]", "abc"), "dtype must be float64 or float32, got 'abc'"),
        (lambda: ot.equilibrium.distance({}, {}), "delayed must be a mapping from layers to rates"),
        (lambda: ot.equilibrium.distance({0: np.ones((1, 1))}, {}), "values must hold rates or errors of the layers"),
        (lambda: ot.equilibrium.solve_linear(dict, {}), "zeros must be a mapping from layers to arrays"),
        (lambda: ot.equilibrium.solve_linear(dict, {0: None}), r"zeros\[0\] must be an array"),
        (lambda: ot.equilibrium.solve(NETWORK, dict, 1), "network must have recurrent or feedback connections"),
        (lambda: ot.Dense(np.eye(2)).bias_gradient(3), "gradients must be a mapping"),
        (lambda: ot.Dropout(0.5).masked(1, (2,), np.dtype(float), 3), "rng must be a numpy.random.Generator, got 3"),
        (lambda: ot.Dropout(0.5).masked(0, (2,), np.dtype(float), np.random.default_rng(0)), "batch_size must be at"),
    ],
)
def test_what_the_hostile_calls_found_is_refused(call, complaint):
    with pytest.raises((TypeError, ValueError), match=complaint):
        call()


@pytest.mark.parametrize("gradients", [None, 3, [("weight", np.zeros((2, 2)))]], ids=str)
def test_gradients_must_be_a_mapping(gradients):
    one = np.ones((1, 2))
    for taker in (ot.Dense(np.eye(2)), ot.Chain([ot.Dense(np.eye(2))]), ot.WeightStandardised(ot.Dense(np.eye(2)))):
        with pytest.raises(TypeError, match="gradients must be a mapping"):
            taker.add_gradients(gradients, one, one, np.ones(1))
    with pytest.raises(TypeError, match="layer0: gradients must be a mapping"):
        NETWORK.connections[0].add_gradients(gradients, np.ones((1, 3)), one, np.ones(1))


@pytest.mark.parametrize("leaks_back", ["no", 3, [True], [True, 2]], ids=str)
def test_leaks_back_is_a_flag_for_each_layer(leaks_back):
    activity = ot.simulate(NETWORK, np.ones((2, 1, 2)))
    with pytest.raises(TypeError, match="leaks_back must be"):
        ot.bptt.backward(NETWORK, activity, np.ones((2, 1, 2)), leaks_back=leaks_back)


def test_an_adapter_is_named_by_a_text():
    with pytest.raises(adapter.AdapterError, match=r"must be written as package\.module:name, got None"):
        adapter.load_adapter(None)


def test_a_connection_names_the_gradient_that_is_not_there():
    gradients = {"layer0.bias": np.zeros(3)}
    with pytest.raises(ValueError, match=r"gradients must hold 'layer0.weight', got \['layer0.bias'\]"):
        NETWORK.connections[0].add_gradients(gradients, np.ones((1, 3)), np.ones((1, 2)), np.ones(1))


@pytest.mark.parametrize("returned", [3, [], {7: np.ones((1, 3))}], ids=str)
def test_errors_that_come_back_are_a_mapping_by_layer(returned):
    with pytest.raises(TypeError, match="returned must be a mapping from layers to errors"):
        ot.spike_representation.errors_of(NETWORK, [np.ones((1, 3)), None], np.ones((1, 2)), returned)
