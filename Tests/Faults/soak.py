#!/usr/bin/env python3
"""A long run of a tiny model: memory, open files, mapped files and logs must not grow with its steps.

  soak.py POTSTILL [--steps 50000]

Trains the demo's student with evaluations, checkpoints and log lines, and looks at the process all the while. Exit code 0 where
nothing grew: memory by less than a twentieth and 4 MB from a tenth of the run to its end, files not at all, a checkpoint's log by no
more than its bound. Speed is printed and judged by nobody.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from world import World


def look(process):
    """Resident kB, open files and mapped pieces of a process; nothing once it has ended."""
    try:
        with open(f"/proc/{process}/status") as status:
            memory = next((int(line.split()[1]) for line in status if line.startswith("VmRSS:")), None)
        files = len(os.listdir(f"/proc/{process}/fd"))
        with open(f"/proc/{process}/maps") as maps:
            return memory, files, sum(1 for _ in maps)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None, 0, 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potstill")
    parser.add_argument("--steps", type=int, default=50000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="potstill-soak-") as folder:
        world = World(os.path.abspath(options.potstill), folder)
        output = world.path("run")
        command = world.commands()["distill"][:]
        for name, value in [("--save-steps", "500"), ("--logging-steps", "20"), ("--num-train-epochs", "3")]:
            command[command.index(name) + 1] = value
        command += ["--max-steps", str(options.steps), "--eval-strategy", "steps", "--eval-steps", "500",
                    "--save-total-limit", "2", "--output", output]
        process = subprocess.Popen([world.binary, *command], cwd=folder, stdout=subprocess.DEVNULL)
        seen, log = [], os.path.join(output, "metrics.jsonl")
        while process.poll() is None:
            memory, files, maps = look(process.pid)
            step = 0
            if os.path.exists(log):
                with open(log, "rb") as lines:
                    lines.seek(max(0, os.path.getsize(log) - 4000))
                    whole = [line for line in lines.read().split(b"\n")[1:-1] if line.startswith(b"{")]
                    step = json.loads(whole[-1])["step"] if whole else 0
            state = os.path.join(output, f"checkpoint-{step // 500 * 500}", "trainer_state.json")
            if memory and step:
                seen.append((step, memory, files, maps, os.path.getsize(state) if os.path.exists(state) else 0))
            time.sleep(0.5)
        if process.returncode != 0 or len(seen) < 5:
            sys.exit(f"the run ended with {process.returncode}, seen {len(seen)} times")
        with open(log) as lines:
            rates = [entry["samples_per_second"] for entry in map(json.loads, lines) if "samples_per_second" in entry]
        print(f"{'step':>7} {'MB':>7} {'files':>6} {'maps':>6} {'log of a checkpoint':>20}")
        for share in range(1, 11):
            step, memory, files, maps, log = min(seen, key=lambda row: abs(row[0] - options.steps * share / 10))
            print(f"{step:7} {memory / 1024:7.1f} {files:6} {maps:6} {log / 1000:17.1f} kB")
        late = [row for row in seen if row[0] >= options.steps / 10]
        tenth = max(1, len(rates) // 10)
        print(f"texts/s in the first tenth {sum(rates[:tenth]) / tenth:,.0f}, in the last {sum(rates[-tenth:]) / tenth:,.0f}")
        checkpoints = [name for name in os.listdir(output) if name.startswith("checkpoint-")]
        growth = late[-1][1] - late[0][1]
        problems = []
        if growth > max(4096, late[0][1] / 20):
            problems.append(f"memory grew by {growth} kB")
        if max(row[2] for row in late) > max(row[2] for row in seen[:5]) + 2:
            problems.append("open files grew")
        if late[-1][3] > late[0][3] + 20:
            problems.append("mapped pieces grew")
        # A look between two checkpoints finds none, so the largest counts.
        largest = max(row[4] for row in late)
        if not 0 < largest <= 1 << 20:
            problems.append(f"the log of a checkpoint has {largest} bytes")
        if len(checkpoints) > 2:
            problems.append(f"there are {len(checkpoints)} checkpoints, at most 2 were to stay")
        shutil.rmtree(output)
        print("; ".join(problems) or "nothing grew")
        sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
