"""Folders that a Swift test writes for a check in Python, woken by an environment variable."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_test(name, folder, expected, **environment):
    """Runs the tests of a name, which write below a folder; without the file or folder expected there, the check ends."""
    # Those of `make test`, so that what it has built is not built again.
    flags = ["--disable-xctest", "--disable-testable-imports"]
    command = ["swift", "test", "--configuration", "release", *flags, "--filter", name]
    environment = {**os.environ, "POTSTILL_PARITY_DIR": str(folder), **environment}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0 or not (folder / expected).exists():
        sys.exit(f"{' '.join(command)} exited {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
