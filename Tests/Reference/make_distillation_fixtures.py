"""Writes Tests/Fixtures/distillation: losses, and one whole objective, as TextBrewer computes them.

`losses/*.safetensors` hold packed inputs (rows of padding removed) under `student`, `teacher` (`student1`, `teacher1` for a
second layer), `starts`, and TextBrewer's loss `output` with its gradient `grad_student`. `objective/` holds a tiny teacher
and student (Hugging Face BERT, random weights), a batch, and the losses and gradients of TextBrewer's GeneralDistiller;
`heads/` the same of models of `Fixtures/heads` with other heads than one for sequences.

Inputs are float32 values, PyTorch computes in float64. TextBrewer on PyPI (0.2.1.post1) divides the masked mmd by the
length; its repository divides by the hidden size, as here: `mmd_loss` below is that one expression, checked against the
number the repository gives.
"""

import json
import sys
import types
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

# TextBrewer imports tensorboard writers that nothing here uses.
sys.modules.setdefault("tensorboardX", types.SimpleNamespace(SummaryWriter=None))
import textbrewer.losses as tb  # noqa: E402
from textbrewer import schedulers  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent / "Fixtures" / "distillation"
MASK = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]])
LENGTHS = MASK.sum(1).tolist()
STARTS = np.cumsum([0] + LENGTHS).astype(np.int32)


def mmd_loss(state_S, state_T, mask):
    mask = mask.to(state_S[0])
    gram = lambda s: torch.bmm(s[0], s[1].transpose(1, 2)) / s[1].size(2)
    squares = (gram(state_S) - gram(state_T)) ** 2
    return (squares * mask.unsqueeze(-1) * mask.unsqueeze(1)).sum() / (mask.sum(1) ** 2).sum()


def sines(shape, phase):
    return torch.sin(0.7 * torch.arange(int(np.prod(shape)), dtype=torch.float64) + phase).reshape(shape)


def check_mmd():
    """The number of TextBrewer's repository for its own masked form."""
    pair = lambda a, b: [sines((2, 4, 3), a), sines((2, 4, 3), b)]
    value = mmd_loss(pair(0.3, 0.5), pair(0.9, 1.7), MASK[:2])
    assert abs(value.item() - 0.09770587731592718) < 1e-15, value


def draw(rng, *shape):
    """float32 values as float64, so that Swift starts from the same bits."""
    return torch.tensor(rng.standard_normal(shape).astype(np.float32).astype(np.float64), requires_grad=True)


def packed_rows(x):
    return torch.cat([x[b, :n] for b, n in enumerate(LENGTHS)])


def packed_maps(x):
    return torch.cat([x[b, :, :n, :n].reshape(-1) for b, n in enumerate(LENGTHS)])


def store(name, arrays):
    path = ROOT / "losses" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    convert = lambda a: np.ascontiguousarray(
        a if isinstance(a, np.ndarray) else a.detach().numpy().astype(np.float32))
    save_file({key: convert(value) for key, value in arrays.items()}, path)


def case(name, function, students, teachers, pack, **extra):
    loss = function(students, teachers)
    loss.backward()
    arrays = {"output": loss.detach().reshape(())}
    for index, (s, t) in enumerate(zip(students, teachers)):
        suffix = "" if index == 0 else str(index)
        arrays["student" + suffix], arrays["teacher" + suffix] = pack(s), pack(t)
        arrays["grad_student" + suffix] = pack(s.grad)
    store(name, arrays | extra)


def number(value):
    return np.array(value, dtype=np.float32)


