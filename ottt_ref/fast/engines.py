"""The engines that are made for some networks, fastest first; what none of them takes goes by windows of time steps."""

from __future__ import annotations

from types import ModuleType

#: Each has `suits(network, method, **asked)`, why it does not take a network, "" if it does, and `gradients`.
ALL: dict[str, ModuleType] = {}
