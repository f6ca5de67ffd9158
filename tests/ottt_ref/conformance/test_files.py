"""The cases as files: the same bytes every time, read back whole, and anything hostile refused by name."""

import hashlib
import io
import json
import os
import shutil
import zipfile
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import cli
from ottt_ref.conformance import checking, files, specifications
from ottt_ref.conformance.arrays import expected_of
from ottt_ref.conformance.specifications import MARGIN, SPECIFICATIONS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(exported):
    return exported


@pytest.fixture(scope="module")
def cases(folder):
    """As they are read back."""
    return files.load(folder)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_command_writes_the_same_bytes_again(folder, tmp_path, capsys):
    assert cli.main(["cases", "export", str(tmp_path / "new")]) == 0
    assert f"wrote {len(SPECIFICATIONS)} cases to " in capsys.readouterr().out
    assert digests(tmp_path / "new") == digests(folder)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 8_000_000  # small enough to ship


@pytest.mark.slow
def test_what_was_written_is_read_back(cases, by_name):
    assert [case.name for case in cases] == [specification.name for specification in SPECIFICATIONS]
    for case, made in zip(cases, by_name.values()):
        assert list(case.arrays) == list(made.arrays) and case.methods == made.methods and case.margin == made.margin
        for name, array in case.arrays.items():
            assert array.dtype == made.arrays[name].dtype and np.array_equal(array, made.arrays[name])
            assert not array.flags.writeable


@pytest.mark.slow
def test_every_array_is_described(cases):
    for case in cases:
        for name, described in case.entry["arrays"].items():
            assert set(described) == {"shape", "dtype", "unit", "meaning"} and described["meaning"], name


@pytest.mark.slow
def test_what_is_expected_is_what_the_library_computes(cases):
    for case in cases:
        network, data = case.network, (case.inputs.copy(), case.targets.copy(), case.loss)
        asked = {"weights": case.weights, "initial_state": case.initial_state, "time_steps": case.loss_time_steps}
        activity = ot.simulate(network, data[0], initial_state=case.initial_state)
        for l in network.spiking:
            assert np.array_equal(case.arrays[f"spikes/{l}"], activity.layer_outputs[l])
        for name, expected in case.gradients("ottt-authors").items():
            assert np.array_equal(ot.ottt.gradients(network, *data, dialect="authors", **asked)[name], expected)
        kept = ot.bptt.gradients(network, *data, reset_gradient="kept", **asked)
        assert all(np.array_equal(kept[name], value) for name, value in case.gradients("bptt-kept").items())


@pytest.mark.slow
def test_the_traces_and_errors_give_the_gradients(cases):
    """Σ_t g[t] â[t]^T of the arrays alone, for a dense case: what a backend's author would compute by hand."""
    case = next(case for case in cases if case.name == "dense")
    for l, name in enumerate(("layer0", "layer1", "readout")):
        errors, trace = case.arrays[f"error/ottt/{l}"], case.arrays[f"trace/{name}"]
        weight = sum(error.T @ row for error, row in zip(errors, trace))
        np.testing.assert_allclose(weight, case.gradients("ottt")[f"{name}.weight"], rtol=1e-12, atol=1e-15)
        bias = sum(errors[t].sum(axis=0) * case.arrays[f"constant_trace/{l}"][t] for t in range(len(errors)))
        np.testing.assert_allclose(bias, case.gradients("ottt")[f"{name}.bias"], rtol=1e-12, atol=1e-15)


@pytest.mark.slow
def test_online_parameters_follow_one_step_after_another(cases):
    case = next(case for case in cases if case.name == "dense-leaky-readout")
    first = case.gradients("ottt-online")["layer0.weight"]
    assert first.shape[0] == case.entry["time_steps"]
    assert not np.array_equal(first[0], first[-1])
    assert not np.array_equal(first, case.gradients("ottt-online-authors")["layer0.weight"])


