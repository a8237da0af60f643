"""What is harmed and how what comes out is compared: the demo's models, smaller data, the commands, the files of a run."""
import csv
import json
import os
import re
import shutil
import subprocess
import sys

# What times decide counts as one: which models of a compression no other beats.
TIMES = re.compile(r"(runtime|per_second|speedup|peak_rss_mb|latency.*|seconds|on_front)$")
LEFTOVER = re.compile(r"^\..*\.tmp$|^\.potstill\.lock$|\.partial$|nosync")


def timeless(value):
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if not TIMES.search(key)}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def contents(folder):
    """Every file of a run but its checkpoints, by its path below the folder."""
    found = {}
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith("checkpoint-")]
        for name in names:
            # Times, and the command lines of resumptions.
            if name == "provenance.json":
                continue
            file = os.path.join(path, name)
            with open(file, "rb") as stream:
                data = stream.read()
            if name.endswith("_results.json") or name in ("report.json", "compression.json"):
                data = json.dumps(timeless(json.loads(data)), sort_keys=True).encode()
            elif name == "metrics.jsonl":
                data = b"\n".join(
                    json.dumps(timeless(json.loads(line)), sort_keys=True).encode() for line in data.splitlines())
            elif name == "report.html":
                # The data that the page draws; the rest of it is the same in every report.
                block = data.split(b'<script type="application/json" id="data">')[1].split(b"</script>")[0]
                data = json.dumps(timeless(json.loads(block)), sort_keys=True).encode()
            elif name == "metrics.csv":
                rows = list(csv.reader(data.decode().splitlines()))
                data = repr([[cell for cell, column in zip(row, rows[0]) if not TIMES.search(column)] for row in rows]).encode()
            found[os.path.relpath(file, folder)] = data
    return found


def has_checkpoint(folder):
    places = [folder, os.path.join(folder, "features")]
    return any(name.startswith("checkpoint-") for place in places if os.path.isdir(place) for name in os.listdir(place))


class World:
    """The demo's models, smaller data, and the commands that are killed."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.run(["demo", "--output", self.path("demo"), "--quiet"])
        data = self.path("data")
        os.makedirs(data)
        for name in os.listdir(self.path("demo", "data")):
            with open(self.path("demo", "data", name)) as source, open(os.path.join(data, name), "w") as target:
                target.writelines(source.readlines()[:301])
        shutil.copytree(self.path("demo", "student"), self.path("other"))
        with open(self.path("text.txt"), "w") as target:
            target.writelines(line.split("\t")[0] + "\n" for line in open(self.path("data", "train.tsv")))
        with open(self.path("distill.yaml"), "w") as target:
            target.write("save_strategy: steps\nsave_steps: 4\nlogging_steps: 3\nnum_train_epochs: 4\nseed: 3\n")
        with open(self.path("brief.yaml"), "w") as target:
            target.write("save_strategy: steps\nsave_steps: 2\nlogging_steps: 2\nnum_train_epochs: 0.4\nseed: 3\n")
        with open(self.path("tasks.yaml"), "w") as target:
            for name in ["one", "two"]:
                entry = {"task": "sample", "name": name, "data": data, "teacher": self.path("demo", "teacher")}
                target.write(("tasks:\n" if name == "one" else "") + f"- {json.dumps(entry)}\n")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, arguments):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, cwd=self.folder)
        if done.returncode != 0:
            sys.exit(f"{' '.join(arguments)}\nexit code {done.returncode}\n{done.stderr}")
        return done

    def commands(self, brief=False):
        """Every kind of run by its name; `brief` has a tenth of the steps, with one checkpoint in the middle."""
        teacher = ["--teacher", self.path("demo", "teacher")]
        task = ["--task", "sample", "--data", self.path("data"), "--threads", "1", "--quiet"]
        steps = ["--save-steps", "2", "--logging-steps", "2", "--num-train-epochs", "0.4"] if brief else [
            "--save-steps", "4", "--logging-steps", "3", "--num-train-epochs", "5"]
        saving = ["--save-strategy", "steps", *steps, "--no-load-best-model-at-end", "--seed", "3"]
        distill = ["distill", "--student", "T2", *teacher, *task, *saving]
        methods = ["ffn=50%,int8"] if brief else ["vocab,hidden=50%,ffn=50%,int8"]
        return {
            "train": ["train", "--model", self.path("demo", "student"), *task, *saving],
            "distill": distill,
            "distill --no-cache-teacher-logits": [*distill, "--no-cache-teacher-logits"],
            "distill --match": [*distill, "--match", "uniform", "--cache-teacher-logits"],
            "distill, two stages": [*distill, "--match", "uniform", "--cache-teacher-logits", "--feature-epochs", "0.4" if brief else "3"],
            "distill, two teachers": [*distill, "--teacher", self.path("other")],
            "distill --theseus": [*distill, "--theseus"],
            "distill --baseline": [*distill, "--baseline"],
            "multitask": ["multitask", self.path("tasks.yaml"), "--student", "T2", "--threads", "1", "--quiet", *saving],
            "pretrain": ["pretrain", "--model", self.path("demo", "teacher"), "--input", self.path("text.txt"),
                         "--max-seq-length", "24", "--threads", "1", "--quiet", *saving],
            "compress": ["compress", "--model", self.path("demo", "teacher"), "--methods", *methods,
                         "--distill", self.path("brief.yaml" if brief else "distill.yaml"),
                         "--iterations", "1" if brief else "2", "--keep-models", *task],
            "cache": ["cache", *teacher, *task, "--hidden-states", "0,-1"],
        }

    def ended(self, command, output, environment=None):
        """What a command did to its output folder, whatever it said."""
        return subprocess.run([self.binary, *command, "--output", output], capture_output=True, text=True, cwd=self.folder,
                              env={**os.environ, **(environment or {})}, errors="replace")

    def continued(self, command, output):
        """The same command once more, from the last checkpoint where there is one; returns what is wrong, or nothing."""
        if command[0] in ("cache", "compress"):
            more = []
        else:
            more = ["--resume-from-checkpoint", "last"] if has_checkpoint(output) else ["--overwrite-output-dir"]
        done = self.ended([*command, *more], output)
        return "" if done.returncode == 0 else f"exit code {done.returncode} with {' '.join(more)}: {done.stderr.strip()}"

    def difference(self, output, expected):
        """What differs between a run's files and those of the undisturbed run; empty for nothing."""
        found = contents(output)
        left = sorted(file for file in found if LEFTOVER.search(os.path.basename(file)))
        differing = sorted(file for file in expected.keys() | found.keys()
                           if expected.get(file) != found.get(file) and file not in left)
        return (f"left behind: {', '.join(left)}; " if left else "") + (
            f"differing: {', '.join(differing)}" if differing else "")
