"""The operations of a case as modules of torch, of one time step, [B, ...]."""

from . import installed

torch = installed("torch")
nn = torch.nn


class Scaled(nn.Module):
    """A fixed factor."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, values):
        return self.factor * values


class ChannelScale(nn.Module):
    """A fixed factor and offset of each channel.."""

    def __init__(self, factor, offset):
        super().__init__()
        self.register_buffer("factor", torch.tensor(factor))
        self.register_buffer("offset", torch.tensor(offset))

    def forward(self, values):
        shape = (-1, *[1] * (values.ndim - 2))
        return self.factor.reshape(shape) * values + self.offset.reshape(shape)


class SkipInit(nn.Module):
    """A learned factor of all that goes through (`ottt_ref.network.operations.skip_init`)."""

    def __init__(self):
        super().__init__()
        self.skip_gain = nn.Parameter(torch.zeros(1))

    def forward(self, values):
        return self.skip_gain * values


class WeightStandardised(nn.Module):
    """A module whose weight is standardised, row by row, and scaled by a gain."""

    def __init__(self, synapses, epsilon):
        super().__init__()
        self.synapses = synapses
        self.gain = nn.Parameter(synapses.weight.new_ones(len(synapses.weight)))
        self.epsilon = epsilon

    def forward(self, values):
        raw = self.synapses.weight.flatten(1)
        variance, mean = torch.var_mean(raw, dim=1, keepdim=True)
        standardised = (raw - mean) / torch.sqrt(variance * raw.shape[1] + self.epsilon)
        weight = (self.gain[:, None] * standardised).reshape(self.synapses.weight.shape)
        return torch.func.functional_call(self.synapses, {"weight": weight}, (values,))


class Layers:
    """Modules for the operations of a case. A peer that has layers of its own names them in a subclass."""

    namespace = nn

    def module(self, operation):
        """The module of one operation. Raises NotImplementedError where there is none."""
        kind = type(operation).__name__
        if not hasattr(self, kind):
            raise NotImplementedError(f"the operation {kind}")
        return getattr(self, kind)(operation)

    def Chain(self, operation):
        return nn.Sequential(*(self.module(each) for each in operation.operations))

    def Dense(self, operation):
        n_out, n_in = operation.weight.shape
        return self.namespace.Linear(n_in, n_out, bias="bias" in operation.parameter_names)

    def Conv2d(self, operation):
        c_out, c_in, *window = operation.weight.shape
        bias = "bias" in operation.parameter_names
        sides = {name: getattr(operation, name) for name in ("stride", "padding", "dilation", "groups")}
        return self.namespace.Conv2d(c_in * operation.groups, c_out, tuple(window), bias=bias, **sides)

    def Conv1d(self, operation):
        c_out, c_in, window = operation.weight.shape
        bias = "bias" in operation.parameter_names
        sizes = {name: getattr(operation, name) for name in ("stride", "padding", "dilation", "groups")}
        return self.namespace.Conv1d(c_in * operation.groups, c_out, window, bias=bias, **sizes)

    def AveragePool2d(self, operation):
        return self.namespace.AvgPool2d(operation.size, operation.stride, operation.padding)

    def AveragePool1d(self, operation):
        return self.namespace.AvgPool1d(operation.size, operation.stride, operation.padding)

    def MaxPool2d(self, operation):
        return self.namespace.MaxPool2d(operation.size, operation.stride, operation.padding)

    def MaxPool1d(self, operation):
        return self.namespace.MaxPool1d(operation.size, operation.stride, operation.padding)

    def Upsample2d(self, operation):
        return self.namespace.Upsample(scale_factor=operation.factor, mode="nearest")

    def Flatten(self, operation):
        return self.namespace.Flatten(1)

    def Scale(self, operation):
        return Scaled(operation.factor)

    def ChannelScale(self, operation):
        return ChannelScale(operation.factor, operation.offset)

    def SkipInit(self, operation):
        return SkipInit()

    def WeightStandardised(self, operation):
        return WeightStandardised(self.module(operation.synapses), operation.epsilon)
