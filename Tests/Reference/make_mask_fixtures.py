"""Writes Tests/Fixtures/masks/*: the gates of CoFi (Xia, Zhong and Chen 2022) and a tiny BERT that is run with them.

Formulas and constants are those of `models/l0_module.py` of princeton-nlp/CoFiPruning; with the path of a checkout as argument
they are also compared with that module. Everything is computed in float64 and rounded once, when stored.

`config.json` and `model.safetensors` are the model; `golden.safetensors` holds a batch (`ids`, `segments`, `starts`, `labels`) and

* `log_alpha.<kind>`: parameters of the gates; `u.<kind>` the numbers that Potstill's source of seed 7 draws for them;
  `gates.<kind>` the gates; `settled.<kind>` the deterministic ones of CoFi, `settled6.features` those that go in whole heads;
* `sparsity`, `constraint` (at λ = `lambda`, target `target`) with `constraint.grad.<kind>` and `constraint.grad.lambda`; the
  same without gates of features as `plain.sparsity` and `plain.grad.<kind>`;
* `loss`, `grad.<kind>` and `grad.<parameter>`: the masked model's cross-entropy and its gradients for the drawn gates;
* `settled.loss`: the cross-entropy with `settled.<kind>` and `settled6.features`;
* `targets`: the target after 0 to 9 updates.

`layers.safetensors` is layer distillation by the closest layers: `teacher.<i>`, `student.<j>`, `map.weight`, `map.bias`,
and for the versions 3 (`any`) and 4 (`ordered`) of `trainer/trainer.py`, the student's layer 1 being closed,
`<version>.choice`, `<version>.loss` and `<version>.grad.<name>`. There the list of layers that exist is laid over the sorted
indices; here over the layers, which is what it is for.
"""

import math
import sys
import types
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "masks"
LENGTHS = [7, 4, 9, 5]
HIDDEN, HEADS, INNER, LAYERS = 24, 4, 20, 4
BETA, GAMMA, ZETA, EPSILON = 2 / 3, -0.1, 1.1, 1e-6
MASK64 = (1 << 64) - 1


