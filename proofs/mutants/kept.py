"""What became of the mutants, kept in a file from one run of the command to the next."""

import json

from ottt_ref.files.storage import write_bytes

FORMAT = "mutants of python -m proofs --mutants, 1"


class Kept:
    """What killed each mutant, by the mutant's name: a claim, a test, or None where nothing did.

    It holds of the sources that it was found with. What another state of them left in the file is not read.
    """

    def __init__(self, path, sources):
        self.path, self.sources = path, sources
        self._killers = self._read()

    def _read(self):
        """What the file has of these sources. Raises ValueError for another file."""
        if not self.path.exists():
            return {}
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError("it is of another format")
            return dict(content["killers"]) if content["sources"] == self.sources else {}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{self.path} has no mutants: {error}; move it away") from None

    def __contains__(self, mutant):
        return str(mutant) in self._killers

    def __getitem__(self, mutant):
        return self._killers[str(mutant)]

    def add(self, mutant, killer):
        """Keep what killed one more, at once."""
        self._killers[str(mutant)] = killer
        content = {"format": FORMAT, "sources": self.sources, "killers": self._killers}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(self.path, (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())

    def told(self, number):
        """What is said where the work is stopped."""
        return f"what became of {len(self._killers)} of {number} mutants is in {self.path}"
