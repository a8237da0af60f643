"""Makes the golden files of TrainingTests: learning-rate schedules of transformers, optimizer steps of PyTorch.

    python Tests/Reference/make_training_fixtures.py

Written with torch 2.15.0 and transformers 5.23.0, in float64 throughout; the output is byte for byte reproducible.
"""

import json
import pathlib

import torch
import transformers
from transformers.trainer_pt_utils import get_parameter_names

OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "training"

SCHEDULES = [
    ("linear", 5e-5, 20, 0, {}),
    ("linear", 1e-3, 20, 4, {}),
    ("linear", 1e-3, 5, 5, {}),
    ("cosine", 5e-5, 20, 0, {}),
    ("cosine", 2e-4, 20, 3, {"num_cycles": 1.5}),
    ("constant", 5e-5, 8, 3, {}),
    ("constant_with_warmup", 5e-5, 10, 4, {}),
    ("polynomial", 5e-5, 20, 0, {}),
    ("polynomial", 1e-3, 20, 5, {"lr_end": 1e-5, "power": 2.0}),
    ("polynomial", 1e-3, 12, 2, {"power": 0.5}),
    ("cosine_with_restarts", 5e-5, 20, 0, {}),
    ("cosine_with_restarts", 1e-3, 25, 4, {"num_cycles": 3}),
    ("inverse_sqrt", 5e-5, 20, 0, {}),
    ("inverse_sqrt", 1e-3, 20, 5, {}),
    ("inverse_sqrt", 1e-3, 20, 5, {"timescale": 12}),
    ("warmup_stable_decay", 1e-3, 20, 4, {"num_decay_steps": 6}),
    ("warmup_stable_decay", 1e-3, 20, 4, {"num_decay_steps": 8, "num_stable_steps": 5, "min_lr_ratio": 0.1}),
    ("warmup_stable_decay", 2e-4, 15, 0, {"num_decay_steps": 15, "num_cycles": 1.5}),
]

OPTIMIZERS = [
    ("adamw", {"betas": (0.9, 0.999), "eps": 1e-8}, 0.01, None),
    ("adamw", {"betas": (0.8, 0.95), "eps": 1e-4}, 0.1, None),
    ("adamw", {"betas": (0.9, 0.999), "eps": 1e-8}, 0.0, 1.0),
    ("sgd", {"momentum": 0.0, "nesterov": False}, 0.0, None),
    ("sgd", {"momentum": 0.9, "nesterov": False}, 0.01, 0.5),
    ("sgd", {"momentum": 0.9, "nesterov": True}, 0.01, None),
    ("lamb", {"betas": (0.9, 0.999), "eps": 1e-6, "bias_correction": True}, 0.01, 1.0),
    ("lamb", {"betas": (0.8, 0.95), "eps": 1e-4, "bias_correction": False}, 0.1, None),
    ("lamb", {"betas": (0.9, 0.999), "eps": 1e-6, "bias_correction": True}, 0.0, None),
    ("adafactor", {}, 0.0, None),
    ("adafactor", {"clip_threshold": 0.7, "decay_rate": -0.5, "beta1": 0.9}, 0.1, 1.0),
    ("adafactor", {"scale_parameter": True}, 0.01, None),
]

# `Adafactor` as the Trainer of transformers makes it.
ADAFACTOR = {"scale_parameter": False, "relative_step": False}


class Lamb(torch.optim.Optimizer):
    """Algorithm 2 of You and others 2020 (https://arxiv.org/abs/1904.00962), written out.

    Groups with "adapts" False keep their norm out of the update, as google-research/albert's lamb_optimizer.py excludes
    biases and normalisation; bias correction as in NVIDIA's FusedLAMB.
    """

    def __init__(self, groups, lr, weight_decay, betas, eps, bias_correction):
        super().__init__(groups, dict(lr=lr, weight_decay=weight_decay, adapts=True))
        self.betas, self.eps, self.bias_correction = betas, eps, bias_correction

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                state["step"] += 1
                (beta1, beta2), m, v = self.betas, state["m"], state["v"]
                m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                corrected = self.bias_correction
                m_hat = m / (1 - beta1 ** state["step"]) if corrected else m
                v_hat = v / (1 - beta2 ** state["step"]) if corrected else v
                update = m_hat / (v_hat.sqrt() + self.eps) + group["weight_decay"] * p
                weight_norm, update_norm = p.norm(), update.norm()
                ratio = 1.0
                if group["adapts"] and weight_norm > 0 and update_norm > 0:
                    ratio = weight_norm / update_norm
                p.sub_(group["lr"] * ratio * update)


