"""The equations of the methods, each with the function that computes it: "equation to code" in the report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Equation:
    """LaTeX, and the dotted name of a function or class of `ottt_ref` or of this package."""

    latex: str
    code: str


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


MEMBRANE = Equation(r"u[t] = \lambda (u[t-1] - V_{th}\, s[t-1]) + I[t]", "ottt_ref.network.neurons.integrate")
SPIKE = Equation(r"s[t] = H(u[t] - V_{th}), \quad H(0) = 1", "ottt_ref.network.neurons.fire")
CURRENT = Equation(r"I^l[t] = W^l s^{l-1}[t] + b^l", "ottt_ref.network.operations.dense.dense_forward")
BPTT_ERROR = Equation(
    r"\delta^l[t] = \psi^l[t] \circ W^{l+1\top} \delta^{l+1}[t] + J^l[t] \circ \delta^l[t+1]",
    "ottt_ref.methods.bptt.backpropagate",
)
JACOBIAN = Equation(
    r"J[t] = \lambda \;\text{(detached)}, \quad \lambda (1 - V_{th} \psi[t]) \;\text{(kept)}",
    "ottt_ref.network.neurons.membrane_jacobian",
)
BPTT_GRADIENT = Equation(r"\nabla W^l = \sum_t \delta^l[t]\, s^{l-1}[t]^\top", "ottt_ref.methods.bptt.backward")
TRACE = Equation(r"\hat a[t] = \lambda\, \hat a[t-1] + s[t]", "ottt_ref.network.neurons.leaky_accumulate")
OTTT_ERROR = Equation(r"g^l[t] = \psi^l[t] \circ W^{l+1\top} g^{l+1}[t]", "ottt_ref.methods.shared.rule.Rule.add_step")
OTTT_GRADIENT = Equation(r"\nabla W^l = \sum_t g^l[t]\, \hat a^{l-1}[t]^\top", "ottt_ref.methods.ottt.OTTT")
SLTT_GRADIENT = Equation(
    r"\nabla W^l = \sum_t g^l[t]\, s^{l-1}[t]^\top", "ottt_ref.methods.shared.rule.Rule.presynaptic"
)
OWN_GRADIENT = Equation(
    r"\nabla \theta = \sum_t \delta[t]\, \partial h[t] / \partial \theta + "
    r"\psi[t]\, \epsilon[t]\, \partial z[t] / \partial \theta",
    "ottt_ref.methods.bptt.backward",
)
OWN_TRACE = Equation(
    r"\epsilon[t] = \lambda\, \epsilon[t-1] + \partial h[t] / \partial \theta",
    "ottt_ref.methods.shared.traces.ParameterTraces",
)
LATE_ERROR = Equation(
    r"g^l_k[t] = \psi^l[t-k] \circ \sum_c W_c^\top g_{k - d_c}[t]", "ottt_ref.methods.shared.lags.Lags.add_step"
)
RTRL_UPDATE = Equation(
    r"\frac{\partial u[t]}{\partial w} = J[t-1] \frac{\partial u[t-1]}{\partial w} + \frac{\partial I[t]}{\partial w}",
    "ottt_ref.methods.rtrl.RTRL.advance",
)
RATE = Equation(r"a[T] = \sum_t \lambda^{T-t} s[t] \,/\, \Lambda_T", "ottt_ref.simulation.rates.weighted_rate")
NORMALISER = Equation(r"\Lambda_T = \sum_{k<T} \lambda^k", "ottt_ref.simulation.rates.rate_normaliser")
MAPPING = Equation(
    r"a^l \approx \sigma\bigl((W^l a^{l-1} + b^l) / V_{th}\bigr)", "ottt_ref.methods.spike_representation.clamp"
)
SR_ERROR = Equation(r"p^{l-1} = W^{l\top} D^l p^l / V_{th}", "ottt_ref.methods.spike_representation.errors_of")
SR_GRADIENT = Equation(r"\nabla W^l = D^l p^l\, a^{l-1\top} / V_{th}", "ottt_ref.methods.spike_representation.backward")
EQUILIBRIUM = Equation(r"a = f(a)", "ottt_ref.simulation.equilibrium.solve")
IMPLICIT = Equation(
    r"p = \partial \ell / \partial a + (\partial f / \partial a)^\top p", "ottt_ref.simulation.equilibrium.solve_linear"
)
CONTRACTION = Equation(r"\rho(N) < 1", "ottt_ref.simulation.equilibrium.contraction_factor")
PATHS = Equation(r"\sum_{\text{paths}} \prod_{\text{edges}}", "ottt_ref.paths.sums.PathSums")
KERNEL = Equation(r"\binom{n+d}{d} \lambda^n", f"{__package__}.claims.k3.binomial_trace")
AFFINE = Equation(r"s \mapsto A s + b", "ottt_ref.network.operations.chain.Chain")
ANGLE = Equation(r"\rho^2 = \max_t \sin^2 \angle(p, p_t)", f"{__package__}.directions.angles")
LOOP_FORM = Equation(r"S = D (I - U^\top D)^{-1} R^\top D", f"{__package__}.directions.loop_form")
STEP_LOSS = Equation(r"\tfrac{1}{T} \sum_t \ell(o[t], y)", "ottt_ref.learning.losses.sequence_loss")
WEIGHTED_LOSS = Equation(r"\tfrac{1}{T} \sum_t w[t]\, \ell(o[t], y[t])", "ottt_ref.learning.losses.sequence_loss")
AVERAGE_LOSS = Equation(r"\ell\bigl( \tfrac{1}{T} \sum_t o[t], y \bigr)", "ottt_ref.learning.losses.average_loss")
ONLINE_UPDATE = Equation(
    r"\theta \leftarrow \theta - \eta\, g[t]\, \hat a[t]^\top", "ottt_ref.methods.ottt.OnlineLearner"
)
STATE = Equation(r"u[t-1], s[t-1] \to u[t], s[t]", "ottt_ref.simulation.simulator.Simulator")
PAGES = Equation(r"\nabla W^l = \sum_t g^l[t]\, \hat a^{l-1}[t]^\top", "ottt_ref.plain.ottt.gradients")
