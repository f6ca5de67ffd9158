"""RTRL, real-time recurrent learning, of a dense LIF network, on one page.

    u^l[t] = λ (u^l[t-1] - V_th s^l[t-1]) + W^l s^{l-1}[t] + b^l       l = 1 .. N, s^0[t] = x[t], u[0] = s[0] = 0
    s^l[t] = H(u^l[t] - V_th),   ψ^l[t] = ψ(u^l[t] - V_th)             H(0) = 1
    o[t] = W^{N+1} s^N[t] + b^{N+1}                                    the readout, which has no membrane
    ∂u^l[t]/∂θ = J^l[t-1] ∘ ∂u^l[t-1]/∂θ + W^l ∂s^{l-1}[t]/∂θ + (∂W^l/∂θ) s^{l-1}[t] + ∂b^l/∂θ
    ∂s^l[t]/∂θ = ψ^l[t] ∘ ∂u^l[t]/∂θ                                   ∂o[t]/∂θ as ∂u^{N+1}[t]/∂θ, without J
    J^l[t] = λ (detached), or λ (1 - V_th ψ^l[t]) (kept)               ∂u^l[0]/∂θ = 0
    ∇θ = Σ_t (∂L[t]/∂o[t])^T ∂o[t]/∂θ                                  θ = W^m[i, j] and b^m[i], one after the other

weights, biases       W^l [n_out][n_in] and b^l [n_out], in two lists over the layers; the last one is the readout
inputs, targets       x [T][n_in] and y [n_out] of one sample, or x [T][B][n_in] and y [B][n_out] of a batch
decay, threshold      λ and V_th
surrogate_derivative  ψ, a function of u - V_th
output_error          ∂L[t]/∂o[t] [n_out] of one sample, a function of o[t], y and T
reset_gradient        "detached": the spike that resets counts as a constant; or "kept": it is differentiated too

It runs forwards in time, and carries ∂u/∂θ for every θ from one time step to the next.
Numbers are floats, or all of them fractions.Fraction: then nothing is rounded.
The gradients are shaped like the weights and biases, and are the mean over the batch.

Source: Williams and Zipser 1989, A learning algorithm for continually running fully recurrent neural networks.
"""


def gradients(
    weights, biases, inputs, targets, decay, threshold, surrogate_derivative, output_error, reset_gradient="detached"
):
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
    kept = {"detached": 0, "kept": 1}[reset_gradient]
    parameters = []
    for m in range(1, readout + 1):
        for i in range(sizes[m]):
            parameters += [(m, i, j) for j in range(sizes[m - 1])] + [(m, i, "bias")]
    for b in range(batch_size):
        u = [[0] * size for size in sizes]
        s = [[0] * size for size in sizes]
        psi = [[0] * size for size in sizes]
        carried = {parameter: [[0] * size for size in sizes] for parameter in parameters}  # J[t-1] ∘ ∂u[t-1]/∂θ
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
            error = [e / batch_size for e in output_error(s[readout], targets[b], time_steps)]
            for m, i, j in parameters:
                ds = [[0] * size for size in sizes]
                for l in range(m, readout + 1):
                    for k in range(sizes[l]):
                        du = carried[m, i, j][l][k]
                        for h in range(sizes[l - 1]):
                            du += weights[l][k][h] * ds[l - 1][h]
                        if (l, k) == (m, i):
                            du += 1 if j == "bias" else s[m - 1][j]
                        if l == readout:
                            ds[l][k] = du
                        else:
                            ds[l][k] = psi[l][k] * du
                            jacobian = decay * (1 - kept * threshold * psi[l][k])
                            carried[m, i, j][l][k] = jacobian * du
                for k in range(sizes[readout]):
                    if j == "bias":
                        bias_gradients[m][i] += error[k] * ds[readout][k]
                    else:
                        weight_gradients[m][i][j] += error[k] * ds[readout][k]
    return weight_gradients[1:], bias_gradients[1:]
