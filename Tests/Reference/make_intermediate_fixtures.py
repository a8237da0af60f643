"""Writes what `transformers`' modules put out, by their names, and a distillation that compares them.

- `Fixtures/encoders/<model>/intermediates.safetensors`: the outputs of named modules for the packed batch of the
  `golden.safetensors` beside it, rows of padding left out (forward hooks, float64, rounded once).
- `Fixtures/distillation/objective/custom.safetensors`: a weighted sum of four losses between modules of the teacher and
  the student of that folder, its parts, and the gradient of every parameter it reaches.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file, save_file
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures"
BERT = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.self",
        "attention.output.dense", "attention.output", "intermediate", "output.dense"]
DISTILBERT = ["attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm",
              "ffn.lin2"]
MODELS = {"classifier": ("bert", BERT), "roberta": ("roberta", BERT), "electra": ("electra", BERT),
          "distilbert": ("distilbert", DISTILBERT)}


def hooked(model, prefix, names):
    """A dictionary that fills with the outputs of modules as the model runs."""
    modules, outputs = dict(model.named_modules()), {}

    def keep(name):
        def hook(_, __, output):
            outputs[name] = output[0] if isinstance(output, tuple) else output
        return hook

    for name in names:
        modules.get(f"{prefix}.{name}", modules.get(name)).register_forward_hook(keep(name))
    return outputs


def numpy(tensor):
    return np.ascontiguousarray(tensor.detach().numpy().astype(np.float32))


def outputs_of_modules():
    for folder, (prefix, parts) in MODELS.items():
        path = FIXTURES / "encoders" / folder
        golden = load_file(path / "golden.safetensors")
        model = AutoModelForSequenceClassification.from_pretrained(path, dtype=torch.float64,
                                                                   attn_implementation="eager").eval()
        lengths = np.diff(golden["starts"]).tolist()
        padded = torch.zeros(3, len(lengths), max(lengths), dtype=torch.long)
        padded[0] = model.config.pad_token_id or 0
        for row, (start, length) in enumerate(zip(golden["starts"], lengths)):
            padded[0, row, :length] = torch.tensor(golden["ids"][start:start + length].astype(np.int64))
            padded[1, row, :length] = torch.tensor(golden["segments"][start:start + length].astype(np.int64))
            padded[2, row, :length] = 1
        stem = "transformer.layer" if folder == "distilbert" else "encoder.layer"
        last = model.config.num_hidden_layers - 1
        names = ["embeddings", f"{stem}.0", f"{stem}.{last}"] + [f"{stem}.{last}.{part}" for part in parts]
        names += ["classifier"]
        if folder == "classifier":
            names += ["pooler"]
        if folder == "electra" and model.config.embedding_size != model.config.hidden_size:
            names += ["embeddings_project"]
        outputs = hooked(model, prefix, names)
        inputs = dict(input_ids=padded[0], attention_mask=padded[2])
        if folder in ("classifier", "electra"):
            inputs["token_type_ids"] = padded[1]
        with torch.no_grad():
            model(**inputs)
        arrays = {}
        for name in names:
            value = outputs[name]
            if value.dim() == 3:
                value = torch.cat([value[row, :length] for row, length in enumerate(lengths)])
            arrays[name] = numpy(value)
        save_file(arrays, path / "intermediates.safetensors")


def custom_matches():
    torch.set_default_dtype(torch.float64)
    folder = FIXTURES / "distillation" / "objective"

    def model(name, layers, hidden, heads, names):
        config = BertConfig(vocab_size=40, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
                            intermediate_size=2 * hidden, max_position_embeddings=8, num_labels=3,
                            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        model = BertForSequenceClassification(config).double().eval()
        state = {key: torch.tensor(value.astype(np.float64))
                 for key, value in load_file(folder / f"{name}.safetensors").items()}
        model.load_state_dict(state, strict=False)
        return model, hooked(model, "bert", names)

    pairs = [("encoder.layer.1.attention.self.query", "encoder.layer.3.attention.self.query"), ("pooler", "pooler"),
             ("encoder.layer.0.intermediate", "encoder.layer.2.intermediate"), ("classifier", "classifier")]
    teacher, outputs_T = model("teacher", 4, 12, 3, [pair[1] for pair in pairs])
    student, outputs_S = model("student", 2, 8, 2, [pair[0] for pair in pairs])
    batch = json.loads((folder / "batch.json").read_text())
    lengths = [len(row) for row in batch["ids"]]
    pad = lambda rows: torch.tensor([row + [0] * (max(lengths) - len(row)) for row in rows])
    inputs = dict(input_ids=pad(batch["ids"]), token_type_ids=pad(batch["segments"]),
                  attention_mask=pad([[1] * length for length in lengths]))
    with torch.no_grad():
        teacher(**inputs)
    student(**inputs)
    rows = lambda value: torch.cat([value[row, :length] for row, length in enumerate(lengths)])

    rng = np.random.default_rng(5)
    leaf = lambda *shape: torch.tensor((rng.standard_normal(shape) * 0.5).astype(np.float32).astype(np.float64),
                                       requires_grad=True)
    weights = [(leaf(12, 8), leaf(12)), (leaf(12, 8), leaf(12))]
    query = rows(outputs_S[pairs[0][0]]) @ weights[0][0].T + weights[0][1]
    pooled = torch.tanh(outputs_S["pooler"] @ weights[1][0].T + weights[1][1])
    squares = sum(length**2 for length in lengths)
    similarity = lambda x: x @ x.T / x.shape[-1]
    mmd = sum(((similarity(s[:n]) - similarity(t[:n])) ** 2).sum()
              for s, t, n in zip(outputs_S[pairs[2][0]], outputs_T[pairs[2][1]], lengths)) / squares
    losses = {
        "hidden_mse": (1, F.mse_loss(query, rows(outputs_T[pairs[0][1]]))),
        "cos": (0.5, (1 - F.cosine_similarity(pooled, outputs_T["pooler"], dim=-1)).mean()),
        "mmd": (2, mmd),
        "l1": (0.3, F.l1_loss(outputs_S["classifier"], outputs_T["classifier"])),
    }
    total = sum(weight * loss for weight, loss in losses.values())
    total.backward()
    arrays = {"total": total.reshape(())} | {"part/" + name: loss.reshape(()) for name, (_, loss) in losses.items()}
    for index, (weight, bias) in enumerate(weights):
        for name, value in (("weight", weight), ("bias", bias)):
            arrays[f"projections.{index}.{name}"] = value
            arrays[f"grad/projections.{index}.{name}"] = value.grad
    arrays |= {"grad/" + name: parameter.grad for name, parameter in student.named_parameters()
               if parameter.grad is not None}
    save_file({name: numpy(value) for name, value in arrays.items()}, folder / "custom.safetensors")


if __name__ == "__main__":
    outputs_of_modules()
    custom_matches()
