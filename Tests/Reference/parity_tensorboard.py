"""Reads a run's event files with TensorBoard's own reader and compares them with its metrics.jsonl.

A classifier is trained on lines of SST-2 with `--report-to all` (one run stopped and gone on with, by a signal and
`--resume-from-checkpoint`), then `EventAccumulator` must show every number of every line, once, and the recipe as a text.
Where MLflow is installed its client reads `mlruns/` too.
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, STORE_EVERYTHING_SIZE_GUIDANCE


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="minilm-l6", help="the folder of --models to start from")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--length", type=int, default=32, help="tokens of a sequence")
    return parser.parse_args()


def command(arguments, folder, output):
    return [str(part) for part in [
        arguments.potstill, "train", "--task", "sst2", "--data", folder / "data", "--model",
        arguments.models / arguments.model, "--output", output, "--max-steps", arguments.steps,
        "--per-device-train-batch-size", 4, "--max-seq-length", arguments.length, "--logging-steps", 3,
        "--eval-strategy", "steps", "--eval-steps", 7, "--save-strategy", "steps", "--save-steps", 5, "--report-to", "all"]]


def prepare(arguments, folder):
    lines = (arguments.data / "sst2" / "train.tsv").read_text(encoding="utf-8").splitlines()
    (folder / "data").mkdir()
    for name, chosen in [("train", lines[:400]), ("dev", lines[:1] + lines[-24:])]:
        (folder / "data" / f"{name}.tsv").write_text("\n".join(chosen) + "\n", encoding="utf-8")


def run(words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\nexited {done.returncode}:\n{done.stderr}")


def killed_and_resumed(arguments, folder, output):
    """Kills a run outright once it has written some lines behind a checkpoint, and lets it go on."""
    process = subprocess.Popen(command(arguments, folder, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    metrics = output / "metrics.jsonl"
    while process.poll() is None:
        steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()] if metrics.exists() else []
        if steps and steps[-1] > 10 and list(output.glob("checkpoint-*")):
            process.send_signal(signal.SIGKILL)
            process.wait()
            break
        time.sleep(0.01)
    if process.returncode == 0:
        sys.exit("the run was over before it could be killed; give more --steps")
    run(command(arguments, folder, output) + ["--resume-from-checkpoint", "last"])


def lines_of(output):
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def flat(line):
    return {**{k: v for k, v in line.items() if k not in ("step", "parts")},
            **{f"parts.{k}": v for k, v in line.get("parts", {}).items()}}


def compare_events(output):
    expected = {}
    for line in lines_of(output):
        for name, value in flat(line).items():
            if name == "epoch" and "loss" not in line:
                continue
            tag = "eval/" + name[5:] if name.startswith("eval_") else "train/" + name.removeprefix("parts.")
            expected.setdefault(tag, []).append((line["step"], np.float32(value)))
    reader = EventAccumulator(str(output / "runs"), size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE)
    reader.Reload()
    # TensorBoard turns scalars into tensors while it reads; the accumulator shows those that were written as scalars.
    found = {tag: [(e.step, np.float32(e.value)) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}
    assert found == expected, f"{output}: {sorted(found)} {sorted(expected)}\n{found}\n{expected}"
    texts = [tag for tag in reader.Tags()["tensors"]]
    recipe = reader.Tensors("recipe")[-1].tensor_proto.string_val[0].decode()
    assert recipe == "```\n" + (output / "recipe.yaml").read_text() + "```", recipe
    assert "plan" in texts, texts
    assert reader.SummaryMetadata("recipe").plugin_data.plugin_name == "text"
    return sum(map(len, found.values()))


def compare_table(output):
    rows = list(csv.DictReader(open(output / "metrics.csv", newline="")))
    expected = [{"step": line["step"], **flat(line)} for line in lines_of(output)]
    found = [{name: float(cell) for name, cell in row.items() if cell} for row in rows]
    assert found == expected, f"{output}: metrics.csv differs from metrics.jsonl"
    return len(rows)


def compare_mlflow(output):
    # Newer versions read a file store only when told to.
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        return None
    client = MlflowClient(tracking_uri=(output / "mlruns").as_uri())
    runs = client.search_runs(["0"])
    assert len(runs) == 1 and runs[0].info.status == "FINISHED", runs
    assert runs[0].data.params["learning_rate"] and runs[0].info.run_name == output.name, runs[0]
    count = 0
    names = {name for line in lines_of(output) for name in flat(line)}
    assert set(runs[0].data.metrics) == names, (runs[0].data.metrics, names)
    for name in names:
        lines = [line for line in lines_of(output) if name in flat(line) and (name != "epoch" or "loss" in line)]
        expected = [(line["step"], flat(line)[name]) for line in lines]
        found = [(metric.step, metric.value) for metric in client.get_metric_history(runs[0].info.run_id, name)]
        assert sorted(found) == expected, (name, found, expected)
        count += len(found)
    assert [item.path for item in client.list_artifacts(runs[0].info.run_id)] == ["plan.txt", "recipe.yaml"]
    return count


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(arguments, folder)
        run(command(arguments, folder, folder / "straight"))
        killed_and_resumed(arguments, folder, folder / "resumed")
        for output in [folder / "straight", folder / "resumed"]:
            scalars, rows, metrics = compare_events(output), compare_table(output), compare_mlflow(output)
            files = len(list((output / "runs").iterdir()))
            print(f"{output.name}: {files} event file(s), {scalars} scalars and {rows} rows equal metrics.jsonl; "
                  + ("MLflow is not installed" if metrics is None else f"MLflow reads {metrics} values"))
        assert len(list((folder / "resumed" / "runs").iterdir())) == 2


if __name__ == "__main__":
    main()
