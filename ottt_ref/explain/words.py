"""The words of the page that depend on the network."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

from ..blackboard.quantities import rows_text, superscript
from ..network.network import Network
from ..paths import METHODS as KEEPS
from .shown import Shown

OTTT = {"derivation": "ottt", "authors": "ottt-authors"}
BPTT = {"detached": "bptt", "kept": "bptt-kept"}
ONLINE = ("sltt", "ottt", "otpe")  # the methods that go forwards in time
LONG = {
    "sltt": "spatial learning through time",
    "ottt": "online training through time",
    "otpe": "online training with postsynaptic estimates",
    "bptt": "backpropagation through time",
    "bptt-kept": "backpropagation through time that also differentiates the reset",
    "rtrl": "real-time recurrent learning",
    "sr": "spike representation: it runs through time to count rates, and goes back through the layers once",
}
CROSSED = {"soft": "−λ V_th ψ[t]", "unleaked": "−V_th ψ[t]", "hard": "λ (v_reset − u[t]) ψ[t]"}  # through the reset
KEPT = {
    "sltt": "keeps the paths that never wait",
    "ottt": "keeps the paths that wait in the weight’s own layer, and nowhere above",
    "otpe": "keeps the paths that wait in the weight’s own layer and in the one above",
    "bptt": "keeps every path, but none through the reset: the reset counts as a constant",
    "bptt-kept": "keeps every path, those through the reset too",
}


def many(number: int, word: str) -> str:
    """So many of what a word says.

    >>> many(1, "time step"), many(2, "time step")
    ('1 time step', '2 time steps')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"


def title(name: str) -> str:
    """A method's name on the page."""
    own = {"bptt-kept": "BPTT (reset kept)", "ottt-authors": "OTTT (authors’ dialect)", "rtrl": "RTRL", "sr": "SR"}
    return own[name] if name in own else KEEPS[name].label


def heading(shown: Shown) -> str:
    """The network in a few sentences."""
    network = shown.network
    sizes = [size for (size,) in network.shapes]
    layers = ", ".join(f"{many(size, 'neuron')} in layer {l}" for l, size in enumerate(sizes, 1))
    inputs = many(network.input_size, "input")
    targets = (
        ", ".join(text(value) for value in shown.targets[0].tolist()) if shown.targets.ndim == 2 else "of each step"
    )
    outputs = "the spikes of the last layer" if network.layers[-1].neuron.spiking else "what the last layer gives"
    words = (
        f"{inputs}, {layers}, {many(len(shown.inputs), 'time step')}, last layer {network.readout}, target {targets}"
    )
    words += f", loss {shown.loss.formula}, where o is the output, {outputs}, and y the target"
    words += ", soft spikes: the primitive of ψ stands in for the step" if shown.soft else ""
    weights = "; ".join(
        f"w{superscript(c.target)} = {rows_text(network.parameters[name].tolist(), text)}"
        for c in network.connections
        for name in c.parameters
        if network.parameters[name].ndim == 2 and not c.loop
    )
    begin = f"{shown.title}: " if shown.title else "The network: "
    return f"{begin}{f'{shown.says}. ' if shown.says else ''}{words}; {weights}."


def text(number: Any) -> str:
    """A number in a sentence: a fraction as it is, a float with four digits."""
    return str(number) if isinstance(number, Fraction | int) else f"{number:.4g}"


def _resets(network):
    return {layer.neuron.reset for layer in network.layers if layer.neuron.spiking}


def reset_words(network: Network) -> str:
    """What a spike costs."""
    words = {
        "soft": "V_th is taken from its potential (which is called a soft reset)",
        "unleaked": "V_th is taken from its potential after the leak (which is called an unleaked reset)",
        "hard": "its potential is set back (which is called a hard reset)",
    }
    return ", or ".join(words[reset] for reset in sorted(_resets(network))) or "here no neuron fires"


def crossed(network: Network) -> str:
    """What a step through the reset multiplies by: r[t], in symbols."""
    return " or ".join(CROSSED[reset] for reset in sorted(_resets(network)))


