"""The equations of the methods, each with the code that computes it: "equation to code" in the report and in the docs.

This is the one place where equations, lines of code and claims meet. A claim names the equations that it is about; an
equation names its lines. tests/proofs/test_equations.py resolves every one of them, and finds every equation of the
theory and of the plain pages here.
"""

from dataclasses import dataclass

EVERY_PAGE = ("bptt", "ottt", "sltt", "rtrl", "spike_representation")


@dataclass(frozen=True)
class Equation:
    """An equation, and where it is computed.

    latex    how the documentation writes it
    code     the dotted name of a function or class of `ottt_ref` or of this package: of the general methods
    line     the line of that function that computes it, as it stands there
    plain    lines of plain pages, (page, line) each, where a page has it
    written  how the pages' docstrings and docs/theory.md write it, where they do so in another way than `latex`
    """

    latex: str
    code: str
    line: str
    plain: tuple = ()
    written: tuple = ()


@dataclass(frozen=True)
class Sketch:
    """A claim on paper.

    formula    its conclusion in LaTeX
    proof      why it holds, in sentences with $LaTeX$ in them; an empty line between paragraphs
    equations  what it is about, and where that is computed
    """

    formula: str
    proof: str
    equations: tuple


def _on(pages, line):
    """The same line on several plain pages."""
    return tuple((page, line) for page in pages)


SPIKING = ("bptt", "ottt", "sltt", "rtrl")  # the pages that have ψ
FORWARDS = ("ottt", "sltt")  # whose errors stay within a time step

