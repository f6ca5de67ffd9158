"""Whoever reads a network that learns as a stream gets what was learned, and what is assigned to it counts."""

import copy
import gc
import io
import pickle
import threading

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import fast
from ottt_ref.fast import stream_memory
from ottt_ref.fast.streaming import OnlineLearner
from ottt_ref.learning.training import SGD

from .test_streaming import CLOSE, SIZES, made, pair, require_same_parameters, require_same_step, sequence, sgd

NAME = "layer0.weight"


@pytest.fixture(autouse=True)
def _small_layers_are_rows(monkeypatch):
    monkeypatch.setattr(stream_memory, "LEAST_SYNAPSES", 1)


def by_file(network, tmp_path):
    network.save(tmp_path / "network.npz")
    return ot.Network.load(tmp_path / "network.npz").parameters[NAME]


def by_forward(operation):
    """W, from what the operation gives for each neuron alone, without biases."""
    return operation.forward(np.eye(SIZES[0]), np.zeros(1)).T


def by_gradients(network, tmp_path):
    """Something that depends on all weights: the loss of a sequence, and the gradients of a method."""
    inputs, labels = sequence(steps=3)
    gradients = ot.bptt.gradients(network, inputs, labels[0])
    return np.concatenate([[gradients.loss], *(value.ravel() for value in gradients.values())])


def by_fast_gradients(network, tmp_path):
    inputs, labels = sequence(steps=3)
    gradients = fast.ottt.gradients(network, inputs, labels[0])
    return np.concatenate([[gradients.loss], *(value.ravel() for value in gradients.values())])


def by_nir(network, tmp_path):
    pytest.importorskip("nir")
    from ottt_ref.nir import to_graph

    graph = to_graph(network, accept_hard_reset=True)
    return np.concatenate([node.weight.ravel() for node in graph.nodes.values() if hasattr(node, "weight")])


def pickled(part):
    return pickle.loads(pickle.dumps(part))


READINGS = {
    "by name": lambda network, _: network.parameters[NAME].copy(),
    "values": lambda network, _: np.concatenate([value.ravel() for value in network.parameters.values()]),
    "items": lambda network, _: np.concatenate([value.ravel() for _, value in network.parameters.items()]),
    "some": lambda network, _: network.parameters.only("weight")[NAME].copy(),
    "bias alone": lambda network, _: network.parameters["layer1.bias"].copy(),
    "attribute": lambda network, _: network.layers[0].synapses.weight.copy(),
    "getattr": lambda network, _: getattr(network.layers[0].synapses, "weight").copy(),  # noqa: B009
    "parameters of the operation": lambda network, _: network.layers[0].synapses.parameters["weight"].copy(),
    "forward": lambda network, _: by_forward(network.layers[0].synapses),
    "forward of the connection": lambda network, _: by_forward(network.connections[0].operations),
    "adjoint": lambda network, _: network.layers[0].synapses.adjoint(np.eye(SIZES[1]), (SIZES[0],)),
    "simulation": lambda network, _: ot.simulate(network, sequence(steps=3)[0]).potentials[1],
    "gradients": by_gradients,
    "fast gradients": by_fast_gradients,
    "copy of the network": lambda network, _: network.copy().parameters[NAME],
    "copy of the operation": lambda network, _: network.layers[0].synapses.copy().weight,
    "copy of the layer": lambda network, _: network.layers[0].copy().synapses.weight,
    "another dtype": lambda network, _: network.astype(np.float64).parameters[NAME],
    "exact": lambda network, _: network.exact().parameters[NAME].astype(float),
    "copy.copy": lambda network, _: copy.copy(network.layers[0].synapses).weight.copy(),
    "deepcopy of the network": lambda network, _: copy.deepcopy(network).parameters[NAME],
    "deepcopy of the operation": lambda network, _: copy.deepcopy(network.layers[0].synapses).weight,
    "pickle of the network": lambda network, _: pickled(network).parameters[NAME],
    "pickle of the operation": lambda network, _: pickled(network.layers[0].synapses).weight,
    "pickle of the layer": lambda network, _: pickled(network.layers[0]).synapses.weight,
    "file": by_file,
    "nir": by_nir,
    "replaced": lambda network, _: network.layers[0].synapses.replaced(bias=np.zeros(SIZES[1])).weight.copy(),
    "computed by others": lambda network, _: by_forward(fast.network.fast_network(network).connections[0].operations),
    "without dropout": lambda network, _: network.without_dropout().parameters[NAME].copy(),
}


