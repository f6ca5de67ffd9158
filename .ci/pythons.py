"""Print the oldest and the newest Python of this machine that the project supports, one path a line; one if alone.

Supported is what setup.cfg's classifiers name. Looked through are PATH and pyenv's versions.
"""

import configparser
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
# a Python without venv, or one that is a pyenv shim of a version that is not chosen, does not answer
QUESTION = "import ensurepip, sys, venv; print(*sys.version_info[:2], sys.executable)"


def supported():
    """The versions that the classifiers name, as (3, minor), from the oldest on."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    minors = re.findall(r"^Programming Language :: Python :: 3\.(\d+)$", settings["metadata"]["classifiers"], re.M)
    return sorted((3, int(minor)) for minor in minors)


def executables(version):
    """Where a Python of that version may be, in the order in which they are tried."""
    name = "python{}.{}".format(*version)
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += sorted((pyenv / "versions").glob("*/bin"), reverse=True)
    return [folder / name for folder in folders if (folder / name).exists()]


def found(version):
    """The path of a Python of that version that can make a virtual environment, or None."""
    for path in executables(version):
        answer = subprocess.run([path, "-c", QUESTION], capture_output=True, text=True, check=False)
        words = answer.stdout.strip().split(maxsplit=2)
        if answer.returncode == 0 and words[:2] == [str(number) for number in version]:
            return words[2]
    return None


def main():
    paths = [path for path in map(found, supported()) if path]
    print(*dict.fromkeys([*paths[:1], *paths[-1:]]), sep="\n")


if __name__ == "__main__":
    main()
