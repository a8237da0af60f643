"""Checks that folders saved with --save-dtype hold what PyTorch would have saved, and load in `transformers` as they say.

A classifier is trained for a few steps in each type. Its weights must be those of the Float32 checkpoint of the last step, rounded by
PyTorch, to the bit; `from_pretrained` must find nothing missing, take the type from config.json, and give the logits of `potstill
predict` once its weights are widened again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

TOLERANCE = 1e-4  # absolute, on probabilities: two float32 engines, six layers deep
TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
SHORT = {"float16": "fp16", "bfloat16": "bf16", "float32": "float32"}


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexited {done.returncode}:\n{done.stderr}")
    return done.stdout


def check(options, name, folder):
    output = folder / name
    run(options.potstill, "train", "--task", "sst2", "--data", options.data / "sst2", "--model", options.models / "minilm-l6",
        "--output", output, "--max_steps", "4", "--max-train-samples", "200", "--max-eval-samples", "100", "--save-strategy", "steps",
        "--save-steps", "4", "--eval-strategy", "no", "--no-load-best-model-at-end", "--save-dtype", SHORT[name], "--quiet")
    saved, whole = load_file(output / "model.safetensors"), load_file(output / "checkpoint-4" / "model.safetensors")
    if saved.keys() != whole.keys():
        sys.exit(f"{name}: {saved.keys() ^ whole.keys()}")
    for key, value in whole.items():
        if value.dtype != torch.float32 or not torch.equal(value.to(TYPES[name]), saved[key]):
            sys.exit(f"{name}: {key} is not the checkpoint's, rounded")
    config = json.loads((output / "config.json").read_text(encoding="utf-8"))
    if {config.get(key, name) for key in ("dtype", "torch_dtype")} != {name}:
        sys.exit(f"{name}: config.json says {config.get('dtype')}, {config.get('torch_dtype')}")
    model, info = AutoModelForSequenceClassification.from_pretrained(output, output_loading_info=True)
    faults = [kind for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[kind]]
    if faults or model.dtype != TYPES[name]:
        sys.exit(f"{name}: loaded as {model.dtype} with {faults}")
    for key, value in model.state_dict().items():
        if key in saved and not torch.equal(value, saved[key]):
            sys.exit(f"{name}: {key} was loaded with other values")
    text = folder / "texts.txt"
    texts = ["a gripping , funny film", "dull", "it never finds its tone , but it has charm"]
    text.write_text("\n".join(texts) + "\n", encoding="utf-8")
    lines = run(options.potstill, "predict", "--model", output, "--input", text, "--json", "--all-scores").splitlines()
    tokenizer, worst = AutoTokenizer.from_pretrained(output), 0.0
    for sentence, line in zip(texts, lines):
        with torch.inference_mode():
            expected = model.float().eval()(**tokenizer(sentence, return_tensors="pt")).logits.softmax(-1)[0]
        found = json.loads(line)
        scores = found.get("scores") or found["probabilities"]
        for index, label in model.config.id2label.items():
            worst = max(worst, abs(scores[label] - float(expected[index])))
    if not worst <= TOLERANCE:
        sys.exit(f"{name}: probabilities differ by {worst:.2e}")
    size = (output / "model.safetensors").stat().st_size / 1e6
    print(f"{name}: {len(saved)} tensors equal to the bit, {size:.1f} MB, largest difference of a probability {worst:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        for dtype in TYPES:
            check(options, dtype, Path(name))


if __name__ == "__main__":
    main()
