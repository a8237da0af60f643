"""Writes Tests/Fixtures/low_rank/*: matrices of low rank by NumPy, and a model of two thin matrices by PyTorch.

`golden.safetensors` is about the model of `Fixtures/pruning` (a tiny random BERT) and its two batches, each weight approximated by
rank 8 in the form in which the papers write it:

* `<rule>.<module>`: W' of the truncated decomposition: `plain`; `asvd`, S = diag(mean |x|)^0.5, W' = U_r Σ_r V_rᵀ S⁻¹ (Yuan and others
  2023); `whitened`, S the Cholesky factor of Σ x xᵀ (SVD-LLM, Wang and others 2024); `fisher`, Î = diag(√ Σ_o F) over inputs,
  (Wᵀ ≈ Î⁻¹ U_r Σ_r V_rᵀ, FWSVD, Hsu and others 2022) with F the mean over rows of the squared gradients of a row's loss.
  The word table's rows are weighted: by (count + 1)^0.5 for `asvd` and `whitened`, and by F, of words without any the least;
* `tail.<rule>.<module>`: Σ σ² of the dropped singular values, the squared weighted error that theory names;
* `scale.asvd.<module>`, `scale.fisher.<module>`: the diagonals; `moments.<module>`: Σ x xᵀ;
* `ranks.<rule>`: the least ranks that keep 0.85 of Σ σ², of the modules in their order;
* `logits.<rule>`: the logits with all these W'.

`config.json` and `model.safetensors` are that BERT with random factors in Potstill's layout: the weight of a module of rank r is
`weight` [r, inputs], of the word table [words, r], and `weight_up` [outputs, r]. `factors.safetensors` holds, for the same batches, `logits`, and `grad.<name>`
of the first batch's loss.

Weights are float32; everything is computed in float64 and rounded once, when stored.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from goldens import save
from safetensors.torch import load_file
from transformers import BertConfig, BertForSequenceClassification

ROOT = Path(__file__).resolve().parent.parent / "Fixtures"
FIXTURES, MODEL = ROOT / "low_rank", ROOT / "pruning"
RANK, ENERGY = 8, 0.85
TABLE = "bert.embeddings.word_embeddings"


def load():
    model = BertForSequenceClassification(BertConfig.from_pretrained(MODEL, attn_implementation="eager"))
    missing = model.load_state_dict(load_file(MODEL / "model.safetensors"), strict=False)
    assert not missing.missing_keys, missing
    golden, batches = load_file(MODEL / "golden.safetensors"), []
    for number in range(2):
        part = {name: golden[f"batch.{number}.{name}"].long() for name in ("ids", "segments", "starts", "labels")}
        batches.append([{"input_ids": part["ids"][None, a:b], "token_type_ids": part["segments"][None, a:b],
                         "labels": part["labels"][row:row + 1]}
                        for row, (a, b) in enumerate(zip(part["starts"], part["starts"][1:]))])
    return model.double().eval(), batches


def linear_modules(model):
    names = [name for name, module in model.named_modules() if ".layer." in name and isinstance(module, torch.nn.Linear)]
    return [TABLE] + names


def inputs_of(model, modules, rows):
    """All inputs of each linear layer, one token a line."""
    seen = {name: [] for name in modules if name != TABLE}
    handles = [model.get_submodule(name).register_forward_hook(
        lambda module, args, output, name=name: seen[name].append(args[0].reshape(-1, args[0].shape[-1])))
        for name in seen]
    with torch.no_grad():
        for row in rows:
            model(**row)
    for handle in handles:
        handle.remove()
    return {name: torch.cat(parts).numpy() for name, parts in seen.items()}


def fisher_of(model, modules, rows):
    sums = {name: 0 for name in modules}
    for row in rows:
        model.zero_grad()
        model(**row).loss.backward()
        for name in modules:
            sums[name] = sums[name] + model.get_submodule(name).weight.grad ** 2
    model.zero_grad()
    return {name: (value / len(rows)).numpy() for name, value in sums.items()}


def truncate(matrix):
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    gap = (s[RANK - 1] - s[RANK]) / s[0]
    return u[:, :RANK] @ np.diag(s[:RANK]) @ v[:RANK], s, gap


def approximations(model, modules, rows):
    inputs, fisher = inputs_of(model, modules, rows), fisher_of(model, modules, rows)
    counts = np.bincount(torch.cat([row["input_ids"][0] for row in rows]).numpy(), minlength=model.config.vocab_size) + 1.0
    golden = {}
    ranks = {rule: [] for rule in ("plain", "asvd", "whitened", "fisher")}
    for name in modules:
        w = model.get_submodule(name).weight.detach().numpy()
        is_table = name == TABLE
        # Rows of W.T are inputs, rows of a table its words: what a diagonal weights.
        rows_first = w if is_table else w.T
        information = fisher[name].sum(1 if is_table else 0)
        information = np.maximum(information, information[information > 0].min())
        scales = {"plain": np.ones(len(rows_first)), "fisher": np.sqrt(information)}
        scales["asvd"] = counts ** 0.5 if is_table else np.abs(inputs[name]).mean(0) ** 0.5
        for rule in ranks:
            if rule == "whitened" and not is_table:
                moments = inputs[name].T @ inputs[name]
                golden[f"moments.{name}"] = moments
                s = np.linalg.cholesky(moments)
                cut, sigma, gap = truncate(w @ s)
                result = np.linalg.solve(s.T, cut.T).T
                assert np.linalg.norm((w - result) @ s) ** 2 <= np.linalg.norm((w - truncate(w)[0]) @ s) ** 2
            else:
                scale = scales["asvd" if rule == "whitened" else rule]
                if rule in ("asvd", "fisher"):
                    golden[f"scale.{rule}.{name}"] = scale
                cut, sigma, gap = truncate(scale[:, None] * rows_first)
                result = cut / scale[:, None]
                result = result if is_table else result.T
            assert gap > 2e-3, (rule, name, gap)
            golden[f"{rule}.{name}"] = result
            golden[f"tail.{rule}.{name}"] = np.array([np.sum(sigma[RANK:] ** 2)])
            kept = np.cumsum(sigma ** 2) / np.sum(sigma ** 2)
            ranks[rule].append(int(np.argmax(kept >= ENERGY)) + 1)
    golden = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in golden.items()}
    golden |= {f"ranks.{rule}": torch.tensor(value).int() for rule, value in ranks.items()}
    with torch.no_grad():
        for rule in ranks:
            weights = {f"{name}.weight": golden[f"{rule}.{name}"] for name in modules}
            golden[f"logits.{rule}"] = torch.cat([torch.func.functional_call(model, weights, (), row).logits for row in rows])
    return golden


def factorised(model, modules, batches):
    generator = torch.Generator().manual_seed(3)
    stored = {name: value.detach().clone() for name, value in model.named_parameters()}
    ranks, factors = {}, {}
    for number, name in enumerate(modules):
        rank = 5 + number % 4
        outputs, inputs = model.get_submodule(name).weight.shape
        narrow = (outputs, rank) if name == TABLE else (rank, inputs)
        up = (inputs if name == TABLE else outputs, rank)
        ranks[name] = rank
        for key, shape in ((f"{name}.weight", narrow), (f"{name}.weight_up", up)):
            factors[key] = (0.4 * torch.randn(shape, generator=generator)).float().double().requires_grad_()
        del stored[f"{name}.weight"]
    stored |= {name: value.detach() for name, value in factors.items()}
    config = json.loads((MODEL / "config.json").read_text(encoding="utf-8")) | {"low_rank": ranks}
    (FIXTURES / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save(stored, FIXTURES / "model.safetensors")

    weights = {f"{name}.weight": factors[f"{name}.weight"] @ factors[f"{name}.weight_up"].T if name == TABLE
               else factors[f"{name}.weight_up"] @ factors[f"{name}.weight"] for name in modules}
    outputs = [[torch.func.functional_call(model, weights, (), row) for row in batch] for batch in batches]
    model.zero_grad()
    torch.stack([output.loss for output in outputs[0]]).mean().backward()
    golden = {"logits": torch.cat([output.logits for batch in outputs for output in batch])}
    golden |= {f"grad.{name}": value.grad for name, value in factors.items()}
    golden |= {f"grad.{name}": value.grad for name, value in model.named_parameters()
               if name.endswith("query.bias") or name == "classifier.weight"}
    save(golden, FIXTURES / "factors.safetensors")


def main():
    shutil.rmtree(FIXTURES, ignore_errors=True)
    FIXTURES.mkdir(parents=True)
    model, batches = load()
    modules = linear_modules(model)
    golden = approximations(model, modules, [row for batch in batches for row in batch])
    save(golden, FIXTURES / "golden.safetensors")
    factorised(model, modules, batches)


if __name__ == "__main__":
    main()
