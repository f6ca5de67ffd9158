"""SLTT, spatial learning through time, of a dense LIF network, on one page.

    u^l[t] = λ (u^l[t-1] - V_th s^l[t-1]) + W^l s^{l-1}[t] + b^l       l = 1 .. N, s^0[t] = x[t], u[0] = s[0] = 0
    s^l[t] = H(u^l[t] - V_th),   ψ^l[t] = ψ(u^l[t] - V_th)             H(0) = 1
    o[t] = W^{N+1} s^N[t] + b^{N+1}                                    the readout, which has no membrane
    g^{N+1}[t] = ∂L[t]/∂o[t],   g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]
    ∇W^l = Σ_t g^l[t] s^{l-1}[t]^T,   ∇b^l = Σ_t g^l[t]

weights, biases       W^l [n_out][n_in] and b^l [n_out], in two lists over the layers; the last one is the readout
inputs, targets       x [T][n_in] and y [n_out] of one sample, or x [T][B][n_in] and y [B][n_out] of a batch
decay, threshold      λ and V_th
surrogate_derivative  ψ, a function of u - V_th
output_error          ∂L[t]/∂o[t] [n_out] of one sample, a function of o[t], y and T

It runs forwards in time, and carries u and s from one time step to the next.
Numbers are floats, or all of them fractions.Fraction: then nothing is rounded.
The gradients are shaped like the weights and biases, and are the mean over the batch.

Source: Meng et al. 2023, Towards memory- and time-efficient backpropagation for training spiking neural networks.
"""


def gradients(weights, biases, inputs, targets, decay, threshold, surrogate_derivative, output_error):
    """The gradients of the weights and of the biases, two lists over the layers."""
    if not hasattr(targets[0], "__len__"):  # one sample is a batch of one
        inputs, targets = [[x] for x in inputs], [targets]
    weights, biases = [[], *weights], [[], *biases]  # so that weights[l] is W^l
    time_steps, batch_size, readout = len(inputs), len(targets), len(weights) - 1
    sizes = [len(weights[1][0]), *(len(weight) for weight in weights[1:])]
    rows = [[len(row) for row in weight] for weight in weights]
    if rows[1:] != [[n] * m for n, m in zip(sizes, sizes[1:])] or [len(bias) for bias in biases[1:]] != sizes[1:]:
        raise ValueError(f"weights and biases must be those of layers of {sizes} neurons, one bias for each neuron")
    if {(len(x), *map(len, x)) for x in inputs} != {(batch_size, *[sizes[0]] * batch_size)}:
        raise ValueError(f"inputs must be [T][{batch_size}][{sizes[0]}] for these targets and weights")
    weight_gradients = [[[0 for _ in row] for row in weight] for weight in weights]
    bias_gradients = [[0 for _ in bias] for bias in biases]
    for b in range(batch_size):
        u = [[0] * size for size in sizes]
        s = [[0] * size for size in sizes]
        psi = [[0] * size for size in sizes]
        error = [[0] * size for size in sizes]
        for t in range(time_steps):
            s[0] = inputs[t][b]
            for l in range(1, readout + 1):
                for i in range(sizes[l]):
                    current = biases[l][i]
                    for j in range(sizes[l - 1]):
                        current += weights[l][i][j] * s[l - 1][j]
                    if l == readout:
                        s[l][i] = current  # o[t]
                    else:
                        u[l][i] = decay * (u[l][i] - threshold * s[l][i]) + current
                        s[l][i] = 1 if u[l][i] >= threshold else 0
                        psi[l][i] = surrogate_derivative(u[l][i] - threshold)
            error[readout] = [e / batch_size for e in output_error(s[readout], targets[b], time_steps)]
            for l in reversed(range(1, readout)):
                for j in range(sizes[l]):
                    spike_error = 0
                    for i in range(sizes[l + 1]):
                        spike_error += weights[l + 1][i][j] * error[l + 1][i]
                    error[l][j] = psi[l][j] * spike_error
            for l in range(1, readout + 1):
                for i in range(sizes[l]):
                    for j in range(sizes[l - 1]):
                        weight_gradients[l][i][j] += error[l][i] * s[l - 1][j]
                    bias_gradients[l][i] += error[l][i]
    return weight_gradients[1:], bias_gradients[1:]
