"""Writes Tests/Fixtures/pruning/*: what TextPruner and transformers 4 make of a tiny random BERT.

Needs an environment of its own, since TextPruner wants transformers 4:

    python3 -m venv .venv-textpruner
    .venv-textpruner/bin/pip install textpruner==1.1.post2 transformers==4.30.2 torch==2.2.2 'numpy<2' sentencepiece protobuf

`config.json` and `model.safetensors` are the model; `golden.safetensors` holds the batches (`batch.<i>.ids`, `segments`,
`starts`, `labels`) and

* `labels.heads`, `labels.neurons`, `labels.neurons_uneven`: `get_importance_score` with and without `ffn_even_masking`;
* `logits.heads`, `logits.neurons`: `get_importance_score_with_logits` of the model whose heads and neurons of
  `masks.even.*` are zero, against the whole model (TextPruner's own copy of it is in half precision, whose rounding is all
  the gradient there is before the first cut);
* `masks.<name>.heads|neurons`: `generate_mask` of the first two;
* `gradient.features|layers` and `activations.*`: the importances that TextPruner does not have, by plain PyTorch;
* `schedule.<name>`: 21 values of the schedules of Zhu and Gupta (2017) and of Sanh and others (2020, `schedule_threshold`);
* `pruned.<name>`: the logits after `prune_with_masks`, `transformers4` those of the folder of that name, which
  `save_pretrained` has written after `prune_heads`.

`weights.safetensors` is single weights pruned in one pass over the first batch, by magnitude and by movement with top-v masks
and straight-through scores (`MaskedLinear` of Sanh and others): `<rule>.logits`, `<rule>.grad.<name>`, and for movement
`scores.<name>` with `movement.score_grad.<name>`.

Weights are float32; everything is computed in float64 and rounded once, when stored.
"""

import copy
import shutil
import tempfile
from pathlib import Path

import torch
from goldens import save
from textpruner import GeneralConfig, TransformerPruner, TransformerPruningConfig
from textpruner.pruners.utils import generate_mask
from transformers import BertConfig, BertForSequenceClassification

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "pruning"
LENGTHS = [[7, 4, 9], [5, 11]]


def make_model():
    torch.manual_seed(11)
    config = BertConfig(vocab_size=40, hidden_size=24, num_hidden_layers=3, num_attention_heads=4, intermediate_size=20,
                        max_position_embeddings=20, num_labels=3, initializer_range=0.4)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "LayerNorm" in name:
                parameter += 0.2 * torch.randn_like(parameter)
    return model


def make_batches():
    generator = torch.Generator().manual_seed(5)
    batches = []
    for lengths in LENGTHS:
        shape = (len(lengths), max(lengths))
        mask = torch.tensor([[1] * n + [0] * (shape[1] - n) for n in lengths])
        ids = torch.randint(1, 40, shape, generator=generator) * mask
        segments = torch.randint(0, 2, shape, generator=generator) * mask
        labels = torch.randint(0, 3, (len(lengths),), generator=generator)
        batches.append({"input_ids": ids, "attention_mask": mask, "token_type_ids": segments, "labels": labels})
    return batches


def pruner(model, **settings):
    folder = tempfile.mkdtemp()
    config = TransformerPruningConfig(target_ffn_size=10, target_num_of_heads=2, pruning_method="iterative", n_iters=2,
                                      **settings)
    return TransformerPruner(model, config, GeneralConfig(use_device="cpu", output_dir=folder))


def logits(model, batches):
    with torch.no_grad():
        return torch.cat([model(**batch).logits for batch in batches])


def real(batch, states):
    """The rows of tokens that are no padding."""
    return states[batch["attention_mask"].bool()]


