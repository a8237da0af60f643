"""Checks that every head Potstill saves is an ordinary Hugging Face directory.

The test `ParityExportTests`, woken by an environment variable, loads each model of Tests/Fixtures/heads, once as it is
and once for every other head, and saves it with the logits of the fixture's batch. Here `transformers` loads each with
the class its `architectures` name: nothing may be missing, unexpected or of another shape, and the logits must agree.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file
from transformers.utils import logging

from exported import ROOT, run_test

FIXTURES = ROOT / "Tests" / "Fixtures" / "heads"
TOLERANCE = 1e-5  # absolute, on logits: two float32 engines, one small layer


def logits(model, golden):
    """Of each row of the packed batch, one sequence after the other, so that nothing is padding; of a bare encoder the means of
    its last hidden states, those of two sentences side by side."""
    rows = []
    for begin, end in zip(golden["starts"], golden["starts"][1:]):
        batch = {"input_ids": torch.tensor(golden["ids"][None, begin:end].astype(np.int64))}
        if model.config.model_type in ("bert", "electra"):
            batch["token_type_ids"] = torch.tensor(golden["segments"][None, begin:end].astype(np.int64))
        found = model(**batch)
        if "last_hidden_state" in found:
            rows.append(found.last_hidden_state[0].mean(0, keepdim=True))
            continue
        rows.append(torch.stack((found.start_logits[0], found.end_logits[0]), -1) if "start_logits" in found
                    else found.logits[0].reshape(-1, found.logits.shape[-1]))
    values = torch.cat(rows)
    return (values.reshape(len(rows) // 2, -1) if "last_hidden_state" in found else values).numpy()


def check(directory, golden):
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    name, = config["architectures"]
    model, info = getattr(transformers, name).from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
    # A bare encoder has a pooler in `transformers` whether the folder has one or not.
    missing = [key for key in info["missing_keys"] if not (name.endswith("Model") and key.startswith("pooler."))]
    faults = [f"{kind} {sorted(map(str, keys))}" for kind, keys in
              (("missing_keys", missing), *((kind, info[kind]) for kind in ("unexpected_keys", "mismatched_keys"))) if keys]
    with torch.inference_mode():
        theirs = logits(model.eval(), golden)
    ours = load_file(directory / "outputs.safetensors")["logits"]
    difference = float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else float("inf")
    if not difference <= TOLERANCE:
        faults.append(f"logits differ by {difference:.2e}")
    return name, difference, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--potstill", "--models", "--data"):
        parser.add_argument(option, help="not needed here")
    parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    seen, worst, good = {}, 0.0, True
    with tempfile.TemporaryDirectory(prefix="potstill-heads-") as folder:
        run_test("exportHeads", Path(folder), "heads")
        for directory in sorted(path.parent for path in Path(folder).rglob("config.json")):
            place = directory.relative_to(Path(folder) / "heads")
            # The other heads of a fixture stand beside it, as `token-questionAnswering`.
            golden = load_file(FIXTURES / place.parent / place.name.split("-")[0] / "golden.safetensors")
            name, difference, faults = check(directory, golden)
            seen[name] = seen.get(name, 0) + 1
            worst = max(worst, difference)
            for fault in faults:
                good = False
                print(f"  FAIL {place}: {fault}")
    for name, count in sorted(seen.items()):
        print(f"  {name}: {count} directories")
    print(f"  largest difference of a logit {worst:.2e} (allowed {TOLERANCE:.0e})")
    sys.exit(0 if good and len(seen) == 25 else 1)


if __name__ == "__main__":
    main()
