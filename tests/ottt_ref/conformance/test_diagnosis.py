"""The diagnosis: of each mistake that an outsider seeded into a backend, the name of the trap that it is."""

import pytest

from ottt_ref.conformance import checking, diagnosis, report

from ...selection import one_in
from .faults import FAULTS

pytestmark = pytest.mark.slow

# fault → trap; what is left out (NAMELESS) is like no trap of the kit, and must not be taken for one
TRAPS = {
    "unleaked-reset": "reset-unleaked",
    "leaked-reset": "reset-leaked",
    "hard-instead-of-soft": "reset-hard",
    "soft-instead-of-hard": "reset-leaked",
    "hard-reset-to-zero": "reset-hard",
    "hard-reset-unleaked": "reset-hard-unleaked",
    "starts-from-reset": "start-from-reset",
    "reset-by-one": "reset-by-one",
    "threshold-one": "threshold-one",
    "decayed-input": "input-decayed",
    "leak-after-input": "input-leaked",
    "exponential-decay": "decay-exponential",
    "decay-complement": "decay-complement",
    "strict-threshold": "spike-strict",
    "potential-after-reset": "potential-after-reset",
    "mean-outputs": "without-time",
    "readout-never-leaks": "readout-stateless",
    "readout-always-leaks": "readout-leaky",
    "readout-forgets-its-errors": "readout-not-back",
    "stateful": "state-kept",
    "tensor-float32": "reduced-precision",
    "single-precision": "single-precision",
    "identity-ignored": "skip-ignored",
    "identity-errors-lost": "skips-not-back",
    "identity-rate-errors-lost": "skips-not-back",
    "skip-gain-ignored": "branch-gain-ignored",
    "skip-gain-gradient-forgotten": "gain-gradient-zero",
    "bias-before-gain-untraced": "reduced-precision",
    "upsampling-averages-back": "upsample-one-way",
    "decay-of-layer-zero": "first-layer-decay",
    "threshold-of-layer-zero": "first-layer-threshold",
    "reset-of-layer-zero": "first-layer-reset",
    "surrogate-of-layer-zero": "surrogate-of-first-layer",
    "readout-decay-of-neurons": "readout-leaky",
    "trace-decay-of-sender": "trace-of-sender",
    "trace-decay-of-layer-zero": "trace-of-first-layer",
    "layers-late": "layers-delayed",
    "loops-late": "recurrence-delayed",
    "delays-short": "delays-short",
    "delays-ignored": "delays-ignored",
    "late-errors-now": "late-errors-now",
    "late-errors-lost": "late-errors-lost",
    "recurrent-ignored": "recurrent-ignored",
    "feedback-ignored": "feedback-ignored",
    "skip-ignored": "skip-ignored",
    "skip-errors-lost": "skips-not-back",
    "loop-errors-lost": "delays-not-back",
    "loop-errors-at-once": "loop-errors-at-once",
    "loops-paired-at-once": "loops-at-once",
    "not-transposed": "weight-untransposed",
    "bias-ignored": "bias-ignored",
    "loop-bias-ignored": "recurrent-bias-ignored",
    "convolution-flipped": "kernel-flipped",
    "convolution-not-flipped-back": "kernel-not-flipped-back",
    "convolution-bias-averaged": "bias-gradient-averaged",
    "flattened-channels-last": "flattened-channels-last",
    "pools-largest": "pool-maximum",
    "pools-sum": "pool-summed",
    "pool-errors-undivided": "pool-one-way",
    "scale-ignored": "scale-ignored",
    "scale-forgotten-back": "scale-one-way",
    "biased-variance": "variance-biased",
    "standardised-without-fan-in": "fan-in-ignored",
    "epsilon-outside": "epsilon-outside",
    "standardised-as-a-whole": "standardised-whole",
    "gain-ignored": "gain-ignored",
    "standardisation-constant-back": "standardisation-fixed",
    "deviation-constant-back": "deviation-fixed",
    "raw-weight-back": "standardisation-not-back",
    "gain-gradient-forgotten": "standard-gain-gradient-zero",
    "epsilon-default": "epsilon-default",
    "updates-at-the-end": "online-at-the-end",
    "momentum": "online-momentum",
    "gradients-accumulate": "online-accumulated",
    "online-loss-undivided": "loss-summed-over-time",
    "ascent": "loss-negative",
    "forgets-after-update": "online-forgetting",
    "updates-before-errors-pass": "online-layer-by-layer",
    "records-before-update": "online-recorded-before",
    "gradients-transposed": "transposed",
    "not-a-number": "not-finite",
    "bias-gradient-forgotten": "bias-gradient-zero",
    "rate-always-a-tenth": "learning-rate-always-0.1",
    "gains-not-learned": "standard-gain-gradient-zero",
    "skip-gain-not-learned": "gain-gradient-zero",
    "biases-not-learned": "bias-gradient-zero",
    "loss-summed-over-batch": "loss-summed-over-batch",
    "loss-summed-over-time": "loss-summed-over-time",
    "loss-divided-by-six": "loss-divided-by-6",
    "squared-error-summed": "squared-error-summed",
    "squared-error-halved": "squared-error-halved",
    "squared-error-of-softmax": "squared-error-of-softmax",
    "softmax-twice": "softmax-twice",
    "shares-exchanged": "shares-exchanged",
    "papers-loss": "loss-of-paper",
    "mixed-is-cross-entropy": "squared-error-left-out",
    "loss-of-mean-output": "loss-of-average",
    "loss-of-last-output": "last-step-alone",
    "targets-hardened": "targets-hardened",
    "cross-entropy-averaged": "cross-entropy-averaged",
    "softmax-overflows": "not-finite",
    "loss-overflows": "not-finite",
    "reported-loss-summed-over-batch": "reported-loss-summed",
    "reported-loss-summed-over-time": "reported-loss-summed",
    "loss-divided-by-four": "scaled",
    "rates-unweighted": "rates-unweighted",
    "rates-reversed": "rates-reversed",
    "input-rates-unweighted": "input-rates-unweighted",
    "rates-undivided": "rates-undivided",
    "rates-closed-form": "rates-closed-form",
    "rates-without-threshold": "clamp-without-threshold",
    "rates-unclamped": "clamp-ignored",
    "rates-without-loops": "rate-loops-ignored",
    "rate-loop-not-transposed": "weight-untransposed",
    "rate-loss-over-time": "scaled",
    "surrogate-normalised": "surrogate-normalised",
    "surrogate-zero": "surrogate-zero",
    "surrogate-straight-through": "surrogate-one",
    "surrogate-inverted": "surrogate-inverted",
    "sigmoid-without-slope": "surrogate-without-slope",
    "surrogate-defaults": "surrogate-default-alpha",
    "sigmoid-overflows": "not-finite",
    "sigmoid-everywhere": "surrogate-sigmoid",
    "surrogate-of-potential": "surrogate-of-potential",
    "surrogate-after-reset": "surrogate-after-reset",
    "last-surrogate-missing": "surrogate-last-missing",
    "arctan-alpha-default": "surrogate-default-alpha",
    "triangle-width-default": "surrogate-default-width",
    "triangle-height-default": "surrogate-default-height",
    "multi-gaussian-sigma-default": "surrogate-default-sigma",
    "multi-gaussian-height-default": "surrogate-default-h",
    "multi-gaussian-spread-default": "surrogate-default-s",
    "multi-gaussian-scale-default": "surrogate-default-scale",
    "triangle-width-inverted": "surrogate-inverted",
    "triangle-width-is-base": "surrogate-half-as-wide",
    "rectangle-of-height-one": "surrogate-normalised",
    "sigmoid-overflows-above": "not-finite",
    "reset-gradient-kept": "is-bptt-kept",
    "reset-gradient-detached": "is-bptt",
    "reset-gradient-unleaked": "reset-gradient-unleaked",
    "reset-gradient-without-threshold": "reset-gradient-without-threshold",
    "hard-reset-lets-errors-pass": "hard-reset-passed",
    "truncated-bptt": "is-sltt",
    "last-step-alone": "last-step-alone",
    "ottt-is-bptt": "is-bptt",
    "reset-gradient-leaked": "reset-gradient-leaked",
    "reset-gradient-negative": "reset-gradient-negative",
    "rtrl-is-sltt": "is-sltt",
    "rtrl-is-ottt": "is-ottt",
    "rtrl-detached": "is-bptt",
    "trace-late": "trace-late",
    "trace-is-sum": "trace-undecayed",
    "trace-is-average": "trace-averaged",
    "trace-saturates": "trace-saturated",
    "ottt-is-sltt": "is-sltt",
    "sltt-is-ottt": "is-ottt",
    "derivation-is-authors": "is-ottt-authors",
    "authors-is-derivation": "is-ottt",
    "bias-untraced": "bias-untraced",
    "inputs-untraced": "inputs-untraced",
    "readout-untraced": "readout-untraced",
    "readout-bias-traced": "readout-bias-traced",
    "loops-untraced": "recurrence-untraced",
    "skips-untraced": "skips-untraced",
    "leaky-readout-untraced": "readout-untraced",
    "authors-trace-skipped-inputs": "reduced-precision",
    "loop-trace-of-the-same-step": "loops-at-once",
    "trace-resets": "trace-saturated",
    "authors-loops-untraced": "recurrence-untraced",
    "authors-loop-bias-traced": "reduced-precision",
    "trace-counts-events": "reduced-precision",
    "kernel-axes-swapped": "kernel-axes-swapped",
    "weights-renormalised": "weights-renormalised",
    "loss-of-chunk": "loss-of-chunk",
    "targets-of-first-step": "targets-of-first-step",
    "initial-state-forgotten": "initial-state-forgotten",
    "pool-zeros-uncounted": "pool-padding-uncounted",
}
NAMELESS = sorted(set(FAULTS) - set(TRAPS))
# these say how far off the numbers are, or which, not why
VAGUE = {"reduced-precision", "single-precision", "scaled", "recorded-otherwise"}


