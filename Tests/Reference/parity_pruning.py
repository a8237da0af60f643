"""Checks that pruned folders load in `transformers` with equal logits, and importances against the real TextPruner.

The test `PrunedExportTests`, woken by an environment variable, prunes a small classifier of every family of Transformers in
each form, or approximates it in low rank, and saves it with the logits of a batch. `transformers` loads those that it can build: nothing may be missing,
unexpected or of another shape, and the logits must agree. The compact ones it must refuse to load as they are.

Where POTSTILL_TEXTPRUNER_PYTHON names a Python with TextPruner and transformers 4 (see make_pruning_fixtures.py), a classifier of
`minilm-l6` is measured by both on the same rows of SST-2 and cut to half its heads and neurons, and transformers 4 loads what has
`pruned_heads` alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file
from transformers.utils import logging

from exported import run_test

TOLERANCE = 1e-5  # absolute, on logits: two float32 engines, two small layers
IMPORTANCE = 1e-4  # of the largest importance


def check(directory):
    """The difference of the logits and what is wrong with the folder."""
    name, = json.loads((directory / "config.json").read_text(encoding="utf-8"))["architectures"]
    try:
        model, info = getattr(transformers, name).from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
    except RuntimeError as error:
        return None, [str(error).splitlines()[0]]
    faults = [f"{kind} {sorted(map(str, info[kind]))}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
              if info[kind]]
    golden, rows = load_file(directory / "outputs.safetensors"), []
    for begin, end in zip(golden["starts"], golden["starts"][1:]):
        with torch.inference_mode():
            rows.append(model.eval()(input_ids=torch.tensor(golden["ids"][None, int(begin):int(end)].astype(np.int64))).logits[0])
    difference = float(np.abs(torch.stack(rows).numpy() - golden["logits"]).max())
    return difference, faults + ([] if difference <= TOLERANCE else [f"logits differ by {difference:.2e}"])


def importances(folder):
    """The largest difference of importances, relative to the largest of each layer, whether the masks are equal, and the largest
    difference of the cut models' logits."""
    ours, theirs = load_file(folder / "importance.safetensors"), load_file(folder / "expected.safetensors")
    worst = max(float((np.abs(ours[name] - theirs[name]) / theirs[name].max(-1, keepdims=True)).max())
                for name in ("heads", "neurons"))
    masks = all((ours[name] == theirs[name]).all() for name in ("head_mask", "neuron_mask"))
    return worst, masks, float(np.abs(ours["logits"] - theirs["logits"]).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", help="not needed here")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    peer, helper = os.environ.get("POTSTILL_TEXTPRUNER_PYTHON"), str(Path(__file__).parent / "textpruner_importance.py")
    good, worst, loaded, refused = True, 0.0, 0, 0
    with tempfile.TemporaryDirectory(prefix="potstill-pruned-") as name:
        folder = Path(name)
        if peer:
            subprocess.run([peer, helper, "make", arguments.models / "minilm-l6", arguments.data / "sst2" / "train.tsv", folder],
                           check=True, stderr=subprocess.DEVNULL)
        run_test("exportPruned", folder, "pruned")
        for directory in sorted((folder / "pruned").iterdir()):
            difference, faults = check(directory)
            if directory.name.endswith("compact"):
                refused += bool(faults)
                if not faults:
                    good = False
                    print(f"{directory.name}: loads, although its layers are not alike or its matrices are two")
                continue
            loaded, worst, good = loaded + 1, max(worst, difference or 0), good and not faults
            for fault in faults:
                print(f"{directory.name}: {fault}")
        print(f"transformers {transformers.__version__}: {loaded} pruned folders load, logits within {worst:.1e}; "
              f"{refused} compact ones are refused")
        if peer:
            difference, masks, logits = importances(folder)
            good = good and difference <= IMPORTANCE and masks and logits <= TOLERANCE
            print(f"TextPruner on minilm-l6: importances within {difference:.1e}, masks {'equal' if masks else 'differ'}, "
                  f"logits of the cut models within {logits:.1e}")
            done = subprocess.run([peer, helper, "load", folder / "pruned"], check=True, capture_output=True, text=True)
            for line in map(json.loads, done.stdout.splitlines()):
                fits = line["difference"] <= TOLERANCE and not line["faults"]
                good = good and fits
                print(f"transformers 4: {line['folder']} within {line['difference']:.1e}" + ("" if fits else " FAILED"))
    return 0 if good and loaded else 1


if __name__ == "__main__":
    sys.exit(main())