MEMBRANE = Equation(
    r"u[t] = \lambda (u[t-1] - V_{th}\, s[t-1]) + I[t]",
    "ottt_ref.network.neurons.integrate",
    "carried = decay * (u - threshold * s)",
    _on(EVERY_PAGE, "u[l][i] = decay * (u[l][i] - threshold * s[l][i]) + current"),
    ("u^l[t] = λ (u^l[t-1] - V_th s^l[t-1]) + W^l s^{l-1}[t] + b^l",),
)
SPIKE = Equation(
    r"s[t] = H(u[t] - V_{th}), \quad H(0) = 1",
    "ottt_ref.network.neurons.fire",
    "if potential[b, i] >= threshold:",
    _on(EVERY_PAGE, "s[l][i] = 1 if u[l][i] >= threshold else 0"),
    ("s^l[t] = H(u^l[t] - V_th)",),
)
SURROGATE = Equation(
    r"\psi[t] = \psi(u[t] - V_{th})",
    "ottt_ref.network.neurons.Membrane.surrogate_derivative",
    "return self.surrogate.derivative(self._distance(potential, constants))",
    _on(SPIKING, "psi[l][i] = surrogate_derivative(u[l][i] - threshold)"),
    ("ψ^l[t] = ψ(u^l[t] - V_th)",),
)
CURRENT = Equation(
    r"I^l[t] = W^l s^{l-1}[t] + b^l",
    "ottt_ref.network.operations.dense.dense_forward",
    "current[b, i] += transposed[j, i] * presynaptic[b, j]",
    _on(EVERY_PAGE, "current += weights[l][i][j] * s[l - 1][j]"),
)
READOUT = Equation(
    r"o[t] = W^{N+1} s^N[t] + b^{N+1}",
    "ottt_ref.network.neurons.Integrator.step",
    "accumulate(rows(potential), rows(current), constants if constants.ndim == 1 else constants[0])",
    _on(EVERY_PAGE, "s[l][i] = current  # o[t]"),
    ("o[t] = W^{N+1} s^N[t] + b^{N+1}",),
)
OUTPUT_ERROR = Equation(
    r"\delta^{N+1}[t] = g^{N+1}[t] = \partial L[t] / \partial o[t]",
    "ottt_ref.learning.losses.step_loss",
    "return total / scale, gradient / scale",
    (
        *_on(
            ("bptt", "ottt", "sltt"),
            "error[readout] = [e / batch_size for e in output_error(s[readout], targets[b], time_steps)]",
        ),
        ("rtrl", "error = [e / batch_size for e in output_error(s[readout], targets[b], time_steps)]"),
    ),
    ("δ^{N+1}[t] = ∂L[t]/∂o[t]", "g^{N+1}[t] = ∂L[t]/∂o[t]"),
)
SPIKE_ERROR = Equation(
    r"\varepsilon^{l-1}[t] = W^{l\top} \delta^l[t]",
    "ottt_ref.network.operations.dense.dense_adjoint",
    "presynaptic_error[b, j] += weight[i, j] * error[b, i]",
    _on(("bptt", *FORWARDS, "spike_representation"), "spike_error += weights[l + 1][i][j] * error[l + 1][i]"),
)
BPTT_ERROR = Equation(
    r"\delta^l[t] = \psi^l[t] \circ W^{l+1\top} \delta^{l+1}[t] + J^l[t] \circ \delta^l[t+1]",
    "ottt_ref.methods.bptt.backpropagate",
    "delta[b, i] = surrogate_derivative[b, i] * spike_error[b, i] + jacobian[b, i] * delta[b, i]",
    (("bptt", "error[l][j] = psi[l][j] * spike_error + jacobian * error[l][j]"),),
    (
        "δ^l[t] = ψ^l[t] ∘ W^{l+1 T} δ^{l+1}[t] + J^l[t] ∘ δ^l[t+1]",
        r"\delta^l[t] = \psi^l[t] \circ \varepsilon^l[t] + \lambda\, \delta^l[t+1]",
    ),
)
JACOBIAN = Equation(
    r"J[t] = \lambda \;\text{(detached)}, \quad \lambda (1 - V_{th} \psi[t]) \;\text{(kept)}",
    "ottt_ref.network.neurons.membrane_jacobian",
    "jacobian[b, i] -= decay * threshold * surrogate_derivative[b, i]",
    (
        ("bptt", "jacobian = decay * (1 - kept * threshold * psi[l][j])"),
        ("rtrl", "jacobian = decay * (1 - kept * threshold * psi[l][k])"),
    ),
    ("J^l[t] = λ (detached), or λ (1 - V_th ψ^l[t]) (kept)", r"J[t] = \lambda (1 - V_{th}\, \psi[t])"),
)
HARD_JACOBIAN = Equation(
    r"J[t] = \lambda (1 - s[t]) + \lambda (v_{\text{reset}} - u[t])\, \psi[t] \;\text{(hard reset, kept)}",
    "ottt_ref.network.neurons.membrane_jacobian",
    "jacobian[b, i] += decay * (reset_potential - potential[b, i]) * surrogate_derivative[b, i]",
    written=(r"J[t] = \lambda (1 - s[t]) + \lambda (v_{\text{reset}} - u[t])\, \psi[t]",),
)
BPTT_GRADIENT = Equation(
    r"\nabla W^l = \sum_t \delta^l[t]\, s^{l-1}[t]^\top",
    "ottt_ref.methods.bptt._back",
    "sums.add(t, connection, errors[l], connection.entering(delivered), bias_input, delivered)",
    (("bptt", "weight_gradients[l][i][j] += error[l][i] * s[l - 1][j]"),),
    ("∇W^l = Σ_t δ^l[t] s^{l-1}[t]^T",),
)
BPTT_BIAS_GRADIENT = Equation(
    r"\nabla b^l = \sum_t \delta^l[t]",
    "ottt_ref.network.operations.dense.dense_gradients",
    "bias_gradient[i] += error[b, i] * bias_input[0]",
    (("bptt", "bias_gradients[l][i] += error[l][i]"),),
    ("∇b^l = Σ_t δ^l[t]",),
)
TRACE = Equation(
    r"\hat a[t] = \lambda\, \hat a[t-1] + s[t]",
    "ottt_ref.network.neurons.leaky_accumulate",
    "state[b, i] = decay[0] * state[b, i] + value[b, i]",
    (
        ("ottt", "trace[l][j] = (input_decay if l == 0 else decay) * trace[l][j] + s[l][j]"),
        ("spike_representation", "trace[l][j] = decay * trace[l][j] + s[l][j]"),
    ),
    ("â^l[t] = λ â^l[t-1] + s^l[t]", r"\hat a^l[t] = \lambda\, \hat a^l[t-1] + s^l[t]"),
)
OTTT_ERROR = Equation(
    r"g^l[t] = \psi^l[t] \circ W^{l+1\top} g^{l+1}[t]",
    "ottt_ref.methods.shared.rule.Rule.add_step",
    "errors[l] = gated(derivative, spike_errors[l])",
    _on(FORWARDS, "error[l][j] = psi[l][j] * spike_error"),
    ("g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]", r"g^N[t] = \psi^N[t] \circ e[t]"),
)
OTTT_GRADIENT = Equation(
    r"\nabla W^l = \sum_t g^l[t]\, \hat a^{l-1}[t]^\top",
    "ottt_ref.methods.ottt.OTTT",
    "return self.traces.presynaptic(connection)",
    (("ottt", "weight_gradients[l][i][j] += error[l][i] * trace[l - 1][j]"),),
    ("∇W^l = Σ_t g^l[t] â^{l-1}[t]^T",),
)
OTTT_BIAS_GRADIENT = Equation(
    r"\nabla b^l = \sum_t g^l[t]\, \Lambda_t, \quad \nabla b^{N+1} = \sum_t g^{N+1}[t]",
    "ottt_ref.methods.ottt.OTTT",
    "return self.traces.bias_input(l)",
    (("ottt", "bias_gradients[l][i] += error[l][i] * (1 if l == readout else bias_trace)"),),
    ("∇b^l = Σ_t g^l[t] Λ[t]", "∇b^{N+1} = Σ_t g^{N+1}[t]"),
)
SLTT_GRADIENT = Equation(
    r"\nabla W^l = \sum_t g^l[t]\, s^{l-1}[t]^\top",
    "ottt_ref.methods.shared.rule.Rule.presynaptic",
    "return activity.presynaptic(connection)",
    (("sltt", "weight_gradients[l][i][j] += error[l][i] * s[l - 1][j]"),),
    ("∇W^l = Σ_t g^l[t] s^{l-1}[t]^T",),
)
SLTT_BIAS_GRADIENT = Equation(
    r"\nabla b^l = \sum_t g^l[t]",
    "ottt_ref.methods.shared.rule.Rule.bias_input",
    "return self.network.bias_input",
    (("sltt", "bias_gradients[l][i] += error[l][i]"),),
    ("∇b^l = Σ_t g^l[t]",),
)
OWN_GRADIENT = Equation(
    r"\nabla \theta = \sum_t \delta[t]\, \partial h[t] / \partial \theta + "
    r"\psi[t]\, \epsilon[t]\, \partial z[t] / \partial \theta",
    "ottt_ref.methods.bptt._add_neuron_gradients",
    "part = part + delta * derivative",
)
OWN_TRACE = Equation(
    r"\epsilon[t] = \lambda\, \epsilon[t-1] + \partial h[t] / \partial \theta",
    "ottt_ref.methods.shared.traces.ParameterTraces",
    "state[m] += self._own(entry, l) * before[k]",
)
LATE_ERROR = Equation(
    r"g^l_k[t] = \psi^l[t-k] \circ \sum_c W_c^\top g_{k - d_c}[t]",
    "ottt_ref.methods.shared.lags.Lags._errors",
    "errors[l][k] = gated(derivatives[k], found if k else step.with_regularisation(l, found))",
)
RTRL_UPDATE = Equation(
    r"\frac{\partial u[t]}{\partial w} = J[t-1] \frac{\partial u[t-1]}{\partial w} + \frac{\partial I[t]}{\partial w}",
    "ottt_ref.methods.rtrl.RTRL.advance",
    "first += self._add_direct(current, connection, activity, first)",
    (("rtrl", "du += weights[l][k][h] * ds[l - 1][h]"), ("rtrl", 'du += 1 if j == "bias" else s[m - 1][j]')),
    (
        "∂u^l[t]/∂θ = J^l[t-1] ∘ ∂u^l[t-1]/∂θ + W^l ∂s^{l-1}[t]/∂θ + (∂W^l/∂θ) s^{l-1}[t] + ∂b^l/∂θ",
        r"\frac{\partial u[t]}{\partial w} = J[t-1]\, \frac{\partial u[t-1]}{\partial w} + "
        r"\frac{\partial I[t]}{\partial w}",
    ),
)
RTRL_SPIKE = Equation(
    r"\frac{\partial s[t]}{\partial w} = \psi[t] \circ \frac{\partial u[t]}{\partial w}",
    "ottt_ref.methods.rtrl.RTRL.advance",
    "multiply_rows(_flat(self._spikes[l]), rows(psi), _flat(distance))",
    (("rtrl", "ds[l][k] = psi[l][k] * du"),),
    ("∂s^l[t]/∂θ = ψ^l[t] ∘ ∂u^l[t]/∂θ",),
)
RTRL_GRADIENT = Equation(
    r"\nabla w = \sum_t \left( \frac{\partial L[t]}{\partial o[t]} \right)^\top \frac{\partial o[t]}{\partial w}",
    "ottt_ref.methods.rtrl.RTRL.add_step",
    "add_output_gradient(gradient.reshape(-1), step.output_error, self._spikes[-1][here])",
    (("rtrl", "weight_gradients[m][i][j] += error[k] * ds[readout][k]"),),
    ("∇θ = Σ_t (∂L[t]/∂o[t])^T ∂o[t]/∂θ",),
)
RATE = Equation(
    r"a[T] = \sum_t \lambda^{T-t} s[t] \,/\, \Lambda_T",
    "ottt_ref.simulation.rates.weighted_rate",
    "rate = trace / rate_normaliser(constants[0], len(values))",
    (("spike_representation", "rate[l][j] = trace[l][j] / bias_trace"),),
    ("a^l = â^l[T] / Λ[T] ≈ σ(z^l)",),
)
NORMALISER = Equation(
    r"\Lambda_T = \sum_{k<T} \lambda^k",
    "ottt_ref.simulation.rates.rate_normaliser",
    "total = decay * total + 1",
    (
        ("ottt", "bias_trace = input_decay * bias_trace + 1"),
        ("spike_representation", "bias_trace = decay * bias_trace + 1"),
    ),
    ("Λ[t] = λ Λ[t-1] + 1", r"\Lambda_t = \sum_{k=0}^{t-1} \lambda^k"),
)
MAPPING = Equation(
    r"a^l \approx \sigma\bigl((W^l a^{l-1} + b^l) / V_{th}\bigr)",
    "ottt_ref.methods.spike_representation.clamp",
    "rate[b, i] = current[b, i] / threshold[0]",
    (("spike_representation", "current += weights[l][i][j] * rate[l - 1][j]"),),
    (
        "z^l = (W^l a^{l-1} + b^l) / V_th",
        "o = W^{N+1} a^N + b^{N+1}",
        r"a^l \approx \sigma\bigl( (W^l a^{l-1} + b^l) / V_{th} \bigr)",
    ),
)
SLOPE = Equation(
    r"D^l = (0 < z^l < 1), \quad z^l = (W^l a^{l-1} + b^l) / V_{th}",
    "ottt_ref.methods.spike_representation.clamp_gate",
    "if current[b, i] > 0 and current[b, i] < threshold[0]:",
    (("spike_representation", "slope[l][i] = 1 if 0 < current < threshold else 0"),),
    ("D^l = (0 < z^l < 1)",),
)
SR_ERROR = Equation(
    r"p^{l-1} = W^{l\top} D^l p^l / V_{th}",
    "ottt_ref.methods.spike_representation.clamp_gate",
    "error[b, i] = rate_error[b, i] / threshold[0]",
    (("spike_representation", "error[l][j] = slope[l][j] * spike_error / threshold"),),
    ("g^{N+1} = ∂L/∂o", "g^l = D^l ∘ W^{l+1 T} g^{l+1} / V_th"),
)
SR_GRADIENT = Equation(
    r"\nabla W^l = D^l p^l\, a^{l-1\top} / V_{th}",
    "ottt_ref.methods.spike_representation._backward",
    "sums.add(0, connection, errors[connection.target], values[connection.source + 1], network.bias_input)",
    (
        ("spike_representation", "weight_gradients[l][i][j] += error[l][i] * rate[l - 1][j]"),
        ("spike_representation", "bias_gradients[l][i] += error[l][i]"),
    ),
    ("∇W^l = g^l a^{l-1 T}", "∇b^l = g^l"),
)
EQUILIBRIUM = Equation(
    r"a = f(a)",
    "ottt_ref.simulation.equilibrium.solve",
    "return packing.pack(sweep(packing.unpack(vector))) - vector",
)
IMPLICIT = Equation(
    r"p = \partial \ell / \partial a + (\partial f / \partial a)^\top p",
    "ottt_ref.simulation.equilibrium.solve_linear",
    "solution = solver(apply, constant, packing)",
)
CONTRACTION = Equation(
    r"\rho(N) < 1",
    "ottt_ref.simulation.equilibrium.contraction_factor",
    "return _radius(sum(layer_norms(network)))",
)
PATHS = Equation(
    r"\sum_{\text{paths}} \prod_{\text{edges}}",
    "ottt_ref.paths.sums.PathSums",
    "total = total + source * self._from(b, connection.target, i, t)",
)
KERNEL = Equation(
    r"\binom{n+d}{d} \lambda^n",
    f"{__package__}.claims.k3.binomial_trace",
    "total = total + weighted * comb(n + d, d)",
)
AFFINE = Equation(
    r"s \mapsto A s + b",
    "ottt_ref.network.operations.chain.Chain",
    "values = _forward(operation, values, bias_input)",
)
ANGLE = Equation(
    r"\rho^2 = \max_t \sin^2 \angle(p, p_t)",
    f"{__package__}.directions.angles",
    "ratio = max(ratio, 1 - along[t, b] * along[t, b] / (squares[t, b] * square[b]))",
)
LOOP_FORM = Equation(
    r"S = D (I - U^\top D)^{-1} R^\top D",
    f"{__package__}.directions.loop_form",
    "return mask[:, np.newaxis] * total",
)
STEP_LOSS = Equation(
    r"\tfrac{1}{T} \sum_t \ell(o[t], y)",
    "ottt_ref.learning.losses.sequence_loss",
    "total = total + step_value",
)
WEIGHTED_LOSS = Equation(
    r"\tfrac{1}{T} \sum_t w[t]\, \ell(o[t], y[t])",
    "ottt_ref.learning.losses.step_loss",
    "weigh(value, gradient, weights)",
)
AVERAGE_LOSS = Equation(
    r"\ell\bigl( \tfrac{1}{T} \sum_t o[t], y \bigr)",
    "ottt_ref.learning.losses.average_loss",
    "total, gradient = step_loss(loss, summed / time_steps, targets, 1)",
)
ONLINE_UPDATE = Equation(
    r"\theta \leftarrow \theta - \eta\, g[t]\, \hat a[t]^\top",
    "ottt_ref.methods.shared.online.OnlineLearner.update",
    "self.optimizer.step(self.network.parameters, sums.values)",
)
STATE = Equation(
    r"u[t-1], s[t-1] \to u[t], s[t]",
    "ottt_ref.simulation.simulator.Simulator",
    "neuron.step(self.states[l], self.outputs[l], current, self.soft)",
)

