"""Measures `potstill serve` beside FastAPI with ONNX Runtime: requests a second and latencies at 1, 4 and 16 connections.

    python3 Benchmarks/peers/serve.py .build/release/potstill MODEL MODEL.onnx TEXTS.tsv [--seconds 10] [--rounds 3]

Needs wrk, and fastapi, uvicorn[standard] and onnxruntime in the Python that runs it. TEXTS.tsv is a file whose first column holds
texts, such as SST-2's dev.tsv. Both servers answer the same texts in the same order, by turns; the answers are compared first.
With --requests N potstill alone gets N requests, and its memory is read before and after.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local next = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  next = next %% #bodies + 1
  return wrk.format(nil, "/predict", nil, bodies[next])
end
function done(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d %%d %%f %%f %%f\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""


def ask(port, body, path="/predict"):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def start(command, port):
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            ask(port, {"text": "ready?"})
            return process
        except OSError:
            if process.poll() is not None:
                sys.exit(f"{command[0]} ended with {process.returncode}")
            time.sleep(0.1)
    sys.exit(f"{command[0]} does not answer")


def load(port, script, connections, seconds):
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", script, f"http://127.0.0.1:{port}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count, micros, errors, median, late, most = map(float, re.search(r"RESULT (.*)", text).group(1).split())
    return count / (micros / 1e6), median / 1000, late / 1000, errors


def resident(process):
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("binary", "model", "onnx", "texts"):
        parser.add_argument(name)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--requests", type=int)
    arguments = parser.parse_args()
    texts = [line.split("\t")[0] for line in Path(arguments.texts).read_text(encoding="utf-8").splitlines()[1:]]
    with tempfile.TemporaryDirectory() as folder:
        bodies, script = Path(folder, "bodies"), Path(folder, "wrk.lua")
        bodies.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        script.write_text(SCRIPT % bodies)
        own, peer = 18431, 18432
        serve = [arguments.binary, "serve", "--model", arguments.model, "--port", str(own), "--max-seq-length", "128"]
        ours = start(serve + ["--threads", str(arguments.threads)], own)
        if arguments.requests:
            load(own, script, 16, 3)
            before, done = resident(ours), 0
            print(f"after the first seconds {before:.1f} MB")
            while done < arguments.requests:
                rate, _, _, errors = load(own, script, 16, 10)
                done += int(rate * 10)
                print(f"after {done} requests {resident(ours):.1f} MB, {errors:.0f} errors")
            ours.terminate()
            return
        theirs = start(
            [sys.executable, HERE / "serve_peer.py", arguments.model, arguments.onnx, str(peer), str(arguments.threads)],
            peer)
        worst = 0.0
        for text in texts[:200]:
            a, b = ask(own, {"text": text}), ask(peer, {"text": text})
            worst = max(worst, max(abs(x - y) for x, y in zip(a["logits"], b["logits"])))
        print(f"largest difference of logits over 200 texts: {worst:.2e}")
        print("| connections | potstill, requests/s | p50 ms | p99 ms | FastAPI, requests/s | p50 ms | p99 ms | ratio |")
        print("|---:|---:|---:|---:|---:|---:|---:|---:|")
        for connections in (1, 4, 16):
            rounds = []
            for _ in range(arguments.rounds):
                rounds.append(
                    [load(port, script, connections, arguments.seconds) for port in (own, peer)])
            if any(entry[3] for pair in rounds for entry in pair):
                print("errors:", rounds)
            middle = [[statistics.median(pair[side][i] for pair in rounds) for i in range(3)] for side in (0, 1)]
            ratios = sorted(pair[0][0] / pair[1][0] for pair in rounds)
            cells = [f"{rate:,.0f} | {median:.2f} | {late:.2f}" for rate, median, late in middle]
            print(f"| {connections} | {cells[0]} | {cells[1]} | {statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}] |")
        ours.terminate()
        theirs.terminate()


main()
