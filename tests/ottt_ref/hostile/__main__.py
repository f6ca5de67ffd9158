"""The hostile calls, as many as one likes: python -m tests.ottt_ref.hostile --calls 10000."""

import argparse
import json
import sys

from . import running


def main(arguments=None):
    if (arguments or sys.argv[1:])[:1] == ["--child"]:
        running.child(*map(int, (arguments or sys.argv[1:])[1:]))
        return 0
    parser = argparse.ArgumentParser(prog="python -m tests.ottt_ref.hostile", description=__doc__)
    parser.add_argument("--calls", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--call", type=int, help="this call alone, in this process, with its traceback")
    parser.add_argument("--json", help="write every call's report to this file")
    options = parser.parse_args(arguments)
    if options.call is not None:
        name, call, given, right = running.prepared(options.seed, options.call)
        print(name, "right" if right else "hostile", json.dumps(running._shown(given), indent=1))
        print(running.made(options.seed, options.call))
        print(call.function(**running.prepared(options.seed, options.call)[2]))
        return 0
    reports = running.run(options.seed, options.calls, progress=_told)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(reports, file, indent=1)
    for name, count in running.summary(reports).items():
        print(f"{name}: {count}")
    return 1 if running.summary(reports)["findings"] else 0


def _told(report):
    if report["outcome"] == "finding":
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    sys.exit(main())