def kd_cases():
    rng = np.random.default_rng(1)
    same = lambda x: x
    for kind, function in [("ce", tb.kd_ce_loss), ("mse", tb.kd_mse_loss)]:
        for tau in [1, 2, 4, 8]:
            case(f"kd_{kind}_{tau}", lambda s, t: function(s[0], t[0], tau), [draw(rng, 5, 3)], [draw(rng, 5, 3)],
                 same, temperature=number(tau))
    for name, schedule in [("flsw", schedulers.flsw_temperature_scheduler_builder(1, 2)),
                           ("cwsm", schedulers.cwsm_temperature_scheduler_builder(1))]:
        for kind, function in [("ce", tb.kd_ce_loss), ("mse", tb.kd_mse_loss)]:
            s, t = draw(rng, 5, 3), draw(rng, 5, 3)
            taus = schedule(s, t, 8)
            case(f"kd_{kind}_{name}", lambda s, t: function(s[0], t[0], taus), [s], [t], same,
                 temperature=number(8), temperatures=taus)


def scores_cases():
    """Scores of positions, as TextBrewer takes them from question answering, and labels side by side."""
    rng = np.random.default_rng(4)
    padding = torch.where(MASK == 1, 0.0, -1e30).double()
    for tau in [1, 8]:
        case(f"positions_ce_{tau}", lambda s, t: tb.kd_ce_loss(s[0] + padding, t[0] + padding, tau),
             [draw(rng, 3, 4)], [draw(rng, 3, 4)], packed_rows, temperature=number(tau), starts=STARTS)
    for tau in [1, 2]:
        # The maintainer's recipe (issue 50): TextBrewer has no loss for these.
        case(f"labels_ce_{tau}", lambda s, t: torch.nn.functional.binary_cross_entropy(
            torch.sigmoid(s[0] / tau), torch.sigmoid(t[0].detach() / tau)),
             [draw(rng, 5, 3)], [draw(rng, 5, 3)], lambda x: x, temperature=number(tau))


def hidden_cases():
    rng = np.random.default_rng(2)
    for name in ["hidden_mse", "cos", "pkd"]:
        function = {"hidden_mse": tb.hid_mse_loss, "cos": tb.cos_loss, "pkd": tb.pkd_loss}[name]
        case(name, lambda s, t: function(s[0], t[0], MASK), [draw(rng, 3, 4, 6)], [draw(rng, 3, 4, 6)], packed_rows,
             starts=STARTS)
    for name, function, sizes in [("fsp", tb.fsp_loss, (6, 6)), ("mmd", mmd_loss, (6, 6)), ("nst", mmd_loss, (6, 9))]:
        case(name, lambda s, t: function(s, t, MASK), [draw(rng, 3, 4, sizes[0]) for _ in range(2)],
             [draw(rng, 3, 4, sizes[1]) for _ in range(2)], packed_rows, starts=STARTS)


def attention_cases():
    rng = np.random.default_rng(3)

    def cross_entropy(function, heads):
        # With its mask TextBrewer lets the softmax range over padding; run each sequence alone and add up the shares.
        def loss(s, t):
            parts = [function(s[0][b:b + 1, :, :n, :n], t[0][b:b + 1, :, :n, :n], torch.ones(1, n)) * n
                     for b, n in enumerate(LENGTHS)]
            return sum(parts) / sum(LENGTHS)
        return loss

    for name, heads, function in [
        ("attention_mse", (2, 2), lambda s, t: tb.att_mse_loss(s[0], t[0], MASK)),
        ("attention_mse_sum", (2, 3), lambda s, t: tb.att_mse_sum_loss(s[0], t[0], MASK)),
        ("attention_ce", (2, 2), cross_entropy(tb.att_ce_loss, 2)),
        ("attention_ce_mean", (2, 3), cross_entropy(tb.att_ce_mean_loss, 2)),
    ]:
        case(name, function, [draw(rng, 3, heads[0], 4, 4)], [draw(rng, 3, heads[1], 4, 4)], packed_maps,
             starts=STARTS, heads=np.array(heads, dtype=np.int32))


