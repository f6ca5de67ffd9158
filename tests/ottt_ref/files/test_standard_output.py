"""A command may write its file to standard output; what it says then goes elsewhere."""

import os
import sys

import pytest

import ottt_ref as ot
from ottt_ref import cli


@pytest.mark.parametrize("name", ["/dev/fd/{}", "link"])
def test_what_a_command_says_is_not_in_the_file_that_it_writes_to_standard_output(name, tmp_path, monkeypatch, capsys):
    reading, writing = os.pipe()
    name = name.format(writing)
    if name == "link":
        name = str(tmp_path / "link")
        os.symlink(f"/dev/fd/{writing}", name)
    with open(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["network", "--sizes", "2", "3", "1", "--seed", "0", "--output", name]) == 0
    monkeypatch.undo()
    with open(reading, "rb") as file:
        written = file.read()
    assert capsys.readouterr().err.startswith(f"wrote {name}: Network([2, 3, 1]")
    path = tmp_path / "net.npz"
    path.write_bytes(written)
    other = tmp_path / "other.npz"
    ot.dense_network([2, 3, 1], rng=0).save(other)
    assert path.read_bytes() == other.read_bytes()


def test_a_file_that_is_not_standard_output_is_spoken_of_there(tmp_path, capsys):
    assert cli.main(["network", "--sizes", "2", "3", "1", "--output", str(tmp_path / "net.npz")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("wrote ") and err == ""
