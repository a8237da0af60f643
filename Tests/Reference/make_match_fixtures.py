"""Writes what came after TextBrewer between layers to Tests/Fixtures/distillation: the papers' definitions, in PyTorch.

`losses/later_minilm*.safetensors` hold `student_queries`, `student_keys`, `student_values` [rows, width] with `grad_…` of each,
the `teacher_…` ones, `starts`, `heads` and `output`. `later_pkd`, `later_irg`, `later_irg_transformation` and `later_cka` hold packed
`student` and `teacher` hidden states (`student1`, `teacher1` of a second layer), `starts`, `output` and `grad_student`.
`later_emd` holds `student_hidden.0` … (the embeddings first), `student_scores.0` … and the teacher's, `starts`, the `output`
and gradients of a first step with even layer weights, the weights after it, and `second_output`, which follows them.
`transport.json` holds transport problems with the costs of their solutions by `scipy.optimize.linprog`.

Float32 inputs, float64 arithmetic.
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linprog

from make_distillation_fixtures import ROOT, draw, store

# One sequence longer than a block of 32 queries, one of a single token.
LENGTHS = [3, 35, 1]
STARTS = np.cumsum([0] + LENGTHS).astype(np.int32)
VECTORS = ["queries", "keys", "values"]


def log_relation(a, b, heads):
    """Row-wise log softmax(A Bᵀ / sqrt(d)) of one sequence, [heads, n, n]."""
    split = lambda x: x.reshape(len(x), heads, -1).transpose(0, 1)
    a, b = split(a), split(b)
    return F.log_softmax(a @ b.transpose(1, 2) / a.shape[-1] ** 0.5, -1)


def divergence(student, teacher, heads):
    """KL(teacher || student), a mean over heads and all rows."""
    total = 0
    for start, end in zip(STARTS, STARTS[1:]):
        s = log_relation(*(x[start:end] for x in student), heads)
        t = log_relation(*(x[start:end] for x in teacher), heads)
        total = total + F.kl_div(s, t, reduction="sum", log_target=True)
    return total / (heads * int(STARTS[-1]))


def minilm(s, t, heads):
    return divergence((s[0], s[1]), (t[0], t[1]), heads) + divergence((s[2], s[2]), (t[2], t[2]), heads)


def minilmv2(s, t, heads):
    return sum(divergence((a, a), (b, b), heads) for a, b in zip(s, t))


def self_attention():
    rng = np.random.default_rng(21)
    # Heads of 5 and 8 features; of 4 and 8; of whole vectors.
    for name, function, widths, heads in [
        ("minilm", minilm, (10, 16), 2), ("minilmv2", minilmv2, (12, 24), 3), ("minilmv2_wide", minilmv2, (16, 32), 1),
    ]:
        s = [draw(rng, int(STARTS[-1]), widths[0]) for _ in VECTORS]
        t = [draw(rng, int(STARTS[-1]), widths[1]) for _ in VECTORS]
        loss = function(s, [x.detach() for x in t], heads)
        loss.backward()
        arrays = {"output": loss.reshape(()), "starts": STARTS, "heads": np.array([heads], dtype=np.int32)}
        for key, a, b in zip(VECTORS, s, t):
            arrays |= {f"student_{key}": a, f"teacher_{key}": b, f"grad_student_{key}": a.grad}
        store(f"later_{name}", arrays)


def normalised(x):
    return x / x.max()


def squared_distances(x):
    return normalised(((x[:, None] - x[None]) ** 2).sum(-1))


def transformation(x, y):
    return normalised(((x - y) ** 2).sum(-1))


def first_tokens():
    """Losses of the first token of each sequence."""
    rng = np.random.default_rng(22)
    starts = np.array([0, 3, 4, 9, 11, 12], dtype=np.int32)
    first = torch.tensor(starts[:-1].astype(np.int64))
    unit = lambda x: F.normalize(x, dim=-1)
    for name, function, widths, count in [
        ("pkd", lambda s, t: F.mse_loss(unit(s[0]), unit(t[0])), (6, 6), 1),
        ("irg", lambda s, t: F.mse_loss(squared_distances(s[0]), squared_distances(t[0])), (4, 7), 1),
        ("irg_transformation", lambda s, t: F.mse_loss(transformation(*s), transformation(*t)), (4, 7), 2),
    ]:
        s = [draw(rng, int(starts[-1]), widths[0]) for _ in range(count)]
        t = [draw(rng, int(starts[-1]), widths[1]) for _ in range(count)]
        loss = function([x[first] for x in s], [x.detach()[first] for x in t])
        loss.backward()
        arrays = {"output": loss.reshape(()), "starts": starts}
        for suffix, a, b in zip(["", "1"], s, t):
            arrays |= {"student" + suffix: a, "teacher" + suffix: b, "grad_student" + suffix: a.grad}
        store(f"later_{name}", arrays)


def kernel_alignment():
    """1 - CKA of all rows, linear form."""
    rng = np.random.default_rng(26)
    starts = np.array([0, 3, 4, 9, 11, 12], dtype=np.int32)
    s, t = draw(rng, 12, 4), draw(rng, 12, 7)
    x, y = s - s.mean(0), t.detach() - t.detach().mean(0)
    loss = 1 - (x.T @ y).square().sum() / (torch.linalg.norm(x.T @ x) * torch.linalg.norm(y.T @ y))
    loss.backward()
    store("later_cka", {"output": loss.reshape(()), "starts": starts, "student": s, "teacher": t, "grad_student": s.grad})


def transport(cost, supply, demand):
    """The cheapest flow [supplies, demands]."""
    rows, columns = cost.shape
    equalities = np.zeros((rows + columns, rows * columns))
    for i in range(rows):
        equalities[i, i * columns:(i + 1) * columns] = 1
    for j in range(columns):
        equalities[rows + j, j::columns] = 1
    solution = linprog(cost.reshape(-1), A_eq=equalities, b_eq=np.concatenate([supply, demand]), method="highs")
    assert solution.status == 0, solution.message
    return solution.x.reshape(rows, columns)


def transport_problems():
    rng = np.random.default_rng(23)
    problems = []
    for rows, columns in [(1, 1), (1, 5), (4, 1), (2, 2), (3, 12), (4, 12), (6, 12), (5, 7), (12, 24)]:
        for even in [True, False]:
            draw_weights = lambda n: np.full(n, 1 / n) if even else rng.dirichlet(np.ones(n))
            supply, demand = draw_weights(rows), draw_weights(columns)
            cost = rng.random((rows, columns)).round(3)
            if rows == 5:
                cost = cost.round(1)  # many equal costs
            problems.append({"supply": supply.tolist(), "demand": demand.tolist(), "costs": cost.reshape(-1).tolist(),
                             "optimum": float((transport(cost, supply, demand) * cost).sum())})
    (ROOT / "transport.json").write_text(json.dumps(problems) + "\n")


def emd():
    rng = np.random.default_rng(24)
    lengths, heads, width = [3, 5], 2, 6
    starts = np.cumsum([0] + lengths).astype(np.int32)
    rows, scores = int(starts[-1]), heads * sum(n * n for n in lengths)
    layers = {"student": 2, "teacher": 5}
    hidden = {side: [draw(rng, rows, width) for _ in range(count + 1)] for side, count in layers.items()}
    maps = {side: [draw(rng, scores) for _ in range(count)] for side, count in layers.items()}
    weights = {side: np.full(count, 1 / count) for side, count in layers.items()}

    def one(students, teachers):
        costs = torch.stack([torch.stack([F.mse_loss(s, t.detach()) for t in teachers]) for s in students])
        known = costs.detach().numpy()
        flow = transport(known, weights["student"], weights["teacher"])
        spent = flow * known
        unit = {"student": spent.sum(1) / weights["student"], "teacher": spent.sum(0) / weights["teacher"]}
        new = {side: (1 / cost) / (1 / cost).sum() for side, cost in unit.items()}
        return (torch.tensor(flow) * costs).sum(), new

    def step():
        a, first = one(hidden["student"][1:], hidden["teacher"][1:])
        b, second = one(maps["student"], maps["teacher"])
        loss = a + b + F.mse_loss(hidden["student"][0], hidden["teacher"][0].detach())
        return loss, {side: (first[side] + second[side]) / 2 for side in layers}

    loss, new = step()
    loss.backward()
    arrays = {"output": loss.reshape(()), "starts": starts, "heads": np.array([heads], dtype=np.int32)}
    for side in layers:
        arrays |= {f"{side}_hidden.{i}": x for i, x in enumerate(hidden[side])}
        arrays |= {f"{side}_scores.{i}": x for i, x in enumerate(maps[side])}
        arrays[f"{side}_weights"] = new[side].astype(np.float32)
    arrays |= {f"grad_student_hidden.{i}": x.grad for i, x in enumerate(hidden["student"])}
    arrays |= {f"grad_student_scores.{i}": x.grad for i, x in enumerate(maps["student"])}
    weights = new
    arrays["second_output"] = step()[0].detach().reshape(())
    store("later_emd", arrays)


def main():
    self_attention()
    first_tokens()
    kernel_alignment()
    transport_problems()
    emd()


if __name__ == "__main__":
    main()
