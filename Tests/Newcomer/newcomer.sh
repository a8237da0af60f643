#!/usr/bin/env bash
# Walks a newcomer's first hour, start to finish: newcomer.sh REPOSITORY FOLDER [MODEL].
#
# Clone, demo, rows of one's own, teacher, student, report, predictions, server, Python, ONNX. MODEL is a folder or a name on the
# Hugging Face hub (sentence-transformers/all-MiniLM-L6-v2). The Python steps use $PYTHON, which needs torch, transformers and
# onnxruntime; pictures need chromium. Every command is printed before it runs; the first that fails ends the walk.
set -euo pipefail

repository=$1
folder=$2
model=${3:-sentence-transformers/all-MiniLM-L6-v2}
python=${PYTHON:-python3}
mkdir -p "$folder"
cd "$folder"
step() { printf '\n# %s\n' "$*"; }
run() {
  printf '$ %s\n' "$*"
  eval "$*"
}

step "two commands of the README"
run "git clone --quiet $repository potstill"
run "cd potstill"
run "make demo"
run "make build"
export PATH=$PWD/.build/release:$PATH
run "cd .."
run "potstill --version"
run "potstill doctor"

step "rows of my own"
awk 'BEGIN {
  srand(7)
  split("invoice payment refund charge bill receipt", money)
  split("login password crash error screen update", technical)
  split("parcel delivery address courier package tracking", shipping)
  split("please help with|I have a question about|there is a problem with|could you check|what about", start, "|")
  split("today|since Monday|again|for my account|as soon as possible|thank you", finish, "|")
  print "text,label"
  for (i = 0; i < 600; i++) {
    kind = i % 3
    word = kind == 0 ? money[1 + int(rand() * 6)] : kind == 1 ? technical[1 + int(rand() * 6)] : shipping[1 + int(rand() * 6)]
    label = kind == 0 ? "billing" : kind == 1 ? "technical" : "shipping"
    print "\"" start[1 + int(rand() * 5)] " my " word ", " finish[1 + int(rand() * 6)] "\"," label
  }
}' >tickets.csv
run "head -3 tickets.csv"

step "a teacher, and its student"
run "potstill train --train-file tickets.csv --model $model --output teacher --num-train-epochs 1 --report-to tensorboard"
run "potstill distill --train-file tickets.csv --teacher teacher --student T3 --output student --num-train-epochs 2"
run "potstill compare --train-file tickets.csv teacher student"
run "potstill inspect student | head -8"

step "the report and the card"
run "ls student"
run "test -s student/report.html && test -s student/README.md"
run "potstill report teacher student --output both.html"
if command -v chromium >/dev/null; then
  for page in student/report.html both.html; do
    name=$(basename "$page" .html)
    run "chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,2400 --screenshot=$name-wide.png file://$PWD/$page 2>/dev/null"
  done
fi

step "answers"
run "potstill predict --model student 'my parcel has the wrong address'"
run "printf 'the app crashes\nrefund my invoice\n' | potstill predict --model student --json"

step "a server"
potstill serve --model student --teacher teacher --port 18080 2>serve.log &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 50); do curl -sf localhost:18080/health >/dev/null && break || sleep 0.2; done
run "curl -s localhost:18080/health"
run "curl -s -d '{\"text\": \"my parcel has the wrong address\"}' localhost:18080/predict"
run "curl -s -d '{\"texts\": [\"refund please\", \"the login fails\"]}' localhost:18080/predict"
run "kill $server"
wait $server || true

step "in Python"
cat >use.py <<'PY'
from transformers import pipeline

classify = pipeline("text-classification", model="student")
print(classify("my parcel has the wrong address"))
PY
run "$python use.py"

step "ONNX"
run "potstill export student --onnx --output onnx"
cat >onnx_use.py <<'PY'
import numpy as np
import onnxruntime
from transformers import AutoTokenizer

encoded = AutoTokenizer.from_pretrained("onnx")(["my parcel has the wrong address"], return_tensors="np")
session = onnxruntime.InferenceSession("onnx/onnx/model.onnx")
names = {entry.name for entry in session.get_inputs()}
print(session.run(None, {k: v.astype(np.int64) for k, v in encoded.items() if k in names}))
PY
run "$python onnx_use.py"

step "the Swift package"
mkdir -p app/Sources/app
cat >app/Package.swift <<'SWIFT'
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "app", dependencies: [.package(path: "../potstill")],
  targets: [.executableTarget(name: "app", dependencies: [.product(name: "Potstill", package: "potstill")])])
SWIFT
cat >app/Sources/app/main.swift <<'SWIFT'
import Foundation
import Potstill

let classifier = try Classifier(directory: URL(filePath: CommandLine.arguments[1]))
for answer in try classifier(["my parcel has the wrong address", "refund please"]) { print(answer) }
SWIFT
run "swift run --package-path app --scratch-path potstill/.build-app app student"
step "the end"
