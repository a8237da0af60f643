#!/usr/bin/env python3
"""Harms every kind of run and looks at what comes out: nothing may be lost, and nothing half-written taken for whole.

  faults.py POTSTILL [--only RUN ...] [--faults FAULT ...] [--count 25] [--every] [--seed 1] [--keep FOLDER]

Faults: kill (SIGKILL at random moments), signal (SIGTERM, SIGINT or SIGHUP), write (each call that makes, writes, syncs or renames a
file fails, and all later ones, as on a full disk), error (one such call fails), short (a write is cut in half), full (a small
disk), read-only, in-use (two runs in one folder), clock (it goes back a day), cache (a teacher's cache goes or is cut), data
(rows change before a run goes on). After each, the same command goes on from its last checkpoint, or begins again where there is
none, and its files must equal those of an undisturbed run byte for byte, without those that hold times. `--count` is the most
moments for each run and fault, `--every` takes every call. Models and data are those of `potstill demo`. The C compiler `cc`
makes the library that lets calls fail; small disks need root, and are left out without. Exit code 0 when nothing was lost.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from world import World, contents, has_checkpoint


# What a report is made of, which a run can do without.
REPORT = {"report.html", "report.json", "eval_predictions.jsonl", "class_graph.json", "class_graph.graphml"}


class Run:
    """One kind of run, with what it makes when nothing disturbs it."""

    def __init__(self, world, name, command):
        self.world, self.name, self.command = world, name, command
        self.output = world.path("out", "run")
        self.fresh()
        start = time.monotonic()
        world.run([*command, "--output", self.output])
        self.seconds = time.monotonic() - start
        self.expected = contents(self.output)

    def fresh(self):
        shutil.rmtree(os.path.dirname(self.output), ignore_errors=True)
        os.makedirs(os.path.dirname(self.output))

    def expected_without_report(self, said, reason):
        """What must be there after a run that has said that its report could not be written, and why."""
        if "could not be written" not in said or reason not in said:
            return self.expected
        there = contents(self.output)
        return {name: data for name, data in self.expected.items() if name in there or os.path.basename(name) not in REPORT}

    def goes_on(self):
        """What is wrong once the run has gone on; empty for nothing."""
        return self.world.continued(self.command, self.output) or self.world.difference(self.output, self.expected)

    def refusal(self, done, *words):
        """What is wrong with an end that must be an error with these words; empty for nothing."""
        if done.returncode < 0:
            return f"ended by signal {-done.returncode}: {done.stderr[-300:]}"
        if done.returncode == 0:
            return "expected an error, and it ended well"
        missing = [word for word in words if word not in done.stderr]
        return f"the message lacks {missing}: {done.stderr[-400:]}" if missing else ""


class Faults:
    """The faults by their names: each yields what happened at one moment, empty where nothing was lost."""

    def __init__(self, options, library):
        self.count, self.every, self.library = options.count, options.every, library
        self.chance = random.Random(options.seed)

    def kill(self, run):
        yield from self.ended_by(run, [signal.SIGKILL])

    def signal(self, run):
        yield from self.ended_by(run, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])

    def ended_by(self, run, signals):
        hits = 0
        for _ in range(10 * self.count):
            if hits == self.count:
                return
            run.fresh()
            number, moment = self.chance.choice(signals), self.chance.uniform(0, run.seconds)
            process = subprocess.Popen([run.world.binary, *run.command, "--output", run.output], cwd=run.world.folder,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(moment)
            process.send_signal(number)
            if process.wait() == 0:
                continue
            hits += 1
            problem = run.goes_on()
            yield f"after {moment:.3f} s: {problem}" if problem else ""

    def with_calls(self, run, at, **settings):
        """The run with the library that lets calls fail; also the number of calls."""
        run.fresh()
        counted = run.world.path("calls")
        environment = {"LD_PRELOAD": self.library, "FAULT_FOLDER": os.path.dirname(run.output), "FAULT_AT": str(at),
                       "FAULT_COUNT": counted, **settings}
        done = run.world.ended(run.command, run.output, environment)
        with open(counted) as file:
            return done, int(file.read())

    def moments(self, run):
        _, calls = self.with_calls(run, 1 << 60)
        if calls < 5:
            sys.exit(f"{run.name}: only {calls} calls were seen; is the program linked statically?")
        if self.every or calls <= self.count:
            return range(1, calls + 1)
        return sorted(self.chance.sample(range(1, calls + 1), self.count))

    def failing(self, run, words, **settings):
        for at in self.moments(run):
            done, _ = self.with_calls(run, at, **settings)
            if done.returncode == 0:
                # A call that the run can do without: its model is whole, and a report that is missing is told of.
                problem = run.world.difference(run.output, run.expected_without_report(done.stderr, words[0]))
            else:
                problem = run.refusal(done, *words) or run.goes_on()
            yield f"at call {at}: {problem}" if problem else ""

    def write(self, run):
        yield from self.failing(run, ["No space left on device", os.path.dirname(run.output)])

    def error(self, run):
        yield from self.failing(run, ["Input/output error", os.path.dirname(run.output)], FAULT_MODE="once", FAULT_ERROR="5")

    def short(self, run):
        yield from self.failing(run, ["No space left on device", os.path.dirname(run.output)], FAULT_MODE="short")

    def clock(self, run):
        for at in self.moments(run):
            done, _ = self.with_calls(run, at, FAULT_CLOCK="86400")
            problem = run.world.difference(run.output, run.expected) if done.returncode == 0 else done.stderr
            yield f"at call {at}: {problem}" if problem else ""

    def on_disk(self, run, options):
        run.fresh()
        folder = os.path.dirname(run.output)
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True).returncode == 0

    def off_disk(self, run):
        subprocess.run(["umount", os.path.dirname(run.output)], capture_output=True)

    def full(self, run):
        size = sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(run.output) for name in names)
        for share in [0.02, 0.2, 0.4, 0.6, 0.8, 0.95]:
            if not self.on_disk(run, f"size={max(8192, int(size * share))}"):
                return
            try:
                done = run.world.ended(run.command, run.output)
                problem = ""
                if done.returncode != 0:
                    # A cache, and a run whose model does not fit, say so beforehand.
                    word = "what is free" if "what is free" in done.stderr else "No space left on device"
                    problem = run.refusal(done, word)
                    subprocess.run(["mount", "-o", "remount,size=1g", os.path.dirname(run.output)], check=True)
                    problem = problem or run.goes_on()
                yield f"with {share} of the room: {problem}" if problem else ""
            finally:
                self.off_disk(run)

    def read_only(self, run):
        if not self.on_disk(run, "size=1g"):
            return
        try:
            subprocess.run(["mount", "-o", "remount,ro", os.path.dirname(run.output)], check=True)
            done = run.world.ended(run.command, run.output)
            yield run.refusal(done, "Read-only file system", os.path.dirname(run.output))
        finally:
            self.off_disk(run)

    def in_use(self, run):
        for _ in range(min(3, self.count)):
            run.fresh()
            first = subprocess.Popen([run.world.binary, *run.command, "--output", run.output], cwd=run.world.folder,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(self.chance.uniform(0.02, run.seconds / 2))
            second = run.world.ended([*run.command, *([] if run.command[0] in ("cache", "compress") else
                                                      ["--overwrite-output-dir"])], run.output)
            said = first.communicate()[1]
            codes = sorted([first.returncode, second.returncode])
            # One of the two is refused, or the second came when the first had finished.
            problem = "" if codes[0] == 0 else f"both failed: {said} {second.stderr}"
            yield problem or run.world.difference(run.output, run.expected)

    def cache(self, run):
        if run.name != "distill --match":
            return
        place = run.world.path("out", "answers")
        command = [*run.command, "--teacher-cache", place]
        # Its folder is named like the one that the run would make itself; the teacher stays beside it.
        for harm in ["gone", "cut", "one byte"]:
            run.fresh()
            made = run.world.ended(["cache", *run.command[3:5], *run.command[5:11], "--student", "T2", "--match", "uniform"], place)
            if made.returncode != 0:
                yield made.stderr
                continue
            whole = run.world.ended(command, run.output)
            expected = contents(run.output) if whole.returncode == 0 else {}
            file = os.path.join(place, next(name for name in os.listdir(place) if name.endswith(".cache")))
            with open(file, "rb") as stream:
                data = stream.read()
            os.remove(file)
            if harm == "cut":
                with open(file, "wb") as stream:
                    stream.write(data[:len(data) * 2 // 3])
            elif harm == "one byte":
                at = len(data) // 2
                with open(file, "wb") as stream:
                    stream.write(data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
            shutil.rmtree(run.output, ignore_errors=True)
            done = run.world.ended(command, run.output)
            if done.returncode == 0:
                # What is gone is made again, which takes nothing from the result.
                problem = "" if harm == "gone" and contents(run.output) == expected else "a damaged cache was taken"
            else:
                problem = run.refusal(done, "answers")
            yield f"{harm}: {problem}" if problem else ""

    def data(self, run):
        if run.command[0] in ("cache", "compress"):
            return
        file = run.world.path("text.txt") if run.command[0] == "pretrain" else run.world.path("data", "train.tsv")
        # The tokens of a text are told by its time too.
        times = os.stat(file)
        with open(file) as stream:
            lines = stream.readlines()
        for harm in ["other rows", "fewer rows", "another order"]:
            run.fresh()
            process = subprocess.Popen([run.world.binary, *run.command, "--output", run.output], cwd=run.world.folder,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not has_checkpoint(run.output):
                time.sleep(0.01)
            process.kill()
            process.wait()
            changed = {"other rows": lines[:1] + lines[2:-1] + lines[1:2] + lines[1:2], "fewer rows": lines[:-40],
                       "another order": lines[:1] + lines[:0:-1]}[harm]
            try:
                with open(file, "w") as stream:
                    stream.writelines(changed)
                done = run.world.ended([*run.command, "--resume-from-checkpoint", "last"], run.output)
            finally:
                with open(file, "w") as stream:
                    stream.writelines(lines)
                os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
            problem = run.refusal(done, "rows differ") or run.goes_on()
            yield f"{harm}: {problem}" if problem else ""


NAMES = ["kill", "signal", "write", "error", "short", "full", "read-only", "in-use", "clock", "cache", "data"]
# What is measured in calls takes the shortest runs, so that every call can be taken.
BRIEF = {"write", "error", "short", "clock"}


def library(folder):
    """The library that lets calls fail, compiled."""
    made = os.path.join(folder, "faults.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.c")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potstill")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--faults", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="keep the files of failures in this folder")
    options = parser.parse_args()
    lost = 0
    with tempfile.TemporaryDirectory(prefix="potstill-faults-") as folder:
        folder = os.path.realpath(folder)
        world = World(os.path.abspath(options.potstill), folder)
        inputs = {name: contents(world.path(name)) for name in ["demo", "data", "other"]}
        faults = Faults(options, library(folder))
        print(f"{'run':36} {'fault':10} {'injected':>8} {'survived':>8} {'lost':>5}", flush=True)
        total = [0, 0]
        for brief in [False, True]:
            wanted = [name for name in options.faults if (name in BRIEF) == brief]
            for name, command in world.commands(brief).items() if wanted else []:
                if options.only and name not in options.only:
                    continue
                run = Run(world, name, command)
                for fault in wanted:
                    injected = bad = 0
                    for problem in getattr(faults, fault.replace("-", "_"))(run):
                        injected += 1
                        if not problem:
                            continue
                        bad += 1
                        print(f"  {name}, {fault}, {problem}", flush=True)
                        if options.keep and os.path.isdir(run.output):
                            place = os.path.join(options.keep, f"{name} {fault} {injected}".replace("/", "_"))
                            shutil.copytree(run.output, place, symlinks=True)
                    total = [total[0] + injected, total[1] + bad]
                    if injected:
                        print(f"{name:36} {fault:10} {injected:8} {injected - bad:8} {bad:5}", flush=True)
        for name, before in inputs.items():
            if contents(world.path(name)) != before:
                total[1] += 1
                print(f"  files of {name}/, which are input, have changed", flush=True)
    print(f"{'all':36} {'':10} {total[0]:8} {total[0] - total[1]:8} {total[1]:5}")
    sys.exit(1 if total[1] or not total[0] else 0)


if __name__ == "__main__":
    main()