@pytest.mark.parametrize("reading", READINGS)
def test_every_way_of_reading_gives_what_was_learned(reading, tmp_path):
    networks, learners = pair(made(), time_steps=4)
    for t, (x, y) in enumerate(zip(*sequence(steps=12))):
        require_same_step(learners, x, y)
        if t in (0, 5, 6, 11):  # after several steps, after one, and at the end
            found, expected = (READINGS[reading](network, tmp_path) for network in networks)
            np.testing.assert_allclose(found, expected, **CLOSE)
    require_same_parameters(networks)


def test_the_attributes_themselves_never_hold_weights_that_are_out_of_date():
    networks, learners = pair(made())
    for x, y in zip(*sequence(steps=5)):
        require_same_step(learners, x, y)
        for layer in networks[0].layers:
            assert "weight" not in vars(layer.synapses) and "bias" not in vars(layer.synapses)
    assert hasattr(networks[0].layers[0].synapses, "weight") and "weight" in vars(networks[0].layers[0].synapses)
    assert "weight" not in vars(networks[0].layers[1].synapses)  # nobody asked for it
    require_same_parameters(networks)


def test_an_attribute_that_is_not_there_is_refused_as_ever():
    networks, learners = pair(made())
    require_same_step(learners, *(part[0] for part in sequence()))
    for network in networks:
        with pytest.raises(AttributeError, match="'Dense' object has no attribute 'weights'"):
            getattr(network.layers[0].synapses, "weights")  # noqa: B009
    assert not hasattr(networks[0].layers[0].synapses, "_debts")


def test_the_arrays_stay_the_same_objects_of_the_same_order():
    network = made()
    before = {name: id(value) for name, value in network.parameters.items()}
    learner = OnlineLearner(network, sgd())
    for x, y in zip(*sequence(steps=5)):
        learner.step(x, y)
        assert {name: id(value) for name, value in network.parameters.items()} == before
    assert all(value.flags.c_contiguous and value.flags.writeable for value in network.parameters.values())