def gradient_scores(model, batches):
    """Features: for each module and side |Σ w ∂L/∂w| of what writes or reads the feature; layers: of all their weights."""
    hidden, depth = model.config.hidden_size, model.config.num_hidden_layers
    features, layers = torch.zeros(hidden).double(), torch.zeros(depth).double()
    readers = ("query", "key", "value", "intermediate.dense", "pooler.dense", "classifier")
    for batch in batches:
        model.zero_grad()
        model(**batch).loss.backward()
        sums = {}
        layer_sums = torch.zeros(depth).double()
        for name, parameter in model.named_parameters():
            module, kind = name.rsplit(".", 1)
            product = (parameter * parameter.grad).detach()
            if ".layer." in name:
                layer_sums[int(name.split(".layer.")[1].split(".")[0])] += product.sum()
            if "_embeddings" in module or (kind == "weight" and module.endswith(readers)):
                sums[module, "columns"] = sums.get((module, "columns"), 0) + product.sum(0)
            writes = module.endswith(("attention.output.dense", "LayerNorm", "pooler.dense")) or (
                module.endswith("output.dense") and "attention" not in module)
            if writes:
                sums[module, "rows"] = sums.get((module, "rows"), 0) + (product.sum(1) if product.dim() > 1 else product)
        features += sum(value.abs() for value in sums.values())
        layers += layer_sums.abs()
    model.zero_grad()
    count = sum(len(batch["labels"]) for batch in batches)
    return features / count, layers / count


def activation_scores(model, batches):
    config = model.config
    heads, neurons = [], []
    seen = {}
    handles = []
    for index, layer in enumerate(model.bert.encoder.layer):
        handles.append(layer.attention.self.register_forward_hook(
            lambda module, inputs, output, index=index: seen.__setitem__(("mixed", index), output[0])))
        handles.append(layer.intermediate.register_forward_hook(
            lambda module, inputs, output, index=index: seen.__setitem__(("inner", index), output)))
    rows = {"heads": [], "neurons": [], "features": [], "layers": []}
    for batch in batches:
        with torch.no_grad():
            states = [real(batch, state) for state in model(**batch, output_hidden_states=True).hidden_states]
        mixed = [real(batch, seen["mixed", index]) for index in range(config.num_hidden_layers)]
        inner = [real(batch, seen["inner", index]) for index in range(config.num_hidden_layers)]
        rows["heads"].append(torch.stack(
            [row.view(len(row), config.num_attention_heads, -1).norm(dim=-1) for row in mixed]))
        rows["neurons"].append(torch.stack([row.abs() for row in inner]))
        rows["features"].append(torch.stack([state.abs() for state in states]).mean(0))
        rows["layers"].append(torch.stack(
            [1 - torch.cosine_similarity(a, b, dim=-1) for a, b in zip(states, states[1:])]))
    for handle in handles:
        handle.remove()
    return {"heads": torch.cat(rows["heads"], 1).mean(1), "neurons": torch.cat(rows["neurons"], 1).mean(1),
            "features": torch.cat(rows["features"]).mean(0), "layers": torch.cat(rows["layers"], 1).mean(1)}


class TopV(torch.autograd.Function):
    """A mask of the highest scores, straight through."""

    @staticmethod
    def forward(ctx, scores, density):
        mask = torch.zeros_like(scores).flatten()
        mask[scores.flatten().argsort(descending=True, stable=True)[: int(density * scores.numel())]] = 1
        return mask.view_as(scores)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


def masked_pass(model, batch, density, scores):
    """Logits and gradients with masked matrices in the layers; without scores by magnitude."""
    weights = {name: value for name, value in model.named_parameters()
               if ".layer." in name and value.dim() == 2}
    ranked = scores or {name: value.detach().abs() for name, value in weights.items()}
    masked = {name: value * TopV.apply(ranked[name], density) for name, value in weights.items()}
    output = torch.func.functional_call(model, masked, (), batch)
    model.zero_grad()
    output.loss.backward()
    return output.logits, {name: value.grad.clone() for name, value in weights.items()}


def weight_golden(model, batch, density=0.4):
    generator = torch.Generator().manual_seed(9)
    scores = {name: torch.randn(value.shape, generator=generator).float().double().requires_grad_()
              for name, value in model.named_parameters() if ".layer." in name and value.dim() == 2}
    golden = {f"scores.{name}": value for name, value in scores.items()}
    for rule, learnt in [("magnitude", None), ("movement", scores)]:
        golden[f"{rule}.logits"], gradients = masked_pass(model, batch, density, learnt)
        golden |= {f"{rule}.grad.{name}": value for name, value in gradients.items()}
    return golden | {f"movement.score_grad.{name}": value.grad for name, value in scores.items()}


