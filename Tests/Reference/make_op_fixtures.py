"""Writes Tests/Fixtures/ops/*.safetensors: inputs, outputs and gradients of every differentiable operation.

Inputs are drawn as float32, so that Swift starts from exactly these bits; PyTorch then computes in float64 and the
results are rounded once, when stored. A file holds the inputs under their names, `output`, `grad_output` (the upstream
gradient, random) and `grad_<input>` for each input that has a gradient; integers are I32, numbers like a temperature
are F32 of shape []. The metadata entry `case` of a file is a JSON object: `op`, the operation; its options (`axis`,
`keepdim`, `activation`, `cell` and so on); `note`, a sentence for the reader. `python make_op_fixtures.py` also
rewrites the table in README.md beside this file.
"""

import argparse
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from transformers.trainer_pt_utils import LabelSmoother

HERE = Path(__file__).resolve().parent

ACTIVATIONS = {
    "none": lambda x: x,
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "tanh": torch.tanh,
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
}


class Writer:
    """Runs a case, checks its gradients are finite, and stores it."""

    def __init__(self, directory):
        self.directory = directory
        self.rows = []  # (name, note, {key: (dtype, shape)}), for the README

    def random(self, case):
        """A generator of its own for each case, so that adding one leaves the others' bytes alone."""
        return np.random.default_rng(int.from_bytes(hashlib.sha256(case.encode()).digest()[:8], "little"))

    def case(self, name, inputs, function, note, constants=None, extra_outputs=(), *, op, **options):
        """One file: `inputs` are float arrays with gradients, `constants` are stored only.

        `op` names the operation, `options` are what it takes besides tensors; both go into the file's metadata.

        `function(**tensors)` returns the output, or a dictionary of outputs whose first is `output`. For each extra
        output a second set of gradients, `grad_<input>_with_extras`, includes its upstream gradient too.
        """
        rng = self.random("upstream " + name)
        arrays = {key: np.asarray(value, dtype=np.float32) for key, value in inputs.items()}
        tensors = {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in arrays.items()}
        outputs = function(**tensors)
        if not isinstance(outputs, dict):
            outputs = {"output": outputs}
        upstream = {key: normal(rng, tuple(value.shape)) for key, value in outputs.items()}
        for key, value in (constants or {}).items():
            arrays[key] = np.asarray(value, dtype=np.int32 if integral(value) else np.float32)
        for key, value in outputs.items():
            arrays[key] = stored(value)
            arrays["grad_" + key] = upstream[key]
        self.gradients(arrays, tensors, {"output": outputs["output"]}, upstream, "")
        if extra_outputs:
            self.gradients(arrays, tensors, outputs, upstream, "_with_extras")
        arrays = {key: np.array(value, order="C") for key, value in arrays.items()}
        self.store(name, arrays, {"op": op, **options, "note": note})
        self.rows.append((name, note, {key: (value.dtype, value.shape) for key, value in arrays.items()}))

    def store(self, name, arrays, case):
        # One entry only: the library writes several in random order, and a fixture should not change by itself.
        text = json.dumps(case, ensure_ascii=False)
        save_file(arrays, self.directory / f"{name}.safetensors", metadata={"case": text})

    def gradients(self, arrays, tensors, outputs, upstream, suffix):
        total = sum((outputs[key] * torch.tensor(upstream[key], dtype=torch.float64)).sum() for key in outputs)
        found = torch.autograd.grad(total, list(tensors.values()), retain_graph=True)
        for key, gradient in zip(tensors, found):
            assert torch.isfinite(gradient).all(), key
            arrays[f"grad_{key}{suffix}"] = stored(gradient)


def integral(value):
    return np.asarray(value).dtype.kind in "iu"


def stored(tensor):
    return tensor.detach().numpy().astype(np.float32)


def normal(rng, shape, scale=1.0, shift=0.0):
    return (np.asarray(rng.standard_normal(shape)) * scale + shift).astype(np.float32)


