"""Try an installed wheel in an environment that holds nothing else: run by `.ci/run`, outside the checkout."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np

import ottt_ref as ot

COMMAND = Path(sys.executable).parent / "ottt-ref"


def shell(*arguments):
    """What the installed command prints."""
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, (arguments, done)
    return done.stdout


def main():
    assert Path(ot.__file__).is_relative_to(sys.prefix), f"{ot.__file__} is not the wheel's"
    files = [file.parts[0] for file in metadata.files("ottt_ref")]
    strangers = {name for name in files if name not in ("ottt_ref", "..") and not name.endswith(".dist-info")}
    assert not strangers, f"the wheel holds {strangers} beside ottt_ref"

    network = ot.dense_network([3, 4, 2], rng=0)
    rng = np.random.default_rng(0)
    inputs, targets = rng.random((5, 2, 3)), np.array([0, 1])
    np.savez("x.npz", inputs=inputs, targets=targets)
    bptt = ot.bptt.gradients(network, inputs, targets)
    ottt = ot.ottt.gradients(network, inputs, targets)
    # theorem E1: in the last spiking layer they are equal; the two are added up in another order
    np.testing.assert_allclose(ottt["layer0.weight"], bptt["layer0.weight"], rtol=1e-12, atol=1e-15)
    assert np.abs(bptt["layer0.weight"]).max() > 0

    assert shell("version").split()[:2] == ["ottt_ref", ot.__version__] == ["ottt_ref", metadata.version("ottt_ref")]
    shell("network", "--sizes", "3", "4", "2", "--seed", "0", "--output", "net.npz")
    shell("gradients", "--network", "net.npz", "--inputs", "x.npz", "--method", "ottt", "--output", "g.npz")
    with np.load("g.npz") as got:
        assert all(np.array_equal(got[name], value) for name, value in ottt.items())
    shell("explain", "--html", "page.html")
    assert Path("page.html").stat().st_size > 100_000
    shell("cases", "export", "cases")
    assert (Path("cases") / "manifest.json").exists()
    print(f"the wheel runs on Python {sys.version.split()[0]}, {', '.join(versions())}")


def versions():
    return [f"{name} {metadata.version(name)}" for name in ("numpy", "numba", "scipy")]


if __name__ == "__main__":
    main()