# What the map shows, part by part.
PARTS = {
    "Neurons and connections": (MEMBRANE, SPIKE, SURROGATE, CURRENT, READOUT, AFFINE, STATE),
    "Losses": (STEP_LOSS, WEIGHTED_LOSS, AVERAGE_LOSS, OUTPUT_ERROR),
    "BPTT": (BPTT_ERROR, SPIKE_ERROR, JACOBIAN, HARD_JACOBIAN, BPTT_GRADIENT, BPTT_BIAS_GRADIENT),
    "OTTT": (TRACE, OTTT_ERROR, OTTT_GRADIENT, OTTT_BIAS_GRADIENT, ONLINE_UPDATE),
    "SLTT": (SLTT_GRADIENT, SLTT_BIAS_GRADIENT),
    "RTRL": (RTRL_UPDATE, RTRL_SPIKE, RTRL_GRADIENT),
    "Rates, and spike representation": (RATE, NORMALISER, MAPPING, SLOPE, SR_ERROR, SR_GRADIENT),
    "Rates of networks with loops": (EQUILIBRIUM, IMPLICIT, CONTRACTION),
    "Neurons' own parameters, and delays": (OWN_GRADIENT, OWN_TRACE, LATE_ERROR),
    "What proofs compute": (PATHS, KERNEL, ANGLE, LOOP_FORM),
}
ALL = tuple(equation for equations in PARTS.values() for equation in equations)
ON_PAGES = tuple(equation for equation in ALL if equation.plain)


def claims_of(equation, claims):
    """The names of those of the claims that are about the equation, in their order."""
    return [claim.name for claim in claims if equation in claim.sketch.equations]