def linear_cases(w):
    def run(activation):
        return lambda x, weight, bias=None: ACTIVATIONS[activation](F.linear(x, weight, bias))

    def inputs(case, rows, inside, outside, bias):
        rng = w.random(case)
        result = {"x": normal(rng, (*rows, inside)), "weight": normal(rng, (outside, inside), 0.6)}
        return result | ({"bias": normal(rng, (outside,))} if bias else {})

    for activation in ACTIVATIONS:
        name = f"linear_{activation}"
        w.case(name, inputs(name, (5,), 7, 6, True), run(activation), f"{activation}(x weightᵀ + bias)",
               op="linear", activation=activation.replace("none", "identity"))
    for activation in ("none", "gelu"):
        name = f"linear_{activation}_no_bias"
        w.case(name, inputs(name, (5,), 7, 6, False), run(activation), f"{activation}(x weightᵀ)",
               op="linear", activation=activation.replace("none", "identity"))
    w.case("linear_gelu_rank3", inputs("linear_gelu_rank3", (2, 3), 7, 6, True), run("gelu"), "x of rank 3",
           op="linear", activation="gelu")
    w.case("linear_gelu_tall", inputs("linear_gelu_tall", (131,), 13, 17, True), run("gelu"),
           "more rows than a tile, odd sizes", op="linear", activation="gelu")


def normalization_cases(w):
    def run(epsilon):
        def function(x, gamma, beta, residual=None):
            z = x if residual is None else x + residual
            return F.layer_norm(z, (z.shape[-1],), gamma, beta, epsilon)
        return function

    for name, rows, columns, residual, epsilon, scale, shift, note in (
        ("residual_layer_norm", 5, 12, True, 1e-12, 1, 0, "LayerNorm(residual + x)"),
        ("residual_layer_norm_wide", 3, 312, True, 1e-12, 1, 0.5, "a row longer than a vector register, 312 columns"),
        ("layer_norm", 5, 12, False, 1e-5, 1, 0, "LayerNorm(x), no residual"),
        ("layer_norm_offset", 4, 19, False, 1e-12, 0.25, 100, "mean far from 0: E[x²] − E[x]² would lose its digits"),
        ("layer_norm_small", 4, 12, False, 1e-5, 1e-3, 0, "variance comparable with epsilon"),
    ):
        rng = w.random(name)
        inputs = {"x": normal(rng, (rows, columns), scale, shift)}
        if residual:
            inputs["residual"] = normal(rng, (rows, columns))
        inputs |= {"gamma": normal(rng, (columns,), 0.3, 1), "beta": normal(rng, (columns,))}
        w.case(name, inputs, run(epsilon), note, {"epsilon": np.float32(epsilon)}, op="residual_layer_norm")


def embedding_cases(w):
    ids, positions = [3, 0, 10, 3, 3, 7, 0, 9, 1], [0, 1, 2, 3, 0, 0, 1, 2, 3]
    segments = [0, 0, 1, 1, 0, 0, 0, 1, 1]

    def run(word, position, segment=None):
        total = F.embedding(torch.tensor(ids), word) + F.embedding(torch.tensor(positions), position)
        return total if segment is None else total + F.embedding(torch.tensor(segments), segment)

    for name, with_segments in (("embedding_sum", True), ("embedding_sum_no_segment", False)):
        rng = w.random(name)
        inputs = {"word": normal(rng, (11, 6)), "position": normal(rng, (8, 6))}
        constants = {"ids": ids, "positions": positions}
        if with_segments:
            inputs["segment"] = normal(rng, (2, 6))
            constants["segments"] = segments
        w.case(name, inputs, run, "word[ids] + position[positions] (+ segment[segments]), repeated ids", constants,
               op="embedding")


