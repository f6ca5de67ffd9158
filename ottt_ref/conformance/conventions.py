"""The cases' conventions in words, as they stand in the manifest: enough to write a backend from; and arrays' meanings.

t is a time step from 0, b a sample, l a layer from 0, i a neuron that receives, j one that sends.
"""

from .compare import NEGLIGIBLE, RELATIVE
from .reference import MEANINGS

CONVENTIONS = {
    "axes": (
        "time first: [T, B, n], images [T, B, C, H, W], sequences [T, B, C, L]; weights [n_out, n_in], kernels [C_out, "
        "C_in / groups, K_H, K_W] and [C_out, C_in / groups, K]; C order"
    ),
    "names": (
        "a layer's connections in their order: from the layer before (the inputs for layer 0), skips, recurrent, "
        "feedback. Parameters are named by the connection: layerL.weight (readout.weight for a last layer that is an "
        "Integrator), layerL.recurrent.weight, layerL.skipS.weight and layerL.feedbackS.weight from layer S (-1: the "
        "inputs); and weight, bias, gain (weight standardisation), skip_gain (SkipInit)"
    ),
    "current": (
        "I[t] of a layer is the sum of what all its connections deliver; input, spikes and output of a time step "
        "happen in the same time step, and skips deliver what their source has at t; recurrent and feedback "
        "connections deliver the spikes of t - 1, 0 at t = 0, but their bias acts at every t"
    ),
    "lif": (
        "soft: u[t] = decay (u[t-1] - threshold s[t-1]) + I[t]; unleaked: u[t] = decay u[t-1] - threshold s[t-1] + "
        "I[t]; hard: u[t] = decay ((1 - s[t-1]) u[t-1] + reset_potential s[t-1]) + I[t]; u and s are 0 before t = 0; "
        "potentials are recorded before the reset"
    ),
    "numbers": (
        "decay, threshold, reset_potential and current_decay of neurons are a number; or a list, of one number for "
        "each channel of images [C], or for each neuron, in the layer's shape; or the name of a parameter, "
        "layerL.decay, which is learned: [1] for the whole layer, [C] or the layer's shape. Its gradient is the sum "
        "over all neurons that share an entry. In bptt delta[t] is paired with du[t]/d decay = u[t-1] - threshold "
        "s[t-1] (unleaked: u[t-1]; hard: (1 - s[t-1]) u[t-1] + reset_potential s[t-1]), with du[t]/d threshold = - "
        "decay s[t-1] (unleaked: - s[t-1]; hard: 0), and psi[t] e[t] with - 1 for the threshold; where the reset is "
        "kept, e[t] has du[t+1]/ds[t] delta[t+1] added; of an Integrator du[t]/d decay = u[t-1]. ottt and "
        "ottt-authors pair g[t] with the eligibility eps[t] = decay eps[t-1] + du[t]/d parameter, less 1 for the "
        "threshold; sltt with du[t]/d parameter alone, less 1. After an online update a decay is brought back into "
        "[0, 1] and a threshold to at least 2^-10 above 0 and above the reset potential"
    ),
    "cuba": (
        "CubaLIF: i[t] = current_decay i[t-1] + I[t], 0 before t = 0, and u[t] as of lif with i[t] in place of I[t]; "
        "no spike resets i. In bptt the error at u[t] is delta[t] of bptt, that at i[t] is it plus current_decay "
        "times that at i[t+1], and this is what weights are paired with. Traces are q_i[t] = current_decay q_i[t-1] + "
        "s[t], a[t] = decay a[t-1] + q_i[t]; so are eligibilities, with di[t]/d current_decay = i[t-1]"
    ),
    "spike": "s[t] = 1 where u[t] >= threshold, else 0",
    "integrator": (
        "u[t] = decay u[t-1] + I[t], and its output is u[t]; the last layer's is the network's; decay 0 is stateless:"
        " before the last layer a sum of currents that others take; with another decay a stage without spikes, whose "
        "potential others take as they take spikes"
    ),
    "operations": (
        "a Chain is applied from left to right. Dense: W x + b. Conv2d: correlation, sum of K[o, c, y, x] times the "
        "image at (stride Y + dilation y - padding, stride X + dilation x - padding), plus b[o]; in groups (1 where it "
        "is not said, as the dilation), c counts from the first channel of o's group: groups of C_out / groups outputs "
        "see as many of C_in / groups channels, in their order. AveragePool2d: the mean over windows, in which padded "
        "zeros count. Both give (size + 2 padding - dilation (window - 1) - 1) // stride + 1 pixels; stride, padding "
        "and dilation are a number or [vertical, horizontal]. MaxPool2d: the largest of each window, what is padded "
        "not among them; the error goes to the first of equals in row order. Conv1d, AveragePool1d, MaxPool1d: the "
        "same in one direction. Flatten: C, H, W in this order. Upsample2d: each pixel factor times in both "
        "directions. Scale: times factor. ChannelScale: channel c times factor[c], plus offset[c]; both stand in the "
        "manifest, and are not learned. SkipInit: times skip_gain[0]"
    ),
    "weight standardisation": (
        "the weight in use of output i is gain[i] (W[i] - mean) / sqrt(variance n + epsilon), with the mean and the "
        "unbiased variance (divided by n - 1) of W[i], n its number of entries; gradients go through both"
    ),
    "surrogate": (
        "psi(z), z = u - threshold: Sigmoid alpha S (1 - S) with S = 1 / (1 + exp(-alpha z)); Arctan (alpha/2) / (1 +"
        " (pi alpha z / 2)^2); Triangle height max(0, 1 - |z| / width); Rectangle 1 / width where |z| < width / 2; "
        "FastSigmoid height / (1 + slope |z|)^2; "
        "MultiGaussian scale ((1 + h) N(z; 0, sigma^2) - h N(z; sigma, (s sigma)^2) - h N(z; -sigma, (s sigma)^2)) "
        "with N(z; mean, variance)"
    ),
    "loss": (
        "L = sum over t of l(o[t], y) / T, the mean over the batch. CrossEntropy: of softmax(o), natural logarithm; "
        "MeanSquaredError: the mean over classes of (o - y)^2; Mixed: (1 - mse_weight) cross-entropy + mse_weight "
        "squared error; labels are one-hot"
    ),
    "weights": (
        "where a case has weights w[t, b], they multiply l of each time step and sample, before the 1/T and the mean "
        "over the batch; nothing is renormalised: L = sum over t and b of w[t, b] l(o[t, b], y) / (T B). Where it has "
        "loss_time_steps, that number is the T of 1/T, and not the number of time steps. Targets [T, B] are the labels "
        "of each time step. The same holds for online learning at each time step"
    ),
    "initial state": (
        "where a case has initial_state/layerL.potential and layerL.output (readout for a last layer that is an "
        "Integrator), u and s before t = 0 are these and not 0, for the neurons and for recurrent and feedback "
        "connections; no gradient goes back to them, and traces are 0 before t = 0 all the same"
    ),
    "delays": (
        "where a layer has a delay d, what it is given by its synapses is the output of the layer before (or the "
        "inputs) at t - d, and 0 for t < d; where it has recurrent_delay d, its recurrent connection is given s[t-d]; "
        "a skip or a feedback with a delay likewise. What is not given is 0 for synapses and skips, 1 for recurrent "
        "and feedback connections. In bptt A^T delta comes back from delta[t+d]. In ottt and sltt an error of the "
        "outputs at t that comes back by a way with delays of k in all belongs to t - k: g_k = psi[t-k] A^T g_(k-d), "
        "paired with what is paired at t - k (in ottt the trace a[t-k]), with the parameters of t in online learning. "
        "error/METHOD/L [t] is the sum of what belongs to t"
    ),
    "bptt": (
        "delta_l[t] = psi_l[t] e_l[t] + J_l[t] delta_l[t+1], 0 after the last step, psi = 1 for an Integrator; e_l[t]"
        " is dL/do[t] for the last layer, plus A^T delta of every connection that layer l feeds: delta[t], or "
        "delta[t+1] through recurrent and feedback connections. J detached: decay (hard: decay (1 - s[t])); kept adds"
        " - decay threshold psi[t] (unleaked: - threshold psi[t]; hard: decay (reset_potential - u[t]) psi[t]). The "
        "gradient of a weight pairs delta[t] with what the connection is given at t, of a bias with 1"
    ),
    "rtrl": "the same gradients as bptt, computed forwards in time",
    "ottt": (
        "the error g_l[t] is delta_l[t] of bptt with nothing from t + 1: no J, and nothing back through recurrent and "
        "feedback connections. The gradient of a weight pairs g[t] with a trace of what the connection is given: a[t] "
        "= decay a[t-1] + s[t]; a recurrent or feedback connection is given s[t-1]. The decay is that of the membranes "
        "that the current enters. For LIF neurons it is their own. A sum of currents has no membranes: it is the decay "
        "of the layers that take the sum, which is one. A stateless last layer has none either: it is the decay of the "
        "neurons that feed it, which is one. The gradient of a bias pairs g[t] with the trace of 1; at a stateless "
        "last layer with 1. In a chain the trace takes the input's place: it goes through the operations in their "
        "order, with the trace of 1 for their biases, and each parameter is paired with what reaches its operation. "
        "Not so through MaxPool2d and MaxPool1d: the trace is kept of what the last of them in the chain gives, and "
        "takes its place. The offset of a ChannelScale is a bias in this. "
        "Where the neurons of a layer have several decays, what enters them has a trace for each distinct decay (of a "
        "learned one, for each entry), which is paired with the errors of the neurons that have it; into a "
        "stateless last layer the trace of each spike decays with the decay of the neuron that sends it"
    ),
    "ottt-authors": (
        "as ottt but for two things. The network's inputs are not traced. Every bias is paired with 1 instead of the "
        "trace of 1, also where the trace goes through the bias to a later operation of the chain"
    ),
    "sltt": "as ottt, with nothing traced: what a connection is given at t, and 1",
    "spike representation": (
        "rates stand for spikes. The rate of layer l is a_l = sum over t of decay^(T-1-t) s_l[t] / sum over t of "
        "decay^(T-1-t). The rates of the inputs are made alike, with the decay of layer 0; if that is a sum of "
        "currents, of the layers that take the sum. The rate of a sum of currents is what its connections deliver. "
        "z_l is what all connections deliver to layer l when they are given rates, and 1 for the biases; D_l = 1 "
        "where 0 < z_l < threshold, else 0. The loss is l of what the readout delivers, once, without leak; of a "
        "spiking last layer, l of its rates. It is not divided by T. The errors, from the last layer down: p_l = "
        "dl/da_l + sum of A^T q of every connection that layer l feeds; q_l = D_l p_l / threshold, also for a spiking "
        "last layer; of an Integrator, q_l = p_l. With loops these equations are solved together, as one linear "
        "equation. The gradient of a weight pairs q with the rates that the connection is given, of a bias with 1"
    ),
    "online": (
        "at each time step, in this order: the forward step; g[t], with the weights of this step; then all parameters "
        "change at once, by minus learning_rate times the gradient of l(o[t], y) / T, the mean over the batch. "
        "Potentials, spikes and traces go on as they are. Parameters are recorded after the update"
    ),
    "arrays": (
        "error/METHOD/L is delta, g, or (spike-representation, [1, B, ...]) q, with all factors of the loss in it; "
        "trace/CONNECTION and constant_trace/L are what ottt pairs errors with; loss and loss/METHOD are scalars, of "
        "shape []"
    ),
}

