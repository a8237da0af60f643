"""Checks that a directory potstill wrote is an ordinary Hugging Face directory.

Fine-tunes a few steps with potstill (or takes `--exported DIR`), loads the result in `transformers` with
`from_pretrained`, and compares: no missing, unexpected or mis-shaped name; the same token ids; the same logits, labels
and scores on sentences of SST-2 and some awkward ones; the source's config.json keys still there. Then the same with a
student of it that has narrower layers and embeddings, and with small random models of BERT's relatives, whose weights are a
`pytorch_model.bin`, some of them, and BERT itself, under a vocabulary like XLM-R's.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

import multilingual

TOLERANCE = 1e-4  # absolute, on logits: two float32 engines that add in different orders, six layers deep
AWKWARD = [
    "a", "...", "[MASK] and [UNK] are words here", "naïve café, fiancée — œuvre", "北京 Swift 2026 好看！",
    "supercalifragilisticexpialidocious" * 4, "word " * 700, "emoji 👩‍👩‍👧‍👦 and a flag 🇩🇪", "a <mask> here,<mask> there </s> <s>", "tab\there  two  spaces",
]
# What an export may change in config.json: it is another kind of model, written by another program.
OWN_KEYS = {"architectures", "_name_or_path", "transformers_version", "torch_dtype", "dtype", "num_labels", "id2label",
            "label2id", "gradient_checkpointing", "num_hidden_layers", "problem_type", "use_cache"}


# Every relative of BERT, small, with what its positions and names need.
RELATIVES = {
    "roberta": dict(max_position_embeddings=513, type_vocab_size=1, layer_norm_eps=1e-5),
    "xlm-roberta": dict(max_position_embeddings=513, type_vocab_size=1),
    "camembert": dict(max_position_embeddings=513, type_vocab_size=1),
    "electra": dict(embedding_size=48), "bert": dict(type_vocab_size=2),
    "distilbert": dict(n_layers=2, n_heads=4, dim=64, hidden_dim=128),
}
SIZES = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="minilm-l6", help="the folder of --models to fine-tune from")
    parser.add_argument("--exported", type=Path, help="an existing directory that potstill wrote; nothing is trained")
    parser.add_argument("--lines", type=int, default=200)
    return parser.parse_args()


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexited {done.returncode}:\n{done.stderr}")
    return done.stdout


def objects(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


class Checks:
    """Counts what was compared and prints each difference (the first few of a kind)."""

    def __init__(self):
        self.faults = {}

    def expect(self, kind, good, message):
        self.faults.setdefault(kind, [])
        if not good:
            self.faults[kind].append(message)

    def report(self):
        for kind, faults in self.faults.items():
            print(f"  {'ok  ' if not faults else 'FAIL'} {kind}" + (f": {len(faults)} faults" if faults else ""))
            for fault in faults[:5]:
                print(f"       {fault}")
        return not any(self.faults.values())


def compare_names(checks, directory):
    model, info = AutoModelForSequenceClassification.from_pretrained(
        directory, output_loading_info=True, dtype=torch.float32)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        # position_ids is a buffer that older checkpoints kept; it carries nothing.
        found = [name for name in info[kind] if "position_ids" not in str(name)]
        checks.expect("names", not found, f"{kind}: {found}")
    return model.eval()


def compare_config(checks, source, directory):
    before = json.loads((source / "config.json").read_text(encoding="utf-8"))
    after = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    for key in before.keys() - OWN_KEYS:
        checks.expect("config.json keeps the source's keys", after.get(key) == before[key],
                      f"{key}: {before[key]!r} became {after.get(key)!r}")


def relative(kind, words, padding, tokenizer, directory):
    """A random model of a kind beside a tokenizer's files, as somebody who never met safetensors would store it."""
    torch.manual_seed(1)
    own = RELATIVES[kind] if kind == "distilbert" else {**SIZES, **RELATIVES[kind]}
    config = AutoConfig.for_model(kind, vocab_size=words, pad_token_id=padding, initializer_range=0.15, **own)
    model = AutoModelForSequenceClassification.from_config(config)
    directory.mkdir()
    config.save_pretrained(directory)
    torch.save(model.state_dict(), directory / "pytorch_model.bin")
    for name, path in tokenizer.items():
        if path.exists():
            shutil.copy(path, directory / name)


def train(checks, arguments, source, directory):
    run(arguments.potstill, "train", "--task", "sst2", "--data", arguments.data / "sst2", "--model", source,
        "--output", directory, "--max_steps", "4")
    if not (directory / "config.json").exists():
        sys.exit("potstill train succeeded but wrote no config.json")
    compare_config(checks, source, directory)


