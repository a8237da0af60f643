"""Writes Tests/Fixtures/int8/*.safetensors: linear layers of 8-bit integers with exact sums.

PyTorch quantises weights (per channel, symmetric) and activations (per row, asymmetric); NumPy adds the products up in 64-bit
integers and makes floats of them in float32, product and bias in two roundings. Keys: `x`, `weight`, `bias` F32;
`weight_integers` I32 and `weight_scale` F32; `row_integers`, `row_zero` I32 and `row_scale` F32; `sums` I32, `output` F32.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

TARGET = Path(__file__).resolve().parent.parent / "Fixtures" / "int8"
F = np.float32


def rows_of(x):
    """Bytes, scale and zero of every row: 255 steps between its least and largest value, zero among them."""
    low, high = np.minimum(x.min(1), F(0)), np.maximum(x.max(1), F(0))
    scale = (high - low) / F(255)
    zero = np.floor(F(0.5) - low * (F(255) / (high - low))).astype(np.int32)
    q = [
        torch.quantize_per_tensor(torch.tensor(row), float(s), int(z), torch.quint8).int_repr().numpy()
        for row, s, z in zip(x, scale, zero)
    ]
    return np.stack(q).astype(np.int32), scale, zero


def weight_of(w):
    """Integers and scale of every output."""
    scale = np.abs(w).max(1) / F(127)
    q = torch.quantize_per_channel(
        torch.tensor(w), torch.tensor(scale, dtype=torch.float64), torch.zeros(len(w), dtype=torch.int64), 0, torch.qint8)
    return q.int_repr().numpy().astype(np.int32), scale


def case(name, rows, inputs, outputs, seed, offset=0.0):
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((rows, inputs)) + offset).astype(F)
    w = (rng.standard_normal((outputs, inputs)) * 0.05).astype(F)
    b = rng.standard_normal(outputs).astype(F)
    q, row_scale, zero = rows_of(x)
    wq, scale = weight_of(w)
    sums = (q.astype(np.int64) - zero[:, None]) @ wq.T.astype(np.int64)
    output = (sums.astype(F) * (scale[None, :] * row_scale[:, None])).astype(F) + b
    save_file(
        {
            "x": x, "weight": w, "bias": b, "weight_integers": wq, "weight_scale": scale, "row_integers": q,
            "row_zero": zero, "row_scale": row_scale, "sums": sums.astype(np.int32), "output": output,
        },
        TARGET / f"{name}.safetensors",
    )


TARGET.mkdir(parents=True, exist_ok=True)
case("one_row", 1, 7, 3, 1)
case("odd", 13, 37, 19, 2)
case("positive", 5, 66, 33, 3, offset=4.0)
case("tall", 70, 30, 17, 4, offset=-0.5)
