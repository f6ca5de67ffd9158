"""Spike representation by torch: the rates' mapping, differentiated by torch, and its equilibrium by a dense solver.

    a = f(a),   f^l(a) = clamp(z^l, 0, 1),   z^l = (what arrives at layer l from the rates a) / V_th
    p = (1 - ∂f/∂a)^-T ∂ℓ/∂a,   ∇θ = p · ∂f/∂θ + ∂ℓ/∂θ at the measured rates a

The whole Jacobian of all layers' rates is made and solved, which is for small networks and treats a row of layers and a
loop alike.
"""

from ...network.layers import INPUTS
from . import graph as graphs
from . import installed

torch = installed("torch")


def gradients(case, graph):
    """The gradients, errors and loss of SR of the measured rates; `graph` has not run yet."""
    rates = measured(case, graph)
    start = torch.cat([rates[l].flatten() for l in graph.structure.spiking]).requires_grad_()
    currents, mapped, outputs = mapping(graph, unflattened(graph, start, rates))
    loss = graphs.step_loss(case)(outputs, graphs.targets_of(case)) * case.entry["time_steps"]
    at_rates = torch.autograd.grad(loss, start, retain_graph=True)[0]
    jacobian = torch.autograd.functional.jacobian(
        lambda a: mapping(graph, unflattened(graph, a, rates))[1], start, vectorize=True
    )
    error = torch.linalg.solve((torch.eye(len(start), dtype=start.dtype) - jacobian).T, at_rates)
    for current in currents:
        current.retain_grad()
    (loss + error @ mapped).backward()
    errors = {f"error/{l}": current.grad[None].numpy() for l, current in enumerate(currents)}
    return {**graphs.gradients(case, graph.by_name), **errors, "loss": loss.detach().numpy()}


def measured(case, graph):
    """The weighted rates [B, ...] of the inputs, -1, and of each spiking layer, by layer."""
    inputs = graphs.inputs_of(case)
    with torch.no_grad():
        for row in inputs:
            graph(row)
    rates = {INPUTS: weighted(inputs, graph.membrane_decay(0))}
    for l in graph.structure.spiking:
        rates[l] = weighted(torch.stack([row[l] for row in graph.outputs]), graph.neurons[l].decay)
    return rates


def weighted(values, decay):
    """Σ_t λ^(T-t) s[t] / Σ_t λ^(T-t) of values [T, ...]."""
    weights = torch.tensor([decay**k for k in reversed(range(len(values)))], dtype=values.dtype)
    return torch.tensordot(weights, values, dims=1) / weights.sum()


def unflattened(graph, flat, rates):
    """The rates by layer, those of the layers out of one vector."""
    spiking = graph.structure.spiking
    parts = torch.split(flat, [rates[l].numel() for l in spiking])
    return {INPUTS: rates[INPUTS], **{l: part.reshape(rates[l].shape) for l, part in zip(spiking, parts)}}


def mapping(graph, rates):
    """The currents of each layer, the mapped rates as one vector, and the outputs, of rates by layer.

    The rate of a sum of currents is what arrives there.
    """
    currents, rates = [], dict(rates)
    for l in range(len(graph.neurons)):
        input_current = [
            graph.input_current(connection, rates[connection.source]) for connection in graph.structure.incoming(l)
        ]
        currents.append(sum(input_current[1:], start=input_current[0]))
        if l not in graph.structure.spiking:
            rates[l] = currents[l]
    mapped = [
        clamped(currents[l] / graph.neurons[l].numbers(currents[l])["threshold"]) for l in graph.structure.spiking
    ]
    return currents, torch.cat([each.flatten() for each in mapped]), rates[len(graph.neurons) - 1]


def clamped(z):
    """clamp(z, 0, 1), which lets errors through between its corners alone: torch's own does at them, too."""
    return torch.where((z > 0) & (z < 1), z, torch.clamp(z, 0, 1).detach())
