"""Checks that a model whose vocabulary was cut is the same model in `transformers`, for each kind of tokenizer.

Small random classifiers under a WordPiece, a byte-level BPE and a Unigram vocabulary are cut to the training texts of SST-2 by
`potstill compress --methods vocab`. Of each, `AutoTokenizer` must read from the smaller folder the tokens that it reads from the
larger one, for every training text, at the places in which the smaller table has their rows; the logits must be the same;
and `potstill tokenize` must give the same ids, for texts too that the cutting never saw.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

import multilingual

TOLERANCE = 1e-5  # absolute, on logits: the same engine over the same rows, whose table has another size
LINES = 400
UNSEEN = ["Quizzaciously jinxed: 42 %!", "a zebra's xylophone", "x", "~^`{|}", "北京欢迎你", "emoji 👩‍👩‍👧‍👦", "tab\there", ""]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexited {done.returncode}:\n{done.stderr}")
    return done.stdout


def folders(arguments, scratch):
    """Random classifiers, one a kind of tokenizer."""
    cases = {"wordpiece": ("bert", arguments.models / "minilm-l6", ("vocab.txt", "tokenizer.json", "tokenizer_config.json"))}
    vocabulary = arguments.data / "vocab"
    if (vocabulary / "roberta-vocab.json").exists():
        (scratch / "files").mkdir()
        shutil.copy(vocabulary / "roberta-vocab.json", scratch / "files" / "vocab.json")
        shutil.copy(vocabulary / "roberta-merges.txt", scratch / "files" / "merges.txt")
        cases["byte-level"] = ("roberta", scratch / "files", ("vocab.json", "merges.txt"))
    multilingual.write_tokenizer(arguments.data, scratch / "pieces")
    cases["unigram"] = ("xlm-roberta", scratch / "pieces", multilingual.FILES)
    cases["unigram under BERT"] = ("bert", scratch / "pieces", multilingual.FILES)
    for name, (kind, source, files) in cases.items():
        folder = scratch / name.replace(" ", "-")
        folder.mkdir()
        for file in files:
            if (source / file).exists():
                shutil.copy(source / file, folder / file)
        words = len(AutoTokenizer.from_pretrained(folder)) if kind != "roberta" else 50265
        multilingual.random_model(kind, AutoModelForSequenceClassification, words, folder)
        yield name, folder


def check(name, arguments, folder, data, texts):
    output = folder.parent / f"{folder.name}-cut"
    run(arguments.potstill, "compress", "--task", "sst2", "--data", data, "--model", folder, "--methods", "vocab", "--distill",
        "none", "--output", output, "--keep-models", "--quiet")
    cut, = (path.parent for path in output.rglob("model.safetensors") if "vocab" in str(path))
    before, after = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(cut)
    large = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    small, info = AutoModelForSequenceClassification.from_pretrained(cut, output_loading_info=True)
    faults = [f"{kind}: {info[kind]}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[kind]]
    tables = [model.get_input_embeddings().weight for model in (large, small.eval())]
    worst = 0.0
    with torch.inference_mode():
        for text in texts:
            ids = [tokenizer(text, truncation=True, max_length=128)["input_ids"] for tokenizer in (before, after)]
            tokens = [tokenizer.convert_ids_to_tokens(row) for tokenizer, row in zip((before, after), ids)]
            if tokens[0] != tokens[1]:
                faults.append(f"{text[:60]!r} is cut into other tokens")
            elif not torch.equal(tables[0][ids[0]], tables[1][ids[1]]):
                faults.append(f"{text[:60]!r} reads other rows")
            else:
                logits = [model(input_ids=torch.tensor([row])).logits for model, row in zip((large, small), ids)]
                worst = max(worst, (logits[0] - logits[1]).abs().max().item())
    if not worst <= TOLERANCE:
        faults.append(f"logits differ by {worst:.1e}")
    lines = folder.parent / "lines.txt"
    lines.write_text("\n".join(texts + UNSEEN) + "\n", encoding="utf-8")
    tokenized = run(arguments.potstill, "tokenize", "--model", cut, "--input", lines, "--json")
    for text, line in zip(texts + UNSEEN, tokenized.splitlines()):
        if json.loads(line)["ids"] != after(text)["input_ids"]:
            faults.append(f"potstill reads {text[:60]!r} as other ids than transformers")
    print(f"  {'FAIL' if faults else 'ok  '} {name}: {len(before)} → {len(after)} tokens, {len(texts)} texts, largest difference of a logit "
          f"{worst:.1e}")
    for fault in faults[:5]:
        print(f"       {fault}")
    return not faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="potstill-cutting-") as name:
        scratch = Path(name)
        data = scratch / "data"
        data.mkdir()
        rows = (arguments.data / "sst2" / "train.tsv").read_text(encoding="utf-8").splitlines()[: LINES + 1]
        (data / "train.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        (data / "dev.tsv").write_text("\n".join(rows[:21]) + "\n", encoding="utf-8")
        texts = [row.rsplit("\t", 1)[0].strip() for row in rows[1:]]
        good = [check(name, arguments, folder, data, texts) for name, folder in folders(arguments, scratch)]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
