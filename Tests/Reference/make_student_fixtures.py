"""Writes Tests/Fixtures/students/<name>/*: tiny students that are no Transformers, and what PyTorch computes with them.

Each directory holds `config.json` and `model.safetensors` in Potstill's layout and `golden.safetensors`: a packed batch
(`ids`, `segments`, `starts`), `hidden.<k>` (0: embeddings), `logits`, `upstream` (the loss is the sum of logits times this)
and the gradient of every parameter (`grad.<name>`). The modules are `nn.Embedding`, `nn.GRU` and `nn.LSTM` over a
`PackedSequence` or `nn.Conv1d` with padding="same", `nn.Linear`; weights are float32, PyTorch computes in float64 and the
results are rounded once, when stored.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from make_encoder_fixtures import LENGTHS, batch
from safetensors.numpy import save_file
from torch import nn

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "students"
WORDS, STARTS = 40, np.cumsum([0, *LENGTHS])


def by_sequence(rows):
    return torch.split(rows, LENGTHS)


class Words(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.word_embeddings = nn.Embedding(WORDS, width)


class Recurrent(nn.Module):
    def __init__(self, cell, config):
        super().__init__()
        self.embeddings = Words(config["embedding_size"])
        self.encoder = cell(config["embedding_size"], config["hidden_size"], config["num_hidden_layers"],
                            bidirectional=True, batch_first=True)
        self.width = 2 * config["hidden_size"]

    def hidden(self, ids):
        rows = [self.embeddings.word_embeddings(ids)]
        for layer in range(self.encoder.num_layers):
            single = type(self.encoder)(rows[-1].shape[1], self.width // 2, bidirectional=True, batch_first=True).double()
            weights = {name.replace(f"_l{layer}", "_l0"): value for name, value in self.encoder.named_parameters()
                       if f"_l{layer}" in name}
            padded = nn.utils.rnn.pad_sequence(by_sequence(rows[-1]), batch_first=True)
            packed = nn.utils.rnn.pack_padded_sequence(padded, torch.tensor(LENGTHS), batch_first=True,
                                                       enforce_sorted=False)
            output, _ = nn.utils.rnn.pad_packed_sequence(torch.func.functional_call(single, weights, (packed,))[0],
                                                         batch_first=True)
            rows.append(torch.cat([output[row, :length] for row, length in enumerate(LENGTHS)]))
        return rows


class Layer(nn.Module):
    def __init__(self, inputs, config):
        super().__init__()
        sizes = config["kernel_sizes"]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, config["hidden_size"] // len(sizes), size, padding="same") for size in sizes)

    def forward(self, rows):
        return torch.cat([torch.relu(torch.cat([conv(part.T).T for conv in self.convolutions], 1))
                          for part in by_sequence(rows)])


class Convolutional(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embeddings = Words(config["embedding_size"])
        widths = [config["embedding_size"]] + [config["hidden_size"]] * (config["num_hidden_layers"] - 1)
        self.layer = nn.ModuleList(Layer(width, config) for width in widths)
        self.width = config["hidden_size"]

    def hidden(self, ids):
        rows = [self.embeddings.word_embeddings(ids)]
        for layer in self.layer:
            rows.append(layer(rows[-1]))
        return rows


class Head(nn.Module):
    """`classifier.dense`, ReLU, `classifier.out_proj`."""

    def __init__(self, width, inner, labels):
        super().__init__()
        self.dense = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, labels)

    def forward(self, rows):
        return self.out_proj(torch.relu(self.dense(rows)))


class Model(nn.Module):
    def __init__(self, kind, head, config):
        super().__init__()
        cells = {"bigru": nn.GRU, "bilstm": nn.LSTM}
        encoder = Recurrent(cells[kind], config) if kind in cells else Convolutional(config)
        self.kind, self.head = kind, head
        setattr(self, kind, encoder)
        labels = len(config["id2label"])
        if head == "QuestionAnswering":
            self.qa_outputs = nn.Linear(encoder.width, labels)
        elif head == "SequenceClassification" and kind in cells:
            self.classifier = Head(encoder.width, config["hidden_size"], labels)
        else:
            self.classifier = nn.Linear(encoder.width, labels)

    def forward(self, ids):
        hidden = getattr(self, self.kind).hidden(ids)
        rows = hidden[-1]
        if self.head == "SequenceClassification":
            rows = torch.stack([part.max(0).values for part in by_sequence(rows)])
        return hidden, (self.qa_outputs if self.head == "QuestionAnswering" else self.classifier)(rows)


def main():
    shutil.rmtree(FIXTURES, ignore_errors=True)
    names = {"bigru": "BiGRU", "bilstm": "BiLSTM", "textcnn": "TextCNN"}
    for name, kind, head, labels, sizes in (
        ("bigru", "bigru", "SequenceClassification", 3, (6, 5, 1)),
        ("bigru-tokens", "bigru", "TokenClassification", 4, (5, 5, 1)),
        ("bilstm", "bilstm", "SequenceClassification", 2, (4, 6, 2)),
        ("bilstm-answers", "bilstm", "QuestionAnswering", 2, (4, 6, 1)),
        ("textcnn", "textcnn", "SequenceClassification", 3, (6, 9, 1)),
        ("textcnn-tokens", "textcnn", "TokenClassification", 4, (6, 6, 2)),
    ):
        config = {
            "architectures": [names[kind] + "For" + head], "model_type": kind, "vocab_size": WORDS,
            "embedding_size": sizes[0], "hidden_size": sizes[1], "num_hidden_layers": sizes[2],
        }
        if kind == "textcnn":
            config["kernel_sizes"] = [3, 4, 5] if head == "SequenceClassification" else [2, 3]
        config |= {
            "hidden_dropout_prob": 0.1, "max_position_embeddings": 64, "initializer_range": 0.02, "pad_token_id": 0,
            "id2label": {str(index): f"L{index}" for index in range(labels)},
            "label2id": {f"L{index}": index for index in range(labels)}, "torch_dtype": "float32",
        }
        if kind == "textcnn":
            config["classifier_dropout"] = 0.5
        rng = np.random.default_rng(sum(map(ord, name)))
        model = Model(kind, head, config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.tensor(rng.standard_normal(tuple(parameter.shape)).astype(np.float32) * 0.4))
        directory = FIXTURES / name
        directory.mkdir(parents=True)
        (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        weights = {key: value.detach().numpy().copy() for key, value in model.state_dict().items()}
        save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
        golden = {key: value for key, value in batch(rng, WORDS)[1].items() if key in ("ids", "segments", "starts")}
        model.double()
        hidden, logits = model(torch.tensor(np.asarray(golden["ids"], dtype=np.int64)))
        upstream = rng.standard_normal(tuple(logits.shape)).astype(np.float32)
        (logits * torch.tensor(upstream, dtype=torch.float64)).sum().backward()
        golden |= {"logits": logits, "upstream": upstream} | {f"hidden.{k}": rows for k, rows in enumerate(hidden)}
        golden |= {"grad." + key: parameter.grad for key, parameter in model.named_parameters()}
        arrays = {}
        for key, value in golden.items():
            value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
            arrays[key] = np.array(value, dtype=np.int32 if value.dtype.kind == "i" else np.float32, order="C")
        save_file(arrays, directory / "golden.safetensors")


if __name__ == "__main__":
    main()
