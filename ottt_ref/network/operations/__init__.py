"""Operations between layers, a file each: affine maps of one time step's values, and max pooling."""

from .chain import Chain
from .channel_scale import ChannelScale
from .convolution import Conv1d, Conv2d
from .dense import Dense, Synapses
from .dropout import Dropout, Mask
from .flatten import Flatten
from .max_pooling import MaxPool1d, MaxPool2d
from .operation import Operation
from .pooling import AveragePool1d, AveragePool2d
from .scale import Scale
from .skip_init import SkipInit
from .upsampling import Upsample2d
from .weight_standardisation import WeightStandardised

SAVED = (
    AveragePool1d,
    AveragePool2d,
    Chain,
    ChannelScale,
    Conv1d,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    MaxPool1d,
    MaxPool2d,
    Scale,
    SkipInit,
    Upsample2d,
    WeightStandardised,
)  # what files can hold; each argument of their constructors is an attribute
BUILT_IN = (*SAVED, Mask)

__all__ = ["BUILT_IN", "SAVED", "Mask", "Operation", "Synapses", *(kind.__name__ for kind in SAVED)]
