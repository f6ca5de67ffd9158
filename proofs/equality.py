"""Two expressions for the same gradient: equal over fractions, and in floats as near as rounding allows.

A side is a function (network, activity, output_errors) → {parameter: array} made of + - * and loops alone. It runs on
 - fractions.Fraction, where both sides must be the same numbers (and so must what the public functions return);
 - float64, compiled, where they may differ by no more than both sides' rounding errors, which are bounded
   rigorously by running each side on magnitudes (`number_systems.magnitude`). Nothing is tuned.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.network.network import object_array

from .cases import fires, with_numbers
from .claim import Finding, Refuted
from .number_systems.magnitude import as_magnitude


@dataclass(frozen=True)
class Side:
    """One way to a gradient.

    algebra  (network, activity, output_errors) → {parameter: array}, on any numbers
    public   (network, inputs, targets, loss) → Gradients, the function that users call; None where there is none
    """

    algebra: Callable
    public: Callable | None = None


def bptt(reset_gradient="detached"):
    """BPTT as a side; methods are looked up when they are called, so that a test can put a wrong one in their place."""
    return Side(
        lambda *data: ot.bptt.backward(*data, reset_gradient=reset_gradient).values,
        lambda *arguments: ot.bptt.gradients(*arguments, reset_gradient=reset_gradient),
    )


def rtrl(reset_gradient="detached"):
    """RTRL as a side."""
    return Side(
        lambda *data: ot.rtrl.accumulate(*data, reset_gradient=reset_gradient).values,
        lambda *arguments: ot.rtrl.gradients(*arguments, reset_gradient=reset_gradient),
    )


def bptt_without_delays(*data):
    """BPTT's gradients (reset detached) with no error coming back by recurrent and feedback connections."""
    return ot.bptt.backward(*data, delays_back=False).values


OTTT = Side(lambda *data: ot.ottt.accumulate(*data).values, lambda *arguments: ot.ottt.gradients(*arguments))
SLTT = Side(lambda *data: ot.sltt.accumulate(*data).values, lambda *arguments: ot.sltt.gradients(*arguments))


def check_equality(case, left, right, parameters=None):
    """Compare the two sides on the case, exactly and in floats; the Finding's slack is difference / bound, <= 1.

    `parameters(network)` names what is compared; everything if not given.
    """
    network = case.exact_network
    activity, errors = exact_data(case)
    names = list(network.parameters) if parameters is None else parameters(network)
    rights = right.algebra(network, activity, errors)
    require_equal(left.algebra(network, activity, errors), rights, names)
    if left.public and right.public:
        arguments = (network, case.exact_inputs, case.targets, losses.MeanSquaredError())
        require_equal(left.public(*arguments), right.public(*arguments), names)
        require_equal(rights, right.public(*arguments), names)
    live = fires(activity) and any(np.any(rights[name] != 0) for name in names)
    return Finding(_float_slack(case, left.algebra, right.algebra, names), live)


def exact_data(case):
    """The exact network's activity, and ∂L/∂o of the mean squared error of each time step."""
    network = case.exact_network
    activity = ot.simulate(network, case.exact_inputs)
    return activity, output_errors(network, activity, case.targets, losses.MeanSquaredError())


def float_data(case, loss):
    """The floating-point network's activity, and ∂L/∂o of `loss` of each time step."""
    network = case.float_network
    activity = ot.simulate(network, case.float_inputs)
    return activity, output_errors(network, activity, case.targets, loss)


def output_errors(network, activity, targets, loss):
    """∂L/∂o [T, B, n_out] of the loss of each time step."""
    rows = losses.require_targets(loss, targets, activity.inputs.shape[1], network)
    return losses.sequence_loss(loss, activity.outputs, rows)[1]


def require_equal(lefts, rights, names):
    """Raise Refuted at the first number in which two exact gradients differ."""
    for name in names:
        differs = lefts[name] != rights[name]
        if np.any(differs):
            index = tuple(int(k) for k in np.argwhere(differs)[0])
            raise Refuted(f"{name}{list(index)}: {lefts[name][index]} on the left, {rights[name][index]} on the right")


def magnitude_network(network):
    """The network with |w| as a magnitude for each parameter w; its neurons keep their numbers."""
    return network.rebuilt(lambda array: object_array(array, as_magnitude), lambda number: number)


def _float_slack(case, left, right, names):
    network = case.float_network
    activity, errors = float_data(case, losses.Mixed())
    values = [side(network, activity, errors) for side in (left, right)]
    magnitudes = [
        side(magnitude_network(network), with_numbers(activity, as_magnitude), object_array(errors, as_magnitude))
        for side in (left, right)
    ]
    return max(_slack(name, *(side[name] for side in (*values, *magnitudes))) for name in names)


def _slack(name, left, right, left_magnitude, right_magnitude):
    worst = 0.0
    for index, difference in np.ndenumerate(abs(left - right)):
        allowed = sum(as_magnitude(side[index]).rounding_bound() for side in (left_magnitude, right_magnitude))
        if not difference <= allowed:
            raise Refuted(
                f"{name}{list(index)} in float64: {left[index]!r} on the left, {right[index]!r} on the right, "
                f"{difference:.3g} apart where rounding allows {allowed:.3g}"
            )
        worst = max(worst, difference / allowed)
    return float(worst)
