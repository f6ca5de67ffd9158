"""Results that are NaN or infinite: raised where they began, and returned where that is asked for."""

import pickle
import threading
from dataclasses import dataclass

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import cli, methods
from ottt_ref.finite import all_finite, is_finite, refuse_non_finite

from .general import LOOPS, case
from .helpers import IN_TIME, METHODS, bits, dyadic_network, dyadic_sequence

NARROW = ot.surrogate.Triangle(width=0.5)  # 0 at rest, 1 at the threshold


def chain(weight, readout, *, decay=0.5, surrogate=NARROW):
    """1-1-2: one neuron, and a readout of its spikes."""
    hidden = ot.Layer(ot.Dense(np.array([[weight]])), ot.LIF(decay, surrogate=surrogate))
    return ot.Network([hidden, ot.Layer(ot.Dense(np.array([[readout], [-readout]])), ot.Integrator())])


def at(t, value, time_steps=4):
    """Inputs that are 0 but at one time step."""
    inputs = np.zeros((time_steps, 1, 1))
    inputs[t] = value
    return inputs


def online(rule):
    """The gradients of a method's learner: of its steps, which change nothing."""

    def run(network, inputs, targets, loss):
        learner = rule(network, ot.training.SGD(0.0), loss)
        for x in inputs:
            learner.step(x, targets)

    return run


RUNS = {
    **{name: METHODS[name] for name in IN_TIME},
    **{f"{name} online": online(getattr(ot, name).OnlineLearner) for name in ("ottt", "sltt", "rtrl")},
}
every_run = pytest.mark.parametrize("run", RUNS)
LABEL = np.array([0])


def raised(run, network, inputs, loss=ot.losses.CrossEntropy()):
    with pytest.raises(ot.NonFiniteError) as caught:
        RUNS.get(run, run)(network, inputs, LABEL, loss)
    return caught.value


@every_run
def test_a_potential_that_overflows_is_named_with_its_time_step(run):
    """A membrane without leak: the second input of 1.5e308 is too much, and the loss would look sane."""
    network = chain(1.0, 1.0, decay=1.0)
    error = raised(run, network, np.array([0, 1.5e308, 1.5e308, 0]).reshape(4, 1, 1))
    assert (error.quantity, error.time_step, error.value, error.index) == ("potential of layer0", 2, np.inf, (0, 0))
    assert error.finding == "potential of layer0 must be finite, got inf at index [0, 0] of time step 2"
    assert str(error).endswith("under `with ottt_ref.allow_non_finite():` such results are returned")


@every_run
def test_a_loss_that_overflows_is_named_with_its_time_step(run):
    """Outputs of 1e200 from the first spike on, and their squares."""
    error = raised(run, chain(1.0, 1e200), at(2, 1.0), ot.losses.MeanSquaredError())
    assert (error.quantity, error.time_step, error.value, error.index) == ("loss", 2, np.inf, (0,))


@every_run
def test_an_error_that_overflows_is_named_with_its_layer_and_time_step(run):
    """ψ = 2e10 at the threshold, the readout's weights ±1e300; RTRL has no errors: their gradients overflow there."""
    steep = ot.surrogate.Triangle(width=0.5, height=2e10)
    error = raised(run, chain(1.0, -1e300, surrogate=steep), at(1, 1.0))
    quantity = "gradient of layer0.weight" if "rtrl" in run else "error of layer0"
    assert (error.quantity, error.time_step) == (quantity, 1)


@every_run
def test_a_gradient_that_overflows_is_named_with_its_parameter_and_time_step(run):
    """Error times input: 1e200 · 1e200."""
    error = raised(run, chain(1e-200, -1e200), at(3, 1e200))
    assert (error.quantity, error.time_step, error.index) == ("gradient of layer0.weight", 3, (0, 0))


def test_a_sum_that_overflows_though_its_terms_do_not_is_named():
    network = chain(1e-200, -1.8e108)  # 0.9e308 in each time step
    error = raised("sltt", network, np.full((4, 1, 1), 1e200))
    assert (error.quantity, error.time_step) == ("gradient of layer0.weight", 1)
    first = raised("bptt", network, np.full((4, 1, 1), 1e200))  # it sums from the last time step to the first
    assert (first.quantity, first.time_step) == ("gradient of layer0.weight", 2)