def formula(network: Network) -> list[str]:
    """The neuron's equations, by line."""
    carried = {
        "soft": "λ (u[t−1] − V_th s[t−1])",
        "unleaked": "λ u[t−1] − V_th s[t−1]",
        "hard": "λ ((1 − s[t−1]) u[t−1] + v_reset s[t−1])",
    }
    reset = sorted(_resets(network))
    return [
        f"u[t] = {carried[reset[0]] if reset else 'λ u[t−1]'} + Σ w · (what arrives)",
        "s[t] = 1 where u[t] ≥ V_th, else 0",
    ]


def notes_on(shown: Shown, configs: Sequence[Any]) -> list[str]:
    """What is to be said below the table of all gradients."""
    notes = []
    if any("sr" in config["gradients"] for config in configs):
        notes.append(
            "SR (spike representation) forgets time: it differentiates rates, the weighted means of spikes, and "
            "its loss is that "
            "of the rates. So it is no sum of these paths."
        )
    notes.append(
        "RTRL (real-time recurrent learning) keeps the same paths as BPTT, forwards in time. The price: for each pair "
        "of a neuron and a weight it carries how the neuron’s potential, and how its spike, depend on the weight."
    )
    if len(shown.network.layers) == 2 and all(
        config["gradients"]["otpe"] == config["gradients"].get("bptt") for config in configs
    ):
        notes.append(
            "OTPE (online training with postsynaptic estimates) is BPTT here: no weight has more than one layer above "
            "its own, and in one OTPE waits. With a third layer they differ."
        )
    if shown.network.readout == "linear":
        notes.append(
            "OTTT pairs a readout without a membrane with traces all the same: waits that no membrane holds (claim Q1 "
            "of the project’s proofs)."
        )
    if "hard" in _resets(shown.network):
        notes.append(
            "At a hard reset OTTT’s trace does not know that the membrane was emptied: it keeps waits that are none."
        )
    notes.append("OTTT’s authors’ dialect traces spikes alone, not the inputs and the biases’ 1.")
    return notes


def tasks_on(network: Network, movable: Collection[str]) -> list[dict[str, str]]:
    """Questions whose answers hold for this network, and can be tried with the sliders that can be moved."""
    loops = any(connection.loop for connection in network.connections)
    tasks: list[dict[str, str]] = []

    def task(ask, answer):
        tasks.append({"ask": ask, "answer": answer})

    if "decay" in movable and not any(connection.delay for connection in network.connections):
        task(
            "Move λ to 0. Which methods still differ in table 5?",
            "Of SLTT, OTTT, OTPE and BPTT (reset detached) none do: no membrane remembers anything, so no path can "
            "wait, and all keep the same paths. This is claim E4 of the project’s proofs.",
        )
    if not loops and network.layers[-1].neuron.spiking and "hard" not in _resets(network):
        task(
            "Choose a weight into the last layer. Where can its paths wait, and which methods agree?",
            "In the last layer alone: there is nothing above it. OTTT keeps those waits, so OTTT is BPTT there (claim "
            "E1 of the project’s proofs). SLTT keeps only the paths that never wait.",
        )
    task(
        "How many numbers will OTTT store after 100 time steps, and how many BPTT?",
        "OTTT as many as after one. BPTT 100 times as many as after one: every time step is kept until the way back.",
    )
    if "surrogate" in movable:
        task(
            "Make ψ narrower. What happens to the number of paths?",
            "It falls, or stays: a path needs ψ > 0 wherever it leaves a neuron. Neurons far from their threshold pass "
            "nothing on.",
        )
    subtracts = _resets(network) - {"hard"}
    if subtracts and not loops:
        task(
            "Let paths go through the reset. Why do many of the new contributions have the other sign?",
            "A spike lowers the potential that comes after it. So each step through the reset multiplies by a number "
            f"below 0: {' or '.join(CROSSED[reset] for reset in sorted(subtracts))}. One such step turns the sign, two "
            "turn it back.",
        )
    task(
        "Think of a long sequence with ψ constant and λ = 1/2. Add up the factors λ of all paths of BPTT for a weight "
        "with d membranes above its own. Which share of this sum does OTTT keep?",
        "2⁻ᵈ. Each membrane in which paths may wait multiplies the sum by 1 + 1/2 + 1/4 + ... = 2. BPTT waits in "
        "d + 1 membranes, 2ᵈ⁺¹; OTTT in one, 2. This is claim K3 of the project’s proofs.",
    )
    return tasks
