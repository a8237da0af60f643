"""Processes that are measured: what each side's environment holds, what a process took, and how to show its command."""

import dataclasses
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring

PEERS = Path(__file__).resolve().parent
ROOT = PEERS.parent.parent


class Unmeasurable(Exception):
    """Why a row cannot be measured."""


@dataclasses.dataclass
class Measurement:
    value: float
    peak_mb: float
    others: float | None  # the share of all processors that other processes took


def say(*words):
    print("bench-peers:", *words, file=sys.stderr, flush=True)


def mkl_help(folder):
    """A library that lets MKL take its fast paths on AMD processors; None where that does not apply or not compile."""
    cpuinfo = Path("/proc/cpuinfo")
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not cpuinfo.exists() or "AuthenticAMD" not in cpuinfo.read_text() or not compiler:
        return None
    source, library = folder / "mkl_help.c", folder / "mkl_help.so"
    source.write_text("int mkl_serv_intel_cpu_true(void) { return 1; }\n")
    done = subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source])
    return library if done.returncode == 0 else None


def environments(helper):
    """(the peers' environment, potstill's): a user has not tuned OpenBLAS by hand, and peers ask no hub."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    peers = plain | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if helper:
        peers["LD_PRELOAD"] = " ".join(filter(None, [str(helper), os.environ.get("LD_PRELOAD")]))
    return peers, plain


def run(command, environment):
    """(standard output, seconds, the system's account of the process); Unmeasurable when it fails."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), env=environment, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            last = (errors.read().strip().split("\n") or [""])[-1]
            raise Unmeasurable(f"{shown(command)} ended with status {process.returncode}: {last}")
        return output.read(), seconds, usage


def measure(command, key, environment):
    """One process and what it says of itself."""
    before = measuring.machine_ticks()
    output, seconds, usage = run(command, environment)
    after = measuring.machine_ticks()
    others = None
    if before and after and after[1] > before[1]:
        own = 100 * (usage.ru_utime + usage.ru_stime)  # /proc/stat counts hundredths of a second
        others = max(0.0, (after[0] - before[0] - own) / (after[1] - before[1]))
    value = 1000 * seconds if key == "wall" else json.loads(output)[key]
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Measurement(value, usage.ru_maxrss * unit / 1e6, others)


def shown(command):
    """A command as a reader may type it: scripts by their place in the project, other files by their names."""

    def name(word):
        path = Path(word)
        if not path.is_absolute():
            return word
        return str(path.relative_to(ROOT)) if path.parent == PEERS else path.name

    return shlex.join(name(str(word)) for word in command)