def objective():
    """GeneralDistiller.compute_loss over two tiny models, with and without matches."""
    from textbrewer import DistillationConfig, GeneralDistiller, TrainingConfig
    from transformers import BertConfig, BertForSequenceClassification

    torch.set_default_dtype(torch.float64)
    out = ROOT / "objective"
    out.mkdir(parents=True, exist_ok=True)

    def model(seed, layers, hidden, heads):
        torch.manual_seed(seed)
        config = BertConfig(vocab_size=40, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
                            intermediate_size=2 * hidden, max_position_embeddings=8, num_labels=3,
                            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=0.3)
        model = BertForSequenceClassification(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(parameter.float().double())
        save_file({k: v.numpy().astype(np.float32) for k, v in model.state_dict().items()
                   if not k.endswith("position_ids")}, out / f"{'teacher' if seed == 1 else 'student'}.safetensors")
        return model

    teacher, student = model(1, 4, 12, 3), model(2, 2, 8, 2)
    ids = torch.tensor([[2, 11, 12, 3], [2, 21, 3, 0], [2, 31, 32, 3]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]])
    segments = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 1]])
    labels = torch.tensor([2, -100, 0])
    configuration = {
        "temperature": 4, "kd_loss_type": "ce", "kd_loss_weight": 0.75, "hard_label_weight": 0.5,
        "intermediate_matches": [
            {"layer_T": 0, "layer_S": 0, "feature": "hidden", "loss": "hidden_mse", "weight": 1, "proj": ["linear", 8, 12]},
            {"layer_T": 2, "layer_S": 1, "feature": "hidden", "loss": "cos", "weight": 2, "proj": ["relu", 8, 12]},
            {"layer_T": -1, "layer_S": 2, "feature": "hidden", "loss": "pkd", "weight": 0.5, "proj": ["tanh", 8, 12]},
            {"layer_T": [4, 4], "layer_S": [2, 2], "feature": "hidden", "loss": "fsp", "weight": 1,
             "proj": ["linear", 8, 12, {"lr": 0.001}]},
        ],
    }

    def adaptor(batch, outputs):
        return {"logits": outputs.logits, "hidden": outputs.hidden_states, "inputs_mask": mask,
                "losses": torch.nn.functional.cross_entropy(outputs.logits, labels)}

    torch.manual_seed(3)
    train = TrainingConfig(device="cpu", output_dir="/tmp/textbrewer-unused")
    distiller = GeneralDistiller(train, DistillationConfig(**json.loads(json.dumps(configuration))), teacher, student,
                                 adaptor, adaptor)
    arrays = {}
    for index, projection in enumerate(distiller.projs):
        layer = projection if isinstance(projection, torch.nn.Linear) else projection[0]
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.copy_((parameter * 10 + 0.05).float().double())
        arrays[f"projections.{index}.weight"], arrays[f"projections.{index}.bias"] = layer.weight, layer.bias
    run = lambda m: m(input_ids=ids, attention_mask=mask, token_type_ids=segments, output_hidden_states=True)
    with torch.no_grad():
        results_T = adaptor(None, run(teacher))
    results_S = adaptor(None, run(student))
    for results in (results_T, results_S):
        results["logits"], results["losses"] = [results["logits"]], [results["losses"]]
    total, parts = distiller.compute_loss(results_S, results_T)
    total.backward()
    arrays["total"] = total.reshape(())
    for name, value in parts.items():
        arrays["part/" + name] = value.reshape(())
    for index, projection in enumerate(distiller.projs):
        layer = projection if isinstance(projection, torch.nn.Linear) else projection[0]
        arrays[f"grad/projections.{index}.weight"] = layer.weight.grad
        arrays[f"grad/projections.{index}.bias"] = layer.bias.grad
    for name, parameter in student.named_parameters():
        arrays["grad/" + name] = parameter.grad
    save_file({k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in arrays.items()},
              out / "expected.safetensors")
    lengths = mask.sum(1).tolist()
    batch = {
        "ids": [row[:n] for row, n in zip(ids.tolist(), lengths)],
        "segments": [row[:n] for row, n in zip(segments.tolist(), lengths)],
        "labels": labels.tolist(),
        "config": configuration,
    }
    (out / "batch.json").write_text(json.dumps(batch, indent=1) + "\n")