def narrow(arguments, teacher, directory):
    """A student of the teacher's layers with narrower embeddings and layers, which is saved as an ELECTRA."""
    sizes = json.loads((teacher / "config.json").read_text(encoding="utf-8"))
    run(arguments.potstill, "distill", "--task", "sst2", "--data", arguments.data / "sst2", "--teacher", teacher,
        "--student", "T2", "--num_attention_heads", sizes["num_attention_heads"] // 2, "--intermediate_size",
        sizes["intermediate_size"] // 3, "--embedding_size", sizes["hidden_size"] // 4, "--output", directory,
        "--max_steps", "4", "--no-cache-teacher-logits")


def compare(checks, arguments, directory, sentences, scratch):
    text = scratch / "sentences.txt"
    text.write_text("\n".join(sentences) + "\n", encoding="utf-8")
    model = compare_names(checks, directory)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    # RoBERTa's position table begins with rows that no token has.
    unused = model.config.pad_token_id + 1 if model.config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    limit = min(tokenizer.model_max_length, model.config.max_position_embeddings - unused)
    predicted = objects(run(arguments.potstill, "predict", "--model", directory, "--input", text, "--json"))
    tokenized = objects(run(arguments.potstill, "tokenize", "--model", directory, "--input", text, "--json"))
    checks.expect("one object a line", len(predicted) == len(sentences), f"predict: {len(predicted)} objects")
    checks.expect("one object a line", len(tokenized) == len(sentences), f"tokenize: {len(tokenized)} objects")
    worst = 0.0
    with torch.inference_mode():
        for sentence, ours, tokens in zip(sentences, predicted, tokenized):
            shown = repr(sentence[:50])
            ids = tokenizer(sentence)["input_ids"]
            checks.expect("token ids", ids[: len(tokens["ids"]) - 1] == tokens["ids"][:-1], shown)
            batch = tokenizer(sentence, truncation=True, max_length=limit, return_tensors="pt")
            if unused or model.config.model_type == "distilbert":
                batch.pop("token_type_ids", None)
            logits = model(**batch).logits[0]
            difference = (logits - torch.tensor(ours["logits"])).abs().max().item()
            worst = max(worst, difference)
            checks.expect("logits", difference <= TOLERANCE, f"{shown}: {ours['logits']} against {logits.tolist()}")
            # A tie within the tolerance may fall either way.
            tied = logits.numel() > 1 and (logits.topk(2).values.diff().abs() < 2 * TOLERANCE).item()
            label = model.config.id2label[logits.argmax().item()]
            checks.expect("labels", tied or ours["label"] == label, f"{shown}: {ours['label']} against {label}")
            score = torch.softmax(logits, -1).max().item()
            checks.expect("scores", abs(ours["score"] - score) <= TOLERANCE, f"{shown}: {ours['score']} against {score}")
    kind = model.config.model_type
    print(f"  {kind}: {len(sentences)} sentences, largest difference of a logit {worst:.2e} (allowed {TOLERANCE:.0e})")


def main():
    arguments = parse()
    logging.set_verbosity_error()
    checks = Checks()
    lines = (arguments.data / "sst2" / "dev.tsv").read_text(encoding="utf-8").splitlines()[1 : arguments.lines + 1]
    sentences = [line.split("\t")[0] for line in lines] + AWKWARD
    with tempfile.TemporaryDirectory(prefix="potstill-parity-") as scratch:
        scratch = Path(scratch)
        if arguments.exported is not None:
            compare(checks, arguments, arguments.exported, sentences, scratch)
        else:
            model = arguments.models / arguments.model
            train(checks, arguments, model, scratch / "exported")
            compare(checks, arguments, scratch / "exported", sentences, scratch)
            narrow(arguments, scratch / "exported", scratch / "narrow")
            compare(checks, arguments, scratch / "narrow", sentences, scratch)
            names = ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
            words = json.loads((model / "config.json").read_text(encoding="utf-8"))["vocab_size"]
            cases = [(kind, kind, words, 0, {name: model / name for name in names}) for kind in RELATIVES if kind != "bert"]
            own = {"vocab.json": arguments.data / "vocab" / "roberta-vocab.json",
                   "merges.txt": arguments.data / "vocab" / "roberta-merges.txt"}
            if own["vocab.json"].exists():
                words = len(json.loads(own["vocab.json"].read_text(encoding="utf-8")))
                cases.append(("roberta-bpe", "roberta", words, 1, own))
            words = multilingual.write_tokenizer(arguments.data, scratch / "unigram")
            own = {name: scratch / "unigram" / name for name in multilingual.FILES}
            cases += [(f"{kind}-unigram", kind, words + extra, padding, own)
                      for kind, extra, padding in (("xlm-roberta", 0, 1), ("camembert", 0, 1), ("bert", 35, 0))]
            for name, kind, words, padding, files in cases:
                relative(kind, words, padding, files, scratch / name)
                train(checks, arguments, scratch / name, scratch / f"{name}-exported")
                compare(checks, arguments, scratch / f"{name}-exported", sentences, scratch)
    sys.exit(0 if checks.report() else 1)


if __name__ == "__main__":
    main()
