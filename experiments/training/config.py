"""A config: a TOML file, or tables of it, checked whole before any work."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from ottt_ref.validation import shown

from .keys import BY_NAME, KEYS, REQUIRED, SECTIONS

LARGEST = 2**20  # bytes of a file


class ConfigError(ValueError):
    """A config that says something wrong; the message names the file and the key."""


@dataclass(frozen=True)
class Config:
    """What a training is to be: every key's value by its name; None where it has none.

    source  what it is called in messages: the file

    `config["training.epochs"]` is one of them.
    """

    values: Mapping[str, Any]
    source: str = "config"

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def changed(self, values: Mapping[str, Any]) -> "Config":
        """The config with other values by key, checked anew."""
        mine = {name: value for name, value in self.values.items() if applies(BY_NAME[name], self.values)}
        unknown = [name for name in values if name not in BY_NAME]
        if unknown:
            raise ConfigError(_unknown(self.source, unknown[0], BY_NAME))
        merged = {**mine, **values}
        return _checked(
            {name: value for name, value in merged.items() if name in values or applies(BY_NAME[name], merged)},
            self.source,
        )

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """The values by section and key, but for those that do not apply."""
        result: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for name, value in self.values.items():
            if value is not None:
                section, _, key = name.partition(".")
                result[section][key] = value
        return result


def of(tables: Mapping[str, Any], source: str = "config") -> Config:
    """A config of tables by section, as tomllib reads them; ConfigError for what is wrong.

    >>> config = of({"data": {"set": "digits"}, "model": {"name": "dense"}, "training": {"epochs": 2}})
    >>> config["training.time_steps"], config["model.hidden"]
    (6, [128])
    """
    values = {}
    for section, table in tables.items():
        if section not in SECTIONS:
            raise ConfigError(_unknown(source, section, SECTIONS, "section"))
        if not isinstance(table, Mapping):
            raise ConfigError(f"{source}: {section} must be a table, [{section}], got {shown(table)}")
        for key, value in table.items():
            name = f"{section}.{key}"
            if name not in BY_NAME:
                raise ConfigError(_unknown(source, name, BY_NAME))
            values[name] = value
    return _checked(values, source)


def read(path) -> Config:
    """A config from a TOML file; ConfigError for what is wrong with it, OSError where it cannot be read."""
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ConfigError(f"{path} must be a config of at most {LARGEST} bytes, and is longer")
    return _parsed(content, str(path))


def shipped() -> dict[str, Any]:
    """The configs that come with the package, by name."""
    folder = files(__package__) / "configs"
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
    return {each.name.removesuffix(".toml"): each for each in found}


def named(text: str) -> Config:
    """The config of a file, or one that comes with the package, by its name."""
    known = shipped()
    if text in known:
        return _parsed(known[text].read_bytes(), text)
    if Path(text).exists():
        return read(text)
    near = get_close_matches(text, known, n=1)
    raise ConfigError(
        f"{text} must be a file, or one of {', '.join(known)}, and is neither{f': is it {near[0]}?' if near else ''}"
    )


def applies(key, values) -> bool:
    """Whether a key means anything beside these values."""
    if key.only is None:
        return True
    other, words = key.only
    return values.get(other, BY_NAME[other].default) in words and applies(BY_NAME[other], values)


def _parsed(content, source):
    try:
        tables = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise ConfigError(f"{source} must be a text in UTF-8, and is not") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigError(f"{source} must be a TOML file: {error or 'it is nested too deeply'}") from None
    return of(tables, source)


def _unknown(source, name, known, what="key"):
    """What is said of a section or a key that there is not, with the one that may have been meant."""
    section, _, word = name.rpartition(".")
    there = [each.rpartition(".")[2] for each in known if each.rpartition(".")[0] == section] or list(SECTIONS)
    near = [f"{section}.{each}".lstrip(".") for each in get_close_matches(word, there, n=1)]
    if not near:  # the right key in another section
        near = [each for each in known if "." in each and each.rpartition(".")[2] == word]
    advice = f": is it {near[0]}?" if near else f" (there are {', '.join(there)})"
    return f"{source}: there is no {what} {name}{advice}"


def _checked(values, source):
    """Values by key, each taken by its kind, with the defaults of the others."""
    taken: dict[str, Any] = {}
    for key in KEYS:
        if key.name in values and not (values[key.name] is None and key.default is None):
            taken[key.name] = _taken(key, values[key.name], source)
        elif key.default is REQUIRED:
            raise ConfigError(f"{source}: {key.name} must be given, {key.kind.words}")
    for key in KEYS:
        if applies(key, taken):
            taken.setdefault(key.name, key.default)
        elif key.name in taken:
            other, words = key.only
            got = taken.get(other, BY_NAME[other].default)
            raise ConfigError(f"{source}: {key.name} is for {other} {' or '.join(words)}, got {other} {shown(got)}")
    values = {key.name: taken.get(key.name) for key in KEYS}
    _check_together(values, source)
    return Config(values, source)


def _taken(key, value, source):
    try:
        return key.kind.take(value)
    except (ValueError, TypeError):
        near = get_close_matches(value, key.kind.names, n=1) if isinstance(value, str) else []
        advice = f": is it {near[0]}?" if near else ""
        raise ConfigError(f"{source}: {key.name} must be {key.kind.words}, got {shown(value)}{advice}") from None


def _check_together(values, source):
    """What two keys say together."""
    if (values["data.mean"] is None) != (values["data.std"] is None):
        raise ConfigError(f"{source}: data.mean and data.std must be given together, or neither")
    if values["data.by"] == "window" and values["data.duration"] is None:
        raise ConfigError(f"{source}: data.duration must be given with data.by window")
    if "validation" in values["evaluation.splits"] and not values["data.validation"]:
        raise ConfigError(f"{source}: evaluation.splits has validation, and data.validation, its share, is 0")
    if values["data.augment"] == "random-resized-crop" and values["data.set"] != "imagenet":
        raise ConfigError(
            f"{source}: data.augment random-resized-crop is for data.set imagenet, got {values['data.set']}"
        )
    events = values["data.by"] is not None
    if events and values["data.cutout"]:
        raise ConfigError(f"{source}: data.cutout is for images, got data.set {values['data.set']}")
    if values["data.augment"] != "none" and events and values["data.side"] is None and "camera" not in _kinds(values):
        raise ConfigError(f"{source}: data.augment is for images and cameras, got data.set {values['data.set']}")


def _kinds(values):
    from .keys import CAMERAS

    return ("camera",) if values["data.set"] in CAMERAS else ()
