"""DistilBERT's triple loss and its gradients by PyTorch: BERT of Fixtures/heads teaches ELECTRA masked words.

Writes `Fixtures/distillation/triple/{masked,all}.safetensors`: `total`, `ce` (with T²), `mlm`, `cos`, and the gradient of
each of the student's parameters; `masked` compares the logits of masked tokens, `all` those of every token. The losses are
those of Hugging Face's distillation script: `KLDivLoss(reduction="batchmean")` times T², `CrossEntropyLoss`,
`CosineEmbeddingLoss` of the last hidden states of all tokens. Computed in float64.
"""

from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures"
TEMPERATURE, ALPHA_CE, ALPHA_MLM, ALPHA_COS = 2.0, 5.0, 2.0, 1.0


def rows(golden, key, fill):
    starts = golden["starts"]
    lengths = np.diff(starts)
    padded = np.full((len(lengths), lengths.max()), fill, dtype=np.int64)
    for row, (start, length) in enumerate(zip(starts, lengths)):
        padded[row, :length] = 1 if key is None else golden[key][start:start + length]
    return torch.tensor(padded)


def main():
    torch.set_default_dtype(torch.float64)
    golden = load_file(FIXTURES / "heads" / "bert" / "masked" / "golden.safetensors")
    mask, labels = rows(golden, None, 0), rows(golden, "tags", -100)
    inputs = {"input_ids": rows(golden, "ids", 0), "token_type_ids": rows(golden, "segments", 0), "attention_mask": mask}
    out = FIXTURES / "distillation" / "triple"
    out.mkdir(exist_ok=True)
    for name, counted in [("masked", labels != -100), ("all", mask == 1)]:
        teacher, student = (getattr(transformers, f"{model}ForMaskedLM").from_pretrained(
            FIXTURES / "heads" / model.lower() / "masked", dtype=torch.float64).eval() for model in ("Bert", "Electra"))
        with torch.no_grad():
            other = teacher(**inputs, output_hidden_states=True)
        own = student(**inputs, output_hidden_states=True)
        ce = torch.nn.KLDivLoss(reduction="batchmean")(
            torch.log_softmax(own.logits[counted] / TEMPERATURE, dim=-1),
            torch.softmax(other.logits[counted] / TEMPERATURE, dim=-1)) * TEMPERATURE ** 2
        mlm = torch.nn.functional.cross_entropy(own.logits.flatten(0, 1), labels.flatten())
        tokens = mask == 1
        cos = torch.nn.CosineEmbeddingLoss()(
            own.hidden_states[-1][tokens], other.hidden_states[-1][tokens], torch.ones(int(tokens.sum())))
        total = ALPHA_CE * ce + ALPHA_MLM * mlm + ALPHA_COS * cos
        total.backward()
        arrays = {"total": total, "ce": ce, "mlm": mlm, "cos": cos}
        arrays |= {"grad/" + key: p.grad for key, p in student.named_parameters() if p.grad is not None}
        save_file({k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in arrays.items()},
                  out / f"{name}.safetensors")
        print(name, {k: float(v) for k, v in arrays.items() if v.dim() == 0})


if __name__ == "__main__":
    main()
