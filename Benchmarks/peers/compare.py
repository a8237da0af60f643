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
import dataclasses
import datetime
import json
import math
import os
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring

PEERS = Path(__file__).resolve().parent
ROOT = PEERS.parent.parent
TEXT = "a gripping, funny film"
PACKAGES = ("torch", "transformers", "tokenizers", "textbrewer", "onnxruntime")


class Unmeasurable(Exception):
    """Why a row cannot be measured."""


@dataclasses.dataclass
class Row:
    """One kind of work: what each side runs, and how many times the peer's speed is wanted."""

    name: str
    target: float
    peer: list
    potstill: list
    key: str = "ms_median"  # of the JSON of both sides; "wall" is the time of the whole process
    memory_target: float | None = None  # potstill's peak memory as a share of the peer's
    before: list | None = None  # a peer command that prepares the row
    untimed: bool = False  # one run of each side first, so that files come from memory


@dataclasses.dataclass
class Measurement:
    value: float
    peak_mb: float
    others: float | None  # the share of all processors that other processes took


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


def say(*words):
    print("bench-peers:", *words, file=sys.stderr, flush=True)


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
    """(the peers' environment, potstill's): a user has no OpenBLAS core chosen by hand, and peers ask no hub."""
    plain = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
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


def drawn_lengths(path):
    """Lengths like those of SST-2's sentences, where the data is not at hand: lognormal, mean 13, from 3 to 66."""
    rng, spread = random.Random(1), 0.62
    middle = math.log(13) - spread * spread / 2
    path.write_text("".join(f"{min(66, max(3, round(rng.lognormvariate(middle, spread))))}\n" for _ in range(20_000)))


class Plan:
    """The rows, and the files that they need."""

    def __init__(self, arguments, python, folder):
        self.python, self.folder, self.threads = python, folder, arguments.threads
        self.steps_of_trial = arguments.steps
        self.binary = Path(arguments.binary).resolve()
        self.data = self.named_folder("POTSTILL_DATA")
        self.models = self.named_folder("POTSTILL_MODELS")
        self.lengths = Path(arguments.sst2_lengths).resolve() if arguments.sst2_lengths else folder / "sst2-lengths.txt"
        self.lengths_note = f"`{self.lengths.name}`"

    @staticmethod
    def named_folder(variable):
        return Path(os.environ[variable]).resolve() if os.environ.get(variable) else None

    def script(self, name, *words):
        return [self.python, PEERS / f"{name}.py", *words]

    def prepare_lengths(self, environment):
        """SST-2's lengths when a file, or data and tokenizer, are there; otherwise drawn ones."""
        if self.lengths.exists():
            return
        train = self.data and self.data / "sst2/train.tsv"
        model = self.models and self.models / "minilm-l6"
        if train and train.exists() and model and model.exists():
            run(self.script("sst2_lengths", "--model", model, "--train", train, "--output", self.lengths), environment)
            self.lengths_note = "SST-2's training sentences, shuffled"
        else:
            say("no SST-2 (POTSTILL_DATA) with minilm-l6 (POTSTILL_MODELS): its lengths are drawn instead")
            drawn_lengths(self.lengths)
            self.lengths_note = "**synthetic**, lognormal with mean 13 cut at 66, in place of SST-2's"

    def steps(self, name, target, work, shape, steps, warmup=2, batch=32, length=None, peer=(), both=(), **row):
        """A row of steps.py against `potstill bench`. Batches that differ are compared by their mean time."""
        options = [work, *both, "--shape", shape, "--batch", batch]
        options += ["--length", length] if length else ["--lengths", self.lengths]
        steps = self.steps_of_trial or steps
        options += ["--threads", self.threads, "--steps", steps, "--warmup", warmup, "--json"]
        key = "ms_median" if length else "ms_mean"
        return Row(name, target, self.script("steps", *options, *peer), [self.binary, "bench", *options], key, **row)

    def rows(self):
        return [*self.training(), *self.inference(), *self.distillation(), *self.tokenization(), *self.start()]

    def training(self):
        half = {"memory_target": 0.5}
        for shape, target, steps, warmup in (("bert-base", 1.45, 2, 1), ("minilm-l6", 1.65, 4, 1), ("t4-tiny", 1.9, 8, 2)):
            yield self.steps(f"train-step {shape}, 32 x 128", target, "train-step", shape, steps, warmup, length=128, **half)
        for shape, target, steps in (("bert-base", 1.9, 2), ("minilm-l6", 2.4, 4)):
            name = f"train-step {shape}, 8 x 384"
            yield self.steps(name, target, "train-step", shape, steps, 1, batch=8, length=384, **half)
        for shape, target, steps in (("bert-base", 3.0, 5), ("minilm-l6", 3.5, 12), ("t4-tiny", 3.9, 30)):
            yield self.steps(f"train-step {shape}, SST-2 lengths", target, "train-step", shape, steps, **half)
        # One pool of sorted batches, all of it timed, so that both sides see the same sequences.
        name = "train-step t4-tiny, SST-2 lengths, peer's batches sorted"
        yield self.steps(name, 1.6, "train-step", "t4-tiny", 50, peer=["--sorted-pools", 50], **half)

    def inference(self):
        for shape, target, steps, warmup in (("bert-base", 1.15, 3, 1), ("minilm-l6", 1.2, 6, 1), ("t4-tiny", 1.35, 12, 2)):
            yield self.steps(f"infer {shape}, 32 x 128", target, "infer", shape, steps, warmup, length=128)
        for shape, target, steps in (("bert-base", 2.5, 8), ("minilm-l6", 2.6, 30), ("t4-tiny", 3.3, 60)):
            yield self.steps(f"infer {shape}, SST-2 lengths", target, "infer", shape, steps)
        for shape, target, steps in (("bert-base", 1.2, 50), ("t4-tiny", 2, 300)):
            file = self.folder / f"{shape}.onnx"
            name = f"infer {shape}, one sentence of 32 tokens (peer: ONNX Runtime)"
            export = ["export-onnx", "--shape", shape, "--batch", 1, "--length", 32, "--output", file]
            row = self.steps(name, target, "infer", shape, steps, 10, batch=1, length=32, peer=["--onnx", file])
            yield dataclasses.replace(row, before=self.script("steps", *export))

    def distillation(self):
        pair = ["--teacher", "bert-base", "--match", "L4t_hidden_mse"]
        name = "distill-step bert-base to t4-tiny, SST-2 lengths (peer: textbrewer)"
        yield self.steps(name, 2.8, "distill-step", "t4-tiny", 6, both=pair)

    def tokenization(self):
        if not self.data or not self.models:
            return say("no tokenization rows: POTSTILL_DATA and POTSTILL_MODELS are not both set")
        for name, source, column, model in (
            ("English, SST-2", "sst2/train.tsv", "sentence", "minilm-l6"),
            ("English, WikiText-2", "wikitext2/train.txt", None, "minilm-l6"),
            ("Chinese, ChnSentiCorp", "chnsenticorp/train.tsv", "text_a", "e5-small-zh"),
        ):
            texts, tokenizer = self.data / source, self.models / model
            if not texts.exists() or not tokenizer.exists():
                say(f"no row for {name}: {source} or {model} is missing")
                continue
            lines = self.folder / f"{source.split('/')[0]}-lines.txt"
            rows = texts.read_text(encoding="utf-8").split("\n") if column is None else measuring.read_tsv(texts, column)[0]
            lines.write_text("\n".join(rows).rstrip("\n") + "\n", encoding="utf-8")
            options = ["--model", tokenizer, "--input", lines, "--threads", 1]
            yield Row(
                f"tokenize {name}, ids, tokens, offsets, one thread", 40,
                self.script("tokenize_lines", *options, "--repeats", 3),
                [self.binary, "bench", "tokenize", *options, "--repeats", 5, "--json"], "mb_per_second",
            )

    def start(self):
        encoder = self.models and self.models / "minilm-l6"
        if not encoder or not encoder.exists():
            return say("no row for the first prediction: POTSTILL_MODELS has no minilm-l6")
        folder = self.folder / "minilm-l6-classifier"
        yield Row(
            "first prediction of minilm-l6, whole process", 40,
            self.script("first_prediction", "--model", folder, "--threads", self.threads, TEXT),
            [self.binary, "predict", "--model", folder, "--threads", self.threads, TEXT],
            "wall", 0.25, self.script("first_prediction", "--make-from", encoder, "--model", folder), untimed=True,
        )


