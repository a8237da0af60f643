#!/usr/bin/env python3
"""Kills every kind of run with SIGKILL at random moments, lets it go on, and compares what comes out byte for byte.

  kills.py POTSTILL [--kills 20] [--seed 1] [--only NAME ...] [--keep FOLDER]

Models and data are those of `potstill demo`. A run that has a checkpoint is resumed from its last one, one that has none is
begun again. Files that hold times are compared without them. Exit code 0 when nothing was lost.
"""
import argparse
import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

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

    def commands(self):
        teacher = ["--teacher", self.path("demo", "teacher")]
        task = ["--task", "sample", "--data", self.path("data"), "--threads", "1", "--quiet"]
        saving = ["--save-strategy", "steps", "--save-steps", "4", "--logging-steps", "3", "--num-train-epochs", "5",
                  "--no-load-best-model-at-end", "--seed", "3"]
        distill = ["distill", "--student", "T2", *teacher, *task, *saving]
        return {
            "train": ["train", "--model", self.path("demo", "student"), *task, *saving],
            "distill": distill,
            "distill --no-cache-teacher-logits": [*distill, "--no-cache-teacher-logits"],
            "distill --match": [*distill, "--match", "uniform"],
            "distill, two stages": [*distill, "--match", "uniform", "--feature-epochs", "3"],
            "distill, two teachers": [*distill, "--teacher", self.path("other")],
            "distill --theseus": [*distill, "--theseus"],
            "distill --baseline": [*distill, "--baseline"],
            "multitask": ["multitask", self.path("tasks.yaml"), "--student", "T2", "--threads", "1", "--quiet", *saving],
            "pretrain": ["pretrain", "--model", self.path("demo", "teacher"), "--input", self.path("text.txt"),
                         "--max-seq-length", "24", "--threads", "1", "--quiet", *saving],
            "compress": ["compress", "--model", self.path("demo", "teacher"), "--methods", "vocab,hidden=50%,ffn=50%,int8",
                         "--distill", self.path("distill.yaml"), "--iterations", "2", "--keep-models", *task],
            "cache": ["cache", *teacher, *task, "--hidden-states", "0,-1"],
        }


def kill_once(world, command, output, seconds):
    """Starts a run, kills it after some seconds, and lets it go on; returns whether the kill came in time."""
    shutil.rmtree(output, ignore_errors=True)
    process = subprocess.Popen([world.binary, *command, "--output", output], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd=world.folder)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        return False, ""
    if command[0] in ("cache", "compress"):
        more = []
    else:
        more = ["--resume-from-checkpoint", "last"] if has_checkpoint(output) else ["--overwrite-output-dir"]
    done = subprocess.run([world.binary, *command, *more, "--output", output], capture_output=True, text=True,
                          cwd=world.folder)
    return True, "" if done.returncode == 0 else f"exit code {done.returncode} with {' '.join(more)}: {done.stderr.strip()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potstill")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--keep", help="keep the files of failures in this folder")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    lost = 0
    with tempfile.TemporaryDirectory(prefix="potstill-faults-") as folder:
        world = World(os.path.abspath(options.potstill), folder)
        print(f"{'run':36} {'kills':>5} {'equal':>5} {'lost':>5}  seconds of a whole run", flush=True)
        for name, command in world.commands().items():
            if options.only and name not in options.only:
                continue
            output = world.path("run")
            shutil.rmtree(output, ignore_errors=True)
            start = time.monotonic()
            world.run([*command, "--output", output])
            whole = time.monotonic() - start
            expected = contents(output)
            kills = equal = 0
            for _ in range(10 * options.kills):
                if kills == options.kills:
                    break
                moment = chance.uniform(0, whole)
                killed, problem = kill_once(world, command, output, moment)
                if not killed:
                    continue
                kills += 1
                found = contents(output) if not problem else {}
                if not problem:
                    left = sorted(file for file in found if LEFTOVER.search(os.path.basename(file)))
                    differing = sorted(file for file in expected.keys() | found.keys()
                                       if expected.get(file) != found.get(file) and file not in left)
                    problem = (f"left behind: {', '.join(left)}; " if left else "") + (
                        f"differing: {', '.join(differing)}" if differing else "")
                if not problem:
                    equal += 1
                    continue
                lost += 1
                print(f"  {name}, killed after {moment:.3f} s: {problem}", flush=True)
                if options.keep:
                    shutil.copytree(output, os.path.join(options.keep, f"{name} {kills}".replace("/", "_")))
            print(f"{name:36} {kills:5} {equal:5} {kills - equal:5}  {whole:.2f}", flush=True)
    print(f"lost: {lost}")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
