"""The variants: what is changed in a column's config, a factor at a time.

The default is the authors' λ = 0.5 and sigmoid surrogate with α = 4, a soft reset, the stateless linear readout, OTTT's
derivation dialect, and standardised weights in networks of convolutions. All values here are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..training.config import Config, applies
from ..training.keys import BY_NAME

DEFAULT = "default"


@dataclass(frozen=True)
class Variant:
    """A variant.

    name     what its runs are called: letters, digits, dots and dashes
    title    what it is called
    changes  values by key
    """

    name: str
    title: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def left_out(self, config: Config) -> str | None:
        """Why the variant means nothing for a config: a key that does not apply to it; None where all do."""
        merged = {**config.values, **self.changes}
        for name in self.changes:
            key = BY_NAME[name]
            if not applies(key, merged):
                other, words = key.only
                return f"{name} is for {other} {' or '.join(words)}, here it is {merged[other]}"
        return None


def _surrogate(word, title, **numbers):
    name = "-".join([word, *(f"{number:g}" for number in numbers.values())])
    return Variant(name, title, {"model.surrogate": word, "model.surrogate_settings": numbers})


#: By factor. The surrogates of the factor "surrogate" are 1 at the threshold, as the default is. "width" has sigmoids,
#: under which the area is 1 whatever α is, and triangles, whose height is 1 whatever the width is.
FACTORS: dict[str, tuple[Variant, ...]] = {
    "decay": tuple(
        Variant(f"decay-{decay:g}", f"λ = {decay:g}", {"model.decay": decay}) for decay in (0.0, 0.25, 0.75, 0.9, 1.0)
    ),
    "surrogate": (
        _surrogate("arctan", "arctan, α = 2", alpha=2.0),
        _surrogate("rectangle", "rectangle, width 1", width=1.0),
        _surrogate("fast-sigmoid", "fast sigmoid, slope 2", slope=2.0, height=1.0),
        _surrogate("multi-gaussian", "multi-Gaussian", scale=1.139),
    ),
    "width": (
        *(_surrogate("sigmoid", f"sigmoid, α = {alpha:g}", alpha=alpha) for alpha in (1.0, 2.0, 8.0, 16.0)),
        *(
            _surrogate("triangle", f"triangle, width {width:g}", width=width, height=1.0)
            for width in (0.25, 0.5, 1.0, 2.0)
        ),
    ),
    "dialect": (Variant("dialect-authors", "the authors' dialect", {"rule.dialect": "authors"}),),
    "readout": (
        Variant("readout-leaky", "leaky readout", {"model.readout": "leaky"}),
        Variant("readout-spiking", "spiking readout", {"model.readout": "spiking"}),
    ),
    "reset": (
        Variant("reset-hard", "hard reset", {"model.reset": "hard"}),
        Variant("reset-unleaked", "unleaked soft reset", {"model.reset": "unleaked"}),
        Variant("reset-gradient-kept", "gradients cross the reset", {"rule.reset_gradient": "kept"}),
    ),
    "standardisation": (Variant("free-weights", "weights not standardised", {"model.weight_standardisation": False}),),
}
BASE = Variant(DEFAULT, DEFAULT)


def factor_of(name: str) -> str | None:
    """The factor of a variant, by its name; None of the default."""
    return next((factor for factor, variants in FACTORS.items() if any(each.name == name for each in variants)), None)


def titles() -> dict[str, str]:
    """What each variant is called, by its name."""
    return {each.name: each.title for variants in (*FACTORS.values(), (BASE,)) for each in variants}
