"""Writes Tests/Fixtures/heads/<model>/<head>/*: tiny random models with every head, and what `transformers` computes.

Each directory holds `config.json` and `model.safetensors` as `save_pretrained` writes them, and `golden.safetensors`: a
packed batch (`ids`, `segments`, `starts`), targets, `logits` of its rows, `loss`, and the gradient of every parameter
(`grad.<name>`). Weights are float32; PyTorch computes in float64 and the results are rounded once, when stored.

- `token`: `tags` for each token, -100 where it has none.
- `answer`: `start_positions` and `end_positions` within each sequence; those of one lie outside, which ignores it. The
  loss runs over the tokens of each sequence; that it is that of `transformers` is checked where nothing is padding.
- `masked`: `tags` hold the true id of some tokens, `rows` are their places, and `logits` belong to these only. Two more
  sets of tags make three updates with AdamW (rate 0.01, decay 0.1), after which the shared word table is `stepped`.
- `regression`, `multilabel` (BERT only): `values` or a `matrix` of labels, with the loss `problem_type` calls for.

The script checks that CamemBERT computes the same as XLM-RoBERTa.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from make_encoder_fixtures import LENGTHS, batch, numbers, pack_rows, randomise
from safetensors.numpy import save_file
from transformers import BertConfig, CamembertConfig, DistilBertConfig, ElectraConfig, RobertaConfig, XLMRobertaConfig

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "heads"
TAGS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}
SIZES = dict(vocab_size=40, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12)


def config_of(kind, **own):
    if kind == "distilbert":
        return DistilBertConfig(vocab_size=40, dim=8, n_layers=1, n_heads=2, hidden_dim=12, max_position_embeddings=24,
                                attn_implementation="eager", **own)
    own = {**SIZES, "attn_implementation": "eager", **own}
    if kind == "bert":
        return BertConfig(**own, max_position_embeddings=24, hidden_act="relu")
    if kind == "electra":
        return ElectraConfig(**own, max_position_embeddings=24, embedding_size=4)
    return LIKE_ROBERTA[kind](**own, max_position_embeddings=26, type_vocab_size=1, layer_norm_eps=1e-5)


LIKE_ROBERTA = {"roberta": RobertaConfig, "xlm-roberta": XLMRobertaConfig, "camembert": CamembertConfig}
PREFIX = {"bert": "Bert", "roberta": "Roberta", "xlm-roberta": "XLMRoberta", "electra": "Electra", "distilbert": "DistilBert"}


class Case:
    """A model with a head, a batch, and the directory that will hold the results."""

    def __init__(self, kind, head, name, **own):
        self.kind, self.head = kind, head
        self.directory = FIXTURES / kind / name
        rng = np.random.default_rng(sum(map(ord, kind + name)))
        self.model = randomise(getattr(transformers, f"{PREFIX[kind]}For{head}")(config_of(kind, **own)), rng)
        self.save_model()
        self.inputs, self.golden = batch(rng, SIZES["vocab_size"])
        if kind in LIKE_ROBERTA:
            self.inputs["input_ids"][self.inputs["attention_mask"] == 0] = 1
        if kind in LIKE_ROBERTA or kind == "distilbert":
            del self.inputs["token_type_ids"]

    def save_model(self):
        self.directory.mkdir(parents=True)
        self.model.float().save_pretrained(self.directory)
        self.model.double()
        config = json.loads((self.directory / "config.json").read_text(encoding="utf-8"))
        del config["transformers_version"]
        (self.directory / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    def run(self, **arguments):
        result = self.model(**self.inputs, **arguments)
        if self.kind == "xlm-roberta":
            config = config_of("camembert", id2label=self.model.config.id2label)
            other = getattr(transformers, "CamembertFor" + self.head)(config).double().eval()
            other.load_state_dict(self.model.state_dict())
            for a, b in zip(result.to_tuple(), other(**self.inputs, **arguments).to_tuple()):
                assert torch.allclose(a, b, rtol=0, atol=1e-12)
        return result

    def store(self, logits, loss, targets, after=lambda: {}):
        loss.backward()
        # A decoder that shares the word table is named first in some families.
        names = {id(parameter): name for name, parameter in self.model.named_parameters(remove_duplicate=False)
                 if "decoder" not in name}
        gradients = {"grad." + (names[id(parameter)] if "decoder" in name else name): parameter.grad.numpy().copy() for name, parameter in
                     self.model.named_parameters() if parameter.grad is not None}
        golden = {**self.golden, **targets, **numbers({"logits": logits, "loss": loss}), **gradients, **after()}
        golden = {key: np.asarray(value) for key, value in golden.items()}
        golden = {key: np.asarray(value.astype(np.int32 if value.dtype.kind == "i" else np.float32), order="C")
                  for key, value in golden.items()}
        save_file(golden, self.directory / "golden.safetensors")


def padded(values):
    """One row a sequence, filled with -100."""
    rows = torch.full((len(LENGTHS), max(LENGTHS)), -100)
    for row, (start, length) in enumerate(zip(np.cumsum([0] + LENGTHS), LENGTHS)):
        rows[row, :length] = torch.tensor(values[start:start + length])
    return rows


def token(kind):
    case = Case(kind, "TokenClassification", "token", id2label=TAGS)
    tags = np.array([-100 if index % 3 == 1 else index * 7 % 5 for index in range(sum(LENGTHS))])
    result = case.run(labels=padded(tags))
    case.store(pack_rows(result.logits), result.loss, {"tags": tags})


def answer(kind):
    case = Case(kind, "QuestionAnswering", "answer")
    positions = {"start_positions": np.array([2, 0, 30, 11]), "end_positions": np.array([5, 0, 31, 12])}
    result = case.run()
    terms = []
    for scores, targets in zip((result.start_logits, result.end_logits), positions.values()):
        losses = [F.cross_entropy(scores[row, :length], torch.tensor(targets[row]))
                  for row, length in enumerate(LENGTHS) if targets[row] < length]
        terms.append(sum(losses) / len(losses))
    # Where nothing is padding, `transformers` computes the same.
    alone = {key: value[2:3] for key, value in case.inputs.items()}
    whole = case.model(**alone, start_positions=torch.tensor([3]), end_positions=torch.tensor([9]))
    by_hand = (F.cross_entropy(whole.start_logits, torch.tensor([3]))
               + F.cross_entropy(whole.end_logits, torch.tensor([9]))) / 2
    assert torch.allclose(whole.loss, by_hand, rtol=0, atol=1e-12)
    logits = torch.stack((pack_rows(result.start_logits), pack_rows(result.end_logits)), -1)
    case.store(logits, sum(terms) / 2, positions)


def masked(kind):
    case = Case(kind, "MaskedLM", "masked")
    ids, count = case.golden["ids"], sum(LENGTHS)

    def tags(residue):
        return np.where(np.arange(count) % 7 == residue, (ids * 3 + residue) % 40, -100)

    result = case.run(labels=padded(tags(2)))
    rows = np.flatnonzero(tags(2) != -100)

    def train():
        optimizer = torch.optim.AdamW(case.model.parameters(), lr=1e-2, weight_decay=0.1)
        for residue in (2, 4, 5):
            optimizer.zero_grad()
            case.model(**case.inputs, labels=padded(tags(residue))).loss.backward()
            optimizer.step()
        return {"stepped": case.model.get_input_embeddings().weight.detach().numpy()}

    targets = {"tags": tags(2), "tags.1": tags(4), "tags.2": tags(5), "rows": rows}
    case.store(pack_rows(result.logits)[rows], result.loss, targets, train)


def regression():
    case = Case("bert", "SequenceClassification", "regression", num_labels=1, problem_type="regression")
    values = np.array([0.5, -1.25, 3.0, 4.75])
    result = case.run(labels=torch.tensor(values))
    case.store(result.logits, result.loss, {"values": values})


def multilabel():
    case = Case("bert", "SequenceClassification", "multilabel", id2label={0: "joy", 1: "anger", 2: "fear"},
                problem_type="multi_label_classification")
    matrix = np.array([[1.0, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
    result = case.run(labels=torch.tensor(matrix))
    case.store(result.logits, result.loss, {"matrix": matrix})


if __name__ == "__main__":
    shutil.rmtree(FIXTURES, ignore_errors=True)
    for kind in PREFIX:
        token(kind)
        answer(kind)
        masked(kind)
    regression()
    multilabel()
    for path in sorted(FIXTURES.rglob("*.*")):
        print(path.relative_to(FIXTURES), path.stat().st_size)
