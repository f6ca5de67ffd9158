"""A config is checked whole before any work, and says what is wrong in one line."""

import pickle
import tomllib

import pytest

from experiments.training import config, keys
from experiments.training.config import ConfigError
from tests.pages import ROOT, blocks

pytestmark = pytest.mark.slow  # scikit-learn and matplotlib take their time to import

SMALL = {"data": {"set": "digits"}, "model": {"name": "dense"}, "training": {"epochs": 2}}
EVENTS = {"data": {"set": "event-digits"}, "model": {"name": "small_conv"}, "training": {"epochs": 2}}


def with_(tables=None, **changes):
    """SMALL with other values, written section__key."""
    result = {section: dict(table) for section, table in (tables or SMALL).items()}
    for name, value in changes.items():
        section, _, key = name.partition("__")
        result.setdefault(section, {})[key] = value
    return result


def test_what_is_not_given_has_its_default_and_what_does_not_apply_is_none():
    found = config.of(SMALL)
    assert found["training.time_steps"] == 6 and found["rule.name"] == "ottt-a" and found["loss.mse_weight"] == 0.05
    assert found["model.width"] is None and found["data.by"] is None and found["data.duration"] is None
    assert config.of(found.tables).values == found.values
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({**SMALL, "modle": {}}, "there is no section modle: is it model?"),
        ({**SMALL, "model": "dense"}, "model must be a table, [model], got 'dense'"),
        (with_(model__nmae="dense"), "there is no key model.nmae: is it model.name?"),
        (with_(training__learning_rate=0.1), "there is no key training.learning_rate: is it optimiser.learning_rate?"),
        (with_(training__zzz=0.1), "there is no key training.zzz (there are time_steps, epochs,"),
        (with_(data__set="cifar-10"), "got 'cifar-10': is it cifar10?"),
        (with_(data__set=3), "data.set must be one of digits, "),
        ({"data": {"set": "digits"}, "model": {"name": "dense"}}, "training.epochs must be given, a whole number of"),
        (with_(training__epochs=0), "training.epochs must be a whole number of at least 1, got 0"),
        (with_(training__epochs=True), "training.epochs must be a whole number of at least 1, got True"),
        (with_(training__epochs=2.0), "training.epochs must be a whole number of at least 1, got 2.0"),
        (with_(training__epochs=2**40), "training.epochs must be a whole number of at least 1, got 1099511627776"),
        (with_(training__seeds=[]), "training.seeds must be a list of whole numbers of at least 0, got []"),
        (with_(training__seeds=[0, -1]), "training.seeds must be a list of whole numbers of at least 0"),
        (with_(model__decay=1.5), "model.decay must be a number from 0 to 1, got 1.5"),
        (with_(model__threshold=float("nan")), "model.threshold must be a number above 0, got nan"),
        (with_(model__hidden=[4, 0]), "model.hidden must be a list of whole numbers of at least 1"),
        (with_(model__width=2.0), "model.width is for model.name small_conv or small_feedback or"),
        (with_(model__surrogate="sigmod"), "got 'sigmod': is it sigmoid?"),
        (with_(model__surrogate_settings={"alpha": "4"}), "model.surrogate_settings must be a table of numbers"),
        (with_(rule__name="otttt"), "or a rule of your own, MODULE:NAME, got 'otttt'"),
        (with_(rule__name="bptt", rule__dialect="authors"), "rule.dialect is for rule.name ottt-a or ottt-o, got rule"),
        (with_(loss__name="cross-entropy", loss__mse_weight=0.1), "loss.mse_weight is for loss.name mixed, got"),
        (with_(evaluation__splits=["tests"]), "evaluation.splits must be a list of train, validation, test"),
        (with_(evaluation__splits=["validation"]), "evaluation.splits has validation, and data.validation, its share"),
        (with_(data__mean=[0.5]), "data.mean and data.std must be given together, or neither"),
        (with_(data__mean=[0.5], data__std=[0.0]), "data.std must be a list of numbers above 0, got [0.0]"),
        (with_(data__by="time"), "data.by is for data.set "),
        (with_(data__cutout=0.5), "data.cutout is for data.augment crop, got data.augment 'none'"),
        (with_(data__augment="random-resized-crop"), "random-resized-crop is for data.set imagenet, got digits"),
        (with_(EVENTS, data__by="window"), "data.duration must be given with data.by window"),
        (with_(EVENTS, data__augment="crop", data__cutout=0.5), "data.cutout is for images, got data.set event-digits"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_key(tables, said):
    with pytest.raises(ConfigError) as raised:
        config.of(tables, "my.toml")
    message = str(raised.value)
    assert message.startswith("my.toml: ") and said in message and "\n" not in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[data", "must be a TOML file: "),
        (b"\xff\xfe", "must be a text in UTF-8"),
        (b"a = " + b"[" * 5000, "must be a TOML file: "),
        (b"#" * (2**20 + 1), "must be a config of at most 1048576 bytes"),
        (b"", "data.set must be given"),
    ],
)
def test_a_file_that_is_no_config_is_refused(tmp_path, content, said):
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"my\.toml") as raised:
        config.read(path)
    assert said in str(raised.value)


def test_a_name_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"cifar_10 must be a file, or one of .* is it cifar10"):
        config.named("cifar_10")


def test_values_can_be_changed_and_are_checked_anew():
    found = config.of(with_(rule__dialect="authors"), "my.toml")
    assert found.changed({"training.epochs": 7})["training.epochs"] == 7
    assert found.changed({"training.epochs": 7})["rule.dialect"] == "authors"
    other = found.changed({"rule.name": "bptt"})  # what does not apply any more is left out
    assert other["rule.dialect"] is None and other["rule.loss_of"] == "steps"
    with pytest.raises(ConfigError, match=r"my.toml: training.epochs must be"):
        found.changed({"training.epochs": 0})
    with pytest.raises(ConfigError, match=r"there is no key training.epoch: is it training.epochs"):
        found.changed({"training.epoch": 1})


def test_every_config_that_ships_is_a_right_one_and_says_what_is_ours():
    found = config.shipped()
    assert set(found) >= {"cifar10", "cifar100", "imagenet", "cifar10-dvs", "dvs-gesture", "digits", "mnist-5000"}
    for name, file in found.items():
        assert config.named(name)["data.set"] == name
        text = file.read_text(encoding="utf-8")
        assert text.startswith("# ") and "authors'" in text and "# ours" in text


def test_the_authors_settings_are_those_of_the_big_configs():
    for name in ("cifar10", "cifar100", "imagenet", "cifar10-dvs", "dvs-gesture"):
        found = config.named(name)
        theirs = {
            **{"model.decay": 0.5, "model.threshold": 1.0, "model.surrogate": "sigmoid"},
            **{"model.surrogate_settings": {"alpha": 4.0}, "loss.mse_weight": 0.05, "optimiser.learning_rate": 0.1},
            **{"optimiser.momentum": 0.9, "schedule.name": "cosine", "rule.name": "ottt-a"},
        }
        assert {key: found[key] for key in theirs} == theirs
    assert all(config.named(name)["training.time_steps"] == 6 for name in ("cifar10", "cifar100", "imagenet"))


def test_the_page_has_every_key():
    assert keys.table() in (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def test_the_config_of_the_page_is_a_right_one():
    (block,) = [block for block in blocks(ROOT / "docs" / "training.md") if block.language == "toml"]
    found = config.of(tomllib.loads(block.text))
    assert found["rule.name"] == "ottt-o" and found["data.validation"] == 0.25
