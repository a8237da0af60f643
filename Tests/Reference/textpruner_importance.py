"""The half of parity_pruning.py that runs under TextPruner and transformers 4 (see make_pruning_fixtures.py).

    textpruner_importance.py make MODEL TEXTS FOLDER     # a classifier of MODEL, batches, importances, and what is left of it
    textpruner_importance.py load FOLDER                 # logits of every folder below that has `pruned_heads`
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

BATCHES, SIZE, LENGTH = 3, 16, 64


def make(source, texts, folder):
    from textpruner import GeneralConfig, TransformerPruner, TransformerPruningConfig
    from textpruner.pruners.utils import generate_mask

    torch.manual_seed(3)
    tokenizer = AutoTokenizer.from_pretrained(source)
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=2).eval()
    model.save_pretrained(folder / "model", safe_serialization=True)
    rows = [line.rsplit("\t", 1) for line in Path(texts).read_text(encoding="utf-8").splitlines()[1 : 1 + BATCHES * SIZE]]
    batches = []
    for index in range(BATCHES):
        part = rows[index * SIZE : (index + 1) * SIZE]
        batch = tokenizer([text for text, _ in part], padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
        batch["labels"] = torch.tensor([int(label) for _, label in part])
        mask = batch["attention_mask"].bool()
        save_file({"ids": batch["input_ids"][mask].int(), "segments": batch["token_type_ids"][mask].int(),
                   "starts": torch.cat([torch.zeros(1), mask.sum(1).cumsum(0)]).int(), "labels": batch["labels"].int()},
                  folder / f"inputs-{index}.safetensors")
        batches.append(dict(batch))
    pruner = TransformerPruner(model, TransformerPruningConfig(ffn_even_masking=True),
                               GeneralConfig(use_device="cpu", output_dir=tempfile.mkdtemp()))
    heads, neurons = pruner.get_importance_score(batches)
    depth = len(heads)
    masks = {"head_mask": generate_mask(heads, 6 * depth, True), "neuron_mask": generate_mask(neurons, 768 * depth, True)}
    pruner.prune(head_mask=masks["head_mask"], ffn_mask=masks["neuron_mask"], save_model=False)
    with torch.no_grad():
        logits = torch.cat([model.eval()(**batch).logits for batch in batches])
    save_file({"heads": heads, "neurons": neurons, "logits": logits, **masks}, folder / "expected.safetensors")


def load(folder):
    for config in sorted(folder.rglob("config.json")):
        sizes = json.loads(config.read_text())
        if not sizes.get("pruned_heads") or "intermediate_sizes" in sizes or "hidden_dims" in sizes:
            continue
        model, info = AutoModelForSequenceClassification.from_pretrained(config.parent, output_loading_info=True)
        faults = [kind for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[kind]]
        inputs, rows = load_file(config.parent / "outputs.safetensors"), []
        for begin, end in zip(inputs["starts"], inputs["starts"][1:]):
            with torch.no_grad():
                rows.append(model.eval()(input_ids=inputs["ids"][None, int(begin):int(end)].long()).logits[0])
        difference = float((torch.stack(rows) - inputs["logits"]).abs().max())
        print(json.dumps({"folder": config.parent.name, "difference": difference, "faults": faults}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        load(Path(sys.argv[2]))