@pytest.mark.parametrize("rates", ["measured", "closed_form"])
@pytest.mark.parametrize(
    ("network", "value", "loss", "quantity"),
    [
        (chain(0.75, 1e200), 1.0, ot.losses.MeanSquaredError(), "loss"),
        (
            ot.Network([*chain(0.5, 1.0).layers[:1], *chain(0.5, 1e200).layers], input_shape=(1,)),
            1.0,
            ot.losses.CrossEntropy(),
            None,
        ),
        (chain(0.5e-200, -1e200), 1e200, ot.losses.CrossEntropy(), "gradient of layer0.weight"),
    ],
    ids=["loss", "none", "gradient"],
)
def test_spike_representation_names_what_overflows(rates, network, value, loss, quantity):
    def run(network, inputs, targets, loss):
        return ot.spike_representation.gradients(network, inputs, targets, loss, rates=rates)

    inputs = np.full((4, 1, 1), value)
    if quantity is None:  # a large number alone is no overflow
        assert all(is_finite(gradient) for gradient in run(network, inputs, LABEL, loss).values())
    else:
        error = raised(run, network, inputs, loss)
        assert (error.quantity, error.time_step) == (quantity, None)


def test_rates_that_overflow_are_named():
    layers = [ot.Layer(ot.Dense(np.array([[1e200], [-1e200]])), ot.Integrator())]  # passes a current on
    network = ot.Network([*layers, ot.Layer(ot.Dense(np.array([[1.0, 1.0]])), ot.LIF())])
    with pytest.raises(ot.NonFiniteError, match="rate of layer0 must be finite, got inf"):
        ot.spike_representation.rates_of(network, np.full((2, 1, 1), 1e200), "closed_form")
    with pytest.raises(ot.NonFiniteError, match="rate of layer0 must be finite, got inf"):
        ot.rates.complete_rates(network, {-1: np.full((1, 1), 1e200), 1: np.ones((1, 1))})
    with pytest.raises(ot.NonFiniteError, match="weighted rate must be finite, got inf at index"):
        ot.weighted_rate(np.full((3, 1, 1), 1e308), 1.0)


def test_a_contraction_factor_of_norms_that_overflow_is_refused():
    network = ot.Network([ot.Layer(ot.Dense(np.eye(1)), ot.LIF(), [ot.Scale(1e200), ot.Dense(np.array([[1e200]]))])])
    for largest in (2**16, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ot.equilibrium, "LARGEST_MATRIX", largest)
            with pytest.raises(
                ot.NonFiniteError, match=r"spectral norm of layer0\.recurrent .* must be finite, got inf"
            ):
                ot.equilibrium.contraction_factor(network)


@pytest.mark.parametrize("kind", LOOPS)
def test_in_a_network_with_loops_the_first_layer_and_time_step_are_named(kind):
    network, inputs, labels = case(kind)
    name = "layer0.weight"
    network.parameters[name] = np.sign(network.parameters[name]) * 1e300
    inputs = inputs.copy()
    inputs[1] = 1e10
    arrives = 1 + network.layers[0].delay
    match = rf"potential of layer0 must be finite, got .* of time step {arrives};"
    with pytest.raises(ot.NonFiniteError, match=match):
        ot.ottt.gradients(network, inputs, labels)


def test_float32_overflows_where_float32_does():
    network, inputs = chain(1.0, 1.0, decay=1.0), np.array([0, 3e38, 3e38, 0]).reshape(4, 1, 1)
    ot.simulate(network, inputs)
    with pytest.raises(ot.NonFiniteError, match=r"potential of layer0 must be finite, got inf at index \[0, 0\]"):
        ot.simulate(network.astype(np.float32), inputs.astype(np.float32))


def test_a_network_of_pythons_floats_is_checked_as_well():
    network = chain(1.0, 1.0, decay=1.0).as_objects(float)
    inputs = np.full((4, 1, 1), 1.5e308).astype(object)
    with pytest.raises(ot.NonFiniteError, match=r"potential of layer0 must be finite, got inf at .* of time step 1;"):
        ot.simulate(network, inputs)


# ---- what lets them pass


def test_within_the_block_what_overflows_is_returned():
    network, inputs = chain(1.0, 1e200, decay=1.0), np.full((4, 1, 1), 1.5e308)
    with ot.allow_non_finite(), np.errstate(all="ignore"):
        activity = ot.simulate(network, inputs)
        assert np.isinf(activity.potentials[0]).any() and set(activity.spikes[0].flat) == {1.0}
        for name, gradients in METHODS.items():
            result = gradients(network, inputs, LABEL, ot.losses.MeanSquaredError())
            assert not np.isfinite(result.loss), name
        assert not is_finite(ot.weighted_rate(inputs, 1.0))
    with pytest.raises(ot.NonFiniteError):
        ot.simulate(network, inputs)


@pytest.mark.parametrize("method", METHODS)
def test_the_block_changes_no_finite_result(method):
    network, (inputs, targets) = dyadic_network(1), dyadic_sequence(1)
    outside = METHODS[method](network, inputs, targets)
    with ot.allow_non_finite():
        within = METHODS[method](network, inputs, targets)
    assert bits(dict(outside)) == bits(dict(within)) and outside.loss == within.loss


