"""Scores of one model in floats and in 8-bit integers under ONNX Runtime: the peer of `potstill evaluate`.

    potstill export model/ --onnx --output model-onnx/
    potstill export model/ --onnx --precision int8 --output model-onnx/ --overwrite-output-dir
    python Benchmarks/peers/int8_scores.py classification --model model-onnx/ --data sst2/dev.tsv
    python Benchmarks/peers/int8_scores.py entities --model model-onnx/ --data msra-ner/test.txt
    python Benchmarks/peers/int8_scores.py questions --model model-onnx/ --data squad1.1/dev-v1.1.json --rows 2000

Accuracy, seqeval's entity F1 of sentences that fit, and SQuAD's F1 with the windows and answers of the official examples.
Prints one JSON object.
"""

import argparse
import collections
import json
import re
import string
from pathlib import Path

import numpy as np
import onnxruntime
from transformers import AutoTokenizer

from measuring import read_tsv


class Session:
    """A model file and how to run rows through it."""

    def __init__(self, file, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.inputs = {one.name for one in self.session.get_inputs()}

    def __call__(self, encodings, outputs, batch=32):
        """Outputs of rows, by their index, rows of like length together."""
        result = [None] * len(encodings)
        order = sorted(range(len(encodings)), key=lambda index: len(encodings[index]["input_ids"]))
        for at in range(0, len(order), batch):
            part = order[at : at + batch]
            width = max(len(encodings[index]["input_ids"]) for index in part)
            feed = {name: np.zeros((len(part), width), np.int64) for name in self.inputs}
            for row, index in enumerate(part):
                for name in self.inputs:
                    values = encodings[index][name]
                    feed[name][row, : len(values)] = values
            for row, values in enumerate(zip(*self.session.run(outputs, feed))):
                result[part[row]] = values
        return result


def encoded(tokenizer, *texts, truncation=True, **options):
    """(encodings of rows, one dictionary each; the tokenizer's batch)."""
    batch = tokenizer(*texts, truncation=truncation, return_token_type_ids=True, **options)
    names = ("input_ids", "attention_mask", "token_type_ids")
    return [{key: batch[key][row] for key in names} for row in range(len(batch["input_ids"]))], batch


def classification(arguments, tokenizer, config, session):
    texts, labels = read_tsv(arguments.data, arguments.text_column, arguments.label_column)
    rows, _ = encoded(tokenizer, texts, max_length=arguments.max_length or 128)
    logits = [values[0] for values in session(rows, ["logits"])]
    return {"accuracy": float(np.mean([int(np.argmax(row)) == label for row, label in zip(logits, labels)])), "rows": len(labels)}


def sentences(path):
    words, tags = [], []
    for line in Path(path).read_text(encoding="utf-8").split("\n") + [""]:
        if line.strip():
            word, tag = line.split("\t")
            words.append(word)
            tags.append(tag)
        elif words:
            yield words, tags
            words, tags = [], []


def entities(arguments, tokenizer, config, session):
    from seqeval.metrics import f1_score

    longest = (arguments.max_length or 128) - 2
    data = [(words, tags) for words, tags in sentences(arguments.data) if len(words) <= longest]
    rows, batch = encoded(tokenizer, [words for words, _ in data], is_split_into_words=True, max_length=512)
    names = {int(key): name for key, name in config["id2label"].items()}
    found = []
    for index, ((words, _), (logits,)) in enumerate(zip(data, session(rows, ["logits"]))):
        best, tags = logits.argmax(-1), {}
        for place, word in enumerate(batch.word_ids(index)):
            if word is not None and word not in tags:
                tags[word] = names[int(best[place])]
        found.append([tags.get(word, "O") for word in range(len(words))])
    return {"f1": f1_score([tags for _, tags in data], found), "rows": len(data)}


def normal(text):
    """SQuAD's normalised answer."""
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def overlap(found, gold):
    found, gold = normal(found), normal(gold)
    common = sum((collections.Counter(found) & collections.Counter(gold)).values())
    return 2 * common / (len(found) + len(gold)) if common else float(found == gold)


def questions(arguments, tokenizer, config, session):
    data = [
        (question["question"], paragraph["context"], [answer["text"] for answer in question["answers"]])
        for article in json.loads(Path(arguments.data).read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"] for question in paragraph["qas"]
    ][: arguments.rows]
    rows, batch = encoded(
        tokenizer, [row[0].lstrip() for row in data], [row[1] for row in data], truncation="only_second",
        max_length=arguments.max_length or 384, stride=128, return_overflowing_tokens=True, return_offsets_mapping=True,
    )
    best = {}
    for index, (start, end) in enumerate(session(rows, ["start_logits", "end_logits"])):
        question, offsets, parts = batch["overflow_to_sample_mapping"][index], batch["offset_mapping"][index], batch.sequence_ids(index)
        starts, ends = (np.argsort(values[: len(parts)])[::-1][:20] for values in (start, end))
        for first in starts:
            for last in ends:
                if first <= last < first + 30 and parts[first] == 1 and parts[last] == 1:
                    score = float(start[first] + end[last])
                    if score > best.get(question, (-np.inf, ""))[0]:
                        best[question] = score, data[question][1][offsets[first][0] : offsets[last][1]]
    f1 = [max(overlap(best.get(index, (0, ""))[1], gold) for gold in row[2]) for index, row in enumerate(data)]
    return {"f1": 100 * float(np.mean(f1)), "rows": len(data)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = {"classification": classification, "entities": entities, "questions": questions}
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("--model", type=Path, required=True, help="a folder of `potstill export --onnx` with both files")
    parser.add_argument("--data", required=True)
    parser.add_argument("--text-column", default="sentence")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--rows", type=int, help="questions: the first so many")
    parser.add_argument("--max-length", type=int)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    config = json.loads((arguments.model / "config.json").read_text())
    scores = {"peer": f"onnxruntime {onnxruntime.__version__}"}
    for name, file in (("fp32", "model.onnx"), ("int8", "model_quantized.onnx")):
        scores[name] = kinds[arguments.kind](arguments, tokenizer, config, Session(arguments.model / "onnx" / file, arguments.threads))
    print(json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
