"""The energy experiment: what is counted equals closed formulas, and what is written and said."""

import json

import numpy as np
import pytest

import ottt_ref as ot
from experiments import __main__ as program
from experiments.energy import command, counting, measure, report
from experiments.firing.measure import Settings as Training

pytestmark = pytest.mark.slow

SIZES, TIME_STEPS = (6, 4, 3, 2), 4
DECAY = 0.5


def example(seed, spiking):
    """A network with biases, whose layers fire sometimes, and inputs some of which are 0."""
    rng = np.random.default_rng(seed)
    network = ot.dense_network(SIZES, decay=DECAY, rng=rng, gain=2.0)
    for name, value in network.parameters.items():
        if name.endswith("bias"):
            network.parameters[name] = 0.3 * rng.standard_normal(value.shape)
    inputs = rng.random((TIME_STEPS, 1, SIZES[0]))
    inputs = (inputs < 0.4).astype(float) if spiking else np.where(inputs < 0.3, 0.0, inputs)
    return counting.Example(network, inputs, np.array([1]), spiking)


def present(values):
    """How many numbers of each time step are not 0, [T]."""
    return np.count_nonzero(values, axis=(1, 2))


def traces(values):
    found, trace = [], 0.0
    for now in values:
        trace = DECAY * trace + now
        found.append(trace)
    return np.array(found)


def kinds(counts, spiking):
    """[MAC, AC] of so many products with spikes, or with real numbers."""
    return np.array([0, counts] if spiking else [counts, 0])


@pytest.fixture(params=[(0, True), (1, True), (2, False)], ids=["spikes", "other spikes", "currents"])
def counted_on(request):
    case = example(*request.param)
    activity = ot.simulate(case.network, case.inputs)
    assert all(0 < spikes.mean() < 1 for spikes in activity.spikes)  # some fire, some do not
    return case, activity, [case.inputs, *activity.spikes]


def pairings(values, spiking):
    """[MAC, AC] of errors that are not 0 with values [T, 1, n] of each layer's source, and of biases with 1."""
    pairs = sum(
        kinds(size * int(present(source).sum()), spiking or l > 0)
        for l, (size, source) in enumerate(zip(SIZES[1:], values))
    )
    biases = np.array([0, (TIME_STEPS - 1) * sum(SIZES[1:])])  # the first goes to where nothing was
    return (pairs + biases).tolist()


HIDDEN = sum(SIZES[1:-1])
ABOVE = sum(a * b for a, b in zip(SIZES[1:], SIZES[2:]))  # synapses through which errors go


def test_an_inference_takes_what_the_formula_says(counted_on):
    case, activity, values = counted_on
    found = counting.by_part(counting.inference(case))
    forward = sum(
        kinds(size * int(present(source).sum()), case.spiking_inputs or l > 0)
        for l, (size, source) in enumerate(zip(SIZES[1:], values))
    )
    left = [u - s for u, s in zip(activity.potentials, activity.spikes)]  # V_th = 1
    leaks = sum(int(np.count_nonzero(v[:-1])) for v in left)
    resets = sum(int(s[:-1].sum()) for s in activity.spikes)
    assert found["forward"] == forward.tolist() and found["neurons"] == [leaks, resets]
    assert found["errors"] == found["pairing"] == found["state"] == [0, 0]


@pytest.mark.parametrize(("method", "leaks"), [("bptt", TIME_STEPS - 1), ("sltt", 0)])
def test_bptt_and_sltt_pair_errors_with_spikes(counted_on, method, leaks):
    case, _, values = counted_on
    found = counting.by_part(counting.update(case, method))
    assert found["errors"] == [TIME_STEPS * ABOVE, 0]
    assert found["pairing"] == pairings(values, case.spiking_inputs)
    assert found["state"] == [HIDDEN * (TIME_STEPS + leaks), 0]  # ψ ∘ ε, and λ δ[t+1]
    if case.spiking_inputs:
        assert found["pairing"][0] == 0


def test_ottt_pairs_errors_with_traces_which_are_real(counted_on):
    case, _, values = counted_on
    found = counting.by_part(counting.update(case, "ottt"))
    followed = [traces(source) for source in values]
    weights = sum(size * int(present(trace).sum()) for size, trace in zip(SIZES[1:], followed))
    assert found["errors"] == [TIME_STEPS * ABOVE, 0]
    assert found["pairing"] == [weights + TIME_STEPS * HIDDEN, (TIME_STEPS - 1) * SIZES[-1]]  # the readout's bias
    leaks = sum(int(present(trace)[:-1].sum()) for trace in followed)
    of_biases = (TIME_STEPS - 1) * 2  # of one number for each of two spiking layers
    assert found["state"] == [HIDDEN * TIME_STEPS + leaks + of_biases, 0]


