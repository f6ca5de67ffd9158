"""What Coq proves about is what the pages compute: its own definitions, evaluated, give the pages' numbers.

Coq takes the compiled files of `proofs/coq` over the rationals Qc, a commutative ring. From a page it gets weights,
biases, inputs, spikes, ψ and ∂L[t]/∂o[t]; what it gives back is compared with the page's potentials, outputs and
gradients, entry by entry. Two things have no definition in Coq and are not compared: the reset's gradient, if kept, and
SR's errors; SR's rates are compared.
"""

import re
from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from proofs import induction

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(induction.coqc() is None, reason=induction.INSTALL),
]

DECAY, THRESHOLD = F(2, 3), F(5, 4)
SIZES = (2, 3, 2, 2)
TIME_STEPS = 3
TARGETS = [F(1, 2), F(-1, 3)]

# Layers are counted from the top, as in E2.v: 0 is the readout. `incoming m j` are the spikes of neuron j of the layer
# below layer m, or the input j; `entries` are the weight's and the bias's entries of every layer and neuron.
PRELUDE = """
From Coq Require Import QArith Qcanon List ZArith.
From OTTT Require Import Traces E1 E2 F1 R1.
Import ListNotations.
Definition number (n : Z) (d : positive) : Qc := Q2Qc (Qmake n d).
Definition zero : Qc := number 0 1.
Definition one : Qc := number 1 1.
Definition row (values : list Qc) (k : nat) : Qc := nth k values zero.
Definition table (values : list (list Qc)) (i : nat) : nat -> Qc := row (nth i values []).
Definition tables (values : list (list (list Qc))) (m : nat) : nat -> nat -> Qc := table (nth m values []).
Definition ones (t : nat) : Qc := one.
Definition sum := Traces.sum Qc zero Qcplus.
Definition trace := Traces.trace Qc Qcplus Qcmult.
Definition shown (values : list Qc) := map (fun x => (Qnum (this x), Zpos (Qden (this x)))) values.
"""
DEFINITIONS = """
Definition instantaneous := E2.instantaneous Qc zero Qcplus Qcmult psi weight width error.
Definition delta := E2.delta Qc zero Qcplus Qcmult psi weight width error (row leaks).
Definition entries (weight_entry bias_entry : nat -> nat -> (nat -> Qc) -> Qc) :=
  shown (flat_map (fun m => flat_map (fun i =>
    map (fun j => weight_entry m i (incoming m j)) (seq 0 (width (S m))) ++ [bias_entry m i ones])
    (seq 0 (width m))) (seq 0 layers)).
Definition ottt (decays : list Qc) (m i : nat) (s : nat -> Qc) : Qc :=
  sum (fun t => Qcmult (instantaneous m t i) (trace (row decays m) s t)) T.
Definition windows (decays : list Qc) (m i : nat) (s : nat -> Qc) : Qc :=
  F1.by_windows Qc zero Qcplus Qcmult (row decays m) (fun t => instantaneous m t i) s zero 0 [1; 2]%nat.
Definition sltt (m i : nat) (s : nat -> Qc) : Qc := sum (fun t => Qcmult (instantaneous m t i) (s t)) T.
Definition bptt (m i : nat) (s : nat -> Qc) : Qc := sum (fun t => Qcmult (delta m i t (T - t)) (s t)) T.
Definition current (m i t : nat) : Qc :=
  Qcplus (sum (fun j => Qcmult (weight m i j) (incoming m j t)) (width (S m))) (table biases m i).
Definition potential (m i : nat) : nat -> Qc :=
  R1.potential Qc Qcplus Qcmult Qcminus decay threshold (current m i) (incoming (Nat.pred m) i).

(* The theorems are about these definitions, over these numbers. *)
Definition e2_holds_here := E2.E2 Qc zero one Qcplus Qcmult Qcminus Qcopp Qcrt psi weight width error (row leaks) decay.
Definition e1_holds_here := E1.E1 Qc zero one Qcplus Qcmult Qcminus Qcopp Qcrt decay.

Open Scope Z_scope.
Eval vm_compute in (shown (flat_map (fun m => flat_map (fun i => map (potential m i) (seq 0 T)) (seq 0 (width m)))
  (seq 1 (Nat.pred layers)))).
Eval vm_compute in (shown (flat_map (fun t => map (fun i => current 0 i t) (seq 0 (width 0))) (seq 0 T))).
Eval vm_compute in (entries (ottt traced) (ottt constant_traced)).
Eval vm_compute in (entries (ottt authors_traced) (ottt (repeat zero layers))).
Eval vm_compute in (entries (windows traced) (windows constant_traced)).
Eval vm_compute in (entries sltt sltt).
Eval vm_compute in (entries bptt bptt).
Eval vm_compute in (shown (map (fun j =>
  Qcdiv (trace decay (incoming 0 j) (Nat.pred T)) (trace decay ones (Nat.pred T))) (seq 0 (width 1)))).
"""
NAMES = ("potentials", "outputs", "ottt", "authors", "windows", "sltt", "bptt", "rates")