def make_model():
    torch.manual_seed(17)
    config = BertConfig(vocab_size=40, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                        intermediate_size=INNER, max_position_embeddings=20, num_labels=3, initializer_range=0.4,
                        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "LayerNorm" in name:
                parameter += 0.2 * torch.randn_like(parameter)
    return model


# ---- Potstill's random source ---------------------------------------------------------------------------------------

def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return z ^ (z >> 31)


def uniform(seed, stream, index):
    z = mix((seed + 0x9E3779B97F4A7C15) & MASK64) ^ mix((stream + 0xD1B54A32D192ED03) & MASK64)
    z = (z + (index + 1) * 0x9E3779B97F4A7C15) & MASK64
    return (mix(z) >> 11) * 2.0**-53


# ---- hard concrete ----------------------------------------------------------------------------------------------------

def cdf_qz(x, loga):
    xn = (x - GAMMA) / (ZETA - GAMMA)
    logits = math.log(xn) - math.log(1 - xn)
    return torch.sigmoid(logits * BETA - loga).clamp(min=EPSILON, max=1 - EPSILON)


def sample_z(loga, u):
    s = torch.sigmoid((torch.log(u) - torch.log(1 - u) + loga) / BETA)
    return torch.nn.functional.hardtanh(s * (ZETA - GAMMA) + GAMMA, min_val=0, max_val=1)


def deterministic_z(loga, multiple=1):
    size = loga.numel()
    zeros = round(size - torch.sum(1 - cdf_qz(0, loga)).item())
    if multiple > 1:
        zeros = size - max(1, math.floor((size - zeros) / multiple + 0.5)) * multiple
    soft = torch.sigmoid(loga / BETA * 0.8).clone()
    if zeros > 0:
        soft[torch.topk(soft, k=zeros, largest=False)[1]] = 0
    return soft


def expected_sparsity(loga, features=True):
    per_head = (HIDDEN * HIDDEN * 4 + HIDDEN * 4) // HEADS
    # CoFi writes 4 H for the inner biases, which its models have.
    per_half = HIDDEN * INNER * 2 + HIDDEN + INNER
    size = (per_head * HEADS + per_half) * LAYERS
    opens = {kind: 1 - cdf_qz(0, value) for kind, value in loga.items()}
    heads = torch.stack([opens["attention"][i] * opens[f"heads.{i}"] for i in range(LAYERS)]).reshape(-1)
    neurons = torch.stack([opens["feed_forward"][i] * opens[f"neurons.{i}"] for i in range(LAYERS)]).reshape(-1)
    if features:
        number = torch.sum(torch.outer(opens["features"], heads)) * per_head / HIDDEN
        number = number + torch.sum(torch.outer(opens["features"], neurons)) * 2
    else:
        number = torch.sum(heads) * per_head + torch.sum(neurons) * (per_half // INNER)
    return 1 - number / size


def compare_with_authors(folder, loga, us, lambdas, target):
    """The same numbers from the authors' own module."""
    for name in ["black"]:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].main = None
    sys.path.insert(0, str(Path(folder) / "models"))
    import l0_module

    config = types.SimpleNamespace(hidden_size=HIDDEN, intermediate_size=4 * HIDDEN, num_attention_heads=HEADS,
                                   num_hidden_layers=LAYERS, vocab_size=40)
    global INNER
    inner, INNER = INNER, 4 * HIDDEN
    logging = l0_module.logger
    logging.info = lambda *arguments: None
    module = l0_module.L0Module(config, lagrangian_warmup=5, target_sparsity=target).double()
    generator = torch.Generator().manual_seed(3)
    wide = {kind: value.detach() for kind, value in loga.items()}
    wide |= {f"neurons.{i}": torch.randn(INNER, generator=generator, dtype=torch.float64) for i in range(LAYERS)}
    with torch.no_grad():
        module.headlayer_loga.copy_(wide["attention"])
        module.intlayer_loga.copy_(wide["feed_forward"])
        module.head_loga.copy_(torch.stack([wide[f"heads.{i}"] for i in range(LAYERS)]))
        module.int_loga.copy_(torch.stack([wide[f"neurons.{i}"] for i in range(LAYERS)]))
        module.hidden_loga.copy_(wide["features"])
        module.lambda_1.copy_(lambdas[0])
        module.lambda_2.copy_(lambdas[1])
    loss, sparsity, goal = module.lagrangian_regularization(3)
    own = expected_sparsity(wide)
    assert abs(sparsity.item() - own.item()) < 1e-12
    assert abs(goal - target * 3 / 5) < 1e-12
    assert abs(loss.item() - (lambdas[0] * (own - goal) + lambdas[1] * (own - goal) ** 2).item()) < 1e-12
    assert abs(module.get_num_parameters_and_constraint().item() / module.prunable_model_size
               - (1 - expected_sparsity(wide, features=False).item())) < 1e-12
    zs = module.forward(training=False)
    assert torch.equal(zs["hidden_z"], deterministic_z(wide["features"]))
    for i in range(LAYERS):
        assert torch.equal(zs["head_z"][i].flatten(), deterministic_z(wide[f"heads.{i}"]))
        assert torch.equal(zs["intermediate_z"][i].flatten(), deterministic_z(wide[f"neurons.{i}"]))
        for kind, name in [("attention", "head_layer_z"), ("feed_forward", "mlp_z")]:
            assert zs[name][i].item() == deterministic_z(wide[kind][i : i + 1]).item()
    for kind, u in us.items():
        if "neurons" not in kind:
            z = torch.nn.functional.hardtanh(module.quantile_concrete(u, wide[kind]), min_val=0, max_val=1)
            assert torch.equal(z, sample_z(wide[kind], u))
    INNER = inner
    print("equal to the authors' module")


# ---- the masked model -------------------------------------------------------------------------------------------------

def layer_norm(x, weight, bias, z, epsilon):
    """CoFi's: over the features whose gate is open; the result is multiplied by the gates."""
    kept = torch.where(~z.eq(0))[0]
    out = torch.zeros_like(x)
    out[..., kept] = torch.nn.functional.layer_norm(x[..., kept], [len(kept)], weight[kept], bias[kept], epsilon)
    return out * z


def masked_logits(model, ids, segments, z):
    """Logits of one sequence; a half that is closed keeps its norm, a layer both halves of which are closed is passed by."""
    bert, epsilon, f = model.bert, model.config.layer_norm_eps, z["features"]
    e = bert.embeddings
    x = e.word_embeddings(ids) + e.position_embeddings(torch.arange(len(ids))) + e.token_type_embeddings(segments)
    x = layer_norm(x * f, e.LayerNorm.weight, e.LayerNorm.bias, f, epsilon)
    for i, layer in enumerate(bert.encoder.layer):
        heads, neurons = z[f"heads.{i}"], z[f"neurons.{i}"]
        attention = z["attention"][i] * float(heads.detach().max() > 0)
        feed = z["feed_forward"][i] * float(neurons.detach().max() > 0)
        if attention == 0 and feed == 0:
            continue
        own = layer.attention.self
        q, k, v = (m(x).view(len(ids), HEADS, -1).transpose(0, 1) for m in (own.query, own.key, own.value))
        mixed = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), -1) @ v * heads[:, None, None]
        out = layer.attention.output
        attended = out.dense(mixed.transpose(0, 1).reshape(len(ids), -1)) * attention * f
        x = layer_norm(attended + x, out.LayerNorm.weight, out.LayerNorm.bias, f, epsilon)
        wide = torch.nn.functional.gelu(layer.intermediate.dense(x)) * neurons
        x = layer_norm(layer.output.dense(wide) * feed * f + x, layer.output.LayerNorm.weight,
                       layer.output.LayerNorm.bias, f, epsilon)
    # The pooler writes hidden features too, and config.json knows one hidden size.
    weight, bias = bert.pooler.dense.weight * f[:, None], bert.pooler.dense.bias * f
    return model.classifier(torch.tanh(weight @ x[0] + bias))


