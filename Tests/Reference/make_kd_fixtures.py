"""Writes Tests/Fixtures/distillation/losses/later_*.safetensors: the losses that came after TextBrewer, in PyTorch.

Each file holds `student`, `teacher` [rows, classes], `temperature`, and where it matters `labels` or `starts`, with the
loss `output` (times the temperature squared) and its gradient `grad_student`. Float32 inputs, float64 arithmetic, written
from the papers' definitions with torch's own divergences.
"""

import torch
import torch.nn.functional as F

from make_distillation_fixtures import LENGTHS, STARTS, draw, np, number, store


def kl(log_p, log_q):
    """KL(p || q) of each row."""
    return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1)


def reverse_kl(s, t, _):
    return kl(F.log_softmax(s, -1), F.log_softmax(t, -1)).mean()


def jsd(s, t, _, beta=0.5):
    log_q, log_p = F.log_softmax(s, -1), F.log_softmax(t, -1)
    log_m = torch.logaddexp(log_q + np.log(1 - beta), log_p + np.log(beta))
    return (beta * kl(log_p, log_m) + (1 - beta) * kl(log_q, log_m)).mean()


def dkd(s, t, labels, alpha=1, beta=8):
    rows = torch.arange(len(labels))
    others = torch.ones_like(s, dtype=torch.bool)
    others[rows, labels] = False

    def two(z):
        p = F.softmax(z, -1)[rows, labels]
        return torch.stack([p, 1 - p], -1).log()

    def rest(z):
        return F.log_softmax(z[others].reshape(len(labels), -1), -1)

    return (alpha * kl(two(t), two(s)) + beta * kl(rest(t), rest(s))).mean()


def dist(s, t, _, beta=1, gamma=1):
    q, p = F.softmax(s, -1), F.softmax(t, -1)

    def correlation(a, b):
        return F.cosine_similarity(a - a.mean(-1, keepdim=True), b - b.mean(-1, keepdim=True), dim=-1).mean()

    return beta * (1 - correlation(q, p)) + gamma * (1 - correlation(q.T, p.T))


def standardized_ce(s, t, _):
    return -(F.softmax(t, -1) * F.log_softmax(s, -1)).sum(-1).mean()


def standardized(z):
    return (z - z.mean(-1, keepdim=True)) / (z.std(-1, keepdim=True) + 1e-7)


def rkd_distance(s, t):
    def distances(x):
        d = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
        return d / d[d > 0].mean()

    return F.smooth_l1_loss(distances(s), distances(t))


def rkd_angle(s, t):
    def cosines(x):
        directions = F.normalize(x.unsqueeze(0) - x.unsqueeze(1), dim=2)
        return torch.bmm(directions, directions.transpose(1, 2))

    return F.smooth_l1_loss(cosines(s), cosines(t))


# The same values as in the test.
OPTIONS = {jsd: {"beta": 0.2}, dkd: {"alpha": 0.5, "beta": 2}, dist: {"beta": 2, "gamma": 0.5}}


def relations(rng):
    """Packed tokens of sequences whose first ones are compared, the teacher wider; one sequence far from the others."""
    first = torch.tensor(STARTS[:-1].astype(np.int64))
    for function in [rkd_distance, rkd_angle]:
        s, t = draw(rng, int(STARTS[-1]), 4), draw(rng, int(STARTS[-1]), 7)
        with torch.no_grad():
            s[first[1]] += 8
        loss = function(s[first], t.detach()[first])
        loss.backward()
        store(f"later_{function.__name__}", {
            "student": s, "teacher": t, "output": loss.reshape(()), "grad_student": s.grad, "starts": STARTS})


def main():
    rng = np.random.default_rng(11)
    for function in [reverse_kl, jsd, dkd, dist, standardized_ce]:
        for tau in [1, 4]:
            s, t = draw(rng, 6, 5), draw(rng, 6, 5)
            labels = torch.tensor(rng.integers(0, 5, 6))
            a, b = (standardized(s), standardized(t.detach())) if function is standardized_ce else (s, t.detach())
            loss = function(a / tau, b / tau, labels) * tau**2
            loss.backward()
            store(f"later_{function.__name__}_{tau}", {
                "student": s, "teacher": t, "output": loss.reshape(()), "grad_student": s.grad,
                "temperature": number(tau), "labels": labels.numpy().astype(np.int32)})
    for function in [reverse_kl, jsd]:
        s, t = draw(rng, int(STARTS[-1])), draw(rng, int(STARTS[-1]))
        parts = [function(a[None] / 2, b[None] / 2, None)
                 for a, b in zip(s.split(LENGTHS), t.detach().split(LENGTHS))]
        loss = sum(parts) / len(parts) * 4
        loss.backward()
        store(f"later_positions_{function.__name__}_2", {
            "student": s, "teacher": t, "output": loss.reshape(()), "grad_student": s.grad,
            "temperature": number(2), "starts": STARTS})

    relations(rng)
    for function, options in OPTIONS.items():
        s, t = draw(rng, 6, 5), draw(rng, 6, 5)
        labels = torch.tensor(rng.integers(0, 5, 6))
        loss = function(s / 2, t.detach() / 2, labels, **options) * 4
        loss.backward()
        store(f"later_options_{function.__name__}", {
            "student": s, "teacher": t, "output": loss.reshape(()), "grad_student": s.grad,
            "temperature": number(2), "labels": labels.numpy().astype(np.int32)})


if __name__ == "__main__":
    main()
