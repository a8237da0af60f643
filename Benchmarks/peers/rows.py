"""The rows of the comparison: what each side runs, how many times the peer's speed is wanted, and the files they need."""

import dataclasses
import math
import os
import random
from pathlib import Path

import measuring
from processes import PEERS, run, say

TEXT = "a gripping, funny film"


@dataclasses.dataclass
class Row:
    """One kind of work: what each side runs, and how many times the peer's speed is wanted."""

    name: str
    target: float
    peer: list
    potstill: list
    key: str = "ms_median"  # of the JSON of both sides; "wall" is the time of the whole process
    memory_target: float | None = None  # potstill's peak memory as a share of the peer's
    before: list = dataclasses.field(default_factory=list)  # commands that prepare the row, in the peer's environment
    untimed: bool = False  # one run of each side first, so that files come from memory
    rounds: int | None = None  # in place of --rounds, for what takes long and so varies little


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
        self.alike = folder / "batches-of-like-lengths.txt"

    @staticmethod
    def named_folder(variable):
        return Path(os.environ[variable]).resolve() if os.environ.get(variable) else None

    def script(self, name, *words):
        return [self.python, PEERS / f"{name}.py", *words]

    def prepare_lengths(self, environment):
        """The files of lengths: in order of arrival, and sorted into batches of 32, which come in any order."""
        if not self.lengths.exists():
            self.find_lengths(environment)
        drawn = sorted(map(int, self.lengths.read_text().split()[: 80 * 32]))
        batches = [drawn[at : at + 32] for at in range(0, len(drawn), 32)]
        random.Random(1).shuffle(batches)
        self.alike.write_text("".join(f"{length}\n" for batch in batches for length in batch))

    def find_lengths(self, environment):
        """SST-2's lengths where data and tokenizer are there; otherwise drawn ones."""
        train = self.data and self.data / "sst2/train.tsv"
        model = self.models and self.models / "minilm-l6"
        if train and train.exists() and model and model.exists():
            run(self.script("sst2_lengths", "--model", model, "--train", train, "--output", self.lengths), environment)
            self.lengths_note = "SST-2's training sentences, shuffled"
        else:
            say("no SST-2 (POTSTILL_DATA) with minilm-l6 (POTSTILL_MODELS): its lengths are drawn instead")
            drawn_lengths(self.lengths)
            self.lengths_note = "**synthetic**, lognormal with mean 13 cut at 66, in place of SST-2's"

    def steps(
        self, name, target, work, shape, steps, warmup=2, batch=32, length=None, lengths=None, peer=(), own=(), both=(), **row
    ):
        """A row of steps.py against `potstill bench`. Batches that differ are compared by their mean time."""
        options = [work, *both, "--shape", shape, "--batch", batch]
        options += ["--length", length] if length else ["--lengths", lengths or self.lengths]
        steps = self.steps_of_trial or steps
        options += ["--threads", self.threads, "--steps", steps, "--warmup", warmup, "--json"]
        key = "ms_median" if length else "ms_mean"
        return Row(name, target, self.script("steps", *options, *peer), [self.binary, "bench", *options, *own], key, **row)

    def rows(self):
        kinds = (self.training, self.inference, self.integers, self.distillation, self.epoch, self.tokenization, self.start)
        return [row for kind in kinds for row in kind()]

    def training(self):
        half = {"memory_target": 0.5}
        for shape, target, steps, warmup in (("bert-base", 1.45, 2, 1), ("minilm-l6", 1.65, 4, 1), ("t4-tiny", 1.9, 8, 2)):
            yield self.steps(f"train-step {shape}, 32 x 128", target, "train-step", shape, steps, warmup, length=128, **half)
        # Most of its values are the word table's, of which a batch reads few rows.
        yield self.steps("train-step xlm-r-base, SST-2 lengths", 3.0, "train-step", "xlm-r-base", 5)
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
        for shape, target, steps in (("bert-base", 2.5, 8), ("xlm-r-base", 2.5, 8), ("minilm-l6", 2.6, 30), ("t4-tiny", 3.3, 60)):
            yield self.steps(f"infer {shape}, SST-2 lengths", target, "infer", shape, steps)
        for shape, target, steps in (("bert-base", 1.2, 50), ("t4-tiny", 2, 300)):
            file = self.folder / f"{shape}.onnx"
            name = f"infer {shape}, one sentence of 32 tokens (peer: ONNX Runtime)"
            export = ["export-onnx", "--shape", shape, "--batch", 1, "--length", 32, "--output", file]
            row = self.steps(name, target, "infer", shape, steps, 10, batch=1, length=32, peer=["--onnx", file])
            yield dataclasses.replace(row, before=[self.script("steps", *export)])

    def integers(self):
        """Both sides with weights of 8 bits: one model, one file of it each.

        ONNX Runtime gets the graph of `potstill export`, which it runs faster than a fused or plain one of PyTorch's
        exporter that its own `quantize_dynamic` made.
        """
        for shape, steps, middle, single in (("bert-base", 12, 3, 50), ("minilm-l6", 40, 8, 200), ("t4-tiny", 80, 16, 400)):
            model, onnx = self.folder / f"{shape}-int8", self.folder / f"{shape}-int8-onnx"
            sides = {
                "peer": ["--onnx", onnx / "onnx/model_quantized.onnx"],
                "own": ["--shape", model, "--precision", "int8"],
                "before": [
                    self.script("steps", "save", "--shape", shape, "--output", model),
                    [self.binary, "export", model, "--onnx", "--precision", "int8", "--output", onnx,
                     "--overwrite-output-dir", "--quiet"],
                ],
            }
            name = f"infer {shape} in int8"
            peer = "(peer: ONNX Runtime's int8)"
            yield self.steps(f"{name}, SST-2 lengths {peer}", 1.3, "infer", shape, steps, **sides)
            yield self.steps(f"{name}, SST-2 lengths, sorted {peer}", 1.3, "infer", shape, steps, lengths=self.alike, **sides)
            yield self.steps(f"{name}, 32 x 128 {peer}", 1.3, "infer", shape, middle, length=128, **sides)
            yield self.steps(
                f"{name}, one sentence of 32 tokens {peer}", 1.3, "infer", shape, single, 10, batch=1, length=32, **sides
            )

    def distillation(self):
        pair = ["--teacher", "bert-base", "--match", "L4t_hidden_mse"]
        name = "distill-step bert-base to t4-tiny, SST-2 lengths (peer: textbrewer)"
        yield self.steps(name, 2.8, "distill-step", "t4-tiny", 6, both=pair)
        name = "the same with the teacher in int8"
        yield self.steps(name, 4.5, "distill-step", "t4-tiny", 6, both=pair, own=["--precision", "int8"])
        name = "the same from the second epoch on, the teacher's answers from a file"
        yield self.steps(name, 12, "distill-step", "t4-tiny", 6, both=pair, own=["--cached"])

    def epoch(self):
        """A whole epoch as a user runs it: reading, tokenizing, training, saving."""
        train = self.data and self.data / "sst2/train.tsv"
        model = self.models and self.models / "minilm-l6"
        if not train or not train.exists() or not model or not model.exists():
            return say("no row for a whole epoch: it needs sst2 in POTSTILL_DATA and minilm-l6 in POTSTILL_MODELS")
        options = ["--task", "sst2", "--data", train.parent, "--num-train-epochs", 1, "--eval-strategy", "no"]
        options += ["--weight-decay", 0.01, "--threads", self.threads]
        yield Row(
            "fine-tuning minilm-l6 on SST-2, one epoch, whole process", 4,
            self.script("train_classifier", "--model", model, "--train", train, "--epochs", 1, "--threads", self.threads),
            [self.binary, "train", *options, "--model", model, "--output", self.folder / "run", "--overwrite-output-dir"],
            "wall", rounds=1,
        )

    def tokenization(self):
        if not self.data or not self.models:
            return say("no tokenization rows: POTSTILL_DATA and POTSTILL_MODELS are not both set")
        english, chinese = ("wikitext2/train.txt", None), ("chnsenticorp/train.tsv", "text_a")
        for name, (source, column), model, target in (
            ("English, SST-2", ("sst2/train.tsv", "sentence"), "minilm-l6", 40),
            ("English, WikiText-2", english, "minilm-l6", 40),
            ("Chinese, ChnSentiCorp", chinese, "e5-small-zh", 40),
            ("English, WikiText-2, with XLM-R's pieces", english, "multilingual-e5-small", 15),
            ("Chinese, ChnSentiCorp, with XLM-R's pieces", chinese, "multilingual-e5-small", 15),
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
                f"tokenize {name}, ids, tokens, offsets, one thread", target,
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
            "wall", 0.25, [self.script("first_prediction", "--make-from", encoder, "--model", folder)], untimed=True,
        )