def layer_golden():
    generator = torch.Generator().manual_seed(23)
    draw = lambda *shape: torch.randn(shape, generator=generator).float().double()
    teacher = [draw(11, 10) for _ in range(4)]
    student = [draw(11, 6) for _ in range(5)]
    weight, bias = draw(10, 6) * 0.5, draw(10) * 0.1
    weight, bias = weight.float().double(), bias.float().double()
    # The right order would be 3, 1, 4, 2; 1 is closed.
    with torch.no_grad():
        for i, j in enumerate([3, 1, 4, 2]):
            teacher[i] = (torch.nn.functional.linear(student[j], weight, bias) + 0.3 * draw(11, 10)).float().double()
    golden = {f"teacher.{i}": value for i, value in enumerate(teacher)}
    golden |= {f"student.{j}": value for j, value in enumerate(student)} | {"map.weight": weight, "map.bias": bias}
    leaves = {"map.weight": weight, "map.bias": bias} | {f"student.{j}": value for j, value in enumerate(student)}
    for value in leaves.values():
        value.requires_grad_()
    exists = [True, False, True, True, True]
    for version in ["any", "ordered"]:
        mapped = [torch.nn.functional.linear(value, weight, bias) for value in student]
        losses = torch.stack([torch.stack([torch.nn.functional.mse_loss(t, s) for s in mapped]) for t in teacher])
        last, choice = len(student), []
        for row in losses.flip(0):
            candidates = [j for j in row.sort()[1].tolist() if exists[j] and (version == "any" or j < last)]
            last = candidates[0] if candidates else last
            choice.append(last)
        choice.reverse()
        loss = sum(losses[i, j] for i, j in enumerate(choice))
        loss.backward()
        golden |= {f"{version}.choice": torch.tensor(choice).int(), f"{version}.loss": loss.reshape(1)}
        for name, value in leaves.items():
            golden[f"{version}.grad.{name}"] = torch.zeros_like(value) if value.grad is None else value.grad.clone()
            value.grad = None
        print(version, choice)
    return golden


