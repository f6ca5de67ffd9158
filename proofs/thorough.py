"""The thorough profile: round after round with new seeds, saved after each, taken up again where it was stopped.

A round is a run of all claims with one seed. The first also certifies the costly identities on the largest
architectures.
Cases that refute a claim are kept in Hypothesis's example database, and tried first by every later run.
"""

import json
from dataclasses import asdict, dataclass

from ottt_ref.files.storage import write_bytes

from .claims import BY_NAME
from .identity import Certificate
from .search import Result

FORMAT = "progress of python -m proofs --profile thorough, 3"


@dataclass
class Progress:
    """The rounds that are done, each a list of Results, and the file that holds them.

    settings   what the rounds share; a file of other settings is refused, not continued
    """

    path: object
    settings: dict
    rounds: list

    @classmethod
    def open(cls, path, settings):
        """The progress in the file, or none if there is no file. Raises ValueError for another file."""
        if not path.exists():
            return cls(path, settings, [])
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError("it is of another format")
            rounds = [[_result(each) for each in one] for one in content["rounds"]]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is no progress of the thorough profile: {error}; move it away") from None
        if content["settings"] != settings:
            raise ValueError(f"{path} is of other settings, {content['settings']}: move it away to start anew")
        return cls(path, settings, rounds)

    def add(self, results):
        """Save one more round, atomically."""
        self.rounds.append(results)
        content = {
            "format": FORMAT,
            "settings": self.settings,
            "rounds": [[asdict(result) for result in one] for one in self.rounds],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(self.path, (json.dumps(content, ensure_ascii=False) + "\n").encode())

    def merged(self):
        """One Result per claim: cases and time in sum, the worst slack, the first failure."""
        return [_merge(same) for same in zip(*self.rounds)]


def _result(data):
    certificates = tuple(Certificate(**certificate) for certificate in data["certificates"])
    tuples = {name: tuple(data[name]) for name in ("counterexamples", "slacks")}
    return Result(**{**data, **tuples, "certificates": certificates})


def _merge(results):
    worst = [result.slack for result in results if result.slack is not None]
    return Result(
        name=results[0].name,
        cases=sum(result.cases for result in results),
        drawn=sum(result.drawn for result in results),
        slack=BY_NAME[results[0].name].worst(worst) if worst else None,
        failure=next((result.failure for result in results if result.failure), None),
        counterexamples=results[0].counterexamples,
        seconds=sum(result.seconds for result in results),
        certificates=results[0].certificates,
        slacks=tuple(slack for result in results for slack in result.slacks),
        in_corners=sum(result.in_corners for result in results),
        certified=sum(result.certified for result in results),
    )


def run(progress, rounds, run_round):
    """Do the rounds that are left; `run_round(k)` gives the Results of round k. The merged Results."""
    for k in range(len(progress.rounds), rounds):
        progress.add(run_round(k))
        failed = [result.name for result in progress.rounds[-1] if not result.holds]
        found = f"refuted: {', '.join(failed)}" if failed else "nothing refuted"
        print(f"round {k + 1} of {rounds}: {found}", flush=True)
    return progress.merged()