@pytest.mark.slow
def test_the_cases_cover_what_backends_differ_in(cases):
    entries = [case.entry for case in cases]
    neurons = [layer["neuron"] for entry in entries for layer in entry["network"]["layers"]]
    spiking = [neuron for neuron in neurons if "reset" in neuron]
    assert {0.0, 0.5, 0.9, 1.0} <= {decay for neuron in spiking if not isinstance(decay := neuron["decay"], list)}
    assert {neuron["reset"] for neuron in spiking} == {"soft", "hard", "unleaked"}
    assert {neuron["surrogate"]["type"] for neuron in spiking} == {kind.__name__ for kind in ot.surrogate.ALL}
    assert {entry["loss"]["type"] for entry in entries} == {"Mixed", "CrossEntropy", "MeanSquaredError"}
    assert {1, 50} <= {entry["time_steps"] for entry in entries} and {1, 4} <= {
        entry["batch_size"] for entry in entries
    }
    assert {entry["dtype"] for entry in entries} == {"float64", "float32"}
    assert any(entry["network"]["feedback"] for entry in entries) and any(
        entry["network"]["skips"] for entry in entries
    )
    assert any(layer["recurrent"] for entry in entries for layer in entry["network"]["layers"])


@pytest.mark.slow
def test_no_spike_lies_where_rounding_could_flip_it(cases):
    for case in cases:
        if case.name == "at-threshold":
            assert case.margin == 0
            exact, floats = case.network.exact(), case.network.astype("float32")
            inputs = case.inputs.copy()
            spikes = ot.simulate(exact, ot.exact_array(inputs)).spikes
            singles = ot.simulate(floats, inputs.astype("float32")).spikes
            ties = sum(int((case.arrays[f"potential/{l}"] == 1).sum()) for l in range(2))
            assert ties > 10 and all(np.array_equal(a.astype(float), b) for a, b in zip(spikes, singles))
        else:
            assert case.margin >= MARGIN


@pytest.mark.slow
def test_a_margin_just_as_large_as_it_must_be_is_kept(monkeypatch):
    specification = next(each for each in SPECIFICATIONS if each.margin)
    drawn = specifications.draw(specification)
    monkeypatch.setattr(specifications, "MARGIN", drawn.margin)
    assert np.array_equal(specifications.draw(specification).inputs, drawn.inputs)


@pytest.mark.slow
def test_a_case_is_alive_if_no_gradient_of_its_rates_is_0(monkeypatch):
    drawn = specifications.draw(next(each for each in SPECIFICATIONS if each.alive and each.rates))
    gradients = dict.fromkeys(drawn.network.parameters, np.array([0.0, 1.0]))
    monkeypatch.setattr(specifications.spike_representation, "gradients", lambda *_: gradients)
    assert specifications.is_alive(drawn)
    gradients[next(iter(gradients))] = np.zeros(2)
    assert not specifications.is_alive(drawn)


