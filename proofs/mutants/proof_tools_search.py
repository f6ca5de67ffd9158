"""Faults in the search, the verdicts, the surveys and the museum; the tests of each must kill them."""

from .mutant import of_proofs

SEARCH = (
    *of_proofs(
        "search.py",
        ("test_search.py", "test_corners.py"),
        (
            "a claim that nothing exercises holds",
            "failure is None and 2 * live < wanted",
            "failure is None and live < 0",
        ),
        ("an identity that is none passes", "failure=failure or unproved or failed", "failure=failure or failed"),
        ("a counterexample that falls passes", "failure=failure or unproved or failed", "failure=failure or unproved"),
        ("cases that exercise nothing count", "assume(finding.live)", "assume(True)"),
        (
            "cases that do not count are certified",
            "sum(bool(finding.live and finding.certified)",
            "sum(bool(finding.certified)",
        ),
        ("corners are left out", "if self.claim.corners else ()", "if not self.claim.corners else ()"),
        ("cases of corners are not drawn in them", "with drawing_in(corner):", "with drawing_in(None):"),
        ("the worst slack is the least", "slack=claim.worst(slacks)", "slack=min(slacks)"),
        ("an error of the search is no failure", 'self.failure = f"the search stopped with {stopped(error)}"', "pass"),
    ),
    *of_proofs(
        "corners.py",
        "test_corners.py",
        ("λ = 1 in every corner", "(0, 1) if self.forgets else (1, 0)", "(1, 0)"),
        ("three time steps for two", "low if self.fewest_steps else low + 1", "low if self.fewest_steps else low + 2"),
        ("one sample in every corner", "low if self.one_sample else low + 1", "low"),
        ("one neuron in every corner", "low if self.one_neuron else low + 1", "low"),
        ("corners beyond the hypotheses", "(min(number, high),) * 2", "(number,) * 2"),
        ("corners take every case", "share = cases // SHARE", "share = cases"),
        ("drawing in a corner never ends", "        _HERE.reset(token)\n", "        pass\n"),
    ),
    *of_proofs(
        "cases.py",
        ("test_corners.py", "test_cases.py"),
        (
            "neurons of corners differ",
            "return matrix(draw, 1, columns, elements) * rows",
            "return matrix(draw, rows, columns, elements)",
        ),
        (
            "one layer that fires is enough",
            "all(np.any(spikes == 1) for spikes in activity.spikes) and",
            "any(np.any(spikes == 1) for spikes in activity.spikes) and",
        ),
        ("a network that always fires is live", "np.any(spikes == 0) for spikes", "True for spikes"),
        (
            "a leaky readout forgets",
            'neuron.decay if self.readout == "leaky" else neuron.decay * 0',
            "neuron.decay * 0",
        ),
        ("the floats' surrogate is that of the fractions", ", surrogate=self.surrogate)", ")"),
    ),
    *of_proofs(
        "equality.py",
        "test_equality.py",
        ("public functions are not compared", "if left.public and right.public:", "if False:"),
        (
            "algebra is not compared with the public function",
            "        require_equal(rights, right.public(*arguments), names)\n",
            "",
        ),
        ("gradients of zeros are live", " and any(np.any(rights[name] != 0) for name in names)", ""),
        ("NaN is near enough", "if not difference <= allowed:", "if difference > allowed:"),
        (
            "the rounding of the left side alone",
            "for side in (left_magnitude, right_magnitude))",
            "for side in (left_magnitude,))",
        ),
        ("the slack of the last number", "worst = max(worst, difference / allowed)", "worst = difference / allowed"),
        (
            "exact sides need not be equal",
            "differs = lefts[name] != rights[name]",
            "differs = abs(lefts[name] - rights[name]) > 1e-9",
        ),
    ),
    *of_proofs(
        "induction.py",
        (
            "test_induction.py::test_an_axiom_is_a_failure",
            "test_induction.py::test_silence_is_a_failure",
            "test_induction.py::test_a_compiler_that_fails_fails_the_first_file",
        ),
        (
            "an axiom is no failure",
            "elif not asked or closed != asked or len(process.stdout.splitlines()) != asked:",
            "elif not asked:",
        ),
        (
            "an error of the compiler is no failure",
            "    if process.returncode:\n        failure",
            "    if False:\n        failure",
        ),
        ("it goes on after a failure", "            if proofs[-1].failure:\n                break\n", ""),
    ),
    *of_proofs(
        "verdict.py",
        "test_verdict.py",
        ("proved without having been checked", "whole and proof is not None and proof.failure is None", "whole"),
        (
            "proved by a proof that fails",
            "whole and proof is not None and proof.failure is None",
            "whole and proof is not None",
        ),
        (
            "proved by a proof of a part",
            "result.name in induction.PROVED and result.name not in induction.IN_PART",
            "result.name in induction.PROVED",
        ),
        (
            "the risk of one identity for that of all",
            "min(1.0, sum(certificate.failure for certificate in certificates))",
            "max(certificate.failure for certificate in certificates)",
        ),
        ("certified where one case is", "if result.certified == result.cases:", "if result.certified:"),
        ("called by the weakest ground", "Verdict(named[0][0],", "Verdict(named[-1][0],"),
        ("what was refuted keeps its grounds", "if not result.holds:", "if result.cases == 0:"),
        (
            "an identity is enough to stand on more than cases",
            "claim.name not in induction.PROVED and not claim.identities",
            "not claim.identities",
        ),
    ),
    *of_proofs(
        "report.py",
        "test_verdict.py",
        ("the file says that everything holds", '"holds": decided.holds,', '"holds": True,'),
        (
            "the file's verdict is made without Coq",
            "verdict.decide(result, proof)",
            "verdict.decide(result)",
        ),
    ),
    *of_proofs(
        "thorough.py",
        (
            "test_thorough.py::test_rounds_are_merged",
            "test_thorough.py::test_other_settings_and_other_files_are_refused",
        ),
        (
            "what a later round refutes is forgotten",
            "next((result.failure for result in results if result.failure), None)",
            "results[0].failure",
        ),
        ("the cases of the last round", "cases=sum(result.cases for result in results)", "cases=results[-1].cases"),
        (
            "the certified cases of the last round",
            "certified=sum(result.certified for result in results)",
            "certified=results[-1].certified",
        ),
        ("the largest slack is the worst", ".worst(worst) if worst", ".worst([max(worst)]) if worst"),
        ("progress of other settings goes on", 'if content["settings"] != settings:', "if False:"),
    ),
    *of_proofs(
        "surveys.py",
        "test_surveys.py",
        (
            "a hypothesis holds where nothing is decided",
            "np.mean(certain.decided & certain.along)",
            "np.mean(certain.along)",
        ),
        (
            "a sign is positive where nothing is decided",
            "np.mean(certain.positive)",
            "np.mean(certain.products.positive())",
        ),
        ("nothing is undecided", "undecided=int(certain.undecided.sum())", "undecided=0"),
        ("undecided images are certain", "in {images - undecided} of", "in {images} of"),
        ("a cosine of nothing counts", "cosines[np.isfinite(cosines)]", "np.nan_to_num(cosines)"),
    ),
    *of_proofs(
        "museum/exhibit.py",
        (
            "museum/test_museum.py::test_an_exhibit_that_says_something_else_falls",
            "museum/test_museum.py::test_relations_mean_what_they_say",
        ),
        ("what is stored need not come out", "if got != self.values:", "if False:"),
        ("the relation need not hold", "if not self.related(got):", "if False:"),
        ("gradients of zero point apart", "left * right < 0", "left * right <= 0"),
        ("the second may vanish as well", "left == 0 != right", "left == 0"),
    ),
    *of_proofs(
        "museum/hunts.py",
        (
            "museum/test_museum.py::test_hunts_go_from_the_smallest_numbers_on",
            "museum/test_museum.py::test_a_hunt_without_prey_says_so",
        ),
        ("hunts go from the largest numbers on", "    found.sort()\n", "    found.sort(reverse=True)\n"),
        ("a hunt takes what it does not look for", "if candidate.related(values):", "if True:"),
    ),
    *of_proofs(
        "museum/hall.py",
        "museum/test_museum.py::test_a_fallen_exhibit_is_named",
        ("an exhibit that falls is not named", "            fallen.append(exhibit.name)\n", ""),
    ),
    *of_proofs(
        "power.py",
        "test_power.py",
        ("a check that stops has found the fault", "if result.holds or stopped else", "if result.holds else"),
        ("the wrong algorithm stays", "        setattr(variant.owner, variant.name, right)\n", "        pass\n"),
    ),
)