def attention_cases(w):
    def run(heads, starts):
        def function(query, key, value):
            width = query.shape[1] // heads
            outputs, scores, probabilities = [], [], []
            for begin, end in zip(starts, starts[1:]):
                q, k, v = (t[begin:end].reshape(end - begin, heads, width).transpose(0, 1) for t in (query, key, value))
                score = q @ k.transpose(1, 2) / math.sqrt(width)
                probability = torch.softmax(score, -1)
                outputs.append((probability @ v).transpose(0, 1).reshape(end - begin, heads * width))
                scores.append(score.reshape(-1))
                probabilities.append(probability.reshape(-1))
            return {"output": torch.cat(outputs), "scores": torch.cat(scores), "probabilities": torch.cat(probabilities)}
        return function

    for heads, width, starts in (
        (2, 26, [0, 3, 4, 9, 16]),
        (2, 32, [0, 3, 4, 9, 16]),
        (1, 64, [0, 3, 4, 9]),
        (3, 8, [0, 3, 4, 9, 16]),
        (4, 1, [0, 5, 6]),
        (2, 13, [0, 37, 38, 45]),
    ):
        name = f"attention_h{heads}_d{width}_n{starts[-1]}"
        rng = w.random(name)
        inputs = {key: normal(rng, (starts[-1], heads * width)) for key in ("query", "key", "value")}
        w.case(name, inputs, run(heads, starts), f"{heads} heads of {width}; packed rows, scores scaled by 1/√{width}",
               {"starts": starts, "heads": heads}, extra_outputs=("scores", "probabilities"), op="attention")


