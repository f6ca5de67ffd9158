"""The lessons run, what they say in numbers holds, and their exercises take right answers and refuse wrong ones."""

import re
import sys
from fractions import Fraction

import pytest

from experiments import __main__ as program
from experiments.figures import style
from experiments.lessons import exercises as package
from experiments.lessons.captions import CAPTIONS
from experiments.lessons.command import NAMES
from ottt_ref import methods
from proofs.claims import BY_NAME

FOLDER = package.HERE
WRONG = {
    "1_lif_neuron": {
        "exercise_1": [Fraction(1, 4), Fraction(1, 2)],
        "exercise_2": [[0.5] * 5, [0.75] * 6, [0.4] * 6, [2, 0, 0, 0, 0, 0]],
    },
    "2_surrogate_gradients_and_bptt": {
        "exercise_1": [1, 0.75],
        "exercise_2": [(Fraction(9, 4), Fraction(9, 4)), (2, 2)],
    },
    "3_from_bptt_to_ottt": {
        "exercise_1": [(10, 35), (256, 16)],
        "exercise_2": [[0, 0, 0], [1, 1, 1], [0, 0, 2], [1, 1]],
        "exercise_3": [lambda g, x: sum(g) * sum(x), lambda g, x: 0],
    },
    "4_three_factors": {
        "exercise_1": [Fraction(3, 8), -Fraction(3, 16), 0],
        "exercise_2": [(50, 5000), (5000, 100)],
        "exercise_3": [lambda w, g: [sum(row) for row in w], lambda w, g: [0, 0, 0]],
    },
    "5_spike_representation": {"exercise_1": [1, Fraction(14, 11)], "exercise_2": [0, Fraction(1, 2), 3]},
    "6_counterexamples": {
        "exercise_1": [1, 2, -1],
        "exercise_2": [(1, 1), (Fraction(3, 4), Fraction(1, 2))],
        "exercise_3": [1, Fraction(1, 2)],
    },
    "7_your_own_rule": {"exercise_1": [], "exercise_2": [methods.Rule]},
}


# What the text says, so that nobody has to predict it: cells that print these.
TOLD = ("by changing w", "reset kept", "the answer's layer")


def cells_of(name):
    """The cells of a lesson; those of text begin with " [markdown]"."""
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8").split("# %%")[1:]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to run in, from where the lessons' own modules can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(FOLDER)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_solutions_are_right_and_wrong_answers_are_not(name, folder, capsys):
    from exercises import lesson

    asked = {each: value for each, value in vars(lesson(name)).items() if getattr(value, "is_exercise", False)}
    assert len(asked) >= 2 and set(WRONG[name]) == set(asked)
    package.run(FOLDER / "solutions" / f"{name}.py")
    assert capsys.readouterr().out.splitlines() == [f"{each}: right" for each in asked]
    wrong = WRONG[name]
    if name.startswith("7"):
        wrong = {"exercise_1": [lesson(name).Trace], "exercise_2": [methods.Rule, lesson(name).Trace]}
    for each, answers in wrong.items():
        assert [asked[each](answer) for answer in answers] == [False] * len(answers) != [], each
    assert all(line.startswith("exercise_") and "not yet." in line for line in capsys.readouterr().out.splitlines())


@pytest.mark.slow
def test_the_command_runs_a_lesson_and_writes_its_pictures(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert program.main(["lessons", "--lesson", NAMES[1], "--solutions", "--output", "out"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "detached: 21/16  kept: 63/64" in lines
    assert [lines.count(f"exercise_{k}: right") for k in (1, 2)] == [1, 1]
    drawn = [f"2-{name}.{kind}" for name in ("network", "surrogate") for kind in ("png", "svg")]  # lesson 1's are not
    assert sorted(path.name for path in (folder / "out" / "lessons").iterdir()) == drawn
    text = (folder / "out" / "lessons" / "2-network.svg").read_text(encoding="utf-8")
    assert style.LICENCE in text and CAPTIONS["2-network"][1] in text
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", text)) <= set(style.DARK)  # of the one style


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_starts_from_a_picture_of_a_tiny_network_and_predicts_before_it_computes(name):
    cells = cells_of(name)
    assert re.search(r"^pictures\.show\(pictures\.(network|paths)\(", cells[1], re.MULTILINE)
    assert not re.search(r"\b(print|assert)\b", cells[1])  # nothing is known yet
    asked = False
    for cell in cells:
        if cell.startswith(" [markdown]"):
            asked = "**Predict**" in cell or "**By hand**" in cell
        elif "print(" in cell:
            assert asked or any(words in cell for words in TOLD), cell


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_short_and_begins_and_ends_as_all_do(name):
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    cells = text.split("# %%")[1:]
    assert text.startswith("# %% [markdown]\n# # " + name[0] + ". ") and len(text.splitlines()) < 150
    assert "assert " in text
    assert "# ## Exercises" in cells[-2] and "(...)" in cells[-1]
    assert (FOLDER / "solutions" / f"{name}.py").exists()


def test_an_exercise_says_whether_an_answer_is_right(capsys):
    @package.exercise
    def exercise_9(answer):
        if answer != 7:  # an assertion would be pytest's here, with more words
            raise AssertionError(f"{answer} is too small.")

    assert [exercise_9(...), exercise_9(6), exercise_9(7)] == [None, False, True]
    assert capsys.readouterr().out.splitlines() == [
        "exercise_9: put your answer in the place of the dots",
        "exercise_9: not yet. 6 is too small.",
        "exercise_9: right",
    ]
    broken = package.exercise(lambda answer: answer.missing)
    with pytest.raises(AttributeError):
        broken(7)


def test_every_picture_has_a_title_and_a_caption_whose_sources_exist():
    shown = [name for lesson in NAMES for name in re.findall(r'"(\d-\w+)"\)$', "".join(cells_of(lesson)), re.MULTILINE)]
    assert shown == list(CAPTIONS)
    for name, (title, caption) in CAPTIONS.items():
        sources = caption.split(" Sources: ")[1]
        assert title and sources and set(re.findall(r"\b[A-Z]\d\b", sources)) <= set(BY_NAME), name


@pytest.mark.slow
def test_a_picture_in_a_notebook_has_its_caption_and_words_for_those_who_do_not_see_it(folder):
    from pictures import Picture, curves

    shown = Picture(
        curves({"a line": ([0, 1], [0, 1])}, "x", "y"), 'A "line"', "It rises. Sources: none."
    )._repr_html_()
    assert shown.startswith('<figure><img class="lesson" alt="A &quot;line&quot;" src="data:image/svg+xml;base64,')
    assert shown.endswith("<figcaption><p>It rises. Sources: none.</p></figcaption></figure>")
