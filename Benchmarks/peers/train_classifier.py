"""Fine-tunes a Hugging Face directory on SST-2 with PyTorch: the peer of `potstill train`, for speed and for accuracy.

What it does is what a user of `transformers` gets on a CPU, with nothing held back: texts tokenised before the clock
starts, batches padded to their own longest row, SDPA attention, dropout as in config.json, AdamW with no decay on
biases and LayerNorm, gradients clipped to 1, a linear schedule. Prints one JSON object.

    python Benchmarks/peers/train_classifier.py --model minilm-l6 --train sst2/train.tsv --steps 60 --warmup-steps 10
    python Benchmarks/peers/train_classifier.py --model minilm-l6 --train sst2/train.tsv --dev sst2/dev.tsv --epochs 3

`--tuned` adds what few users know: PyTorch's fused AdamW, and glibc keeping freed memory. `--sorted-pools N` sorts by
length in pools of N batches, as potstill's length grouping does, to tell the engine's gain from the batching's.
"""

import argparse
import json
import math
import os
import random
import sys
import time

TUNED_MALLOC = {"MALLOC_TRIM_THRESHOLD_": str(4 << 30), "MALLOC_MMAP_THRESHOLD_": str(4 << 30)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a Hugging Face directory")
    parser.add_argument("--train", required=True, help="GLUE TSV with columns sentence and label")
    parser.add_argument("--dev", help="the same for the accuracy at the end of each epoch")
    parser.add_argument("--steps", type=int, default=60, help="timed steps (without --epochs)")
    parser.add_argument("--warmup-steps", type=int, default=10, help="steps before the clock starts (without --epochs)")
    parser.add_argument("--epochs", type=int, help="train for whole epochs instead of timing a few steps")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--dropout", type=float, help="in place of both probabilities of config.json")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--layers", type=int, help="keep only the first N layers")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--attention", choices=("sdpa", "eager"), default="sdpa")
    parser.add_argument("--sorted-pools", type=int, default=0, metavar="N")
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


def batches(lengths, size, pools, rng):
    """One epoch of index lists: shuffled, and sorted by length inside pools of batches when asked."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    if pools:
        pool = pools * size
        order = [i for at in range(0, len(order), pool) for i in sorted(order[at : at + pool], key=lengths.__getitem__)]
    result = [order[at : at + size] for at in range(0, len(order), size)]
    if pools:
        rng.shuffle(result)
    return result


def build(arguments, torch):
    from transformers import AutoConfig, AutoModelForSequenceClassification

    changes = {"num_labels": 2}
    if arguments.dropout is not None:
        changes |= {"hidden_dropout_prob": arguments.dropout, "attention_probs_dropout_prob": arguments.dropout}
    if arguments.layers:
        changes["num_hidden_layers"] = arguments.layers
    config = AutoConfig.from_pretrained(arguments.model, **changes)
    model = AutoModelForSequenceClassification.from_pretrained(
        arguments.model, config=config, attn_implementation=arguments.attention, dtype=torch.float32
    )
    plain = [p for name, p in model.named_parameters() if name.endswith("bias") or "LayerNorm" in name]
    decayed = [p for name, p in model.named_parameters() if not (name.endswith("bias") or "LayerNorm" in name)]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": arguments.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=arguments.learning_rate,
        fused=True if arguments.tuned else None,
    )
    return model, optimizer


def main():
    arguments = parse()
    if arguments.tuned and any(os.environ.get(key) != value for key, value in TUNED_MALLOC.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **TUNED_MALLOC})
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    from measuring import Neighbours, environment, peak_rss_mb, read_tsv, summary

    logging.set_verbosity_error()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    rng = random.Random(arguments.seed)
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model, optimizer = build(arguments, torch)

    def encoded(path):
        texts, labels = read_tsv(path)
        rows = tokenizer(texts, truncation=True, max_length=arguments.max_length)["input_ids"]
        return rows, labels

    started = time.perf_counter()
    rows, labels = encoded(arguments.train)
    tokenizing = time.perf_counter() - started
    lengths = [len(row) for row in rows]

    def collate(rows, labels, indices):
        width = max(len(rows[i]) for i in indices)
        ids = torch.full((len(indices), width), tokenizer.pad_token_id)
        mask = torch.zeros((len(indices), width), dtype=torch.long)
        for at, i in enumerate(indices):
            ids[at, : len(rows[i])] = torch.tensor(rows[i])
            mask[at, : len(rows[i])] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([labels[i] for i in indices])}

    def evaluate():
        model.eval()
        dev_rows, dev_labels = encoded(arguments.dev)
        right = 0
        with torch.inference_mode():
            for at in range(0, len(dev_rows), 64):
                batch = collate(dev_rows, dev_labels, range(at, min(at + 64, len(dev_rows))))
                right += (model(**batch).logits.argmax(-1) == batch["labels"]).sum().item()
        return right / len(dev_rows)

    epoch_steps = math.ceil(len(rows) / arguments.batch_size)
    timed_from = 0 if arguments.epochs else arguments.warmup_steps
    total = epoch_steps * arguments.epochs if arguments.epochs else arguments.warmup_steps + arguments.steps
    seconds, tokens, padded, samples, losses, accuracies, step = [], 0, 0, 0, [], [], 0
    neighbours = Neighbours()
    neighbours.__enter__()
    while step < total:
        model.train()
        for indices in batches(lengths, arguments.batch_size, arguments.sorted_pools, rng):
            if step == total:
                break
            if step == timed_from:
                neighbours.__enter__()
            began = time.perf_counter()
            batch = collate(rows, labels, indices)
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = arguments.learning_rate * (1 - step / total)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            if step >= timed_from:
                seconds.append(time.perf_counter() - began)
                samples += len(indices)
                tokens += sum(lengths[i] for i in indices)
                padded += batch["input_ids"].numel()
            step += 1
            if arguments.epochs and step % 200 == 0:
                recent = sum(losses[-200:]) / 200
                print(f"step {step}/{total} loss {recent:.4f} {samples / sum(seconds):.1f} samples/s", file=sys.stderr)
        if arguments.epochs and arguments.dev:
            accuracies.append(round(evaluate(), 6))
            print(f"dev accuracy {accuracies[-1]:.4f}", file=sys.stderr)
    neighbours.__exit__()
    # The median step resists neighbours; the mean is what a run takes.
    rate = arguments.batch_size / (summary(seconds)["ms_median"] / 1000)
    print(json.dumps({
        "what": "train_classifier",
        "train_samples_per_second": round(samples / sum(seconds), 2),
        "train_samples_per_second_of_median_step": round(rate, 2),
        "train_tokens_per_second": round(tokens / sum(seconds), 1),
        "real_token_share": round(tokens / padded, 3),
        "steps": len(seconds),
        **summary(seconds),
        "train_runtime": round(sum(seconds), 2),
        "tokenizing_s": round(tokenizing, 2),
        "loss_first": round(losses[0], 4),
        "loss_last_20": round(sum(losses[-20:]) / len(losses[-20:]), 4),
        "eval_accuracy": accuracies,
        "peak_rss_mb": peak_rss_mb(),
        "other_cpu": None if neighbours.share is None else round(neighbours.share, 3),
        "batch_size": arguments.batch_size, "dropout": arguments.dropout, "attention": arguments.attention,
        "sorted_pools": arguments.sorted_pools, "tuned": arguments.tuned, "layers": arguments.layers,
        **environment(torch, arguments.threads),
    }, indent=1))


if __name__ == "__main__":
    main()