def test_spike_representation_pairs_errors_with_rates_once(counted_on):
    case, _, values = counted_on
    found = counting.by_part(counting.update(case, "spike-representation"))
    errors = ot.spike_representation.gradients(case.network, case.inputs, case.labels, terms=True).errors
    rates = [traces(source)[-1] for source in values]
    pairs = sum(int(np.count_nonzero(e) * np.count_nonzero(a)) for e, a in zip(errors, rates))
    assert found["pairing"] == [pairs, 0]
    assert found["forward"][0] == sum(n * int(np.count_nonzero(a)) for n, a in zip(SIZES[1:-1], rates))


def test_every_operation_is_in_a_part_and_rtrl_takes_most():
    case, counts = example(0, True), {}
    for method in counting.UPDATES:
        parts = counting.update(case, method)
        counts[method] = measure.total(counting.by_part(parts))
        assert sum(parts.values()).tolist() == counts[method] and min(counts[method]) >= 0
    assert counts["rtrl"][0] > 3 * counts["ottt"][0] > 3 * counts["bptt"][0]


def test_rtrl_of_a_large_network_is_refused():
    network = ot.dense_network((64, 64, 64, 10), rng=0)
    with pytest.raises(counting.TooLargeError, match="parameters times the synapses"):
        counting.update(counting.Example(network, np.ones((4, 1, 64)), np.array([1])), "rtrl")


def test_energies_are_horowitzs():
    assert measure.ENERGIES.of((10, 100)) == pytest.approx(10 * (3.7 + 0.9) + 100 * 0.9)
    assert "45 nm" in measure.ENERGIES.source


@pytest.fixture
def without_training(monkeypatch):
    """Fresh networks in place of trained ones, a small one for RTRL, and no processes."""

    def fresh(method, seed, settings, digits):
        return ot.dense_network((64, *settings.hidden, 10), rng=seed)

    monkeypatch.setattr(measure, "trained", fresh)
    monkeypatch.setattr(measure, "SMALL", (3, 3))
    monkeypatch.setattr(command, "run_all", lambda function, calls, *_: [function(*call) for call in calls])


def test_the_command_writes_what_it_says(without_training, tmp_path, capsys):
    options = ["--method", "ottt-a", "bptt", "--hidden", "4", "--seeds", "1", "--epochs", "1", "--images", "1"]
    assert program.main(["energy", *options, "--time-steps", "2", "--workers", "1", "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "since a trace is a real number" in out and "left out: reading memory" in out and "45 nm CMOS" in out
    assert {path.name for path in tmp_path.iterdir()} == {f"energy.{kind}" for kind in ("json", "md", "png", "svg")}
    content = json.loads((tmp_path / "energy.json").read_text())
    by_method = {each["method"]: each["update"]["parts"] for each in content["summaries"]}
    assert by_method["bptt"]["pairing"][0] == 0 < by_method["ottt-a"]["pairing"][0]
    assert set(content["small"]["update"]) == {"bptt", "rtrl", "ottt", "sltt", "spike-representation"}
    assert "| ottt-a | update |" in (tmp_path / "energy.md").read_text()


def test_summaries_are_means_over_images_and_seeds():
    def image(count):
        return {name: [count, 0] for name in counting.PARTS}

    runs = [
        {"method": "bptt", "seed": seed, "inference": [image(1), image(3)], "update": [image(seed), image(seed)]}
        for seed in (0, 2)
    ]
    (found,) = report.summaries(runs)
    assert found["inference"]["MAC"] == [10.0, 10.0, 10.0] and found["update"]["MAC"][0] == 5.0
    assert found["update"]["picojoules"][0] == pytest.approx(5 * 4.6) and found["update"]["MAC"][1] == 0.0


def test_settings_say_what_is_trained():
    assert Training(hidden=(8, 4)).words == "64-8-4-10"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--inputs", "waves"], "invalid choice"),
        (["--images", "361"], "at most 360"),
        (["--hidden", "0"], "at least 1"),
        (["--method", "rtrl"], "invalid choice"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, message, capsys):
    assert program.main(["energy", *arguments]) == 2
    assert message in capsys.readouterr().err