def heads():
    """GeneralDistiller.compute_loss with the heads of tokens: BERT of Fixtures/heads teaches ELECTRA."""
    import transformers
    from safetensors.numpy import load_file
    from textbrewer import DistillationConfig, GeneralDistiller, TrainingConfig

    torch.set_default_dtype(torch.float64)
    fixtures = ROOT.parent / "heads"
    classes = {"token": "TokenClassification", "answer": "QuestionAnswering", "masked": "MaskedLM"}
    match = {"layer_T": 1, "layer_S": 1, "feature": "hidden", "loss": "hidden_mse", "weight": 0.5}
    for head, name in classes.items():
        teacher, student = (getattr(transformers, f"{model}For{name}").from_pretrained(
            fixtures / model.lower() / head, dtype=torch.float64).eval() for model in ("Bert", "Electra"))
        golden = load_file(fixtures / "bert" / head / "golden.safetensors")
        lengths = np.diff(golden["starts"]).tolist()

        def padded(values, fill):
            rows = torch.full((len(lengths), max(lengths)), fill)
            for row, (start, length) in enumerate(zip(golden["starts"], lengths)):
                rows[row, :length] = torch.tensor(values[start:start + length].astype(np.int64))
            return rows

        mask = padded(np.ones(sum(lengths)), 0)
        inputs = {"input_ids": padded(golden["ids"], 0), "token_type_ids": padded(golden["segments"], 0),
                  "attention_mask": mask}
        labels = padded(golden["tags"], -100) if "tags" in golden else None

        def adaptor(batch, outputs):
            results = {"hidden": outputs.hidden_states, "inputs_mask": mask}
            if head == "answer":
                padding = torch.where(mask == 1, 0.0, -1e30).double()
                scores = [outputs.start_logits + padding, outputs.end_logits + padding]
                targets = [torch.tensor(golden[key].astype(np.int64)) for key in ("start_positions", "end_positions")]
                targets = [torch.where(t < torch.tensor(lengths), t, -100) for t in targets]
                losses = sum(torch.nn.functional.cross_entropy(s, t) for s, t in zip(scores, targets)) / 2
                return results | {"logits": scores, "losses": losses}
            losses = torch.nn.functional.cross_entropy(outputs.logits.flatten(0, 1), labels.flatten())
            wanted = mask if head == "token" else (labels != -100).long()
            return results | {"logits": [outputs.logits], "logits_mask": [wanted], "losses": losses}

        config = DistillationConfig(temperature=4, kd_loss_weight=0.75, hard_label_weight=0.5,
                                    intermediate_matches=[dict(match)])
        distiller = GeneralDistiller(TrainingConfig(device="cpu", output_dir="/tmp/textbrewer-unused"), config, teacher,
                                     student, adaptor, adaptor)
        with torch.no_grad():
            results_T = adaptor(None, teacher(**inputs, output_hidden_states=True))
        results_S = adaptor(None, student(**inputs, output_hidden_states=True))
        results_S["losses"] = [results_S["losses"]]
        total, parts = distiller.compute_loss(results_S, results_T)
        total.backward()
        arrays = {"total": total.reshape(())} | {"part/" + key: value.reshape(()) for key, value in parts.items()}
        arrays |= {"grad/" + key: parameter.grad for key, parameter in student.named_parameters()
                   if parameter.grad is not None}
        (ROOT / "heads").mkdir(exist_ok=True)
        save_file({k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in arrays.items()},
                  ROOT / "heads" / f"{head}.safetensors")


if __name__ == "__main__":
    check_mmd()
    kd_cases()
    scores_cases()
    hidden_cases()
    attention_cases()
    objective()
    heads()
