"""Faults in the conformance kit: in what it compares, in what it says of a difference, and in what it counts.

A kit with such a fault passes a wrong backend, or sends the author of one the wrong way.
"""

from dataclasses import replace

from .mutant import of_library

TESTS = ("tests/ottt_ref/conformance/test_asking.py", "tests/ottt_ref/conformance/test_kit.py")
FAULTS = (
    (
        "conformance/compare.py",
        ("spikes of layer 0 alone compared exactly", 'exact = name.startswith("spikes")', 'exact = name == "spikes/0"'),
        ("tolerance of a millionth", '"float64": 1e-9', '"float64": 1e-6'),
        ("tolerance never below that of 1", "max(float(np.abs(expected).max(initial=0.0)), NEGLIGIBLE)", "1.0"),
        (
            "NaN passes",
            "return ~(np.abs(np.asarray(got, dtype=np.float64) - expected) <= tolerance(expected, relative))",
            "return np.abs(np.asarray(got, dtype=np.float64) - expected) > tolerance(expected, relative)",
        ),
        ("NaN passes in a sequence", "where[t] = ~(difference <= (", "where[t] = (difference > ("),
        (
            "too small a number passes",
            "~(np.abs(np.asarray(got, dtype=np.float64) - expected) <= tol",
            "~(np.asarray(got, dtype=np.float64) - expected <= tol",
        ),
        ("the last place named as the first", "np.argwhere(where)[0]", "np.argwhere(where)[-1]"),
        ("errors of BPTT forwards in time", "reversed(steps) if last_first else steps", "steps"),
        ("the first time step not compared", "steps = range(len(pairs[0][2]))", "steps = range(1, len(pairs[0][2]))"),
        ("sizes compared for shapes", "if array.shape != expected.shape:", "if array.size != expected.size:"),
        ("texts taken for numbers", 'if kind in "cUSmM":', 'if kind in "cmM":'),
        ("units in the last place where they say nothing", "if self.ulps <= MOST_ULPS:", "if self.ulps > 0:"),
    ),
    (
        "conformance/arrays.py",
        ("spikes may be missing", '"spikes": True', '"spikes": False'),
        ("gradients may be missing", "values, True, False)", "values, False, False)"),
        ("online parameters have no time", "values, True, True)", "values, True, False)"),
        ("errors never compared", 'result.append(Expected(f"error/', 'result.append(Expected(f"errors/'),
        ("traces never compared", 'if method == "ottt":', 'if method == "magic":'),
        ("SR's loss is that of the sequence", 'full = "loss" if timed else f"loss/{method}"', 'full = "loss"'),
        ("a slip of a name not seen", "NEAR = 0.8", "NEAR = 0.99"),
    ),
    (
        "conformance/asking.py",
        (
            "whatever a framework's code raises is unsupported",
            "return own and _by_a_statement(innermost)",
            "return True",
        ),
        ("what compiled code raises is unsupported", "return own and _by_a_statement", "return own or _by_a_statement"),
        ("an exit passes through", "except (Exception, SystemExit) as error:", "except Exception as error:"),
        ("an exception is unsupported", "return Refusal(False, reason, tuple", "return Refusal(True, reason, tuple"),
    ),
    (
        "conformance/checking.py",
        ("a difference that is no failure", "replace(verdict, outcome=FAILED, found=divergence)", "verdict"),
        (
            "arrays without time not compared",
            "differing(got, each.values, 0.0 if each.exact else self._relative)",
            "differing(each.values, each.values, 0.0 if each.exact else self._relative)",
        ),
        ("gradients compared at other spikes", "if not (same_spikes or getattr(", "if False and not (getattr("),
        ("one layer of right spikes is enough", "return all(np.array_equal(", "return any(np.array_equal("),
        ("a flip at the threshold is rounding", "return 0 < distance <=", "return 0 <= distance <="),
        ("every flip is rounding", "distance <= relative * float(np.abs(potentials).max())", "distance"),
        ("distance to 0 for that to the threshold", "*divergence.index]) - threshold)", "*divergence.index]))"),
        (
            "a state is never seen",
            "return replace(verdict, diagnoses=(STATE_KEPT,))\n        if self",
            "pass\n        if self",
        ),
        (
            "only the loss differs, of wrong gradients",
            "if not differing_names & set(self._case.gradients(method)):",
            'if "loss" in differing_names:',
        ),
    ),
    (
        "conformance/diagnosis.py",
        (
            "a trap that fits one array is found",
            "return False\n    return True",
            "continue\n        return True\n    return False",
        ),
        ("a trap is its shapes", "differing(got, want, relative).any():\n", "False:\n"),
        ("infinity is a number", "np.isfinite(array)) for array in found", "~np.isnan(array)) for array in found"),
        ("a factor of 1 is one", "return None if abs(factor - 1) < SINGLE_PRECISION else factor", "return factor"),
        ("another method by this one's name", 'f"is-{other}"', 'f"is-{method}"'),
        (
            "online parameters held against gradients",
            "if (other in ONLINE) == (method in ONLINE) and",
            "if other not in ONLINE and",
        ),
        ("a sum over the other axis", '(batch, "over the batch"), (steps,', '(steps, "over the batch"), (batch,'),
        ("the rest is right beside wrong errors", "if not _same(found, known, on_the_way, relative):", "if False:"),
        ("single precision of single precision", "if double and _same(", "if _same("),
        ("a scalar lacks the axis of time", "if wanted.timed and shape == expected[1:]:", "if shape == expected[1:]:"),
        (
            "None is an array of another shape",
            "    if got is None:\n        return (NO_GRADIENT,) if",
            "    if got is None:\n        return () if",
        ),
    ),
    (
        "conformance/report.py",
        ("nothing that passed is success", "return bool(outcomes[PASSED]) and not", "return not"),
        ("what failed is success", "and not outcomes[FAILED] and not", "and not"),
        ("what was not compared is success", " and not outcomes[NOT_COMPARED]", ""),
        ("the trap that explains least", "most = max(counts.values())", "most = min(counts.values())"),
        (
            "an exception is like no known trap",
            "    if verdict.frames:\n        return",
            "    if False:\n        return",
        ),
        ("names of nothing not shown", "for each in verdict.unknown)", "for each in verdict.unknown[1:])"),
        ("failures counted as skipped", "failures=str(counts[FAILED]),", "failures=str(counts[UNSUPPORTED]),"),
        ("other exceptions are alike", "alike = verdict.reason if verdict.frames else", "alike ="),
    ),
    (
        "conformance/variations.py",
        (
            "errors of the loss not varied",
            "errors = variation.steps(loss, activity.outputs, targets, errors)\n",
            "pass\n",
        ),
        ("loss not varied", "loss = variation.loss(case.loss)", "loss = case.loss"),
        ("gradients not varied", "return variation.parameters(values)", "return values"),
        ("start at rest", "return states[0] + start, *", "return states[0].copy(), *"),
        ("two time steps of memory forgotten", "earlier = [now, *earlier[:-1]]", "earlier = [now] * len(earlier)"),
        (
            "axes as they came in",
            "axes = variation.axes if variation.returned is None else variation.returned",
            "axes = variation.axes",
        ),
        ("what is seen not varied", "if variation.seen is not None:", "if variation.seen is None:"),
    ),
)

CONFORMANCE_KIT = tuple(
    replace(mutant, tests=TESTS) for file, *faults in FAULTS for mutant in of_library(file, *faults)
)
