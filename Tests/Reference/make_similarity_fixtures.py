"""Makes the golden of sentence similarity: mean-pooled vectors, cosines, loss and gradients as sentence-transformers has them.

    python Tests/Reference/make_similarity_fixtures.py

Pooling is `Pooling` with `pooling_mode_mean_tokens`, the loss `CosineSimilarityLoss` (mean squared error between
torch.cosine_similarity and the score), and distillation the mean squared error of vectors as in its `model_distillation.py`.
Written out in plain torch 2.15.0 over a model of transformers 5.23.0, in float64; the output is byte for byte reproducible.
"""

import json
import pathlib

import torch
import transformers

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"

PAIRS = [([2, 5, 9, 3], [2, 7, 3]), ([2, 11, 12, 13, 14, 3], [2, 11, 12, 14, 3]), ([2, 4, 3], [2, 19, 18, 17, 3])]
SCORES = [0.2, 1.0, 0.55]


def main():
    model = transformers.BertModel.from_pretrained(FIXTURES / "encoders" / "bare").double().eval()
    vectors = []
    for pair in PAIRS:
        for ids in pair:
            hidden = model(input_ids=torch.tensor([ids])).last_hidden_state
            vectors.append(hidden[0].mean(0))
    first, second = torch.stack(vectors[0::2]), torch.stack(vectors[1::2])
    cosines = torch.cosine_similarity(first, second)
    loss = torch.nn.functional.mse_loss(cosines, torch.tensor(SCORES, dtype=torch.float64))
    names = ["embeddings.word_embeddings.weight", "encoder.layer.1.output.dense.weight",
             "encoder.layer.0.attention.self.query.bias"]
    parameters = dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, [parameters[name] for name in names])
    document = {
        "pairs": PAIRS, "scores": SCORES, "vectors": [v.tolist() for v in vectors], "cosines": cosines.tolist(),
        "loss": loss.item(),
        "gradients": {"bert." + name: g.flatten().tolist() for name, g in zip(names, gradients)},
    }
    path = FIXTURES / "heads" / "similarity.json"
    path.write_text(json.dumps(document) + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
