"""Measures how potstill's time and memory grow with the batch and shrink with threads, and writes Benchmarks/GROWTH.md.

    python3 Benchmarks/peers/growth.py .build/release/potstill
    python3 Benchmarks/peers/growth.py .build/release/potstill --shapes t4-tiny --tokens 16384

Needs only the standard library. Every measurement is a process of its own; the sizes take turns over the rounds, so that
a slow minute touches all of them. Each measurement runs over about the same number of tokens.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BATCHES = (8, 16, 32, 64, 128, 256)
LENGTH = 128


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="the potstill command")
    parser.add_argument("--shapes", nargs="+", default=["t4-tiny", "minilm-l6"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=65536, help="about so many tokens a measurement")
    parser.add_argument("--output", default=str(ROOT / "Benchmarks/GROWTH.md"))
    return parser.parse_args()


def bench(binary, work, shape, batch, threads, tokens):
    """What one process says of itself."""
    steps = max(2, tokens // (batch * LENGTH))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    words = [binary, "bench", work, "--shape", shape, "--batch", batch, "--length", LENGTH, "--threads", threads]
    words += ["--steps", steps, "--warmup", 2, "--json"]
    return json.loads(subprocess.run(list(map(str, words)), env=environment, check=True, capture_output=True).stdout)


def table(header, rows):
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines)


def growth(arguments, work):
    """Time a token and peak memory by batch size, on all threads."""
    times, memory = [], []
    for shape in arguments.shapes:
        runs = {batch: [] for batch in BATCHES}
        for _ in range(arguments.rounds):
            for batch in BATCHES:
                runs[batch].append(bench(arguments.binary, work, shape, batch, 2, arguments.tokens))
        a_token = [
            statistics.median(run["ms_median"] for run in runs[batch]) * 1000 / (batch * LENGTH) for batch in BATCHES
        ]
        spread = max(a_token) / min(a_token) - 1
        times.append([shape, *(f"{value:.1f}" for value in a_token), f"{spread:.0%}"])
        peak = [statistics.median(run["peak_rss_mb"] for run in runs[batch]) for batch in BATCHES]
        slopes = [
            (after - before) / ((more - batch) * LENGTH / 1000)
            for batch, more, before, after in zip(BATCHES, BATCHES[1:], peak, peak[1:])
        ]
        memory.append([shape, *(f"{value:,.0f}" for value in peak), f"{min(slopes):.0f}–{max(slopes):.0f}"])
    sizes = [str(batch) for batch in BATCHES]
    return (
        table(["µs a token, batch of", *sizes, "spread"], times)
        + "\n\n"
        + table(["peak MB, batch of", *sizes, "MB a thousand tokens more"], memory)
    )


def threads(arguments):
    """Two threads against one, and the serial fraction that follows (Karp and Flatt 1990)."""
    rows = []
    for work in ("train-step", "infer"):
        for shape in arguments.shapes:
            pairs = []
            for _ in range(arguments.rounds):
                one, two = (bench(arguments.binary, work, shape, 32, count, arguments.tokens) for count in (1, 2))
                pairs.append((one["ms_median"], two["ms_median"]))
            ratios = [one / two for one, two in pairs]
            ratio = statistics.median(ratios)
            rows.append([
                f"{work} {shape}", *(f"{statistics.median(side):,.1f}" for side in zip(*pairs)),
                f"{ratio:.2f} ({min(ratios):.2f}–{max(ratios):.2f})", f"{100 * (2 / ratio - 1):.1f} %",
            ])
    return table(["32 x 128 tokens", "ms, 1 thread", "ms, 2 threads", "times", "serial fraction"], rows)


def main():
    arguments = parse()
    about = subprocess.run(
        [arguments.binary, "inspect", "--machine", "--json"], check=True, capture_output=True, text=True
    ).stdout
    machine = json.loads(about)["machine"]
    text = "\n".join([
        "# How potstill's time and memory grow", "",
        "Written by `python3 Benchmarks/peers/growth.py .build/release/potstill`; the next run replaces it. Sequences of",
        f"{LENGTH} tokens, random weights; medians of {arguments.rounds} processes. [SCALING.md](SCALING.md) says what",
        "more cores would give.", "",
        f"- date: {datetime.date.today().isoformat()}",
        f"- processor: {machine['cpu']}, {machine['processors']} processors", "",
        "## Training steps, 2 threads", "", growth(arguments, "train-step"), "",
        "## Inference, 2 threads", "", growth(arguments, "infer"), "",
        "## Threads", "", threads(arguments), "",
    ])
    print(text)
    Path(arguments.output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