def triangle(z):
    return max(F(0), 1 - abs(z) / 2)


def squared_error(o, y, time_steps):
    return [2 * (output - target) / (len(o) * time_steps) for output, target in zip(o, y)]


def network():
    """Weights, biases and inputs of one sample, with several denominators."""
    rng = np.random.default_rng(3)

    def draw(*shape):
        numerators, denominators = rng.integers(-2, 6, shape), rng.choice([2, 3, 5], shape)
        return np.vectorize(F, otypes=[object])(numerators, denominators).tolist()

    weights = [draw(fan_out, fan_in) for fan_in, fan_out in zip(SIZES, SIZES[1:])]
    biases = [draw(fan_out) for fan_out in SIZES[1:]]
    return weights, biases, draw(TIME_STEPS, SIZES[0])


def by_page(name, output_error=squared_error, **options):
    """A page's gradients, from the readout down, each neuron's weights and then its bias."""
    surrogate = options.pop("surrogate", triangle)
    gradients = getattr(ot.plain, name).gradients(
        *network(), TARGETS, DECAY, THRESHOLD, surrogate, output_error, **options
    )
    return [value for weight, bias in reversed(list(zip(*gradients))) for i in range(len(bias))
            for value in (*weight[i], bias[i])]  # fmt: skip


@pytest.fixture(scope="module")
def activity():
    """What the page of OTTT computes on the way: potentials [l][t][i], outputs [t][c] and output errors [t][c]."""
    distances, outputs, errors = [], [], []

    def surrogate(z):
        distances.append(z)
        return triangle(z)

    def output_error(o, y, time_steps):
        outputs.append(list(o))
        errors.append(squared_error(o, y, time_steps))
        return errors[-1]

    by_page("ottt", output_error, surrogate=surrogate)
    potentials = iter([z + THRESHOLD for z in distances])
    steps = [[[next(potentials) for _ in range(size)] for size in SIZES[1:-1]] for _ in range(TIME_STEPS)]
    return [list(layer) for layer in zip(*steps)], outputs, errors


@pytest.fixture(scope="module")
def by_coq(activity):
    """What Coq's definitions give, by name, as lists of Fractions."""
    printed = induction.evaluate(induction.coqc(), coq_source(*activity))
    lists = printed.split("     = ")[1:]
    assert len(lists) == len(NAMES)
    return {
        name: [F(int(n), int(d)) for n, d in re.findall(r"\(\s*(-?\d+),\s*(\d+)\)", text)]
        for name, text in zip(NAMES, lists)
    }