def loss_cases(w):
    labels = [2, -100, 0, 4, -100, 1]
    for name, scale in (("softmax_cross_entropy", 1), ("softmax_cross_entropy_large", 60)):
        w.case(name, {"logits": normal(w.random(name), (6, 5), scale)},
               lambda logits: F.cross_entropy(logits, torch.tensor(labels), ignore_index=-100),
               "mean over rows whose label is not −100", {"labels": labels}, op="softmax_cross_entropy")
    for temperature in (1, 2, 8):
        name = f"soft_cross_entropy_t{temperature}"
        rng = w.random(name)

        def soft(student, teacher, temperature=temperature):
            log_p = F.log_softmax(student / temperature, -1)
            return -(F.softmax(teacher / temperature, -1) * log_p).sum(-1).mean()

        w.case(name, {"student": normal(rng, (5, 4), 2), "teacher": normal(rng, (5, 4), 2)}, soft,
               "mean over rows of −Σ softmax(teacher/T) log softmax(student/T); no T² factor",
               {"temperature": np.float32(temperature)}, op="soft_cross_entropy")
    starts = [0, 5, 6, 13]

    def parts(logits):
        return [logits[begin:end] for begin, end in zip(starts, starts[1:])]

    for name, scale, targets in (("position_cross_entropy", 1, [4, 0, 2]), ("position_cross_entropy_outside", 1, [1, -100, 7]),
                                 ("position_cross_entropy_large", 60, [4, 0, 2])):
        def hard(logits, targets=targets):
            inside = [(part, target) for part, target in zip(parts(logits), targets) if 0 <= target < len(part)]
            return sum(F.cross_entropy(part, torch.tensor(target)) for part, target in inside) / len(inside)

        w.case(name, {"logits": normal(w.random(name), (13,), scale)}, hard,
               "mean over sequences of −log softmax over a sequence's rows, at a position inside it",
               {"starts": starts, "targets": targets}, op="position_cross_entropy")
    for temperature in (1, 8):
        name = f"soft_position_cross_entropy_t{temperature}"
        rng = w.random(name)

        def soft_parts(student, teacher, temperature=temperature):
            losses = [-(F.softmax(q / temperature, -1) * F.log_softmax(p / temperature, -1)).sum()
                      for p, q in zip(parts(student), parts(teacher))]
            return sum(losses) / len(losses)

        w.case(name, {"student": normal(rng, (13,), 2), "teacher": normal(rng, (13,), 2)}, soft_parts,
               "the soft cross-entropy over the rows of each sequence, mean over sequences",
               {"starts": starts, "temperature": np.float32(temperature)}, op="soft_position_cross_entropy")
    for name, scale in (("binary_cross_entropy", 2), ("binary_cross_entropy_large", 60)):
        rng = w.random(name)
        logits = normal(rng, (4, 7), scale)
        targets = np.where(rng.random((4, 7)) < 0.5, rng.integers(0, 2, (4, 7)), rng.random((4, 7))).astype(np.float32)
        w.case(name, {"logits": logits},
               lambda logits, t=targets: F.binary_cross_entropy_with_logits(logits, torch.tensor(t, dtype=torch.float64)),
               "mean over all elements of the cross-entropy of σ(logits)", {"targets": targets}, op="binary_cross_entropy")
    weights = [0.5, 2, 1, 3.25, 0.125]
    for name, weighted, smoothing in (("softmax_cross_entropy_weighted", True, 0), ("softmax_cross_entropy_smoothed", False, 0.1),
                                      ("softmax_cross_entropy_weighted_smoothed", True, 0.3)):
        def weighing(logits, weight=torch.tensor(weights, dtype=torch.float64) if weighted else None, smoothing=smoothing):
            loss = F.cross_entropy(logits, torch.tensor(labels), weight=weight, ignore_index=-100, label_smoothing=smoothing)
            if weight is None:
                own = LabelSmoother(epsilon=smoothing)({"logits": logits}, torch.tensor(labels))
                torch.testing.assert_close(own, loss)
            return loss

        w.case(name, {"logits": normal(w.random(name), (6, 5), 2)}, weighing,
               "torch's CrossEntropyLoss(weight, label_smoothing); without weights transformers' LabelSmoother too",
               {"labels": labels} | ({"weights": np.float32(weights)} if weighted else {}), op="softmax_cross_entropy",
               label_smoothing=smoothing)
    name = "binary_cross_entropy_weighted"
    rng = w.random(name)
    logits = normal(rng, (4, 3), 20)
    targets = np.where(rng.random((4, 3)) < 0.7, rng.integers(0, 2, (4, 3)), rng.random((4, 3))).astype(np.float32)
    w.case(name, {"logits": logits},
           lambda logits: F.binary_cross_entropy_with_logits(
               logits, torch.tensor(targets, dtype=torch.float64),
               pos_weight=torch.tensor([0.5, 4, 1.5], dtype=torch.float64)),
           "torch's BCEWithLogitsLoss(pos_weight)", {"targets": targets, "weights": np.float32([0.5, 4, 1.5])},
           op="binary_cross_entropy")
    name = "column"
    w.case(name, {"x": normal(w.random(name), (5, 3))}, lambda x: x[:, 1], "the second column",
           op="column", index=1)
    pairs = {
        "logits_mse_t2": (lambda student, teacher: F.mse_loss(student / 2, teacher / 2), "mean of ((student − teacher)/2)²",
                          {"op": "mean_squared_error", "temperature": 2}),
        "mean_squared_error": (lambda student, teacher: F.mse_loss(student, teacher), "mean over all elements",
                               {"op": "mean_squared_error"}),
        "cosine": (lambda student, teacher: F.cosine_embedding_loss(student, teacher, torch.ones(len(student))),
                   "mean over rows of 1 − cos(student, teacher)", {"op": "cosine"}),
    }
    for name, (function, note, case) in pairs.items():
        rng = w.random(name)
        w.case(name, {"student": normal(rng, (5, 7)), "teacher": normal(rng, (5, 7))}, function, note, **case)


def elementwise_cases(w):
    unary = {name: (function, 1.5, False) for name, function in ACTIVATIONS.items() if name != "none"}
    unary |= {"exp": (torch.exp, 2, False), "log": (torch.log, 1, True), "sqrt": (torch.sqrt, 1, True)}
    for name, (function, scale, positive) in unary.items():
        x = normal(w.random(name), (4, 9), scale)
        w.case(name, {"x": np.abs(x) + np.float32(0.05) if positive else x}, lambda x, f=function: f(x), f"{name}(x)",
               **pointwise(name))
    tails = np.array([-90, -30, -12, -6, -4, -1e-6, 0, 1e-6, 4, 6, 12, 30, 90], dtype=np.float32)
    for name in ("gelu", "gelu_new", "tanh", "silu", "sigmoid"):
        w.case(f"{name}_tails", {"x": tails}, lambda x, f=ACTIVATIONS[name]: f(x), f"{name} where it saturates and near 0",
               **pointwise(name))
    binary = {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div}
    shapes = [((3, 4), (3, 4)), ((3, 4), (4,)), ((4,), (3, 4)), ((3, 4), (3, 1)), ((3, 4), ()), ((), (3, 4)),
              ((2, 3, 4), (3, 1)), ((2, 1, 4), (3, 1))]
    for name, function in binary.items():
        for left, right in shapes:
            case = f"{name}_{spelled(left)}_{spelled(right)}"
            rng = w.random(case)
            a, b = normal(rng, left), normal(rng, right)
            if name == "divide":
                b = (np.sign(b) * (np.abs(b) + 0.5)).astype(np.float32)
            w.case(case, {"a": a, "b": b}, lambda a, b, f=function: f(a, b), f"{name} with broadcasting", op=name)