# How results of another language are named, and when they pass.
RESULTS = {
    "files": (
        "DIR/CASE/METHOD.npz with the arrays by name, or DIR/CASE/METHOD/NAME.npy, a file for each: the array spikes/0 "
        "of the forward pass is DIR/CASE/forward/spikes/0.npy. `results` of a case lists, for each method, the names "
        "that are required, and those that may be there and say where a difference begins. A method without files is "
        "unsupported. Without files of its forward pass its gradients are compared all the same"
    ),
    "arrays": (
        "a forward array is the case's own array of that name. NAME of a gradient method is gradient/METHOD/NAME of "
        "the case, error/L is error/METHOD/L, loss of spike-representation is loss/spike-representation; NAME of an "
        "online method is online/METHOD/NAME. Any dtype of real numbers; C or Fortran order"
    ),
    "check": "ottt-ref conform --results DIR",
    "passes": (
        "each number is within tolerance[dtype of the case] times the largest absolute number of the expected array, "
        "or times `negligible` if that is larger; spikes are equal"
    ),
    "tolerance": RELATIVE,
    "negligible": NEGLIGIBLE,
}

PLAIN = {
    "inputs": ("current or spikes", "what the first layer is given, [T, B, ...]"),
    "targets": ("class", "class labels [B], or target rows [B, C], or class labels of each time step [T, B]"),
    "outputs": ("potential", "the readout's potential, or the last layer's spikes, [T, B, C]"),
    "loss": ("loss", "sum over time of l(o[t], y) / T, the mean over the batch"),
    "weights": ("1", "what l of each time step and sample is multiplied by, [T, B]"),
}
OF_LAYER = {
    "potential": ("potential", "u[t] before the reset"),
    "current": ("current", "i[t], the current that leaks,"),
    "spikes": ("spikes per time step", "s[t], 0 or 1"),
    "psi": ("1 / potential", "the surrogate derivative at u[t]"),
    "constant_trace": ("time steps", "the trace of the constant 1, which stands for the bias, [T],"),
}


