"""Writes Tests/Fixtures/dtypes: floats rounded to float16 and bfloat16 by PyTorch, and a model's logits after that.

`values.safetensors` has `values` F32 and what `.to(dtype)` makes of them, `float16` F16 and `bfloat16` BF16: random values of many
sizes, halfway points between neighbours (ties go to even), subnormals, zeros of both signs, and the largest that still fit.
`logits.safetensors` has the logits of Fixtures/encoders/classifier loaded by transformers with its weights rounded so, computed in
float32, keys `float16` and `bfloat16` [sequences, labels].
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures"
TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


def neighbours(bits, dtype):
    """Values between two neighbours of 16 bits: the middle, and the floats beside it."""
    low = torch.tensor(bits, dtype=torch.int16).view(dtype).float()
    high = torch.tensor(bits + 1, dtype=torch.int16).view(dtype).float()
    middle = ((low.double() + high.double()) / 2).float()
    below = torch.nextafter(middle, torch.zeros_like(middle))
    above = torch.nextafter(middle, torch.full_like(middle, torch.inf))
    return torch.cat([middle, -middle, below, above])


def values():
    rng = np.random.default_rng(7)
    spread = torch.tensor(rng.standard_normal(400) * 10.0 ** rng.uniform(-9, 4, 400), dtype=torch.float32)
    half = neighbours(np.concatenate([np.arange(0, 40), rng.integers(40, 0x7BFE, 100)]).astype(np.int16), torch.float16)
    # From below the smallest half to its largest value, so that both types hold them.
    brain = neighbours(rng.integers(0x3000, 0x477E, 100).astype(np.int16), torch.bfloat16)
    edges = torch.tensor([0.0, -0.0, 65504.0, -65504.0, 65519.99, 1e-8, 2.0 ** -25, 1.1754944e-38, 1e-45])
    return torch.cat([spread, half, brain, edges])


def main():
    target = FIXTURES / "dtypes"
    target.mkdir(parents=True, exist_ok=True)
    floats = values()
    rounded = {name: floats.to(dtype) for name, dtype in TYPES.items()}
    assert all(tensor.float().isfinite().all() for tensor in rounded.values())
    save_file({"values": floats, **rounded}, target / "values.safetensors")

    folder = FIXTURES / "encoders" / "classifier"
    golden, logits = load_file(folder / "golden.safetensors"), {}
    for name, dtype in TYPES.items():
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).to(dtype).float().eval()
        rows = []
        for begin, end in zip(golden["starts"], golden["starts"][1:]):
            ids, segments = (golden[key][None, begin:end].long() for key in ("ids", "segments"))
            with torch.inference_mode():
                rows.append(model(input_ids=ids, token_type_ids=segments).logits[0])
        logits[name] = torch.stack(rows)
    save_file(logits, target / "logits.safetensors")


main()