def coq_source(potentials, _, errors):
    weights, biases, inputs = network()
    spikes = [[[F(u >= THRESHOLD) for u in step] for step in layer] for layer in potentials]
    psi = [[[triangle(u - THRESHOLD) for u in step] for step in layer] for layer in potentials]
    layers = len(weights)
    incoming = [[list(neuron) for neuron in zip(*layer)] for layer in (inputs, *spikes)]  # [l][j][t]
    stated = {
        "psi": ("tables", [[[F(1)] * SIZES[-1]] * TIME_STEPS, *reversed(psi)]),
        "weight": ("tables", list(reversed(weights))),
        "incoming": ("tables", list(reversed(incoming))),
        "error": ("table", errors),
        "biases": ("", list(reversed(biases))),
        "leaks": ("", [F(0)] + [DECAY] * (layers - 1)),
        "traced": ("", [DECAY] * layers),
        "authors_traced": ("", [DECAY] * (layers - 1) + [F(0)]),
        "constant_traced": ("", [F(0)] + [DECAY] * (layers - 1)),
        "decay": ("", DECAY),
        "threshold": ("", THRESHOLD),
    }
    lines = [f"Definition {name} := {function} {in_coq(value)}." for name, (function, value) in stated.items()]
    lines.append(f"Definition width (m : nat) := nth m [{'; '.join(map(str, reversed(SIZES)))}]%nat O.")
    lines.append(f"Definition T := {TIME_STEPS}%nat. Definition layers := {layers}%nat.")
    return PRELUDE + "\n".join(lines) + DEFINITIONS


def in_coq(value):
    """Nested lists of Fractions as Coq writes them."""
    if isinstance(value, list):
        return f"[{'; '.join(map(in_coq, value))}]"
    return f"(number ({value.numerator}) {value.denominator})"


def test_the_case_is_live_and_its_methods_differ(activity):
    potentials, _, errors = activity
    assert all(
        0 < sum(u >= THRESHOLD for step in layer for u in step) < len(layer) * len(layer[0]) for layer in potentials
    )
    assert all(error != 0 for step in errors for error in step)
    assert all(len({tuple(u >= THRESHOLD for u in step) for step in layer}) > 1 for layer in potentials)
    results = [by_page("ottt"), by_page("ottt", dialect="authors"), by_page("sltt"), by_page("bptt")]
    assert all(one != other for k, one in enumerate(results) for other in results[:k])


def test_potentials_are_r1s(by_coq, activity):
    potentials, outputs, _ = activity
    assert by_coq["potentials"] == [u for layer in reversed(potentials) for neuron in zip(*layer) for u in neuron]
    assert by_coq["outputs"] == [o for step in outputs for o in step]


@pytest.mark.parametrize(
    ("definitions", "page", "options"),
    [
        ("ottt", "ottt", {"dialect": "derivation"}),
        ("authors", "ottt", {"dialect": "authors"}),
        ("windows", "ottt", {"dialect": "derivation"}),
        ("sltt", "sltt", {}),
        ("bptt", "bptt", {"reset_gradient": "detached"}),
        ("bptt", "rtrl", {"reset_gradient": "detached"}),
    ],
)
def test_coqs_definitions_give_the_pages_gradients(by_coq, definitions, page, options):
    assert by_coq[definitions] == by_page(page, **options)


@pytest.mark.parametrize("c", range(SIZES[-1]))
def test_coqs_weighted_traces_give_the_rates_of_the_page_of_sr(by_coq, c):
    """With ∂L/∂o = 1 at one output the readout's gradient there is the rates, and 1."""
    rates = by_page("spike_representation", lambda o, y, time_steps: [F(k == c) for k in range(len(o))])
    width = SIZES[-2] + 1
    assert rates[c * width : (c + 1) * width] == [*by_coq["rates"], 1]


def test_what_coq_refuses_is_said():
    with pytest.raises(RuntimeError, match=r"Evaluate\.v: [\s\S]*nothing was not found"):
        induction.evaluate(induction.coqc(), "From OTTT Require Import Traces. Check nothing.", ("Traces",))