def describe_array(name, array, network):
    """Shape, dtype, unit and meaning of an array of a case of the network, by the array's name."""
    unit, meaning = _unit_and_meaning(name, network.layer_names)
    return {"shape": list(array.shape), "dtype": str(array.dtype), "unit": unit, "meaning": meaning}


def _unit_and_meaning(name, layer_names):
    kind, *rest = name.split("/")
    if not rest:
        return PLAIN[kind]
    if kind in OF_LAYER:
        unit, what = OF_LAYER[kind]
        return unit, f"{what} of {layer_names[int(rest[0])]}{_of_decay(rest)}"
    if kind == "initial_state":
        return "potential", f"{rest[0]} before the first time step, [B, ...]"
    if kind == "parameter":
        return "weight", f"the parameter {rest[0]}"
    if kind == "trace":
        return "spikes", f"the trace of what {rest[0]} is given, [T, B, ...]{_of_decay(rest)}"
    meaning = MEANINGS[rest[0]]
    if kind == "loss":
        return "loss", f"the loss of {meaning}"
    if kind == "error":
        layer = layer_names[int(rest[1])]
        return "loss / potential", f"{meaning}: the error at the potentials of {layer} at each time step"
    if kind == "gradient":
        return "loss / weight", f"{meaning}: the gradient of {rest[1]}"
    return "weight", f"{meaning}: {rest[1]} after each time step, [T, ...]"


def _of_decay(rest):
    return f", by the decay number {rest[1]} of the layer" if len(rest) > 1 else ""
