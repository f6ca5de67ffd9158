"""Print what setup.cfg needs, at its stated lower bounds: "numpy==2.0.0 ..."."""

import configparser
import re
from pathlib import Path


def main():
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(Path(__file__).parent.parent / "setup.cfg", encoding="utf-8")
    needed = settings["options"]["install_requires"].split()
    bounds = [re.fullmatch(r"([a-z]+)>=([0-9.]+)", each) for each in needed]
    if not all(bounds):
        raise SystemExit(f"install_requires must name a lower bound of each package, got {needed}")
    print(*(f"{name}=={version}" for name, version in (bound.groups() for bound in bounds)))


if __name__ == "__main__":
    main()