def schedules():
    cases = []
    for kind, rate, total, warmup, extra in SCHEDULES:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
        scheduler = transformers.get_scheduler(
            kind, optimizer, num_warmup_steps=warmup, num_training_steps=total, scheduler_specific_kwargs=extra)
        rates = []
        for _ in range(total + 3):
            rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        cases.append({"type": kind, "learning_rate": rate, "total_steps": total, "warmup_steps": warmup,
                      "kwargs": extra, "rates": rates})
    return cases


def plateaus():
    """Rates of two groups after each evaluation, as torch's ReduceLROnPlateau lowers them."""
    falling = [3, 2, 1.5, 1.49999, 1.4999, 1.6, 1.5, 1.5, 1.0, 1.0, 1.0, 1.0, 0.99995, float("nan"), 2, 2, 2, 2, 2, 2]
    cases = []
    for options, values in [
        ({}, [1.0] * 26),
        ({"patience": 1}, falling),
        ({"patience": 0, "factor": 0.5, "cooldown": 2}, falling),
        ({"patience": 0, "factor": 0.5, "min_lr": 0.0005}, falling),
        ({"patience": 0, "factor": 0.5, "eps": 0.0002}, falling),
        ({"patience": 1, "threshold": 0.4, "threshold_mode": "abs"}, falling),
        ({"patience": 1, "threshold": 0.4, "threshold_mode": "rel"}, falling),
        ({"mode": "max", "patience": 1, "factor": 0.3}, [0.1, 0.5, 0.5, 0.50004, 0.7, 0.6, 0.6, 0.6, 0.9, 0.8, 0.8, 0.8]),
        ({"mode": "max", "patience": 0, "threshold": 0.05, "threshold_mode": "abs"}, [-1, -0.97, -0.9, -0.9, 0, 0.04]),
    ]:
        optimizer = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (0.1, 0.003)])
        scheduler = transformers.get_scheduler("reduce_lr_on_plateau", optimizer, scheduler_specific_kwargs=options)
        rates = []
        for value in values:
            optimizer.step()
            scheduler.step(value)
            rates.append([group["lr"] for group in optimizer.param_groups])
        cases.append({"kwargs": options, "values": [None if value != value else value for value in values], "rates": rates})
    return cases


def optimizers():
    """Two parameters in two groups; the second has no gradient in step 3 and a rate of its own."""
    cases = []
    for kind, options, decay, max_norm in OPTIMIZERS:
        generator = torch.Generator().manual_seed(20)
        draw = lambda *shape: torch.randn(*shape, generator=generator).to(torch.float64)
        weight, bias = draw(3, 4), draw(4)
        first = [weight.flatten().tolist(), bias.tolist()]
        parameters = [torch.nn.Parameter(weight), torch.nn.Parameter(bias)]
        groups = [{"params": [parameters[0]], "weight_decay": decay},
                  {"params": [parameters[1]], "weight_decay": 0.0, "lr": 0.05}]
        if kind == "lamb":
            groups[1]["adapts"] = False
        make = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD, "lamb": Lamb, "adafactor": transformers.Adafactor}[kind]
        fixed = ADAFACTOR if kind == "adafactor" else {}
        optimizer = make(groups, lr=0.01, weight_decay=decay, **{**fixed, **options})
        steps = []
        for step in range(6):
            gradients = [draw(3, 4) * (1 + step), draw(4)]
            parameters[0].grad = gradients[0].clone()
            parameters[1].grad = None if step == 3 else gradients[1].clone()
            norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm if max_norm else float("inf"))
            optimizer.step()
            steps.append({
                "gradients": [gradients[0].flatten().tolist(), None if step == 3 else gradients[1].tolist()],
                "norm": norm.item(),
                "values": [p.detach().flatten().tolist() for p in parameters],
            })
        settings = {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}
        cases.append({"optimizer": kind, "options": settings, "weight_decay": decay, "max_norm": max_norm,
                      "learning_rate": 0.01, "bias_learning_rate": 0.05, "initial": first, "steps": steps})
    return cases


def decay_names():
    """Which parameters of a BERT classifier decay, as Trainer decides it."""
    config = transformers.BertConfig(
        vocab_size=32, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    model = transformers.BertForSequenceClassification(config)
    patterns = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
    decaying = set(get_parameter_names(model, [torch.nn.LayerNorm], patterns))
    return [{"name": name, "rank": p.dim(), "decays": name in decaying} for name, p in model.named_parameters()]


def main():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name, value in [("schedules", schedules()), ("plateaus", plateaus()), ("optimizers", optimizers()), ("decay_names", decay_names())]:
        path = OUTPUT / f"{name}.json"
        path.write_text(json.dumps(value) + "\n")
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