def pointwise(name):
    """The operation of a function of one number, which may be an activation."""
    return {"op": "activation", "activation": name} if name in ACTIVATIONS else {"op": name}


def spelled(shape):
    return "x".join(map(str, shape)) or "scalar"


def matrix_cases(w):
    for left in "nt":
        for right in "nt":
            name = f"matmul_{left}{right}"
            rng = w.random(name)
            inputs = {"a": normal(rng, (3, 5) if left == "n" else (5, 3)),
                      "b": normal(rng, (5, 4) if right == "n" else (4, 5))}
            w.case(name, inputs, lambda a, b, l=left, r=right: (a.T if l == "t" else a) @ (b.T if r == "t" else b),
                   "op(a) op(b); t transposes that operand",
                   op="matmul", transpose_a=left == "t", transpose_b=right == "t")
    w.case("transpose", {"x": normal(w.random("transpose"), (3, 5))}, lambda x: x.T, "x of rank 2, transposed",
           op="transpose")
    for axis in (0, 1):
        name = f"concatenate_axis{axis}"
        rng = w.random(name)
        parts = {"a": normal(rng, (2, 3)), "b": normal(rng, (4, 3) if axis == 0 else (2, 1))}
        w.case(name, parts, lambda a, b, axis=axis: torch.cat([a, b], axis), f"a then b along axis {axis}",
               op="concatenate", axis=axis)
    rows = [0, 3, 3, 1]
    w.case("gather_rows", {"x": normal(w.random("gather_rows"), (5, 4))}, lambda x: x[torch.tensor(rows)],
           "rows by index, one of them twice", {"rows": rows}, op="gather_rows")


def reduction_cases(w):
    for name, function in (("sum", torch.sum), ("mean", torch.mean)):
        for suffix, axes in (("all", None), ("axis0", 0), ("axis1", 1), ("axis2", 2)):
            for keep in (False,) if axes is None else (False, True):
                case = f"{name}_{suffix}" + ("_keep" if keep else "")
                w.case(case, {"x": normal(w.random(case), (2, 3, 4))},
                       (lambda x, f=function: f(x)) if axes is None else
                       (lambda x, f=function, a=axes, k=keep: f(x, dim=a, keepdim=k)),
                       f"{name} over {'everything' if axes is None else f'axis {axes}'}" + (", axis kept" if keep else ""),
                       op=name, **({} if axes is None else {"axis": axes, "keepdim": keep}))
    for name, function in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        for suffix, shape, scale in (("", (4, 7), 1), ("_wide", (3, 131), 2), ("_large", (4, 7), 80)):
            x = normal(w.random(name + suffix), shape, scale)
            w.case(name + suffix, {"x": x}, lambda x, f=function: f(x, -1), f"{name} over the last axis", op=name)