@pytest.fixture(scope="module", autouse=True)
def every_variation_once():
    """Faults of one case are held against the same variations, which are computed once for all of them."""
    compute, kept = diagnosis.compute, {}

    def once(case, method, trap):
        key = case.name, method, trap.name, trap.says
        if key not in kept:
            try:
                kept[key] = compute(case, method, trap)
            except (ValueError, ArithmeticError) as error:
                kept[key] = error
        if isinstance(kept[key], Exception):
            raise kept[key]
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagnosis, "compute", once)
        yield


def diagnoses(by_name, name):
    """What is said of a fault in the first case in which it shows, in its first two methods."""
    fault = FAULTS[name]
    case, methods = next(iter(fault.shows.items()))
    verdicts = list(checking.check(fault.backend(), [by_name[case]], methods[:2]))
    assert any(verdict.outcome == "failed" for verdict in verdicts)
    return [found for found, _, _ in report.explanations(verdicts)]


@pytest.mark.parametrize("name", one_in(24, TRAPS, default=8))
def test_a_seeded_mistake_is_named(by_name, name):
    assert TRAPS[name] in diagnoses(by_name, name)


@pytest.mark.parametrize("name", one_in(24, NAMELESS, default=8))
def test_a_mistake_that_is_no_trap_is_not_taken_for_one(by_name, name):
    assert set(diagnoses(by_name, name)) <= VAGUE


def test_most_of_the_seeded_mistakes_are_named():
    assert len(TRAPS) > 2 * len(NAMELESS)
