"""Writes Tests/Fixtures/encoders/*: tiny random BERT directories and what `transformers` computes with them.

Each directory holds `config.json` and `model.safetensors` as some program would have left them, and
`golden.safetensors`: a packed batch (`ids`, `segments`, `starts`, `labels`), the results for its rows, and the gradient
of every parameter under its canonical name (`grad.<name>`). Weights are float32; `transformers` computes in float64
and the results are rounded once, when stored.

- `classifier`: BertForSequenceClassification with prefix, pooler, head and configuration keys nobody knows; the loss is
  the cross-entropy of its logits.
- `bare`: BertModel without prefix, pooler or head, with LayerNorm's old names and the position_ids buffer; the loss
  reads every hidden state and attention map: sum_k mean(hidden_k * sin(i + k)) + sum_l mean(attention_l * cos(i + l)),
  i counting a tensor's elements in the order in which they are stored.
- `roberta`, `electra`, `distilbert`: their classifiers as `save_pretrained` writes them, smaller; a padding token stands
  inside a text of RoBERTa's. The script checks that XLM-RoBERTa computes the same as RoBERTa.
- `xlm-roberta`: its classifier, smaller still, and `losses` of 50 updates with AdamW (rate 0.001, decay 0.1): update k is for
  the labels (label + k) % 3, of the same batch with the id 7 in the place of the padding token. The script checks that
  CamemBERT computes the same.
- `pretraining`: BertForPreTraining as it was published in 2019: LayerNorm's old names, the heads of pre-training and the
  decoder tied to the word table, in a `pytorch_model.bin`; no gradients, but `pooled`.
"""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import (BertConfig, BertForPreTraining, BertForSequenceClassification, BertModel, CamembertConfig,
                          CamembertForSequenceClassification, DistilBertConfig, DistilBertForSequenceClassification,
                          ElectraConfig, ElectraForSequenceClassification, RobertaConfig,
                          RobertaForSequenceClassification, XLMRobertaConfig, XLMRobertaForSequenceClassification)

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "encoders"
LENGTHS = [7, 1, 24, 13]
COMMON = dict(vocab_size=120, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=40,
              max_position_embeddings=24, type_vocab_size=2, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1,
              attn_implementation="eager")
SMALL = dict(vocab_size=60, hidden_size=16, num_hidden_layers=2, intermediate_size=24)
SMALLER = dict(SMALL, hidden_size=8, intermediate_size=12)


