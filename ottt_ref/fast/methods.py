"""The methods that the fast backend has, as `ottt_ref.methods.METHODS` lists those of the reference."""

from __future__ import annotations

from dataclasses import replace

from ..methods import METHODS as REFERENCE
from ..methods import Method
from . import bptt, ottt, sltt

#: By name; `rtrl` and `spike-representation` are the reference's alone.
METHODS: dict[str, Method] = {
    "bptt": replace(REFERENCE["bptt"], gradients=bptt.gradients),
    "ottt": replace(REFERENCE["ottt"], gradients=ottt.gradients, learner=ottt.OnlineLearner),
    "sltt": replace(REFERENCE["sltt"], gradients=sltt.gradients, learner=sltt.OnlineLearner),
}