def test_the_block_ends_with_an_error_and_is_the_threads_own():
    network, inputs, seen = chain(1.0, 1.0, decay=1.0), np.full((4, 1, 1), 1.5e308), []

    def other():
        try:
            ot.simulate(network, inputs)
        except ot.NonFiniteError as error:
            seen.append(error.quantity)

    with pytest.raises(KeyError), ot.allow_non_finite():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        raise KeyError
    other()
    assert seen == ["potential of layer0"] * 2


def test_arguments_stay_checked_within_the_block():
    network = dyadic_network(0)
    with ot.allow_non_finite():
        with pytest.raises(ValueError, match="inputs must be finite, got nan"):
            ot.simulate(network, np.full((2, 1, 3), np.nan))
        with pytest.raises(ValueError, match=r"layer0\.weight must be finite"):
            network.parameters["layer0.weight"] = np.full((4, 3), np.inf)
        gradients = network.zero_gradients()
        gradients["readout.bias"][0] = np.nan
        before = bits(network.parameters)
        for optimizer in (ot.training.SGD(), ot.training.Adam()):
            with pytest.raises(ValueError, match=r"gradients\['readout.bias'\] must be finite, got nan"):
                optimizer.step(network.parameters, gradients)
        assert bits(network.parameters) == before


# ---- what comes from outside


def of_kind(base, **changes):
    return type("Other", (base,), changes)


def test_a_rule_that_gives_nan_is_named_by_its_gradient():
    def presynaptic(self, connection, activity):
        return np.full_like(activity.presynaptic(connection), np.nan)

    network, (inputs, targets) = dyadic_network(0), dyadic_sequence(0)
    rule = of_kind(methods.Rule, presynaptic=presynaptic)
    for run in (
        lambda: methods.gradients(rule, network, inputs, targets),
        lambda: methods.accumulate(rule, network, ot.simulate(network, inputs), np.ones((4, 2, 2))),
        lambda: methods.OnlineLearner(rule, network, ot.training.SGD()).step(inputs[0], targets),
    ):
        with pytest.raises(ot.NonFiniteError, match=r"gradient of layer0\.weight must be finite, got nan.*time step 0"):
            run()


def test_an_error_feedback_that_gives_nan_is_named_by_its_layer():
    def spike_error(self, network, step, l, errors):
        result = np.ones_like(step.activity.layer_outputs[l])
        return result * (np.nan if l == 1 else 1.0)

    network, (inputs, targets) = dyadic_network(0), dyadic_sequence(0)
    feedback = of_kind(methods.ErrorFeedback, spike_error=spike_error)()
    with pytest.raises(ot.NonFiniteError, match=r"error of layer1 must be finite, got nan at .* of time step 0;"):
        ot.sltt.gradients(network, inputs, targets, error_feedback=feedback)


class NanOfLateLoss(ot.losses.Loss):
    """1 for outputs below 1/2, NaN above."""

    rational, distribution = False, False

    def __init__(self, value, gradient):
        self.late = value, gradient

    def evaluate(self, outputs, targets):
        late = outputs.max() > 0.5
        value, gradient = self.late if late else (1.0, 1.0)
        return np.full(len(outputs), value), np.full_like(outputs, gradient)


@every_run
@pytest.mark.parametrize(
    ("late", "quantity"), [((np.nan, 1.0), "loss"), ((1.0, np.inf), "gradient of the loss at the outputs")]
)
def test_a_loss_that_gives_nan_is_named(run, late, quantity):
    error = raised(run, chain(1.0, 1.0), at(2, 1.0), NanOfLateLoss(*late))
    assert (error.quantity, error.time_step) == (quantity, 2)


@dataclass(frozen=True)
class Odd(ot.Neuron):
    """Fires above 1; what one of its parts gives is NaN once the potential was above 2."""

    part: str = ""
    decay: float = 0.0
    threshold: float = 1.0

    def _late(self, part, potential):
        return np.where(potential > 2, np.nan if self.part == part else 0.0, 0.0)

    def step(self, state, output, current, soft=False):
        state[0][...] = current + self._late("state", current)
        output[...] = (state[0] >= 1) + self._late("output", state[0])

    def surrogate_derivative(self, state):
        return 1.0 + self._late("surrogate", state[0])


@pytest.mark.parametrize(
    ("part", "quantity"),
    [("state", "potential"), ("output", "output"), ("surrogate", "surrogate derivative")],
)
def test_a_neuron_that_gives_nan_is_named(part, quantity):
    network = ot.Network([ot.Layer(ot.Dense(np.array([[1.0]])), Odd(part))])
    expected = f"{quantity} of layer0 must be finite, got nan at index \\[0, 0\\] of time step 2;"
    ot.simulate(network, np.ones((4, 1, 1)))
    simulator = ot.Simulator(network, 1)
    for run in (
        lambda: ot.simulate(network, at(2, 3.0)),
        lambda: ot.ottt.gradients(network, at(2, 3.0), np.array([[0.0]]), ot.losses.MeanSquaredError()),
        lambda: [simulator.step(x) for x in at(2, 3.0)],
    ):
        with pytest.raises(ot.NonFiniteError, match=expected):
            run()