def randomise(model, rng):
    """Weights large enough that every nonlinearity is visible; BERT's own 0.02 would leave attention uniform."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if name.lower().endswith(("layernorm.weight", "layer_norm.weight")) else 0.0
            values = centre + rng.standard_normal(tuple(parameter.shape)) * 0.25
            parameter.copy_(torch.tensor(values.astype(np.float32)))
    return model.double().eval()


def batch(rng, vocabulary=120):
    ids = [rng.integers(5, vocabulary, length) for length in LENGTHS]
    segments = [(np.arange(length) >= length // 2).astype(np.int64) for length in LENGTHS]
    padded = torch.zeros(3, len(LENGTHS), max(LENGTHS), dtype=torch.long)  # ids, segments, mask
    for row, length in enumerate(LENGTHS):
        padded[0, row, :length] = torch.tensor(ids[row])
        padded[1, row, :length] = torch.tensor(segments[row])
        padded[2, row, :length] = 1
    packed = {
        "ids": np.concatenate(ids), "segments": np.concatenate(segments), "starts": np.cumsum([0] + LENGTHS),
    }
    inputs = dict(input_ids=padded[0], token_type_ids=padded[1], attention_mask=padded[2])
    return inputs, {key: value.astype(np.int32) for key, value in packed.items()}


def pack_rows(padded):
    return torch.cat([padded[row, :length] for row, length in enumerate(LENGTHS)])


def pack_maps(padded):
    return torch.cat([padded[row, :, :length, :length].reshape(-1) for row, length in enumerate(LENGTHS)])


def wave(function, tensor, shift):
    values = function(np.arange(tensor.numel(), dtype=np.float64) + shift).astype(np.float32)
    return torch.tensor(values.astype(np.float64)).reshape(tensor.shape)


def old_name(name):
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def store(directory, model, config, golden, loss, rename=lambda name: name, canonical=lambda name: name, extra=None):
    loss.backward()
    weights, gradients = {}, {}
    for name, parameter in model.named_parameters():
        weights[rename(name)] = parameter.detach().numpy().astype(np.float32)
        if parameter.grad is not None:
            gradients["grad." + canonical(name)] = parameter.grad.numpy()
    golden = {**golden, **gradients, "loss": loss.detach().numpy()}
    golden = {key: np.asarray(value if value.dtype == np.int32 else value.astype(np.float32), order="C")
              for key, value in golden.items()}
    directory.mkdir(parents=True)
    save_file({**weights, **(extra or {})}, directory / "model.safetensors", metadata={"format": "pt"})
    save_file(golden, directory / "golden.safetensors")
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def outputs(result):
    golden = {f"hidden.{k}": pack_rows(hidden) for k, hidden in enumerate(result.hidden_states)}
    golden.update({f"attention.{k}": pack_maps(maps) for k, maps in enumerate(result.attentions)})
    return golden


def numbers(tensors):
    return {key: value.detach().numpy() for key, value in tensors.items()}


def classifier():
    rng = np.random.default_rng(1)
    config = BertConfig(**COMMON, num_labels=3, hidden_act="gelu", layer_norm_eps=1e-12)
    model = randomise(BertForSequenceClassification(config), rng)
    inputs, packed = batch(rng)
    labels = torch.tensor([2, 0, 1, 2])
    result = model(**inputs, labels=labels, output_hidden_states=True, output_attentions=True)
    golden = {**packed, "labels": labels.numpy().astype(np.int32), **numbers(outputs(result)),
              **numbers({"logits": result.logits})}
    file = {
        "architectures": ["BertForSequenceClassification"], "layer_norm_eps": 1e-12, "model_type": "bert",
        "custom": {"nested": [1, 2.5, None, "très 好"], "big": 10**30}, "vocab_size": 120, "hidden_size": 32,
        "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 40, "max_position_embeddings": 24,
        "type_vocab_size": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
        "classifier_dropout": None, "initializer_range": 0.02, "pad_token_id": 0, "position_embedding_type": "absolute",
        "problem_type": "single_label_classification",
        "id2label": {"0": "contradiction", "1": "neutral", "2": "entailment"},
        "label2id": {"contradiction": 0, "neutral": 1, "entailment": 2}, "torch_dtype": "float32",
        "transformers_version": "4.8.2", "use_cache": True,
    }
    store(FIXTURES / "classifier", model, file, golden, result.loss)


def bare():
    rng = np.random.default_rng(2)
    config = BertConfig(**COMMON, hidden_act="gelu_new", layer_norm_eps=1e-5)
    model = randomise(BertModel(config, add_pooling_layer=False), rng)
    inputs, packed = batch(rng)
    result = model(**inputs, output_hidden_states=True, output_attentions=True)
    tensors = outputs(result)
    loss = 0
    for k in range(4):
        loss = loss + (tensors[f"hidden.{k}"] * wave(np.sin, tensors[f"hidden.{k}"], k)).mean()
    for k in range(3):
        loss = loss + (tensors[f"attention.{k}"] * wave(np.cos, tensors[f"attention.{k}"], k)).mean()
    file = {
        "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu_new", "hidden_dropout_prob": 0.1, "hidden_size": 32,
        "initializer_range": 0.02, "intermediate_size": 40, "layer_norm_eps": 1e-5, "max_position_embeddings": 24,
        "num_attention_heads": 4, "num_hidden_layers": 3, "type_vocab_size": 2, "vocab_size": 120,
    }

    store(FIXTURES / "bare", model, file, {**packed, **numbers(tensors)}, loss, rename=old_name,
          canonical=lambda name: "bert." + name,
          extra={"embeddings.position_ids": np.arange(24, dtype=np.int64)[None]})


def pretraining():
    rng = np.random.default_rng(3)
    config = BertConfig(**{**COMMON, **SMALL})
    model = randomise(BertForPreTraining(config), rng)
    inputs, packed = batch(rng, SMALL["vocab_size"])
    result = model.bert(**inputs, output_hidden_states=True, output_attentions=True)
    golden = {**packed, **numbers(outputs(result)), **numbers({"pooled": result.pooler_output})}
    weights = {old_name(name): tensor.float() for name, tensor in model.state_dict().items()}
    tied = "cls.predictions.decoder.weight"
    weights[tied] = weights["bert.embeddings.word_embeddings.weight"]
    directory = FIXTURES / "pretraining"
    directory.mkdir(parents=True)
    torch.save(weights, directory / "pytorch_model.bin")
    save_file({key: np.asarray(value if value.dtype == np.int32 else value.astype(np.float32), order="C")
               for key, value in golden.items()}, directory / "golden.safetensors")
    # As published: without a model_type, and with the sizes under the names they still have.
    file = {key: COMMON[key] for key in ("attention_probs_dropout_prob", "hidden_dropout_prob")}
    file.update({**SMALL, "hidden_act": "gelu", "initializer_range": 0.02, "max_position_embeddings": 24,
                 "num_attention_heads": 4, "type_vocab_size": 2, "directionality": "bidi", "pooler_fc_size": 768})
    (directory / "config.json").write_text(json.dumps(file, indent=2) + "\n", encoding="utf-8")


def fifty_losses(model, inputs, labels, pad):
    """The losses of 50 updates of a copy of the model."""
    model = copy.deepcopy(model)
    inputs = dict(inputs, input_ids=inputs["input_ids"].where((inputs["input_ids"] != pad) | (inputs["attention_mask"] == 0), 7))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    losses = []
    for step in range(50):
        loss = model(**inputs, labels=(labels + step) % 3).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def relative(name, config, model_class, inputs_of=lambda inputs: inputs, pad=0, same=None, trained=False):
    rng = np.random.default_rng(sum(map(ord, name)))
    model = randomise(model_class(config), rng)
    inputs, packed = batch(rng, SMALL["vocab_size"])
    ids = inputs["input_ids"]
    if pad:
        ids[inputs["attention_mask"] == 0] = pad
        ids[2, 5] = pad  # a padding token that somebody wrote
        packed["ids"] = pack_rows(ids).numpy().astype(np.int32)
    inputs = inputs_of(inputs)
    labels = torch.tensor([2, 0, 1, 2])
    result = model(**inputs, labels=labels, output_hidden_states=True, output_attentions=True)
    golden = {**packed, "labels": labels.numpy().astype(np.int32), **numbers(outputs(result)),
              **numbers({"logits": result.logits})}
    if same is not None:
        other = same(model)
        assert torch.allclose(other(**inputs).logits, result.logits, rtol=0, atol=1e-12)
    if trained:
        golden["losses"] = fifty_losses(model, inputs, labels, pad)
    file = json.loads(config.to_json_string(use_diff=True))
    file["architectures"] = [model_class.__name__]
    store(FIXTURES / name, model, file, golden, result.loss)


def relatives():
    sizes = {key: value for key, value in {**COMMON, **SMALL}.items() if key != "type_vocab_size"}
    labels = {0: "contradiction", 1: "neutral", 2: "entailment"}

    def without_segments(inputs):
        return {key: value for key, value in inputs.items() if key != "token_type_ids"}

    def alike(config_class, model_class):
        def same(model):
            other = model_class(config_class(**model.config.to_dict())).double().eval()
            other.load_state_dict(model.state_dict())
            return other
        return same

    own = dict(max_position_embeddings=26, type_vocab_size=1, layer_norm_eps=1e-5, id2label=labels, classifier_dropout=0.3)
    relative("roberta", RobertaConfig(**{**sizes, **own}), RobertaForSequenceClassification, without_segments, pad=1,
             same=alike(XLMRobertaConfig, XLMRobertaForSequenceClassification))
    relative("xlm-roberta", XLMRobertaConfig(**{**sizes, **SMALLER, **own}), XLMRobertaForSequenceClassification,
             without_segments, pad=1, same=alike(CamembertConfig, CamembertForSequenceClassification), trained=True)
    electra = ElectraConfig(**sizes, embedding_size=8, id2label=labels)
    relative("electra", electra, ElectraForSequenceClassification)
    distilbert = DistilBertConfig(vocab_size=60, max_position_embeddings=24, n_layers=2, n_heads=4, dim=16,
                                  hidden_dim=24, id2label=labels, attn_implementation="eager")
    relative("distilbert", distilbert, DistilBertForSequenceClassification, without_segments)


if __name__ == "__main__":
    shutil.rmtree(FIXTURES, ignore_errors=True)
    classifier()
    bare()
    pretraining()
    relatives()
    for path in sorted(FIXTURES.rglob("*.*")):
        print(path.relative_to(FIXTURES), path.stat().st_size)
