"""The public callables by name: functions, classes, and the public methods of the classes."""

import inspect

import ottt_ref as ot
from ottt_ref.methods.shared.gradients import GradientSum

from ..test_public_door import DOOR, RETURNED


def is_ours(owner):
    return owner.__module__.startswith("ottt_ref")


def methods_of(kind):
    """The names of the public methods that a class has from the package."""
    found = []
    for name in dir(kind):
        owner = next(each for each in kind.__mro__ if name in vars(each)) if not name.startswith("_") else object
        value = inspect.getattr_static(kind, name) if is_ours(owner) else None
        if inspect.isfunction(value) or isinstance(value, classmethod | staticmethod):
            found.append(name)
    return found


def public_callables():
    """Every name of the door, `NAME.method` of the classes, and the pages."""
    found = {**DOOR, **RETURNED, "GradientSum": GradientSum}
    names = []
    for name, value in found.items():
        names.append(name)
        names += [f"{name}.{method}" for method in methods_of(value)] if inspect.isclass(value) else []
    return [*names, *(f"ot.plain.{page}.gradients" for page in ot.plain.__all__)]
