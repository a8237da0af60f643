"""Loads exported folders with optimum's classes and compares what they answer; `parity_onnx.py` runs it in a Python of its own.

    optimum_loader.py CASES TOLERANCE

CASES lists folders, the suffix of their class in `transformers`, and a file of inputs and outputs each.
"""

import json
import sys

import numpy as np
import torch
from optimum.onnxruntime import (ORTModelForFeatureExtraction, ORTModelForMaskedLM, ORTModelForQuestionAnswering,
                                 ORTModelForSequenceClassification, ORTModelForTokenClassification)
from transformers import AutoTokenizer

CLASSES = {"ForSequenceClassification": ORTModelForSequenceClassification, "ForMaskedLM": ORTModelForMaskedLM,
           "ForTokenClassification": ORTModelForTokenClassification,
           "ForQuestionAnswering": ORTModelForQuestionAnswering, "Model": ORTModelForFeatureExtraction}


def main():
    cases, tolerance = json.loads(open(sys.argv[1]).read()), float(sys.argv[2])
    models, worst = {}, 0.0
    for case in cases:
        folder = case["folder"]
        if folder not in models:
            AutoTokenizer.from_pretrained(folder)
            models[folder] = CLASSES[case["suffix"]].from_pretrained(folder)
        values = np.load(case["values"])
        inputs = {name[3:]: torch.from_numpy(values[name]) for name in values.files if name.startswith("in.")}
        mask = values["in.attention_mask"]
        with torch.no_grad():
            result = models[folder](**inputs)
        for name in (name[4:] for name in values.files if name.startswith("out.")):
            if name == "sentence_embedding" and name not in result:
                continue  # its class for features gives the states alone
            found, expected = result[name].numpy(), values["out." + name]
            apart = np.abs(found - expected)
            apart = apart.max() if found.shape[:2] != mask.shape else apart[mask == 1].max()
            worst = max(worst, apart)
            if not apart <= tolerance:
                sys.exit(f"optimum: {folder}: {name} differs by {apart:.2e}")
    print(f"optimum: {len(models)} folders, {len(cases)} batches, largest difference {worst:.1e}")


if __name__ == "__main__":
    main()