def sequence_cases(w):
    """Operations along packed sequences; `starts` as in attention."""
    for name, cell, lengths, inputs, hidden, both, note in (
        ("recurrent_gru", "gru", (3, 5, 1, 5), 4, 6, True, "nn.GRU over a PackedSequence, both directions"),
        ("recurrent_gru_one", "gru", (2, 4), 5, 3, False, "nn.GRU, one direction"),
        ("recurrent_gru_many", "gru", tuple(1 + index * 7 % 3 for index in range(70)), 2, 17, True,
         "more sequences than a thin product takes, odd sizes"),
        ("recurrent_lstm", "lstm", (3, 5, 1, 5), 4, 6, True, "nn.LSTM over a PackedSequence, both directions"),
        ("recurrent_lstm_ones", "lstm", (1, 1), 3, 2, True, "sequences of one token"),
        ("recurrent_lstm_twelve", "lstm", tuple(range(1, 13)), 3, 19, True, "more sequences than few rows, odd sizes"),
    ):
        rng = w.random(name)
        width = hidden * (3 if cell == "gru" else 4)
        arrays = {"x": normal(rng, (sum(lengths), inputs))}
        for ending in ("_l0", "_l0_reverse")[: 2 if both else 1]:
            arrays["weight_ih" + ending] = normal(rng, (width, inputs), 0.5)
            arrays["weight_hh" + ending] = normal(rng, (width, hidden), 0.5)
            arrays["bias_ih" + ending] = normal(rng, (width,), 0.3)
            arrays["bias_hh" + ending] = normal(rng, (width,), 0.3)

        def run(x, cell=cell, inputs=inputs, hidden=hidden, both=both, lengths=lengths, **weights):
            module = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](
                inputs, hidden, bidirectional=both, batch_first=True).double()
            parts = torch.nn.utils.rnn.pad_sequence(torch.split(x, lengths), batch_first=True)
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                parts, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
            output, _ = torch.func.functional_call(module, weights, (packed,))
            padded, _ = torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
            return torch.cat([padded[row, :length] for row, length in enumerate(lengths)])

        w.case(name, arrays, run, note, {"starts": np.cumsum([0, *lengths])}, op="recurrent", cell=cell)
    lengths = (3, 5, 1, 7)
    for width in (1, 2, 3, 4, 5):
        name = f"convolve_{width}"
        rng = w.random(name)
        w.case(name, {"x": normal(rng, (sum(lengths), 4)), "weight": normal(rng, (6, 4, width)), "bias": normal(rng, (6,))},
               lambda x, weight, bias: torch.cat([F.conv1d(part.T, weight, bias, padding="same").T
                                                  for part in torch.split(x, lengths)]),
               f"nn.Conv1d of width {width} with padding='same', sequence by sequence",
               {"starts": np.cumsum([0, *lengths])}, op="convolve")
    name = "sequence_maximum"
    w.case(name, {"x": normal(w.random(name), (sum(lengths), 5))},
           lambda x: torch.stack([part.max(0).values for part in torch.split(x, lengths)]),
           "the largest value of each column in each sequence", {"starts": np.cumsum([0, *lengths])},
           op="sequence_maximum")


def write_table(rows, readme):
    """Replaces what stands between the two markers of README.md."""
    begin, end = "<!-- ops: begin -->\n", "<!-- ops: end -->\n"
    names = {"float32": "", "int32": "I32 "}
    lines = ["| file | what | keys and shapes |", "|---|---|---|"]
    for name, note, arrays in rows:
        keys = " ".join(f"`{key}` {names[str(dtype)]}{list(shape)}" for key, (dtype, shape) in arrays.items())
        lines.append(f"| `{name}` | {note} | {keys} |")
    text = readme.read_text(encoding="utf-8")
    head, rest = text.split(begin)
    readme.write_text(head + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1], encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE.parent / "Fixtures" / "ops")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for old in arguments.output.glob("*.safetensors"):
        old.unlink()
    writer = Writer(arguments.output)
    for cases in (linear_cases, normalization_cases, embedding_cases, attention_cases, loss_cases, elementwise_cases,
                  matrix_cases, reduction_cases, sequence_cases):
        cases(writer)
    if arguments.output == HERE.parent / "Fixtures" / "ops":
        write_table(writer.rows, HERE / "README.md")
    size = sum(path.stat().st_size for path in arguments.output.glob("*.safetensors"))
    print(f"{len(writer.rows)} files, {size / 1000:.0f} kB, torch {torch.__version__}")


if __name__ == "__main__":
    main()