def test_an_operation_that_gives_nan_is_named_by_the_potential_of_its_layer():
    class Root(ot.Scale):
        def forward(self, values, bias_input):
            with np.errstate(invalid="ignore"):
                return np.sqrt(1.5 - values)

    hidden = ot.Layer([Root(1.0), ot.Dense(np.eye(1))], ot.LIF())
    network = ot.Network([hidden], input_shape=(1,))
    with pytest.raises(ot.NonFiniteError, match=r"potential of layer0 must be finite, got nan at .* of time step 1;"):
        ot.simulate(network, at(1, 2.0))


# ---- losses, optimisers, the command line


def test_losses_that_overflow_are_refused_wherever_they_are_asked_for():
    outputs, targets = np.array([[0.0, 0.0], [1e200, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    for loss in (ot.losses.MeanSquaredError(), ot.losses.Mixed()):
        for ask in (loss.evaluate, loss.value, loss.gradient):
            with pytest.raises(ot.NonFiniteError, match=r"loss must be finite, got inf at index \[1\]"):
                ask(outputs, targets)
    far = np.array([[1.7e308, -1.7e308]])
    with pytest.raises(ot.NonFiniteError, match=r"loss must be finite, got inf at index \[0\]"):
        ot.losses.CrossEntropy().evaluate(far, np.array([[0.0, 1.0]]))
    large = np.array([[1.3e154, 0.0]] * 4)  # each 8e307, their sum 3e308
    with (
        np.errstate(over="ignore"),
        pytest.raises(ot.NonFiniteError, match="sum of the losses of a batch must be finite, got inf"),
    ):
        ot.losses.step_loss(ot.losses.MeanSquaredError(), large, np.zeros((4, 2)), 1)


def test_one_huge_gradient_does_not_stop_adam_for_ever():
    parameters = {"w": np.ones(2, np.float32)}
    adam, fresh = ot.training.Adam(), ot.training.Adam()
    with pytest.raises(
        ValueError, match=r"gradients\['w'\] must have squares that float32 can hold for Adam, got 1e\+25"
    ):
        adam.step(parameters, {"w": np.array([1.0, 1e25], np.float32)})
    assert parameters["w"].tolist() == [1.0, 1.0]
    others = {"w": np.ones(2, np.float32)}
    for _ in range(3):  # as if it had not been asked
        for optimizer, each in ((adam, parameters), (fresh, others)):
            optimizer.step(each, {"w": np.array([1.0, -1.0], np.float32)})
    assert bits(parameters) == bits(others) and parameters["w"][1] > 1
    ot.training.Adam().step({"w": np.ones(1)}, {"w": np.array([1e25])})  # float64 holds it


def test_the_command_line_says_it_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    chain(1.0, 1e200).save("net.npz")
    np.savez("x.npz", inputs=at(2, 1.0), targets=LABEL)
    command = ["gradients", "--network", "net.npz", "--inputs", "x.npz", "--method", "ottt"]
    assert cli.main([*command, "--loss", "mean-squared-error"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err == (
        "ottt-ref: error: net.npz overflows on x.npz: loss must be finite, got inf at index [0] of time step 2\n"
    )
    assert not (tmp_path / "gradients.npz").exists()
    assert cli.main([*command, "--loss", "cross-entropy"]) == 0


# ---- the check itself


@pytest.mark.parametrize("dtype", [np.float64, np.float32, object])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0, 0), (1, 2, 1), (1, 0, 0)])
def test_it_finds_the_one_number_that_is_not_finite(dtype, value, place):
    array = np.full((2, 3, 2), np.finfo(np.float32).max).astype(dtype)
    assert is_finite(array)
    array[place] = value
    assert not is_finite(array) and not is_finite(array.T)
    with pytest.raises(ot.NonFiniteError) as caught:
        refuse_non_finite("x", array)
    assert caught.value.index == place


def test_the_kernel_runs_compiled_and_not_alike():
    for values in (np.array([1.0, 2.0]), np.array([1.0, np.nan]), np.array([-np.inf])):
        with np.errstate(invalid="ignore"):
            assert all_finite.source(values) == all_finite.compiled(values) == bool(np.isfinite(values).all())


def test_exact_numbers_are_finite_however_large():
    assert is_finite(ot.exact_array([10**400, 0]))


def test_the_error_survives_the_way_between_processes():
    error = ot.NonFiniteError("loss", np.float64("inf"), (1,), 3)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and (again.index, again.time_step) == ((1,), 3)
