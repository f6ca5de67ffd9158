"""All paths of a small network, found on its unrolled graph: what `ottt_ref.paths` is judged by.

It shares no code with it, and works differently: potentials and spikes of each time step are nodes of a graph, whose
edges are the partial derivatives of one variable by another. A path is any way through the graph to the loss, found by
lengthening all ways by one edge until none can go on. What a way crosses is read off its nodes when it is complete.
"""

from dataclasses import dataclass

LOSS = ("loss",)


@dataclass(frozen=True)
class Way:
    """A way through the graph.

    nodes    ("u" or "s", layer, neuron, time), and LOSS at the end
    product  of the partial derivatives on its edges
    kinds    of its edges: "fire", "leak", "reset", "weight", "loop", "error"
    """

    nodes: tuple
    product: object
    kinds: tuple = ()

    @property
    def waits(self):
        """The layers in which it goes from a membrane to the same one of the next time step."""
        return {node[1] for node, kind in zip(self.nodes, self.kinds) if kind in ("leak", "reset")}

    @property
    def resets(self):
        """How often a spike acts on its own membrane of the next time step, by no synapse."""
        return self.kinds.count("reset")

    @property
    def loops(self):
        """How many recurrent and feedback synapses it takes."""
        return self.kinds.count("loop")


def graph(network, activity, output_errors, b):
    """{node: [(next node, partial derivative, kind), ...]} of sample b."""
    steps, edges = len(output_errors), {}
    last = len(network.layers) - 1
    for t in range(steps):
        for l, layer in enumerate(network.layers):
            for i in range(network.shapes[l][0]):
                u, s = ("u", l, i, t), ("s", l, i, t)
                psi = activity.layer_surrogate_derivatives[l][t, b, i]
                edges[u], edges[s] = [(s, psi, "fire")], []
                if t + 1 < steps:
                    _wait(edges, layer.neuron, u, s, activity, b)
                if l == last:
                    edges[s].append((LOSS, output_errors[t, b, i], "error"))
                for connection in network.connections:
                    if connection.source == l and t + connection.delay < steps:
                        kind = "loop" if connection.source >= connection.target else "weight"
                        weight = connection.operations.weight[:, i]
                        edges[s] += [
                            (("u", connection.target, k, t + connection.delay), w, kind) for k, w in enumerate(weight)
                        ]
    return edges


def _wait(edges, neuron, u, s, activity, b):
    """∂u[t+1]/∂u[t] at a fixed spike, and ∂u[t+1]/∂s[t] by the reset."""
    _, l, i, t = u
    later = ("u", l, i, t + 1)
    if not neuron.spiking:
        if not neuron.stateless:
            edges[u].append((later, neuron.decay, "leak"))
        return
    potential, spike = activity.layer_potentials[l][t, b, i], activity.layer_outputs[l][t, b, i]
    by_potential = {"soft": 1, "unleaked": 1, "hard": 1 - spike}[neuron.reset] * neuron.decay
    by_spike = {
        "soft": -neuron.decay * neuron.threshold,
        "unleaked": -neuron.threshold,
        "hard": neuron.decay * (neuron.reset_potential - potential),
    }[neuron.reset]
    edges[u].append((later, by_potential, "leak"))
    edges[s].append((later, by_spike, "reset"))


def ways(network, activity, output_errors, connection, i, j):
    """Every Way of a weight's gradient, or with j None of a bias's, over all samples; {(b, nodes, kinds): Way}."""
    found = {}
    for b in range(output_errors.shape[1]):
        edges = graph(network, activity, output_errors, b)
        open_ways = []
        for t in range(len(output_errors)):
            source = 1 if j is None else activity.at(t).delivered(connection)[b, j]
            open_ways.append(Way((("u", connection.target, i, t),), source))
        while open_ways:
            longer = [
                Way((*way.nodes, node), way.product * factor, (*way.kinds, kind))
                for way in open_ways
                for node, factor, kind in edges[way.nodes[-1]]
            ]
            found |= {(b, way.nodes, way.kinds): way for way in longer if way.nodes[-1] == LOSS}
            open_ways = [way for way in longer if way.nodes[-1] != LOSS]
    return found


def key_of(path):
    """The key under which `ways` has a Path of `ottt_ref.paths`."""
    nodes, kinds = [], []
    for k, membrane in enumerate(path.membranes):
        l, i = membrane.layer, membrane.neuron
        nodes.append(("u", l, i, membrane.arrives))
        for edge in membrane.edges:
            if edge.kind == "reset":
                nodes.append(("s", l, i, edge.time))
                kinds.append("fire")
            kinds.append(edge.kind)
            nodes.append(("u", l, i, edge.time + 1))
        nodes.append(("s", l, i, membrane.leaves))
        kinds.append("fire")
        if k < len(path.crossings):
            kinds.append("loop" if path.crossings[k].loop else "weight")
    return path.sample, (*nodes, LOSS), (*kinds, "error")
