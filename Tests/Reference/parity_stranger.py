"""Goes a stranger's way with a CSV of three classes, without a task file, and reads the result in `transformers`.

Trains, distils, predicts to CSV and evaluates with potstill. The student loads with `from_pretrained`; the columns
`prediction` and `probability_<label>` must be those of `pipeline("text-classification", top_k=None)`, and precision,
recall, F1 and support of `evaluate --json` those that follow from the CSV alone.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from transformers import pipeline

TOLERANCE = 1e-5  # of a probability: two float32 engines that add in different orders
PARTS = {
    "billing": ["the invoice shows the wrong amount", "I was charged twice, and nobody explains the fee",
                "please refund \"order 7\", it was cancelled"],
    "shipping": ["the parcel has not arrived", "the courier left it, as always, at the wrong door",
                 "when will my delivery come?"],
    "technical": ["the app crashes when I log in", "an error 500 appears, then the page is blank",
                  "the update does not install"],
}
ENDS = ["", " Please help.", "\nThis is the third time.", " Thank you, Ada", " - it's urgent!"]


def write(path, rows, seed):
    """Writes rows with an id, a text with commas, quotes and line ends, and one of three labels."""
    random.seed(seed)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "ticket", "department"])
        for index in range(rows):
            label = random.choice(sorted(PARTS))
            writer.writerow([index, random.choice(PARTS[label]) + random.choice(ENDS), label])


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexited {done.returncode}:\n{done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="not used")
    parser.add_argument("--model", default="minilm-l6", help="the folder of --models to fine-tune from")
    options = parser.parse_args()
    potstill = options.potstill
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train, dev, answers = folder / "tickets.csv", folder / "dev.csv", folder / "answers.csv"
        write(train, 300, 1)
        write(dev, 100, 2)
        files = ["--train-file", train, "--validation-file", dev]
        run(potstill, "train", *files, "--model", options.models / options.model, "--output", folder / "teacher",
            "--num-train-epochs", 1)
        run(potstill, "distill", *files, "--teacher", folder / "teacher", "--student", "T3", "--output",
            folder / "student", "--num-train-epochs", 1)
        run(potstill, "predict", "--model", folder / "student", "--input", dev, "--output", answers, "--all-scores")
        report = json.loads(run(potstill, "evaluate", "--validation-file", dev, "--model", folder / "student",
                                "--json"))["report"]["classes"]
        with open(answers, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with open(dev, newline="", encoding="utf-8") as file:
            inputs = list(csv.DictReader(file))
        classify = pipeline("text-classification", model=str(folder / "student"), top_k=None)
        worst = 0.0
        for row, given, theirs in zip(rows, inputs, classify([row["ticket"] for row in inputs])):
            if any(row[key] != given[key] for key in given):
                sys.exit(f"the columns of row {given['id']} are not kept: {row}")
            if row["prediction"] != theirs[0]["label"]:
                sys.exit(f"row {given['id']}: {row['prediction']}, transformers says {theirs[0]['label']}")
            for answer in theirs:
                worst = max(worst, abs(float(row["probability_" + answer["label"]]) - answer["score"]))
        if len(rows) != len(inputs) or worst > TOLERANCE:
            sys.exit(f"{len(rows)} of {len(inputs)} rows, probabilities differ by {worst}")
        for label in sorted(PARTS):
            right = sum(row["prediction"] == label == row["department"] for row in rows)
            found = sum(row["prediction"] == label for row in rows)
            support = sum(row["department"] == label for row in rows)
            precision, recall = right / found if found else 0.0, right / support
            f1 = 2 * precision * recall / (precision + recall) if right else 0.0
            ours = report[label]
            for key, value in {"precision": precision, "recall": recall, "f1-score": f1, "support": support}.items():
                if abs(ours[key] - value) > 1e-12:
                    sys.exit(f"{label}: {key} is {ours[key]}, expected {value}")
        print(f"{len(rows)} rows: labels equal, probabilities within {worst:.1e}, scores of each label equal")


if __name__ == "__main__":
    main()
