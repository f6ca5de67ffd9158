"""The survey of power: what the cases of a claim find when the algorithm is wrong, and when it is not."""

import io

import pytest
from rich.console import Console

from ottt_ref.network import neurons
from proofs import __main__, command, power
from proofs.claims import BY_NAME

from . import wrong_variants
from .wrong_variants import WRONG_VARIANTS, WrongVariant


def index_of(claim):
    return next(k for k, variant in enumerate(WRONG_VARIANTS) if variant.claim == claim)


def test_a_wrong_variant_is_found_and_taken_back():
    right = neurons.integrate
    measured = power.measure(index_of("R2"), 200, (0, 1))
    assert (measured.claim, measured.fault, measured.cases) == ("R2", "no reset", 200)
    assert measured.times == 2 and all(1 <= found <= 200 for found in measured.found)
    assert neurons.integrate is right


def test_what_is_right_is_not_found(monkeypatch):
    harmless = WrongVariant("R2", "nothing", neurons, "integrate", neurons.integrate)
    monkeypatch.setattr(wrong_variants, "WRONG_VARIANTS", [harmless])
    measured = power.measure(0, 10, (0, 1))
    assert measured.found == (None, None) and measured.times == 0
    assert power.missed([measured]) == "R2: 'nothing' was found in 0 of 2 seeds"


def test_a_check_that_stops_has_found_nothing(monkeypatch):
    def stop(*arguments):
        raise OverflowError("too large")

    monkeypatch.setattr(wrong_variants, "WRONG_VARIANTS", [WrongVariant("R2", "stops", neurons, "integrate", stop)])
    assert power.measure(0, 10, (0,)).found == (None,)


def test_every_claim_on_cases_alone_has_wrong_variants():
    names = {claim.name for claim in power.claims_on_cases_alone()}  # which they are: test_verdict.py
    assert "R2" in names and "E1" not in names
    assert names <= {variant.claim for variant in WRONG_VARIANTS}


def test_the_command_shows_the_power_of_each_claim(monkeypatch, capsys):
    powers = [
        power.Power("R2", "no reset", 200, (3, 5)),
        power.Power("R2", "silent", 200, (None, 9)),
        power.Power("D0", "sign", 200, (1, 1)),
    ]
    asked = []
    monkeypatch.setattr(power, "measure_all", lambda claims, *rest: asked.append((claims, rest[:3])) or powers)
    assert __main__.main(["--power", "--claim", "R2", "E1", "--workers", "1"]) == 0
    assert asked == [([BY_NAME["R2"]], (command.PROFILES["default"].cases, 0, 1))]
    out = capsys.readouterr().out
    assert "R2: 'silent' was found in 1 of 2 seeds" in out and "3 of 4" in out and "5, 9" in out
    powers[1] = power.Power("R2", "silent", 200, (None, None))
    assert __main__.main(["--power"]) == 1
    assert __main__.main(["--power", "--claim", "E1"]) == 2
    assert "none stands on cases alone" in capsys.readouterr().err


@pytest.mark.slow
def test_workers_measure_every_variant_of_a_claim(monkeypatch):
    monkeypatch.setattr(power, "SEEDS", 1)
    powers = power.measure_all([BY_NAME["R2"]], 200, 3, 1, Console(file=io.StringIO()))
    assert [each.fault for each in powers] == ["no reset", "reset not leaked", "silent at threshold"]
    assert all(each.times == 1 for each in powers)
    assert power.missed(powers) == ""
