"""Writes Tests/Fixtures/int8/simulated.safetensors: a linear layer and a table trained through the rounding of 8-bit integers.

Weights and rows of the table go through `torch.fake_quantize_per_channel_affine` (scale max |w| / 127, −127 … 127). It multiplies
by 1 / scale, Potstill by 127 / max |w|, so a value within float32's rounding of a half may fall on the other side; none
does here, and the script checks that. Rows of activations have 255 steps from their least to their largest value, zero
among them, and pass the gradient straight through. Sums are in float64.

Keys: `x`, `weight`, `bias`, `upstream`; `output`, `grad.x`, `grad.weight`, `grad.bias` of the linear layer; `table`, `ids`,
`rows` (the rows read) and `grad.table` for the same upstream gradient.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

TARGET = Path(__file__).resolve().parent.parent / "Fixtures" / "int8" / "simulated.safetensors"


def rows_to_integers(w):
    scale = w.detach().abs().amax(1) / 127
    zero = torch.zeros(len(w), dtype=torch.int32)
    rounded = torch.fake_quantize_per_channel_affine(w, scale, zero, 0, -127, 127)
    exact = w.detach().double() * 127 / w.detach().abs().amax(1, keepdim=True).double()
    assert torch.equal((rounded.detach() / scale[:, None]).round(), exact.round().float()), "a value lies on a half"
    return rounded


def activations_to_integers(x):
    low, high = x.detach().amin(1, keepdim=True).clamp(max=0), x.detach().amax(1, keepdim=True).clamp(min=0)
    scale = (high - low) / 255
    zero = torch.floor(0.5 - low * (255 / (high - low)))
    q = (torch.round(x.detach() * (255 / (high - low))) + zero).clamp(0, 255)
    return x + (scale * (q - zero) - x).detach()


def main():
    rng = np.random.default_rng(6)
    draw = lambda *shape, scale=1.0: torch.tensor((rng.standard_normal(shape) * scale).astype(np.float32))
    x, weight, bias = draw(9, 37), draw(19, 37, scale=0.1), draw(19)
    table, ids = draw(11, 19), torch.tensor([10, 0, 3, 3, 7, 1, 2, 0, 5])
    upstream = draw(9, 19)
    for value in (x, weight, bias, table):
        value.requires_grad_()
    output = activations_to_integers(x).double() @ rows_to_integers(weight).double().T + bias.double()
    (output * upstream).sum().backward()
    rows = rows_to_integers(table)[ids]
    (rows * upstream).sum().backward()
    golden = {"x": x, "weight": weight, "bias": bias, "upstream": upstream, "output": output.float(), "grad.x": x.grad,
              "grad.weight": weight.grad, "grad.bias": bias.grad, "table": table, "ids": ids.int(), "rows": rows,
              "grad.table": table.grad}
    save_file({name: value.detach().contiguous() for name, value in golden.items()}, TARGET)


if __name__ == "__main__":
    main()