def main():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    model = make_model()
    model.save_pretrained(FIXTURES, safe_serialization=True)
    model.double()
    generator = torch.Generator().manual_seed(5)
    ids = [torch.randint(1, 40, (n,), generator=generator) for n in LENGTHS]
    segments = [torch.randint(0, 2, (n,), generator=generator) for n in LENGTHS]
    labels = torch.randint(0, 3, (len(LENGTHS),), generator=generator)
    golden = {"ids": torch.cat(ids).int(), "segments": torch.cat(segments).int(), "labels": labels.int(),
              "starts": torch.tensor([0, *LENGTHS]).cumsum(0).int()}

    kinds = {"attention": LAYERS, "feed_forward": LAYERS} | {f"heads.{i}": HEADS for i in range(LAYERS)}
    kinds |= {f"neurons.{i}": INNER for i in range(LAYERS)} | {"features": HIDDEN}
    loga = {kind: (1.2 * torch.randn(n, generator=generator) + 0.4).float().double() for kind, n in kinds.items()}
    # A layer whose halves close, a half whose heads close, and halves that close beside an open one.
    loga["attention"] = torch.tensor([-0.5, -4.5, -0.2, 3.0]).double()
    loga["feed_forward"] = torch.tensor([1.0, -4.5, -4.0, 2.0]).double()
    loga["heads.3"] = torch.full((HEADS,), -4.5).double()
    loga["features"] = loga["features"] - 0.9
    index, us = 0, {}
    for kind, n in kinds.items():
        us[kind] = torch.tensor([EPSILON + (1 - 2 * EPSILON) * uniform(7, 0, index + i) for i in range(n)]).double()
        index += n
    for value in loga.values():
        value.requires_grad_()
    lambdas, target = torch.tensor([0.375, -1.25]).double().requires_grad_(), 0.5
    if len(sys.argv) > 1:
        compare_with_authors(sys.argv[1], loga, us, lambdas.detach(), target)

    gates = {kind: sample_z(loga[kind], us[kind]) for kind in kinds}
    settled = {kind: torch.cat([deterministic_z(v.detach()[i : i + 1]) for i in range(LAYERS)])
               if kind in ("attention", "feed_forward") else deterministic_z(v.detach()) for kind, v in loga.items()}
    for kind in kinds:
        golden |= {f"log_alpha.{kind}": loga[kind], f"u.{kind}": us[kind], f"gates.{kind}": gates[kind],
                   f"settled.{kind}": settled[kind]}
    golden["settled6.features"] = deterministic_z(loga["features"].detach(), multiple=HIDDEN // HEADS)

    sparsity = expected_sparsity(loga)
    constraint = lambdas[0] * (sparsity - target) + lambdas[1] * (sparsity - target) ** 2
    constraint.backward()
    golden |= {"sparsity": sparsity.reshape(1), "constraint": constraint.reshape(1), "lambda": lambdas,
               "target": torch.tensor([target]), "constraint.grad.lambda": lambdas.grad}
    golden |= {f"constraint.grad.{kind}": value.grad.clone() for kind, value in loga.items()}
    for value in loga.values():
        value.grad = None
    plain = expected_sparsity(loga, features=False)
    plain.backward()
    golden["plain.sparsity"] = plain.reshape(1)
    golden |= {f"plain.grad.{kind}": value.grad.clone() for kind, value in loga.items() if kind != "features"}
    for value in loga.values():
        value.grad = None

    def loss(z):
        logits = torch.stack([masked_logits(model, a, b, z) for a, b in zip(ids, segments)])
        return torch.nn.functional.cross_entropy(logits, labels)

    total = loss(gates)
    total.backward()
    golden["loss"] = total.reshape(1)
    golden |= {f"grad.{kind}": torch.zeros_like(value) if value.grad is None else value.grad
               for kind, value in loga.items()}
    golden |= {f"grad.{name}": value.grad for name, value in model.named_parameters() if value.grad is not None}
    golden["settled.loss"] = loss(settled | {"features": golden["settled6.features"]}).reshape(1)
    golden["targets"] = torch.tensor([0.6 * min(1, max(0, step - 2) / 5) for step in range(10)])

    print("open layers", [(round(a.item(), 2), round(b.item(), 2)) for a, b in zip(gates["attention"], gates["feed_forward"])])
    print("settled", settled["attention"], settled["feed_forward"], [(settled[f"heads.{i}"] > 0).sum().item() for i in range(LAYERS)])
    print("features", (gates["features"] > 0).sum().item(), (settled["features"] > 0).sum().item(),
          (golden["settled6.features"] > 0).sum().item())
    for name, values in [("golden", golden), ("layers", layer_golden())]:
        save_file({key: (value.detach().float() if value.is_floating_point() else value).contiguous()
                   for key, value in values.items()}, FIXTURES / f"{name}.safetensors")


if __name__ == "__main__":
    main()
