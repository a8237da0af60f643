#!/usr/bin/env bash
# Runs every parity_*.py beside this file against a built potstill, in a Python environment of its own.
#
#   Tests/Reference/parity.sh BINARY [--models DIR] [--data DIR] [--python PYTHON] [NAME ...] [-- ARGUMENT ...]
#
# NAME picks checks (`tokenizer` is parity_tokenizer.py; all without a name), ARGUMENTs go to each of them.
# DIR default to POTSTILL_MODELS and POTSTILL_DATA: one folder per Hugging Face model, one per data set.
# PYTHON (also the variable) makes the environment; POTSTILL_PARITY_PYTHON uses an environment that exists.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
fail() { echo "parity: $*" >&2; exit 2; }

binary= models=${POTSTILL_MODELS:-} data=${POTSTILL_DATA:-} python=${PYTHON:-python3} names=() extra=()
while [ $# -gt 0 ]; do
  case $1 in
    --models) models=${2:?--models needs a folder}; shift 2 ;;
    --data) data=${2:?--data needs a folder}; shift 2 ;;
    --python) python=${2:?--python needs a command}; shift 2 ;;
    --) shift; extra=("$@"); break ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    -*) fail "unknown option $1; see --help" ;;
    *) if [ -z "$binary" ]; then binary=$1; else names+=("$1"); fi; shift ;;
  esac
done

[ -n "$binary" ] || fail "name the binary: Tests/Reference/parity.sh .build/release/potstill (or use make parity)"
[ -x "$binary" ] || fail "$binary is not an executable file; build it with: make build"
[ -n "$models" ] || fail "no models: set POTSTILL_MODELS (or --models) to a folder of Hugging Face directories such as minilm-l6/"
[ -d "$models" ] || fail "POTSTILL_MODELS names $models, which is not a folder"
[ -n "$data" ] || fail "no data: set POTSTILL_DATA (or --data) to a folder with sst2/train.tsv and the like"
[ -d "$data" ] || fail "POTSTILL_DATA names $data, which is not a folder"

scripts=()
if [ ${#names[@]} -eq 0 ]; then
  for script in "$here"/parity_*.py; do [ -e "$script" ] && scripts+=("$script"); done
else
  for name in "${names[@]}"; do
    [ -e "$here/parity_$name.py" ] || fail "there is no check called $name (no parity_$name.py in Tests/Reference)"
    scripts+=("$here/parity_$name.py")
  done
fi
[ ${#scripts[@]} -gt 0 ] || fail "there is no parity_*.py in $here"

# The environment is made once and again whenever requirements.txt changes: a stamp keeps what it was made from.
if [ -n "${POTSTILL_PARITY_PYTHON:-}" ]; then
  interpreter=$POTSTILL_PARITY_PYTHON
else
  environment=$root/.venv-parity
  interpreter=$environment/bin/python
  if ! cmp -s "$here/requirements.txt" "$environment/requirements.stamp"; then
    echo "parity: making $environment with $("$python" --version 2>&1) (once; PyTorch is large)" >&2
    rm -rf "$environment"
    "$python" -m venv "$environment" || fail "$python cannot make an environment; install python3-venv"
    "$interpreter" -m pip install --quiet --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$environment/requirements.stamp"
  fi
fi

passed=0 failed=()
for script in "${scripts[@]}"; do
  name=$(basename "$script" .py)
  echo "== ${name#parity_}"
  # Peers must answer from the folders given here, never from a hub.
  if HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 TOKENIZERS_PARALLELISM=false PYTHONDONTWRITEBYTECODE=1 \
    "$interpreter" "$script" --potstill "$binary" --models "$models" --data "$data" ${extra[@]+"${extra[@]}"}; then
    passed=$((passed + 1))
  else
    failed+=("${name#parity_}")
  fi
done
echo "== parity: $passed passed, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
[ ${#failed[@]} -eq 0 ]
