"""Fine-tunes a Hugging Face directory on a small GLUE task with PyTorch and prints the dev scores, seed by seed.

The peer of `potstill train --task cola|mrpc|rte|stsb` for quality, not for speed: the same options with the same meaning,
batches shuffled by the seed, AdamW without decay on biases and LayerNorm, warm-up and a linear
schedule, gradients clipped to 1. The score is that of the last epoch, by scipy's and scikit-learn's formulas.

    python Benchmarks/peers/glue.py --task mrpc --data MRPC/ --model minilm-l6 --seeds 1 2 3
"""

import argparse
import json
import math
import random
from pathlib import Path

TASKS = {
    "cola": {"columns": (3, None, 1), "header": False, "labels": ["0", "1"], "length": 128},
    "mrpc": {"columns": ("#1 String", "#2 String", "Quality"), "header": True, "labels": ["0", "1"], "length": 128},
    "rte": {
        "columns": ("sentence1", "sentence2", "label"), "header": True,
        "labels": ["entailment", "not_entailment"], "length": 256,
    },
    "stsb": {"columns": ("sentence1", "sentence2", "score"), "header": True, "labels": None, "length": 128},
}

# Sequences that are padded to one length.
PART = 8


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", required=True, choices=TASKS)
    parser.add_argument("--data", required=True, type=Path, help="the folder of train.tsv and dev.tsv")
    parser.add_argument("--model", required=True, help="a Hugging Face directory")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--warmup-ratio", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def read(path, task):
    """(first texts, second texts or None, labels), a tab-separated file without quoting."""
    lines = path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
    columns = task["columns"]
    if task["header"]:
        header = lines.pop(0).rstrip("\r").split("\t")
        columns = tuple(header.index(name) for name in columns)
    rows = [line.rstrip("\r").split("\t") for line in lines]
    labels = [row[columns[2]] for row in rows]
    labels = [task["labels"].index(label) for label in labels] if task["labels"] else [float(label) for label in labels]
    second = None if columns[1] is None else [row[columns[1]] for row in rows]
    return [row[columns[0]] for row in rows], second, labels


def scores(name, logits, labels):
    from scipy.stats import pearsonr, spearmanr
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    if name == "stsb":
        values = [row[0] for row in logits]
        pearson, spearman = pearsonr(values, labels)[0], spearmanr(values, labels)[0]
        return {"pearson": pearson, "spearmanr": spearman, "combined_score": (pearson + spearman) / 2}
    predictions = [int(row[1] > row[0]) for row in logits]
    if name == "cola":
        return {"matthews_correlation": matthews_corrcoef(labels, predictions)}
    result = {"accuracy": accuracy_score(labels, predictions)}
    return {**result, "f1": f1_score(labels, predictions)} if name == "mrpc" else result


def run(arguments, seed):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    task = TASKS[arguments.task]
    torch.manual_seed(seed)
    rng = random.Random(seed)
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    count = len(task["labels"]) if task["labels"] else 1
    model = AutoModelForSequenceClassification.from_pretrained(arguments.model, num_labels=count, dtype=torch.float32)

    def encoded(name):
        first, second, labels = read(arguments.data / name, task)
        rows = tokenizer(first, second, truncation=True, max_length=task["length"])
        return [{key: rows[key][i] for key in rows} for i in range(len(labels))], labels

    def batch(rows, labels, indices):
        padded = tokenizer.pad([rows[i] for i in indices], return_tensors="pt")
        kind = torch.long if task["labels"] else torch.float32
        return {**padded, "labels": torch.tensor([labels[i] for i in indices], dtype=kind)}

    rows, labels = encoded("train.tsv")
    plain = [p for name, p in model.named_parameters() if name.endswith("bias") or "LayerNorm" in name]
    decayed = [p for name, p in model.named_parameters() if not (name.endswith("bias") or "LayerNorm" in name)]
    groups = [{"params": decayed, "weight_decay": arguments.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=arguments.learning_rate)
    total = arguments.epochs * math.ceil(len(rows) / arguments.batch_size)
    warmup = math.ceil(total * arguments.warmup_ratio)
    step = 0
    for _ in range(arguments.epochs):
        model.train()
        order = list(range(len(rows)))
        rng.shuffle(order)
        for at in range(0, len(order), arguments.batch_size):
            share = step / max(1, warmup) if step < warmup else (total - step) / max(1, total - warmup)
            for group in optimizer.param_groups:
                group["lr"] = arguments.learning_rate * share
            # In parts of similar length, which pads less; weighted, so that the gradient is that of the mean over the batch.
            indices = sorted(order[at : at + arguments.batch_size], key=lambda i: len(rows[i]["input_ids"]))
            for part in range(0, len(indices), PART):
                some = indices[part : part + PART]
                (model(**batch(rows, labels, some)).loss * (len(some) / len(indices))).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
    model.eval()
    dev, truth = encoded("dev.tsv")
    logits = []
    with torch.inference_mode():
        for at in range(0, len(dev), 64):
            logits += model(**batch(dev, truth, range(at, min(at + 64, len(dev))))).logits.tolist()
    return scores(arguments.task, logits, truth)


def main():
    arguments = parse()
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()
    torch.set_num_threads(arguments.threads)
    for seed in arguments.seeds:
        result = {name: round(float(value), 6) for name, value in run(arguments, seed).items()}
        print(json.dumps({"task": arguments.task, "seed": seed, **result}), flush=True)


if __name__ == "__main__":
    main()
