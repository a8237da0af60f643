"""Writes Fixtures/distillation/objective/teachers.safetensors: two teachers of one student, averaged in three ways.

The student and the first teacher are those of that folder, the second teacher is the first with every weight times 0.75,
and counts as much. `logits/…` is what TextBrewer's MultiTeacherDistiller computes; `probabilities/…` and `losses/…` replace
its KD loss by PyTorch's cross-entropy against the mean distribution, and by the mean of TextBrewer's losses. Each has
`total`, `part/<name>` and `grad/<parameter>`.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file, save_file
from textbrewer import DistillationConfig, MultiTeacherDistiller, TrainingConfig
from textbrewer.losses import kd_ce_loss
from transformers import BertConfig, BertForSequenceClassification

FOLDER = Path(__file__).resolve().parent.parent / "Fixtures" / "distillation" / "objective"
TEMPERATURE, KD_WEIGHT, LABEL_WEIGHT = 3, 0.75, 0.5


def model(name, layers, hidden, heads, factor=1.0):
    config = BertConfig(vocab_size=40, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
                        intermediate_size=2 * hidden, max_position_embeddings=8, num_labels=3,
                        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = BertForSequenceClassification(config).double().eval()
    state = {key: torch.tensor((value * np.float32(factor)).astype(np.float64))
             for key, value in load_file(FOLDER / f"{name}.safetensors").items()}
    model.load_state_dict(state, strict=False)
    return model


def main():
    torch.set_default_dtype(torch.float64)
    teachers = [model("teacher", 4, 12, 3), model("teacher", 4, 12, 3, 0.75)]
    student = model("student", 2, 8, 2)
    batch = json.loads((FOLDER / "batch.json").read_text())
    longest = max(len(row) for row in batch["ids"])
    pad = lambda rows: torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    inputs = dict(input_ids=pad(batch["ids"]), token_type_ids=pad(batch["segments"]),
                  attention_mask=pad([[1] * len(row) for row in batch["ids"]]))
    labels = torch.tensor(batch["labels"])

    def adaptor(_, outputs):
        return {"logits": outputs.logits, "losses": F.cross_entropy(outputs.logits, labels)}

    config = DistillationConfig(temperature=TEMPERATURE, kd_loss_weight=KD_WEIGHT, hard_label_weight=LABEL_WEIGHT)
    distiller = MultiTeacherDistiller(TrainingConfig(device="cpu", output_dir="/tmp/textbrewer-unused"), config,
                                      teachers, student, adaptor, adaptor)
    with torch.no_grad():
        answers = [teacher(**inputs).logits for teacher in teachers]
    arrays = {}

    def store(name, total, parts):
        student.zero_grad()
        total.backward()
        arrays[f"{name}/total"] = total.reshape(())
        arrays.update({f"{name}/part/{key}": value.reshape(()) for key, value in parts.items()})
        arrays.update({f"{name}/grad/{key}": value.grad for key, value in student.named_parameters()})

    def by_hand(loss):
        logits = student(**inputs).logits
        parts = {"unweighted_kd_loss": loss(logits), "unweighted_hard_label_loss": F.cross_entropy(logits, labels)}
        return KD_WEIGHT * parts["unweighted_kd_loss"] + LABEL_WEIGHT * parts["unweighted_hard_label_loss"], parts

    store("logits", *distiller.train_on_batch(inputs, {}))
    mean = sum(F.softmax(logits / TEMPERATURE, -1) for logits in answers) / 2
    store("probabilities", *by_hand(lambda logits: F.cross_entropy(logits / TEMPERATURE, mean)))
    store("losses", *by_hand(lambda logits: sum(kd_ce_loss(logits, answer, TEMPERATURE) for answer in answers) / 2))
    save_file({name: np.ascontiguousarray(value.detach().numpy().astype(np.float32))
               for name, value in arrays.items()}, FOLDER / "teachers.safetensors")


if __name__ == "__main__":
    main()