HOLDERS = {
    "the array": lambda array: array,
    "a view": lambda array: array[1:],
    "a view of a view": lambda array: array[1:][:, 2:],
    "its transpose": lambda array: array.T,
    "a memoryview": lambda array: memoryview(array),
    "an iterator": lambda array: array.flat,
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_who_has_an_array_sees_each_step_and_may_change_it(holder):
    networks, learners = pair(made())
    held = [HOLDERS[holder](network.parameters[NAME]) for network in networks]
    for t, (x, y) in enumerate(zip(*sequence(steps=12))):
        require_same_step(learners, x, y)
        np.testing.assert_allclose(*(np.array(each) for each in held), **CLOSE)
        if t == 5 and holder != "a memoryview":
            for each in held:
                each[:3] = 0.25
    del held
    gc.collect()
    for x, y in zip(*sequence(steps=3)):
        require_same_step(learners, x, y)
    assert "weight" not in vars(networks[0].layers[0].synapses)  # nobody has it any more
    require_same_parameters(networks)


def test_who_has_the_array_that_a_weight_is_a_view_of_sees_each_step():
    networks, learners = pair(made())
    whole = [np.full((2, SIZES[1], SIZES[0]), 0.0625) for _ in networks]
    for network, each in zip(networks, whole):
        network.layers[0].synapses.weight = each[1]
    for x, y in zip(*sequence(steps=6)):
        require_same_step(learners, x, y)
        np.testing.assert_allclose(*whole, **CLOSE)
        for each in whole:
            each[:, 3] += 0.01
    require_same_parameters(networks)


def test_arrays_that_an_optimiser_was_bound_to_before_are_taken_away_too():
    networks, learners = pair(made())
    (inputs, labels), optimizer = sequence(steps=6), None
    for network, learner in zip(networks, learners):
        gradients = ot.ottt.gradients(network, inputs, labels[0])
        learner.optimizer.step(network.parameters, gradients)
    del gradients, optimizer
    for x, y in zip(inputs, labels):
        require_same_step(learners, x, y)
    assert "weight" not in vars(networks[0].layers[0].synapses)
    require_same_parameters(networks)


def assigned_by_name(network):
    network.parameters[NAME] = np.full((SIZES[1], SIZES[0]), 0.125)


def assigned_in_place(network):
    network.layers[0].synapses.weight[:, 3:9] *= -0.5


def assigned_bias(network):
    network.parameters["layer1.bias"] = np.linspace(-1, 1, SIZES[2])


def assigned_attribute(network):
    network.layers[0].synapses.weight = np.full((SIZES[1], SIZES[0]), 0.125)


def assigned_attribute_of_bias(network):
    network.layers[0].synapses.bias = np.full(SIZES[1], 0.125)


def assigned_in_fortran_order(network):
    network.layers[0].synapses.weight = np.asfortranarray(np.full((SIZES[1], SIZES[0]), 0.125))


def assigned_view(network):
    network.layers[0].synapses.weight = np.full((2, SIZES[1], SIZES[0]), 0.125)[1]


def assigned_all(network):
    network.parameters.update({name: value * 0.5 for name, value in network.parameters.items()})


def assigned_by_another_optimiser(network):
    inputs, labels = sequence(steps=3)
    ot.training.Adam().step(network.parameters, ot.sltt.gradients(network, inputs, labels[0]))


ASSIGNMENTS = [
    assigned_by_name,
    assigned_in_place,
    assigned_bias,
    assigned_attribute,
    assigned_attribute_of_bias,
    assigned_in_fortran_order,
    assigned_view,
    assigned_all,
    assigned_by_another_optimiser,
]


@pytest.mark.parametrize("assign", ASSIGNMENTS, ids=lambda each: each.__name__)
def test_what_is_assigned_between_steps_stays_and_is_learned_on(assign):
    networks, learners = pair(made(), time_steps=4)
    for t, (x, y) in enumerate(zip(*sequence(steps=12))):
        require_same_step(learners, x, y)
        if t in (4, 5, 9):
            for network in networks:
                assign(network)
    require_same_parameters(networks)


def test_an_attribute_of_another_shape_is_refused_as_by_the_reference():
    networks, learners = pair(made())
    x, y = (part[0] for part in sequence())
    require_same_step(learners, x, y)
    complaints = []
    for network, learner in zip(networks, learners):
        network.layers[0].synapses.weight = np.zeros((3, 2))
        with pytest.raises(ValueError) as complaint:
            learner.step(x, y)
        complaints.append(str(complaint.value))
    assert complaints[0] == complaints[1]


def test_a_network_that_shares_parameters_sees_each_step():
    networks, learners = pair(made())
    shared = [network.without_dropout() for network in networks]
    for x, y in zip(*sequence(steps=5)):
        require_same_step(learners, x, y)
        require_same_parameters(shared)


def test_who_has_an_array_sees_also_steps_that_the_reference_does():
    networks, learners = pair(made(), ot.losses.MeanSquaredError(), make=lambda: sgd(1e-300))
    held = [network.parameters[NAME] for network in networks]
    for t in range(8):
        rows = np.full((1, SIZES[-1]), 1e147 if t % 2 else 1e3)  # squares of the former are near the largest numbers
        require_same_step(learners, np.ones((1, SIZES[0])), rows)
        for each in held:
            each *= 1.25
    np.testing.assert_allclose(*held, **CLOSE)
    require_same_parameters(networks)


def test_who_has_an_array_may_change_it_after_a_loss_that_raised():
    networks = [made(), made()]
    losses = [Curious(), Curious()]
    learners = [
        kind(network, sgd(), loss, time_steps=10)
        for kind, network, loss in zip((OnlineLearner, ot.ottt.OnlineLearner), networks, losses)
    ]
    held = [network.parameters[NAME] for network in networks]
    rows = np.full((1, SIZES[-1]), 0.5)
    for t, x in enumerate(sequence(steps=8)[0]):
        for learner, loss, each in zip(learners, losses, held):
            loss.raises = t == 3
            if t == 3:
                with pytest.raises(ZeroDivisionError):
                    learner.step(x, rows)
                learner.reset()
                each *= 0.75
        if t != 3:
            require_same_step(learners, x, rows)
    require_same_parameters(networks)


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_copy_of_a_learner_goes_on_with_a_network_of_its_own(copied):
    networks, learners = pair(made(), time_steps=4)
    inputs, labels = sequence(steps=12)
    for x, y in zip(inputs[:6], labels):
        require_same_step(learners, x, y)
    twins = [copied(learner) for learner in learners]
    for x, y in zip(inputs[6:], labels):
        require_same_step(learners, x, y)
        require_same_step(twins, x, y[::-1])
    require_same_parameters(networks)
    require_same_parameters([twin.network for twin in twins])


def test_steps_without_targets_bind_no_optimiser():
    networks, learners = pair(made())
    inputs, labels = sequence(steps=4)
    for x in inputs[:3]:
        require_same_step(learners, x)
    assert "weight" not in vars(networks[0].layers[0].synapses)
    assert learners[0].optimizer._mapping is None
    require_same_step(learners, inputs[3], labels[3])
    assert learners[0].optimizer._mapping is networks[0].parameters
    require_same_parameters(networks)


def test_what_was_learned_outlives_the_learner():
    networks, learners = pair(made())
    for x, y in zip(*sequence(steps=5)):
        require_same_step(learners, x, y)
    del learners
    gc.collect()
    require_same_parameters(networks)


def test_two_learners_take_turns_on_one_network():
    networks, learners = pair(made(), time_steps=4)
    others = [
        kind(network, learner.optimizer, time_steps=2, dialect="authors")
        for kind, network, learner in zip((OnlineLearner, ot.ottt.OnlineLearner), networks, learners)
    ]
    for t, (x, y) in enumerate(zip(*sequence(steps=12))):
        require_same_step(learners if t % 4 < 2 else others, x, y)
    require_same_parameters(networks)


def test_a_network_of_another_optimiser_is_refused_as_by_the_reference():
    _, learners = pair(made())
    x, y = (part[0] for part in sequence())
    require_same_step(learners, x, y)
    complaints = []
    for learner in learners:
        other = type(learner)(made(), learner.optimizer)
        with pytest.raises(ValueError, match="parameters must be those") as complaint:
            other.step(x, y)
        complaints.append(str(complaint.value))
    assert complaints[0] == complaints[1]


def test_an_optimiser_that_was_bound_by_the_stream_has_no_other_network():
    network, other = made(), made()
    optimizer = sgd()
    learner = OnlineLearner(network, optimizer)
    (inputs, labels) = sequence(steps=3)
    learner.step(inputs[0], labels[0])
    with pytest.raises(ValueError, match="parameters must be those that this SGD first updated"):
        optimizer.step(other.parameters, ot.ottt.gradients(other, inputs, labels[0]))
    optimizer.step(network.parameters, ot.ottt.gradients(network, inputs, labels[0]))


def test_many_threads_may_read_at_once():
    networks, learners = pair(made())
    for x, y in zip(*sequence(steps=5)):
        require_same_step(learners, x, y)
    found, together = [], threading.Barrier(8)

    def read():
        together.wait()
        found.append([value.copy() for value in networks[0].parameters.values()])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for values in found:
        for value, expected in zip(values, networks[1].parameters.values()):
            np.testing.assert_allclose(value, expected, **CLOSE)


class Curious(ot.losses.Loss):
    """A loss that reads the network, and, if `changes`, assigns to it."""

    distribution, raises = False, False

    def __init__(self, network=None, changes=False):
        self.network, self.changes, self.seen = network, changes, []

    def evaluate(self, outputs, targets):
        if self.raises:
            raise ZeroDivisionError("half way")
        if self.network is not None:
            self.seen.append({name: value.copy() for name, value in self.network.parameters.items()})
            if self.changes:
                self.network.parameters["readout.weight"] = self.network.parameters["readout.weight"] * 0.9
        return abs(outputs - targets).sum(axis=1), np.sign(outputs - targets)


@pytest.mark.parametrize("changes", [False, True])
def test_a_loss_may_read_the_network_within_a_step(changes):
    networks = [made(), made()]
    losses = [Curious(), Curious()]
    learners = [
        kind(network, sgd(), loss, time_steps=10)
        for kind, network, loss in zip((OnlineLearner, ot.ottt.OnlineLearner), networks, losses)
    ]
    for network, loss in zip(networks, losses):
        loss.network, loss.changes = network, changes
    rows = np.full((1, SIZES[-1]), 0.5)
    for x in sequence(steps=8)[0]:
        require_same_step(learners, x, rows)
    for found, expected in zip(losses[0].seen, losses[1].seen):
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, **CLOSE, err_msg=name)
    require_same_parameters(networks)