def test_every_case_is_alive_unless_it_says_otherwise():
    for specification in SPECIFICATIONS:
        drawn = specifications.draw(specification)
        rates = [float(spikes.mean()) for spikes in ot.simulate(drawn.network, drawn.inputs).spikes]
        if specification.alive:
            assert specifications.is_alive(drawn), specification.name
    assert {s.name for s in SPECIFICATIONS if not s.alive} == {
        "silent",
        "saturated",
        "saturated-float32",
        "zero-weights",
    }
    assert rates  # of the last


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of the cases with one case alone, to be damaged."""
    path = tmp_path / "copy"
    path.mkdir()
    shutil.copy(folder / "dense.npz", path)
    manifest = json.loads((folder / files.MANIFEST).read_text(encoding="utf-8"))
    manifest["cases"] = manifest["cases"][:1]
    write(path, manifest)
    return path


def write(folder, manifest):
    (folder / files.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def rehash(folder, manifest, content):
    (folder / "dense.npz").write_bytes(content)
    manifest["cases"][0].update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def with_array(folder, manifest, name, change):
    arrays = dict(np.load(folder / "dense.npz"))
    arrays[name] = change(arrays[name])
    np.savez(folder / "other.npz", **arrays)
    rehash(folder, manifest, (folder / "other.npz").read_bytes())
    described = manifest["cases"][0]["arrays"][name]
    described.update(shape=list(arrays[name].shape), dtype=str(arrays[name].dtype))


def infinite(array):
    array = array.copy()
    array.flat[0] = np.inf
    return array


def bomb(folder, manifest):
    """Half a gigabyte of zeros in a few hundred kilobytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("inputs.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (2**26,)})
        for _ in range(2**9):
            member.write(bytes(2**20))
    rehash(folder, manifest, content.getvalue())


DAMAGES = {
    "another version": (lambda f, m: m.update(version=2), "must be of version 1"),
    "another format": (lambda f, m: m.update(format="zip"), "not a manifest"),
    "no cases": (lambda f, m: m.update(cases=[]), "must list its cases"),
    "two of one name": (lambda f, m: m.update(cases=m["cases"] * 2), "each differently"),
    "a wrong hash": (lambda f, m: m["cases"][0].update(sha256="0" * 64), "must have the SHA-256"),
    "a wrong size": (lambda f, m: m["cases"][0].update(bytes=5), "must have 5 bytes"),
    "a truncated file": (lambda f, m: (f / "dense.npz").write_bytes(b"PK"), "bytes, got 2"),
    "a truncated file with its hash": (
        lambda f, m: rehash(f, m, (f / "dense.npz").read_bytes()[:3000]), "damaged or truncated",
    ),
    "a path out of the folder": (lambda f, m: m["cases"][0].update(file="../dense.npz"), "of the folder itself"),
    "an absolute path": (lambda f, m: m["cases"][0].update(file="/etc/passwd"), "in a file of the folder itself"),
    "a missing file": (lambda f, m: m["cases"][0].update(file="other.npz"), "must be a file"),
    "a link": (
        lambda f, m: (os.rename(f / "dense.npz", f.parent / "d.npz"), os.symlink(f.parent / "d.npz", f / "dense.npz")),
        "and no link",
    ),
    "a missing array": (lambda f, m: m["cases"][0]["arrays"].pop("outputs"), "differ in the arrays ['outputs']"),
    "a huge declared shape": (
        lambda f, m: m["cases"][0]["arrays"]["inputs"].update(shape=[10**9, 10**9]), "array 'inputs' must be",
    ),
    "infinity": (lambda f, m: with_array(f, m, "inputs", infinite), "finite numbers"),
    "an object array": (lambda f, m: with_array(f, m, "inputs", lambda a: a.astype(object)), "pickled objects"),
    "inputs of another shape": (
        lambda f, m: with_array(f, m, "inputs", lambda a: a[:, :2]), "array 'inputs' must have the shape [6, 4, 6]",
    ),
    "a gradient of another shape": (
        lambda f, m: with_array(f, m, "gradient/ottt/layer0.bias", lambda a: a[:2]), "the gradients of ottt",
    ),
    "labels out of range": (lambda f, m: with_array(f, m, "targets", lambda a: a + 7), "labels in 0 .. 2"),
    "an unknown method": (lambda f, m: m["cases"][0].update(methods=["forward", "magic"]), "methods must be forward"),
    "no forward pass": (lambda f, m: m["cases"][0].update(methods=["ottt"]), "methods must be forward"),
    "a method twice": (lambda f, m: m["cases"][0]["methods"].append("ottt"), "methods must be forward"),
    "another dtype": (lambda f, m: m["cases"][0].update(dtype="float32"), "dtype must be one of 'float64'"),
    "a threshold that is no float": (
        lambda f, m: m["cases"][0]["network"]["layers"][0]["neuron"].update(threshold=10**400), "of 1329 bits",
    ),
    "a learning rate below 0": (lambda f, m: m["cases"][0]["online"].update(learning_rate=-1), "learning_rate must"),
    "fewer time steps of an error": (
        lambda f, m: with_array(f, m, "error/ottt/0", lambda a: a[:2]), "must have 6 time steps",
    ),
    "more bytes than a case may have": (lambda f, m: bomb(f, m), "at most 268435456 bytes"),
    "an unknown loss": (lambda f, m: m["cases"][0].update(loss={"type": "Magic"}), "loss must be one of"),
    "an unknown neuron": (
        lambda f, m: m["cases"][0]["network"]["layers"][0]["neuron"].update(type="os.system"), "neuron must be",
    ),
    "no network": (lambda f, m: m["cases"][0].pop("network"), "'network' is missing"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_refused_by_name(copy, damage):
    files.load(copy)
    manifest = json.loads((copy / files.MANIFEST).read_text(encoding="utf-8"))
    change, message = DAMAGES[damage]
    change(copy, manifest)
    write(copy, manifest)
    with pytest.raises(ValueError) as refused:
        files.load(copy)
    assert message in str(refused.value)


def test_a_manifest_of_just_as_many_bytes_as_it_may_have_is_read(monkeypatch, tmp_path):
    manifest = {"format": files.FORMAT, "version": files.VERSION, "cases": [{"name": "one"}]}
    write(tmp_path, manifest)
    path = tmp_path / files.MANIFEST
    monkeypatch.setattr(files, "LARGEST_MANIFEST", path.stat().st_size)
    assert files._read_manifest(path) == manifest
    monkeypatch.setattr(files, "LARGEST_MANIFEST", path.stat().st_size - 1)
    with pytest.raises(ValueError, match=r"must have at most \d+ bytes, got \d+$"):
        files._read_manifest(path)


@pytest.mark.parametrize("text", ["", "[", "[" * 100000, '{"format": NaN}', "\udcff"])
def test_a_manifest_that_is_no_json_is_refused(tmp_path, text):
    (tmp_path / files.MANIFEST).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"manifest\.json"):
        files.load(tmp_path)


def test_a_folder_without_a_manifest_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.load(tmp_path)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**64, -1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(tree, path=()):
    """The path to every value of a JSON tree."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def loaded_or_refused(folder):
    """Read the folder: it is whole, or the ValueError says what is wrong."""
    try:
        cases = files.load(folder)
    except ValueError as refused:
        assert files.MANIFEST in str(refused) or ".npz" in str(refused)
        return
    for case in cases:
        assert len(list(checking.check(echo, [case]))) == len(case.methods)


def echo(case, method):
    """A backend that hands back what is expected: whatever was read can be compared with itself."""
    return {each.name: each.values for each in expected_of(case, method)}


@contextmanager
def restored(folder):
    """The manifest's text and the file's content, which are written back in the end."""
    text, content = (folder / files.MANIFEST).read_text(encoding="utf-8"), (folder / "dense.npz").read_bytes()
    try:
        yield text, content
    finally:
        (folder / files.MANIFEST).write_text(text, encoding="utf-8")
        (folder / "dense.npz").write_bytes(content)


fuzzed = partial(settings, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.exhaustive
@fuzzed(max_examples=300)
@given(data=st.data())
def test_whatever_stands_anywhere_in_a_manifest_is_refused_or_harmless(copy, data):
    with restored(copy) as (text, _):
        manifest = json.loads(text)
        entry = manifest["cases"][0]
        without_arrays = {key: value for key, value in entry.items() if key != "arrays"}
        *above, last = data.draw(st.sampled_from(list(places(entry if data.draw(st.booleans()) else without_arrays))))
        tree = entry
        for key in above:
            tree = tree[key]
        if data.draw(st.booleans()):
            tree[last] = data.draw(anything)
        else:
            del tree[last]
        write(copy, manifest)
        loaded_or_refused(copy)


def with_content(folder, text, content):
    """The folder with another content of its file, whose hash the manifest has."""
    manifest = json.loads(text)
    rehash(folder, manifest, content)
    write(folder, manifest)


@pytest.mark.slow
@fuzzed(max_examples=200)
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8))
def test_whatever_bytes_stand_in_a_file_with_the_right_hash_are_refused_or_harmless(copy, changes):
    with restored(copy) as (text, original):
        content = bytearray(original)
        for place, byte in changes:
            content[int(place * len(content))] = byte
        with_content(copy, text, bytes(content))
        loaded_or_refused(copy)


@pytest.mark.slow
@fuzzed(max_examples=100)
@given(junk=st.binary(max_size=200), keep=st.floats(0, 1))
def test_truncated_and_continued_files_are_refused_or_harmless(copy, junk, keep):
    with restored(copy) as (text, original):
        with_content(copy, text, original[: int(keep * len(original))] + junk)
        loaded_or_refused(copy)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    assert cli.main(["cases", "export", str(tmp_path / "taken")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_an_unknown_case_is_refused():
    with pytest.raises(ValueError, match="case must be one of dense"):
        files.make_cases(["dense", "magic"])