def zhu_gupta(step, initial, final, begin, end, every):
    """Equation 1 of the paper, at the last step of a change."""
    if step < begin:
        return initial
    step = min(begin + (step - begin) // every * every, end) if step < end else end
    return final + (initial - final) * (1 - (step - begin) / (end - begin)) ** 3


def schedule_threshold(step, total_step, warmup_steps, initial_threshold, final_threshold, initial_warmup, final_warmup):
    """The function of that name in examples/research_projects/movement-pruning, by its formula."""
    if step <= initial_warmup * warmup_steps:
        return initial_threshold
    if step > total_step - final_warmup * warmup_steps:
        return final_threshold
    begin, still = initial_warmup * warmup_steps, (final_warmup + initial_warmup) * warmup_steps
    left = 1 - (step - begin) / (total_step - still)
    return final_threshold + (initial_threshold - final_threshold) * left**3


def main():
    shutil.rmtree(FIXTURES, ignore_errors=True)
    FIXTURES.mkdir(parents=True)
    model, batches = make_model(), make_batches()
    model.save_pretrained(FIXTURES, safe_serialization=True)
    golden = {}
    for index, batch in enumerate(batches):
        mask = batch["attention_mask"].bool()
        golden[f"batch.{index}.ids"] = batch["input_ids"][mask].int()
        golden[f"batch.{index}.segments"] = batch["token_type_ids"][mask].int()
        golden[f"batch.{index}.starts"] = torch.tensor([0, *LENGTHS[index]]).cumsum(0).int()
        golden[f"batch.{index}.labels"] = batch["labels"].int()
    model.double()
    # The layers that `prune_heads` makes have the usual precision.
    torch.set_default_dtype(torch.float64)
    golden["whole"] = logits(model, batches)

    even = pruner(copy.deepcopy(model), ffn_even_masking=True)
    heads, neurons = even.get_importance_score(batches)
    uneven_neurons = pruner(copy.deepcopy(model), ffn_even_masking=False).get_importance_score(batches)[1]
    golden |= {"labels.heads": heads, "labels.neurons": neurons, "labels.neurons_uneven": uneven_neurons}
    masks = {
        "even": (generate_mask(heads, 6, True), generate_mask(neurons, 30, True)),
        "uneven": (generate_mask(heads, 6, False), generate_mask(uneven_neurons, 30, False)),
        "groups": (generate_mask(heads, 6, False), generate_mask(uneven_neurons, 30, False, multiple_of=4)),
    }
    for name, (head_mask, ffn_mask) in masks.items():
        golden |= {f"masks.{name}.heads": head_mask.int(), f"masks.{name}.neurons": ffn_mask.int()}

    # Without labels, a step on: the zeroed model against the whole one.
    step = pruner(copy.deepcopy(model), ffn_even_masking=True, use_logits=True)
    step.prune_with_masks(*masks["even"], keep_shape=True, set_masks=True, save_model=False)
    step.model_rep = copy.deepcopy(model)
    golden["logits.heads"], golden["logits.neurons"] = step.get_importance_score_with_logits(batches)

    golden["gradient.features"], golden["gradient.layers"] = gradient_scores(copy.deepcopy(model), batches)
    golden |= {f"activations.{name}": value for name, value in activation_scores(model, batches).items()}

    for name in ["even", "uneven", "groups"]:
        pruned = pruner(copy.deepcopy(model))
        pruned.prune_with_masks(*masks[name], keep_shape=False, set_masks=True, save_model=False)
        golden[f"pruned.{name}"] = logits(pruned.model, batches)

    four = copy.deepcopy(model)
    four.prune_heads({0: [1], 2: [0, 3]})
    golden["transformers4"] = logits(four, batches)
    four.float().save_pretrained(FIXTURES / "transformers4", safe_serialization=True)

    golden["schedule.zhu_gupta"] = torch.tensor([zhu_gupta(step, 1, 0.1, 3, 17, 1) for step in range(21)]).double()
    golden["schedule.zhu_gupta_every"] = torch.tensor([zhu_gupta(step, 1, 0.1, 3, 17, 4) for step in range(21)]).double()
    golden["schedule.sanh"] = torch.tensor(
        [schedule_threshold(step, 20, 3, 1, 0.1, 1, 2) for step in range(21)]).double()
    save(golden, FIXTURES / "golden.safetensors")
    save(weight_golden(model, batches[0]), FIXTURES / "weights.safetensors")


if __name__ == "__main__":
    main()
