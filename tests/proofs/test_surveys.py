"""Surveys count what is certain alone. On digits everything is: here some images are not."""

import numpy as np
import pytest

import ottt_ref as ot
from proofs import surveys
from proofs.certified import Signs
from proofs.number_systems.balls import Balls


@pytest.fixture
def cell(monkeypatch):
    """A cell of four images: of the last two spikes are not decided, and of the second the sign is not."""
    certain = Signs(
        products=Balls(np.array([1.0, 1.0, 1.0, -1.0]), np.array([0.1, 2.0, 0.1, 0.1])),
        decided=np.array([True, True, False, False]),
        along=np.array([True, True, True, True]),
    )
    monkeypatch.setattr(surveys, "signs", lambda *data: certain)
    network = ot.dense_network([3, 4, 2], decay=0.9, rng=0)
    inputs = np.random.default_rng(0).random((3, 4, 3))
    inputs[:, 0] = 0  # no trace: OTTT's gradient of the first image vanishes, and there is no cosine
    return surveys._cell("D1", network, 0.9, 1, False, inputs, np.array([0, 1, 0, 1]))


def test_what_is_not_decided_is_not_counted(cell):
    assert (cell.samples, cell.undecided) == (4, 3)
    assert (cell.hypothesis, cell.positive) == (0.5, 0.25)


def test_where_a_gradient_vanishes_there_is_no_cosine(cell):
    network = ot.dense_network([3, 4, 2], decay=0.9, rng=0)
    inputs = np.random.default_rng(0).random((3, 4, 3))
    whole = surveys.layer_errors(network, inputs, np.array([0, 1, 0, 1]), ot.losses.Mixed())[0].cosines()
    known = [value for value in whole[1:] if np.isfinite(value)]
    assert known and cell.cosine == pytest.approx(np.mean(known), abs=1e-12)


def test_the_line_says_how_many_are_certain(cell):
    said = surveys.certainty([cell, cell])
    assert "in 2 of 8 cases; the certificates" in said and said.endswith("in floats and not enclosed")
