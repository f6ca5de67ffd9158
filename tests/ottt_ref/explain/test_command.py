"""`ottt-ref explain`: what it writes, and what it refuses, in one line that names the argument."""

import contextlib
import json
import os
from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.blackboard.description import EXAMPLE
from ottt_ref.cli import main
from ottt_ref.explain import data
from ottt_ref.explain.shown import Shown, plain
from proofs.museum import exhibit as museum


def data_of(path):
    content = path.read_text(encoding="utf-8")
    return json.loads(content.partition('id="data">')[2].partition("</script>")[0])["network"]


@pytest.mark.parametrize(
    "words, fault",
    [
        ("", "argument --html: must be given, or --live, got neither"),
        ("--html page.html --live", "argument --html: must be given, or --live, got both"),
        ("--html page.html --port 80", "argument --port: must be given with --live alone"),
        ("--live --port 65536", "argument --port: must be a port, 0 .. 65535, got '65536'"),
        ("--live --port -1", "argument --port: must be a port, 0 .. 65535, got '-1'"),
        (f"--live --port {'9' * 5000}", f"argument --port: must be a port, 0 .. 65535, got '{'9' * 40}'"),
        ("--html page.html --exhibit hard-rest", "two-to-choose-between, got 'hard-rest': is it 'hard-reset'?"),
        ("--html page.html --exhibit ../../../setup", "argument --exhibit: must be one of authors-dialect"),
        ("--html page.html --exhibit hard-reset --network net.json", "argument --exhibit: must not be given together"),
        ("--live --exhibit detached-derivative", "network must have no soft spikes"),
        ("--html page.html --inputs x.npz", "argument --inputs: must be given with --network alone"),
        ("--html nowhere/page.html", "argument --html: must name a file in a folder that can be written"),
        ("--html page.html --network nothing.json", "nothing.json"),
    ],
)
def test_what_cannot_be_carried_out_is_one_line(words, fault, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["explain", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("ottt-ref: error: ") and err.count("\n") == 1
    assert fault in err and not (tmp_path / "page.html").exists()


@pytest.mark.slow
def test_a_network_of_ones_own_in_json_or_npz(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "LARGEST_GRID", 1)  # so that sliders are left out, which take time
    (tmp_path / "net.json").write_text(EXAMPLE)
    network = ot.dense_network([2, 2, 2], rng=1)
    network.save("net.npz")
    np.savez("x.npz", inputs=np.ones((4, 1, 2)), targets=np.array([1]))
    assert main(["explain", "--html", "a.html", "--network", "net.json"]) == 0
    assert main(["explain", "--html", "b.html", "--network", "net.npz", "--inputs", "x.npz"]) == 0
    out, err = capsys.readouterr()
    assert [line.split(": ")[0] for line in out.splitlines()] == ["a.html", "b.html"] and err == ""
    exact, floats = data_of(tmp_path / "a.html"), data_of(tmp_path / "b.html")
    assert exact["exact"] and not floats["exact"] and "net.npz" in floats["heading"]
    (config,) = floats["configs"]
    assert [len(slider["values"]) for slider in floats["sliders"]] == [1, 1, 1]
    gradients = ot.ottt.gradients(network, np.ones((4, 1, 2)), np.array([1]))
    expected = [value for array in gradients.values() for value in array.ravel()]
    np.testing.assert_allclose(config["gradients"]["ottt"], expected, rtol=1e-12)
    for w, weight in enumerate(floats["weights"]):
        for method in floats["methods"]:
            pairs = zip(config["contributions"][w], weight["groups"])
            total = sum(value for value, group in pairs if method["name"] in group["methods"])
            # the sum of some hundred products, rounded one by one
            assert total == pytest.approx(config["gradients"][method["name"]][w], rel=1e-10, abs=1e-14)


@pytest.mark.slow
def test_every_exhibit_of_the_museum_has_its_page_with_its_numbers(tmp_path, monkeypatch):
    for exhibit in museum.load_all():
        shown = Shown(exhibit.network, exhibit.input_array, museum.exact([exhibit.targets]), soft=exhibit.soft)
        made = data.page_data(shown, grid="none")
        (config,) = made["configs"]
        w = next(k for k, each in enumerate(made["weights"]) if each["parameter"] == exhibit.parameter)
        for name, value in zip((exhibit.left, exhibit.right), exhibit.values):
            assert name not in config["gradients"] or Fraction(config["gradients"][name][w]) == value, exhibit.name
        for method in made["methods"]:
            pairs = zip(config["contributions"][w], made["weights"][w]["groups"])
            total = sum(Fraction(value) for value, group in pairs if method["name"] in group["methods"])
            assert total == Fraction(config["gradients"][method["name"]][w]), (exhibit.name, method["name"])
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "--html", "page.html", "--exhibit", "sltt-ottt-apart"]) == 0
    assert "points away from OTTT" in data_of(tmp_path / "page.html")["heading"]


def test_a_file_that_is_read_is_not_written_over(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = json.dumps({"weights": [[[1]]], "inputs": [[1]], "targets": [1]})
    (tmp_path / "net.json").write_text(text)
    assert main(["explain", "--html", "./net.json", "--network", "net.json"]) == 2
    assert "argument --html: must not be a file that is read" in capsys.readouterr().err
    assert (tmp_path / "net.json").read_text() == text


def test_a_link_that_leads_to_itself_is_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with contextlib.suppress(SystemExit):
        assert main(["explain", "--html", "loop"]) == 2
    assert "argument --html: must name a file" in capsys.readouterr().err


def test_numbers_beyond_floats_are_refused():
    with pytest.raises(ValueError, match="must stay below 1e308"):
        plain(Fraction(10**400, 3**300) ** 3, True)


def test_file_names_need_not_be_unicode(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "LARGEST_GRID", 1)
    text = json.dumps({"weights": [[[1]]], "readout": "spiking", "inputs": [[1]], "targets": [1]})
    name = os.fsdecode(b"\xff.json")
    (tmp_path / name).write_text(text)
    assert main(["explain", "--html", os.fsdecode(b"\xfe.html"), "--network", name]) == 0
    assert data_of(tmp_path / os.fsdecode(b"\xfe.html"))["heading"].startswith("?.json: 1 input, ")
