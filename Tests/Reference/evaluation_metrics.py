"""Golden scores of scikit-learn for Tests/Fixtures/evaluation/metrics.json.

    pip install scikit-learn==1.9.1 numpy
    python Tests/Reference/evaluation_metrics.py > Tests/Fixtures/evaluation/metrics.json
"""

import json
import sys
import warnings

import numpy
import sklearn
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

warnings.filterwarnings("ignore")
random = numpy.random.default_rng(20240607)


def case(name, labels, predictions):
    labels, predictions = numpy.asarray(labels), numpy.asarray(predictions)
    scores = {
        "accuracy": accuracy_score(labels, predictions),
        "f1_macro": f1_score(labels, predictions, average="macro", zero_division=0),
        "f1_micro": f1_score(labels, predictions, average="micro", zero_division=0),
        "matthews_correlation": matthews_corrcoef(labels, predictions),
    }
    if set(labels) | set(predictions) <= {0, 1}:
        scores["f1"] = f1_score(labels, predictions, zero_division=0)
    return {
        "name": name,
        "labels": labels.tolist(),
        "predictions": predictions.tolist(),
        "scores": {key: float(value) for key, value in scores.items()},
    }


def noisy(classes, count, right):
    labels = random.integers(0, classes, count)
    wrong = random.integers(0, classes, count)
    return labels, numpy.where(random.random(count) < right, labels, wrong)


cases = [
    case("binary", *noisy(2, 60, 0.7)),
    case("binary, worse than chance", *(lambda l, p: (l, 1 - p))(*noisy(2, 50, 0.8))),
    case("all right", [0, 1, 1, 0], [0, 1, 1, 0]),
    case("all wrong", [0, 1, 1, 0], [1, 0, 0, 1]),
    case("one class predicted", [0, 1, 1, 0, 1], [1, 1, 1, 1, 1]),
    case("positive never predicted", [0, 1, 1, 0, 1], [0, 0, 0, 0, 0]),
    case("no positive at all", [0, 0, 0], [0, 0, 0]),
    case("one example", [1], [1]),
    case("three classes", *noisy(3, 80, 0.6)),
    case("seven classes", *noisy(7, 200, 0.5)),
    case("a class that never occurs", [0, 2, 2, 0, 3], [0, 2, 0, 0, 2]),
    case("a class only predicted", [0, 0, 1, 1], [0, 2, 1, 2]),
]
json.dump({"scikit-learn": sklearn.__version__, "cases": cases}, sys.stdout, indent=None, separators=(",", ":"))
print()
