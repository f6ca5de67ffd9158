"""The pages that people read, and the code blocks on them.

```python     is executed, the blocks of one page in order and in one namespace. Where the first line is a comment
              with a file's name, as in  # my_backend.py , the block is that file instead
```text       right behind a Python block: what it prints
```sh         is executed by .ci/shell_blocks.py
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w[^\n]*)?\n(.*?)^```$\n?", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block of a page: its language, its text, the line that it starts in, and what a Python block prints."""

    language: str
    text: str
    line: int
    prints: str = ""

    @property
    def file(self):
        """The name of the file that a Python block is, or None."""
        named = re.match(r"# ([\w./]+\.py)\n", self.text)
        return named and named[1]


def blocks(path):
    """The code blocks of a page, in order; an output belongs to the Python block right before it."""
    text = path.read_text(encoding="utf-8")
    result, end = [], None
    for match in FENCE.finditer(text):
        language, content = match[1] or "", match[2]
        behind = result and result[-1].language == "python" and not text[end : match.start()].strip()
        if language == "text" and behind:
            last = result[-1]
            result[-1] = Block(last.language, last.text, last.line, content)
        else:
            result.append(Block(language, content, text[: match.start()].count("\n") + 1))
        end = match.end()
    return result


def of_language(path, language):
    """The blocks of a page in one language."""
    return [block for block in blocks(path) if block.language == language]
