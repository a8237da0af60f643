"""Reads the model cards of runs of every kind with `huggingface_hub`, and runs the Python that they show.

Each kind is trained for two steps on rows made here. `ModelCard.load` must take the card as it is, its data must survive a
round through `ModelCardData`, `model_index_to_eval_results` must give the scores of `all_results.json`, and the programs under
"In Python" and "In ONNX Runtime" must run beside the folder, the latter behind its command. Nothing is looked up on the hub.
"""

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard_data import model_index_to_eval_results

GOOD, BAD = ["a fine film", "lovely, great fun", "很好看"], ["a weak film", "awful: \"no\" plot", "太难看"]
TAGS = {"text-classification", "token-classification", "question-answering", "fill-mask", "sentence-similarity"}


def table(path, header, rows):
    path.write_text("".join("\t".join(row) + "\n" for row in [header, *rows]), encoding="utf-8")


def write(folder):
    """Writes rows and a task file for each kind; returns the names of the tasks."""
    texts = [(text, label) for label, texts in enumerate([BAD, GOOD]) for text in texts] * 4
    table(folder / "one.tsv", ["text", "label"], [(text, str(label)) for text, label in texts])
    table(folder / "two.tsv", ["text", "pair", "label"],
          [(text, texts[index - 1][0], str(label)) for index, (text, label) in enumerate(texts)])
    table(folder / "many.tsv", ["text", "label"], [(text, "a,b" if label else "a") for text, label in texts])
    (folder / "words.conll").write_text("Ada B-PER\nlives O\n\nin O\nLondon B-LOC\n\n" * 8, encoding="utf-8")
    paragraphs = [{"context": "Ada wrote it in London.", "qas": [
        {"id": str(index), "question": "Who wrote it?", "answers": [{"text": "Ada", "answer_start": 0}]}
        for index in range(8)]}]
    (folder / "squad.json").write_text(json.dumps({"data": [{"title": "it", "paragraphs": paragraphs}]}))
    (folder / "plain.txt").write_text("".join(text + "\n" for text, _ in texts), encoding="utf-8")
    common = {"language": "en", "max_seq_length": 32}
    text = {"text_column": "text", "label_column": "label"}
    labels = {"labels": ["no: bad", "好"], "label_values": {"0": "no: bad", "1": "好"}}
    tasks = {
        "one": {"kind": "classification", **text, **labels, "metrics": ["accuracy", "f1"]},
        "two": {"kind": "pair", "text_pair_column": "pair", **text, **labels, "metrics": ["accuracy"]},
        "many": {"kind": "multi_label", "labels": ["a", "b"], **text, "metrics": ["f1_micro", "f1_macro"]},
        "value": {"kind": "regression", "text_pair_column": "pair", **text, "metrics": ["pearson", "mse"]},
        "alike": {"kind": "sentence_similarity", "text_pair_column": "pair", **text, "metrics": ["spearmanr", "pearson"]},
        "words": {"kind": "token_classification", "labels": ["PER", "LOC"], "scheme": "BIO",
                  "metrics": ["overall_f1", "overall_precision"]},
        "squad": {"kind": "question_answering", "metrics": ["exact_match", "f1"]},
        "plain": {"kind": "masked_lm", "metrics": ["perplexity"]},
    }
    files = {"one": "one.tsv", "two": "two.tsv", "many": "many.tsv", "value": "two.tsv", "alike": "two.tsv",
             "words": "words.conll", "squad": "squad.json", "plain": "plain.txt"}
    for name, task in tasks.items():
        rows = {"train_file": files[name], "validation_file": files[name]}
        (folder / f"{name}.yaml").write_text(
            json.dumps({"name": name, **common, **rows, **task}, ensure_ascii=False), encoding="utf-8")
    return list(tasks)


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexited {done.returncode}:\n{done.stderr}")


def check(folder, loads, potstill):
    """Checks the card of a folder, and returns what its Python prints."""
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8")
    card = ModelCard.load(path)
    data = card.data.to_dict()
    head = yaml.safe_load(text.split("---\n")[1])
    if data["pipeline_tag"] not in TAGS or {"generated_from_trainer", "potstill"} - set(data["tags"]):
        sys.exit(f"{path}: {data}")
    again = ModelCard(f"---\n{card.data.to_yaml()}\n---\n{card.text}").data.to_dict()
    if again != data or ModelCardData(**{key: value for key, value in head.items() if key != "model-index"}) is None:
        sys.exit(f"{path}: the data differ after a round through ModelCardData\n{data}\n{again}")
    name, results = model_index_to_eval_results(head["model-index"])
    if name != folder.name or not results:
        sys.exit(f"{path}: the index is of {name}, {results}")
    scores = json.loads((folder / "all_results.json").read_text()).values()
    for result in results:
        if result.metric_value not in scores or not (result.task_type and result.dataset_type and result.dataset_name):
            sys.exit(f"{path}: {result}")
    if card.data.eval_results is None or len(card.data.eval_results) != len(results):
        sys.exit(f"{path}: ModelCard reads {card.data.eval_results}")
    programs = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    if len(programs) != 1 + loads:
        sys.exit(f"{path}: {len(programs)} programs, expected {1 + loads}")
    command = re.search(r"`potstill (export .*?)`", text).group(1)
    run(potstill, *command.split(), "--overwrite-output-dir", "--quiet")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for program in programs:
            exec(compile(program, str(path), "exec"), {})
    if not printed.getvalue().strip():
        sys.exit(f"{path}: the programs print nothing")
    return printed.getvalue().strip().replace("\n", " ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--model", default="minilm-l6", help="the folder of --models to begin with")
    options = parser.parse_args()
    potstill, model = Path(options.potstill).resolve(), (options.models / options.model).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)  # the programs name their model by its folder
        short = ["--max-steps", 2, "--quiet"]
        for task in write(folder):
            command = "pretrain" if task == "plain" else "train"
            run(potstill, command, "--task", folder / f"{task}.yaml", "--model", model, "--output", folder / f"{task}-model", *short)
            print(f"{task}: {check(folder / f'{task}-model', True, potstill)[:100]}")
        for student, loads in [("T2", True), ("BiGRU", False)]:
            run(potstill, "distill", "--task", folder / "one.yaml", "--teacher", folder / "one-model", "--student", student,
                "--baseline", "--output", folder / student, *short)
            for place in [folder / student, folder / student / "baseline"]:
                os.chdir(place.parent)
                print(f"{student}, {place.name}: {check(place, loads, potstill)[:100]}")


if __name__ == "__main__":
    main()