def test_a_pickle_holds_no_learner():
    network = made()
    learner = OnlineLearner(network, sgd())
    learner.step(*(part[0] for part in sequence()))
    written = io.BytesIO()
    pickle.dump(network, written)
    assert b"streaming" not in written.getvalue()


def with_momentum():
    return SGD(0.05, momentum=0.8)


def same_velocities(learners):
    states = [learner.optimizer.state for learner in learners]
    assert list(states[0]) == list(states[1])
    for name, value in states[1].items():
        np.testing.assert_allclose(states[0][name], value, **CLOSE, err_msg=name)


def loaded_state(optimizer):
    optimizer.load_state({name: value * 0.5 for name, value in optimizer.state.items()})


def step_of_ones_own(optimizer):
    parameters = optimizer._mapping
    optimizer.step(parameters, {name: np.full_like(value, 0.25) for name, value in parameters.items()})


CHANGES = {
    "nothing": lambda optimizer: None,
    "state read": lambda optimizer: optimizer.state,
    "pickled": lambda optimizer: pickled(optimizer).state,
    "reset": lambda optimizer: optimizer.reset(),
    "state loaded": loaded_state,
    "emptied": lambda optimizer: optimizer.load_state({}),
    "a step of one's own": step_of_ones_own,
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_velocities_are_the_optimisers_between_steps(change):
    networks, learners = pair(made(), make=with_momentum, time_steps=4)
    for t, (x, y) in enumerate(zip(*sequence(steps=12))):
        require_same_step(learners, x, y)
        if t in (4, 5, 9):
            for learner in learners:
                CHANGES[change](learner.optimizer)
    copies = [pickled(learner.optimizer).state for learner in learners]
    for name, value in copies[1].items():
        np.testing.assert_allclose(copies[0][name], value, **CLOSE, err_msg=name)
    same_velocities(learners)
    require_same_parameters(networks)


def test_before_the_first_update_there_is_no_velocity():
    networks, learners = pair(made(), make=with_momentum)
    x, y = (part[0] for part in sequence())
    require_same_step(learners, x)
    assert learners[0].optimizer.state == learners[1].optimizer.state == {}
    require_same_step(learners, x)
    require_same_step(learners, x, y)
    same_velocities(learners)
    require_same_parameters(networks)


def test_two_learners_with_one_optimiser_share_its_velocities():
    networks, learners = pair(made(), make=with_momentum, time_steps=4)
    others = [
        kind(network, learner.optimizer, time_steps=2)
        for kind, network, learner in zip((OnlineLearner, ot.ottt.OnlineLearner), networks, learners)
    ]
    for t, (x, y) in enumerate(zip(*sequence(steps=12))):
        require_same_step(learners if t % 4 < 2 else others, x, y)
    same_velocities(learners)
    require_same_parameters(networks)
