#!/usr/bin/env python3
"""The forecast of `potstill plan --ranks 2 --network ...` beside two ranks over a slow link.

  network.py POTSTILL RECIPE [--rates 1Gb,300Mb,100Mb] [--steps 6] [--threads 1]

Each rank stands in a network namespace of its own, with a pair of virtual interfaces between them whose speed `tc` limits (root, the
packages iproute2 and openmpi-bin). RECIPE is one of `potstill train` or `potstill distill`. For each rate the forecast and the median of
the updates that were made, both in seconds. Nothing else should run on the machine: two ranks of one thread take two cores.
"""
import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile

NAMES = ["potstill-a", "potstill-b"]
ADDRESSES = ["10.213.0.1", "10.213.0.2"]


def call(command, **options):
    return subprocess.run(shlex.split(command), check=True, **options)


def tc_rate(rate):
    """Bits a second of potstill's form in tc's: 300Mb is 300mbit."""
    number, power = re.fullmatch(r"([0-9.]+) ?([kmgt]?).*", rate.lower()).groups()
    return number + power + "bit"


class Link:
    """Two namespaces with a link between them."""

    def __enter__(self):
        self.__exit__()
        for name in NAMES:
            call(f"ip netns add {name}")
            call(f"ip -n {name} link set lo up")
        call(f"ip -n {NAMES[0]} link add pair type veth peer name pair netns {NAMES[1]}")
        for name, address in zip(NAMES, ADDRESSES):
            call(f"ip -n {name} addr add {address}/24 dev pair")
            call(f"ip -n {name} link set pair up")
        return self

    def set(self, rate):
        for name in NAMES:
            call(f"ip netns exec {name} tc qdisc replace dev pair root tbf rate {tc_rate(rate)} burst 256kb latency 100ms")

    def __exit__(self, *_):
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


def ranks(potstill, recipe, output, steps, threads, agent):
    """Seconds of each update of two ranks but the first, from their log."""
    log = os.path.join(output, "log")
    command = [
        "ip", "netns", "exec", NAMES[0], "mpirun.openmpi", "--allow-run-as-root", "-np", "2",
        "-H", ",".join(ADDRESSES), "--mca", "plm_rsh_agent", agent, "--mca", "btl", "tcp,self",
        "--mca", "btl_tcp_if_include", "10.213.0.0/24", "--mca", "oob_tcp_if_include", "10.213.0.0/24",
        "--mca", "btl_tcp_sndbuf", "0", "--mca", "btl_tcp_rcvbuf", "0", "--bind-to", "none", "-x", f"POTSTILL_NUM_THREADS={threads}",
        potstill, recipe["command"], recipe["path"], "--output", os.path.join(output, "run"), "--overwrite-output-dir",
        "--max-steps", str(steps + 1), "--logging-steps", "1", "--eval-strategy", "no", "--save-strategy", "no", "--quiet",
        "--max-eval-samples", "8",
    ]
    with open(log, "w") as file:
        if subprocess.run(command, stdout=file, stderr=file).returncode:
            sys.exit(open(log).read())
    seconds = []
    with open(os.path.join(output, "run", "metrics.jsonl")) as lines:
        for line in map(json.loads, lines):
            if "samples_per_second" in line and "loss" in line:
                seconds.append(2 * recipe["rows"] / line["samples_per_second"])
    return seconds[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potstill")
    parser.add_argument("recipe")
    parser.add_argument("--rates", default="1Gb,300Mb,100Mb")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    potstill = os.path.abspath(options.potstill)
    environment = dict(os.environ, POTSTILL_NUM_THREADS=str(options.threads))

    def plan(rate):
        run = subprocess.run(
            [potstill, "plan", options.recipe, "--ranks", "2", "--network", rate, "--measure-steps", str(options.steps), "--json"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        return json.loads(run.stdout)

    first = plan("1Gb")
    alone = first["time"]["forecast"][0]
    with open(options.recipe) as file:
        is_distillation = re.search(r"^(teacher|teacher_cache|student):", file.read(), re.MULTILINE)
    recipe = {
        "path": options.recipe, "command": "distill" if is_distillation else "train",
        "rows": round(alone["samples_per_second"] * alone["step_seconds"]),
    }
    print(f"one rank alone: {alone['step_seconds']:.3f} s an update of {recipe['rows']} rows")
    print(f"{'link':>8} {'forecast':>9} {'measured':>9} {'ratio':>6}")
    worst = 0
    with tempfile.TemporaryDirectory(prefix="potstill-network-") as folder, Link() as link:
        agent = os.path.join(folder, "agent")
        with open(agent, "w") as file:
            file.write(
                "#!/bin/sh\nhost=$1\nshift\n"
                + "".join(f'[ "$host" = {a} ] && exec ip netns exec {n} sh -c "$*"\n' for a, n in zip(ADDRESSES, NAMES)))
        os.chmod(agent, 0o755)
        for rate in options.rates.split(","):
            link.set(rate)
            forecast = plan(rate)["time"]["forecast"][1]["step_seconds"]
            output = os.path.join(folder, rate)
            os.makedirs(output)
            measured = statistics.median(ranks(potstill, recipe, output, options.steps, options.threads, agent))
            worst = max(worst, abs(forecast / measured - 1))
            print(f"{rate:>8} {forecast:>9.3f} {measured:>9.3f} {forecast / measured:>6.2f}", flush=True)
    print(f"furthest off: {100 * worst:.0f} %")
    return 0 if worst <= 0.15 else 1


if __name__ == "__main__":
    sys.exit(main())
