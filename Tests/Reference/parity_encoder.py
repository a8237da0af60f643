"""Compares the encoder with `transformers` on real checkpoints and a small random XLM-R: forward, backward, and a saved directory.

For each model, sentences of its language (for XLM-R random tokens) are packed into batches of mixed lengths, from 1 token to 512. Potstill loads
the directory, runs the batches and saves the model (the test `ParityExportTests`, woken by an environment variable);
`transformers` (float32, eval, eager attention) loads the original for the hidden states and attention, and what
Potstill saved for the logits and gradients, which need the same fresh pooler and head.

A gradient's relative difference is max |ours - theirs| / max |theirs| over one tensor. The gradient of a key's bias is 0
(softmax ignores what every key shares), so both engines' rounding errors are held to the key weight's scale instead.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoModel, AutoModelForSequenceClassification, BertTokenizer
from transformers.utils import logging

import multilingual
from exported import run_test

FORWARD = 1e-4  # absolute, on logits, hidden states and attention: the project's promise
GRADIENT = 1e-3  # relative to the largest of the tensor: likewise
MODELS = {"minilm-l6": "sst2/dev.tsv", "e5-small-zh": "chnsenticorp/dev.tsv"}
BATCHES = [[1, 512, 2, 37, None, 3, None], [None] * 32, [64, 511, 128, None, 256, None, 5, 17]]  # None: as the sentence is


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", help="the binary, for predict --hidden-states; without it that check is left out")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="a folder to keep the exchanged files in")
    return parser.parse_args()


def sentences(path):
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        yield max(line.split("\t"), key=len)


def batches(directory, data):
    """Packed inputs: sentences as they are, or run together until they fill a length."""
    tokenizer = BertTokenizer.from_pretrained(directory)
    texts = sentences(data)

    def take(length):
        text = next(texts)
        while length is not None and len(tokenizer(text, add_special_tokens=False)["input_ids"]) < length - 2:
            text += " " + next(texts)
        if length is not None and length < 3:
            return [tokenizer.cls_token_id, tokenizer.sep_token_id][:length]
        return tokenizer(text, truncation=True, max_length=length or 512)["input_ids"]

    for number, lengths in enumerate(BATCHES):
        rows = [take(length) for length in lengths]
        # Second halves of every other sequence form a second segment, so that its embedding is used.
        segments = [[int(index % 2 == 1 and 2 * place >= len(row)) for place in range(len(row))]
                    for index, row in enumerate(rows)]
        yield rows, segments, [(number + index) % 2 for index in range(len(rows))]


def random_batches(words):
    """Packed inputs of random tokens, padding among them, in one segment."""
    rng = np.random.default_rng(1)
    for number, lengths in enumerate(BATCHES):
        rows = [rng.integers(0, words, length or 20 + 3 * index).tolist() for index, length in enumerate(lengths)]
        yield rows, [[0] * len(row) for row in rows], [(number + index) % 2 for index in range(len(rows))]


def command(potstill, source, data, folder, worst):
    """`potstill predict --hidden-states` on 40 lines of text, its own tokenizer included."""
    bare = AutoModel.from_pretrained(source, dtype=torch.float32).eval()
    tokenizer = BertTokenizer.from_pretrained(source)
    texts = [text for text, _ in zip(sentences(data), range(40))]
    (folder / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    run = [potstill, "predict", "--model", source, "--input", folder / "texts.txt", "--json", "--hidden-states",
           folder / "hidden.safetensors"]
    done = subprocess.run([str(part) for part in run], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, run))} exited {done.returncode}:\n{done.stderr[-3000:]}")
    ours, theirs = load_file(folder / "hidden.safetensors"), {}
    with torch.no_grad():
        for text in texts:
            seen = bare(**tokenizer(text, truncation=True, max_length=512, return_tensors="pt"), output_hidden_states=True)
            for k, hidden in enumerate(seen.hidden_states):
                theirs.setdefault(f"hidden.{k}", []).append(hidden[0])
    assert ours.keys() == theirs.keys(), f"predict wrote {sorted(ours)}"
    for name, parts in theirs.items():
        worst.see("predict --hidden-states", ours[name], torch.cat(parts), name=name)


def padded(rows, segments, padding, has_types):
    width = max(map(len, rows))
    ids, types, mask = torch.zeros(3, len(rows), width, dtype=torch.long)
    ids += padding
    for index, (row, segment) in enumerate(zip(rows, segments)):
        ids[index, : len(row)] = torch.tensor(row)
        types[index, : len(row)] = torch.tensor(segment)
        mask[index, : len(row)] = 1
    return dict(input_ids=ids, attention_mask=mask, **({"token_type_ids": types} if has_types else {}))


class Worst:
    """The largest difference of each kind."""

    def __init__(self):
        self.found = {}

    def see(self, kind, ours, theirs, scale=1.0, name=""):
        theirs = theirs.detach().numpy()
        assert ours.shape == theirs.shape, f"{kind} {name}: {ours.shape} against {theirs.shape}"
        difference = float(np.abs(ours - theirs).max()) / scale
        if not difference <= self.found.get(kind, (-1, ""))[0]:  # also catches NaN
            self.found[kind] = (difference, name)

    def report(self):
        good = True
        for kind, (difference, name) in self.found.items():
            allowed = GRADIENT if kind.startswith("gradient") else FORWARD if kind != "weights" else 0
            fine = difference <= allowed
            good = good and fine
            print(f"  {'ok  ' if fine else 'FAIL'} {kind}: {difference:.2e} (allowed {allowed:.0e}) {name}")
        return good


def compare(source, folder, inputs, worst):
    bare = AutoModel.from_pretrained(source, dtype=torch.float32, attn_implementation="eager").eval()
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder / "saved", dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    model.eval()
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], f"the saved directory has {kind}: {info[kind]}"
    state = model.state_dict()
    for name, value in bare.state_dict().items():
        if not name.startswith("pooler.") and "position_ids" not in name:  # a missing pooler is drawn anew
            worst.see("weights", state[f"{model.base_model_prefix}.{name}"].numpy(), value, name=name)

    for number, (rows, segments, labels) in enumerate(inputs):
        ours = load_file(folder / f"outputs-{number}.safetensors")
        batch = padded(rows, segments, model.config.pad_token_id, model.config.type_vocab_size > 1)
        with torch.no_grad():
            seen = bare(**batch, output_hidden_states=True, output_attentions=True)
        for k, hidden in enumerate(seen.hidden_states):
            packed = torch.cat([hidden[index, : len(row)] for index, row in enumerate(rows)])
            worst.see("hidden states", ours[f"hidden.{k}"], packed, name=f"state {k}, batch {number}")
        for k, maps in enumerate(seen.attentions):
            packed = torch.cat([maps[index, :, : len(row), : len(row)].reshape(-1) for index, row in enumerate(rows)])
            worst.see("attention", ours[f"attention.{k}"], packed, name=f"layer {k}, batch {number}")

        model.zero_grad(set_to_none=True)
        result = model(**batch, labels=torch.tensor(labels))
        worst.see("logits", ours["logits"], result.logits, name=f"batch {number}")
        worst.see("logits as in training", ours["training_logits"], result.logits, name=f"batch {number}")
        worst.see("loss", ours["loss"], result.loss)
        result.loss.backward()
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        frozen = model.get_input_embeddings().padding_idx if bare.config.model_type != "bert" else None
        for name, gradient in gradients.items():
            if frozen is not None and name.endswith(("word_embeddings.weight", "position_embeddings.weight")):
                # `padding_idx`: PyTorch keeps the row from training.
                ours["grad." + name] = np.concatenate([ours["grad." + name][:frozen], gradient[frozen:frozen + 1].numpy(),
                                                       ours["grad." + name][frozen + 1:]])
            if name.endswith("key.bias"):
                scale = gradients[name.replace(".bias", ".weight")].abs().max().item()
                worst.see("gradients of key biases (0)", ours["grad." + name], gradient, scale, name)
            else:
                worst.see("gradients", ours["grad." + name], gradient, gradient.abs().max().item(), name)


def main():
    arguments = parse()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    good = True
    for name, data in {**MODELS, "xlm-roberta": None}.items():
        source = arguments.models / name
        with tempfile.TemporaryDirectory(prefix="potstill-parity-") as scratch:
            folder = arguments.keep / name if arguments.keep else Path(scratch) / "exchanged"
            folder.mkdir(parents=True, exist_ok=True)
            if data is None:
                source = Path(scratch) / name
                multilingual.random_model(name, AutoModel, 3000, source)
            inputs = list(random_batches(3000) if data is None else batches(source, arguments.data / data))
            for number, (rows, segments, labels) in enumerate(inputs):
                save_file({
                    "ids": np.concatenate(rows).astype(np.int32), "segments": np.concatenate(segments).astype(np.int32),
                    "starts": np.cumsum([0] + [len(row) for row in rows]).astype(np.int32),
                    "labels": np.array(labels, dtype=np.int32),
                }, folder / f"inputs-{number}.safetensors")
            lengths = [len(row) for rows, _, _ in inputs for row in rows]
            print(f"  {name}: {len(lengths)} sequences of {min(lengths)} to {max(lengths)} tokens, {sum(lengths)} in all")
            run_test("ParityExportTests", folder, "outputs-0.safetensors", POTSTILL_PARITY_MODEL=str(source))
            worst = Worst()
            compare(source, folder, inputs, worst)
            if arguments.potstill and data is not None:
                command(arguments.potstill, source, arguments.data / data, folder, worst)
            good = worst.report() and good
            before = json.loads((source / "config.json").read_text(encoding="utf-8"))
            after = json.loads((folder / "saved" / "config.json").read_text(encoding="utf-8"))
            lost = [key for key in before if key not in after]
            print(f"  {'ok  ' if not lost else 'FAIL'} config.json keeps every key" + (f", but lost {lost}" if lost else ""))
            good = good and not lost
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
