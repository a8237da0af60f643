"""The same answers as `potstill serve`, under FastAPI with ONNX Runtime: what many would write by hand.

    python3 serve_peer.py MODEL MODEL.onnx PORT THREADS
"""

import json
import sys

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

folder, onnx, port, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
tokenizer.no_padding()
tokenizer.enable_truncation(128)
config = json.load(open(f"{folder}/config.json"))
labels = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
options = ort.SessionOptions()
options.intra_op_num_threads = threads
session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
names = {entry.name for entry in session.get_inputs()}
app = FastAPI()


class Text(BaseModel):
    text: str


@app.post("/predict")
def predict(body: Text):
    encoding = tokenizer.encode(body.text)
    rows = {
        "input_ids": encoding.ids,
        "attention_mask": encoding.attention_mask,
        "token_type_ids": encoding.type_ids,
    }
    inputs = {name: np.array([values], dtype=np.int64) for name, values in rows.items() if name in names}
    logits = session.run(None, inputs)[0][0]
    scores = np.exp(logits - logits.max())
    scores /= scores.sum()
    best = int(scores.argmax())
    return {
        "label": labels[best],
        "score": float(scores[best]),
        "logits": [float(value) for value in logits],
        "probabilities": {label: float(score) for label, score in zip(labels, scores)},
    }


uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")
