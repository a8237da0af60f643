"""Measures potstill and its Python peers in turn and writes Benchmarks/RESULTS.md: what `make bench-peers` runs.

    python3 Benchmarks/peers/compare.py .build/release/potstill
    python3 Benchmarks/peers/compare.py .build/release/potstill --only "infer t4-tiny" --rounds 1

Every measurement is a process of its own, peer and potstill by turns, so that a ratio compares two runs of the same
minute. Needs only the standard library: the peers have an environment of their own in .venv-bench, made on the first
run from requirements.txt, or the interpreter that POTSTILL_BENCH_PYTHON names. Real data and models come from the
folders POTSTILL_DATA and POTSTILL_MODELS; without them SST-2's lengths are drawn and some rows are left out.
With --only the table is printed and RESULTS.md stays, unless --output names a file.
"""

import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import PEERS, ROOT, Unmeasurable, environments, measure, mkl_help, run, say, shown
from rows import Plan

PACKAGES = ("torch", "transformers", "tokenizers", "textbrewer", "onnxruntime")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="the potstill command")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="in place of every row's own number of steps: for a quick trial")
    parser.add_argument("--only", metavar="SUBSTRING", help="only the rows with this in their name")
    parser.add_argument("--list", action="store_true", help="list the rows and measure nothing")
    parser.add_argument("--sst2-lengths", metavar="FILE", help="token counts of SST-2's sentences, one a line")
    parser.add_argument("--no-mkl-help", action="store_true", help="leave MKL's slow paths on AMD processors alone")
    parser.add_argument("--output", metavar="FILE", help="where the table goes (default: Benchmarks/RESULTS.md)")
    return parser.parse_args()


def interpreter():
    """Python with the peers in it. Made once and again whenever requirements.txt changes: a stamp keeps what it is of."""
    if os.environ.get("POTSTILL_BENCH_PYTHON"):
        return os.environ["POTSTILL_BENCH_PYTHON"]
    environment, wanted = ROOT / ".venv-bench", PEERS / "requirements.txt"
    python, stamp = environment / "bin/python", environment / "requirements.stamp"
    if not stamp.exists() or stamp.read_bytes() != wanted.read_bytes():
        say(f"making {environment.name} (once; PyTorch is large)")
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", wanted], check=True)
        shutil.copyfile(wanted, stamp)
    return str(python)


def middle(values):
    """Median (least to most)."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def amount(values, key):
    """The median with its unit."""
    value = statistics.median(values)
    if value >= 60_000 and key == "wall":
        return f"{value / 1000:,.0f} s"
    if key == "mb_per_second":
        return f"{value:.1f} MB/s"
    digits = 0 if value >= 1000 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} ms"


def compared(row, rounds, peers_environment, environment):
    """The row of the table: peer and potstill by turns."""
    for command in row.before:
        run(command, peers_environment)
    pairs = []
    for number in range((row.rounds or rounds) + row.untimed):
        pair = measure(row.peer, row.key, peers_environment), measure(row.potstill, row.key, environment)
        if number >= row.untimed:
            pairs.append(pair)
    faster = (lambda peer, ours: ours / peer) if row.key == "mb_per_second" else (lambda peer, ours: peer / ours)
    ratios = [faster(peer.value, ours.value) for peer, ours in pairs]
    peer_mb, our_mb = (statistics.median(side.peak_mb for side in sides) for sides in zip(*pairs))
    met = statistics.median(ratios) >= row.target
    memory = f"{our_mb / peer_mb:.2f}"
    if row.memory_target:
        memory += f" (at most {row.memory_target})"
        met = met and our_mb / peer_mb <= row.memory_target
    others = [side.others for pair in pairs for side in pair if side.others is not None]
    return [
        row.name, *(amount([side.value for side in sides], row.key) for sides in zip(*pairs)), middle(ratios), row.target,
        "yes" if met else "no", f"{peer_mb:,.0f} MB", f"{our_mb:,.0f} MB", memory,
        f"{max(others):.0%}" if others else "?",
    ]


HEADER = ["work", "peer", "potstill", "times the peer", "target", "met", "peer's peak memory", "potstill's", "share", "others"]


def table(lines):
    rows = [HEADER, ["---"] * len(HEADER), *lines]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in rows)


def machine(plan, helper, arguments, environments_of_sides):
    """Where the numbers come from."""
    peers, plain = environments_of_sides
    about = json.loads(run([plan.binary, "inspect", "--machine", "--json"], plain)[0])["machine"]
    blas = about.get("blas") or {}
    ask = "import importlib.metadata as m, sys; print(*(p + ' ' + m.version(p) for p in sys.argv[1:]), sep=', ')"
    versions = run([plan.python, "-c", ask, *PACKAGES], peers)[0].strip()
    if helper:
        mkl = "asked of MKL in the peers' processes by a preloaded library (`mkl_serv_intel_cpu_true`)"
    else:
        mkl = "not asked of MKL: " + ("--no-mkl-help" if arguments.no_mkl_help else "no AMD processor or no C compiler")
    return [
        f"- date: {datetime.date.today().isoformat()}",
        f"- processor: {about['cpu']}, {about['processors']} processors; {arguments.threads} threads on both sides",
        f"- potstill's BLAS: {blas.get('kind')} {blas.get('version', '')}, core {blas.get('core')} "
        f"({blas.get('core_choice')}); kernels {about.get('kernels')}",
        f"- peers: {versions}",
        f"- fast paths for AMD: {mkl}",
        f"- SST-2 lengths: {plan.lengths_note}",
        f"- rounds: {arguments.rounds}, peer and potstill by turns",
    ]


def document(about, lines, rows, binary):
    """RESULTS.md."""
    commands = "\n".join(
        f"# {row.name}\n" + "\n".join(map(shown, [*row.before, row.peer, row.potstill])) for row in rows
    )
    options = [word for word in sys.argv[1:] if word != binary]
    again = shown(["python3", "Benchmarks/peers/compare.py", ".build/release/potstill", *options])
    return "\n".join([
        "# Potstill and its Python peers", "",
        "Written by `make bench-peers`; the next run replaces it. Times are medians over the rounds; *times the peer* is",
        "the median of the rounds' ratios with the least and the most; *share* is potstill's peak memory over the peer's;",
        "*others* is the most that other processes took of the processors during a measurement: above 10 %, run again.",
        "Batches of different lengths count by their mean time, equal ones by their median.", "",
        *about, "", table(lines), "", "## Commands", "", f"All of it: `{again}`", "", "```sh", commands, "```", "",
    ])


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as name:
        folder = Path(name)
        plan = Plan(arguments, sys.executable if arguments.list else interpreter(), folder)
        rows = [row for row in plan.rows() if arguments.only is None or arguments.only in row.name]
        if arguments.list:
            return print(*(f"{row.name}: {row.target}" for row in rows), sep="\n")
        if not rows:
            sys.exit(f"bench-peers: no row has \"{arguments.only}\" in its name; --list shows them")
        helper = None if arguments.no_mkl_help else mkl_help(folder)
        sides = environments(helper)
        plan.prepare_lengths(sides[0])
        about, lines = machine(plan, helper, arguments, sides), []
        for row in rows:
            try:
                lines.append(compared(row, arguments.rounds, *sides))
            except Unmeasurable as reason:
                say(reason)
                lines.append([row.name, "failed", "", "", row.target, "no", "", "", "", ""])
            say(*lines[-1][:6])
        text = document(about, lines, rows, arguments.binary)
    print(text)
    if arguments.output or not arguments.only:
        Path(arguments.output or ROOT / "Benchmarks/RESULTS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
