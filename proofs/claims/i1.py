"""I1: the instantaneous loss bounds the loss of the average output, for a convex ℓ (Jensen).

ℓ(mean_t o[t], y) <= mean_t ℓ(o[t], y)
"""

import numpy as np

import ottt_ref as ot
from ottt_ref import losses

from .. import enclosed
from ..cases import fires, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equations import AVERAGE_LOSS, OUTPUT_ERROR, STEP_LOSS, Sketch

# A loss of C <= 3 classes, T <= 8 steps and B <= 2 samples is summed from terms that each pass some 100 rounded
# operations of relative error 2^-53; 1e-12 is 100 times that.
RELATIVE_ERROR = 1e-12
LOSSES = (losses.CrossEntropy(), losses.MeanSquaredError(), losses.Mixed())


def check(case):
    arguments = (case.exact_network, case.exact_inputs, case.targets, losses.MeanSquaredError())
    exact = _slack(*arguments)
    if exact < 0:
        raise Refuted(f"the mean squared error of the average exceeds the mean of the steps by {-exact}")
    for loss in LOSSES:
        slack = _slack(case.float_network, case.float_inputs, case.targets, loss)
        if not slack >= -RELATIVE_ERROR * (1 + abs(slack)):
            raise Refuted(f"{loss!r} of the average exceeds the mean of the steps by {-slack}")
    activity = ot.simulate(case.exact_network, case.exact_inputs)
    live = fires(activity) and bool(np.any(activity.outputs != activity.outputs[0]))
    certified = live and enclosed.settled(lambda: _require_certain(case))
    return Finding(float(exact), certified, certified=certified)


def _require_certain(case):
    """The same over intervals, where nothing is rounded away; Undecided where they cannot tell."""
    network = enclosed.network(case.float_network)
    outputs = ot.simulate(network, enclosed.array(case.float_inputs)).outputs
    for loss in LOSSES:
        enclosing = enclosed.loss(loss)
        targets = losses.require_targets(enclosing, case.targets, outputs.shape[1], network)
        slack = (
            losses.sequence_loss(enclosing, outputs, targets)[0] - losses.average_loss(enclosing, outputs, targets)[0]
        )
        if not slack >= 0:
            raise Refuted(f"{loss!r} of the average exceeds the mean of the steps: their difference lies in {slack}")


def _slack(network, inputs, targets, loss):
    steps, average = (
        ot.bptt.gradients(network, inputs, targets, loss, loss_of=loss_of).loss for loss_of in ("steps", "average")
    )
    return steps - average


def error_rate():
    """The 0/1 error is not convex: one step that is very wrong spoils the average of two right ones."""
    outputs = np.array([[1, 0], [1, 0], [0, 3]])  # the right class is the first
    wrong = outputs[:, 1] > outputs[:, 0]
    average_wrong = bool(outputs[:, 1].sum() > outputs[:, 0].sum())
    if not average_wrong > wrong.mean():
        raise Refuted(f"the average should be wrong, and only a third of the steps, got {average_wrong}, {wrong}")
    return f"0/1 error, outputs (1, 0), (1, 0), (0, 3): {wrong.sum()}/3 over the steps, 1 of the average"


CLAIM = Claim(
    name="I1",
    statement="the loss of the average output is at most the mean of the steps' losses",
    hypotheses="ℓ convex in the output (cross-entropy, squared error, their mixture); any network",
    source="theory I1; Xiao et al. 2022, section 4.2",
    checked="squared error over fractions; cross-entropy, squared error, mixture in float64, certified by intervals",
    kind="bound",
    slack_means="least difference {:.2g}",
    worst=min,
    sketch=Sketch(
        formula=r"\ell\Bigl( \tfrac{1}{T} \sum_t o[t],\, y \Bigr) \le \tfrac{1}{T} \sum_t \ell(o[t], y)",
        proof=(
            r"That is Jensen's inequality for a loss that is convex in the output: a convex function of a mean is at "
            r"most the mean of the function. The squared error is convex, and so is the cross-entropy, a sum of a "
            r"log-sum-exp and a linear function; a mixture with weights that are not negative is convex too."
        ),
        equations=(STEP_LOSS, AVERAGE_LOSS, OUTPUT_ERROR),
    ),
    strategy=networks(time_steps=(2, 8)),
    check=check,
    counterexamples=(Counterexample("ℓ is convex", error_rate),),
)