def middle(values):
    """Median (least to most)."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def amount(values, key):
    """The median with its unit."""
    value = statistics.median(values)
    if key == "mb_per_second":
        return f"{value:.1f} MB/s"
    digits = 0 if value >= 1000 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} ms"


def compared(row, rounds, peers_environment, environment):
    """The row of the table: peer and potstill by turns."""
    if row.before:
        run(row.before, peers_environment)
    pairs = []
    for number in range(rounds + row.untimed):
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
    hand = " ".join(f"`{key}={value}`" for key, value in sorted(plain.items()) if key.startswith("OPENBLAS_"))
    if helper:
        mkl = "asked of MKL in the peers' processes by a preloaded library (`mkl_serv_intel_cpu_true`)"
    else:
        mkl = "not asked of MKL: " + ("--no-mkl-help" if arguments.no_mkl_help else "no AMD processor or no C compiler")
    return [
        f"- date: {datetime.date.today().isoformat()}",
        f"- processor: {about['cpu']}, {about['processors']} processors; {arguments.threads} threads on both sides",
        f"- potstill's BLAS: {blas.get('kind')} {blas.get('version', '')}, core {blas.get('core')} "
        f"({blas.get('core_choice')}); kernels {about.get('kernels')}" + (f"; also set: {hand}" if hand else ""),
        f"- peers: {versions}",
        f"- fast paths for AMD: {mkl}",
        f"- SST-2 lengths: {plan.lengths_note}",
        f"- rounds: {arguments.rounds}, peer and potstill by turns",
    ]


def document(about, lines, rows, binary):
    """RESULTS.md."""
    commands = "\n".join(
        f"# {row.name}\n" + "\n".join(map(shown, filter(None, [row.before, row.peer, row.potstill]))) for row in rows
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
