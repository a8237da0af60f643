"""Checks that what `potstill pretrain` writes is an ordinary masked language model that scores as Potstill says.

A small vocabulary is learnt and a T4-tiny trained for some updates on text of the data folder. Then, in Python:
the token file must hold what AutoTokenizer makes of the validation text, packed; the masks are drawn again with the generator
and the rules that Potstill documents; and AutoModelForMaskedLM must load without a missing or unexpected name and give
Potstill's loss, perplexity and accuracy on these masks. The same for a byte-level BPE, whose model is RoBERTa, and for a
Unigram vocabulary, whose model is XLM-R.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoModelForMaskedLM, AutoTokenizer

import multilingual

MASK = (1 << 64) - 1
TOLERANCE = 2e-5  # relative, on a mean over some thousand tokens in float32


class SplitMix:
    def __init__(self, *seeds):
        self.state = self.mix((seeds[0] + 0x9E3779B97F4A7C15) & MASK)
        for seed in seeds[1:]:
            self.state = self.mix(self.state ^ self.mix((seed + 0xD1B54A32D192ED03) & MASK))

    @staticmethod
    def mix(z):
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return z ^ z >> 31

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        return self.mix(self.state)

    def uniform(self):
        return (self.next() >> 11) * 2.0 ** -53

    def pick(self, items):
        bound = len(items)
        product = self.next() * bound
        if product & MASK < bound:
            threshold = ((1 << 64) - bound) % bound
            while product & MASK < threshold:
                product = self.next() * bound
        return items[product >> 64]


def hide(ids, index, special, ordinary, mask, probability, seed=0):
    random = SplitMix(seed, 0, index)
    places = [place for place, token in enumerate(ids) if token not in special]
    chosen = [place for place in places if random.uniform() < probability]
    if not chosen and places:
        chosen = [random.pick(places)]
    hidden, targets = list(ids), {}
    for place in chosen:
        targets[place] = ids[place]
        way = random.uniform()
        if way < 0.8:
            hidden[place] = mask
        elif way < 0.9:
            hidden[place] = random.pick(ordinary)
    return hidden, targets


def sequences(path):
    data = path.read_bytes()
    count = int.from_bytes(data[-40:-32], "little")
    ends = np.frombuffer(data[-40 - 8 * count:-40], "<i8")
    ids = np.frombuffer(data[8:-40 - 8 * count], "<i4")
    return [ids[start:end].tolist() for start, end in zip([0, *ends[:-1]], ends)]


def run(potstill, *arguments):
    done = subprocess.run([potstill, *arguments, "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"potstill {' '.join(arguments)} exited {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def check(model_folder, results, validation, length, probability):
    faults = []
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model, info = AutoModelForMaskedLM.from_pretrained(model_folder, dtype=torch.float32, output_loading_info=True)
    faults += [f"{kind} {sorted(map(str, info[kind]))}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
               if info[kind]]
    held = sequences(model_folder / "validation.tokens")
    lines = [line for line in validation.read_text(encoding="utf-8").split("\n") if line.strip()]
    packed = [token for ids in tokenizer(lines)["input_ids"] for token in ids]
    expected = [packed[start:start + length] for start in range(0, len(packed), length)]
    if held != expected:
        faults.append(f"{len(held)} sequences are not the {len(expected)} that AutoTokenizer's ids make")
    special = set(tokenizer.all_special_ids)
    ordinary = [token for token in range(len(tokenizer)) if token not in special]
    loss, correct, count = 0.0, 0, 0
    model.eval()
    with torch.inference_mode():
        for index, ids in enumerate(held):
            hidden, targets = hide(ids, index, special, ordinary, tokenizer.mask_token_id, probability)
            if not targets:
                continue
            logits = model(input_ids=torch.tensor([hidden])).logits[0, list(targets)]
            answers = torch.tensor(list(targets.values()))
            loss += torch.nn.functional.cross_entropy(logits.double(), answers, reduction="sum").item()
            correct += (logits.argmax(-1) == answers).sum().item()
            count += len(targets)
    pairs = {"eval_loss": loss / count, "eval_perplexity": math.exp(loss / count), "eval_accuracy": correct / count}
    for name, value in pairs.items():
        # One token that two engines rank differently is no fault.
        allowed = 1.5 / count if name == "eval_accuracy" else TOLERANCE * value * (6 if name == "eval_perplexity" else 1)
        if not abs(results[name] - value) <= allowed:
            faults.append(f"{name} is {results[name]}, transformers gives {value}")
    return type(model).__name__, count, pairs, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--potstill", required=True)
    parser.add_argument("--models")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = (arguments.data / "wikitext2" / "train.txt").read_text(encoding="utf-8").split("\n")
        train, validation = folder / "train.txt", folder / "valid.txt"
        train.write_text("\n".join(text[:8000]) + "\n", encoding="utf-8")
        validation.write_text("\n".join(text[-400:]) + "\n", encoding="utf-8")
        run(arguments.potstill, "vocab", "--input", str(train), "--output", str(folder / "wordpiece"), "--vocab-size", "4000")
        (folder / "bpe").mkdir()
        bpe = ByteLevelBPETokenizer()
        bpe.train([str(train)], vocab_size=4000, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                  show_progress=False)
        bpe.save_model(str(folder / "bpe"))
        (folder / "bpe" / "tokenizer_config.json").write_text('{"tokenizer_class": "RobertaTokenizer"}')
        multilingual.write_tokenizer(arguments.data, folder / "unigram", size=4000)
        for kind in ("wordpiece", "bpe", "unigram"):
            output = folder / f"{kind}-model"
            results = run(
                arguments.potstill, "pretrain", "--input", str(train), "--validation-file", str(validation), "--tokenizer",
                str(folder / kind), "--config", "T4-tiny", "--output", str(output), "--max-steps", str(arguments.steps),
                "--max-seq-length", "64", "--per-device-train-batch-size", "16")
            model, count, pairs, faults = check(output, results, validation, 64, 0.15)
            failures += bool(faults)
            shown = ", ".join(f"{key} {results[key]:.6f} ({value:.6f})" for key, value in pairs.items())
            print(f"{'FAIL' if faults else 'ok  '} {kind}: {model}, {count} hidden tokens, potstill (transformers): {shown}")
            for fault in faults:
                print(f"     {fault}")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
