"""Exports models of every family with every head, and runs them in ONNX Runtime.

`onnx.checker` must take each file, inputs and outputs must have the names, types and axes that optimum gives them, and the
outputs of tokens must equal those of `transformers` on batches of several shapes with padding. The models are small random ones of
`transformers`, the students of `Fixtures/students` with their golden values, the folders of `--models`, and those that
`--folders` names. Exports in 8-bit integers are run beside: of every family and head for their form, and of a classifier that is
trained on SST-2 for its answers, beside those of Float32 and of Potstill's own integers. The classes of optimum are tried too where `--optimum` names a Python that has it: it wants transformers 4.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers import (AutoModelForMaskedLM, AutoModelForQuestionAnswering, AutoModelForSequenceClassification,
                          AutoModelForTokenClassification)
from transformers.utils import logging

import multilingual

TOLERANCE = 1e-4  # absolute; two float32 engines that add in different orders, at most twelve layers deep
FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures"
SHAPES = [[1], [7], [40], [12, 5, 9], [3, 33, 1, 18, 33]]  # lengths of the sequences of a batch
CLASSES = {"ForSequenceClassification": AutoModelForSequenceClassification, "ForMaskedLM": AutoModelForMaskedLM,
           "ForTokenClassification": AutoModelForTokenClassification,
           "ForQuestionAnswering": AutoModelForQuestionAnswering, "Model": AutoModel}
SIZES = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=80)
FAMILIES = {
    "bert": dict(SIZES, type_vocab_size=2),
    "bert-relu-one-segment": dict(SIZES, type_vocab_size=1, hidden_act="relu"),
    "roberta": dict(SIZES, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5, hidden_act="gelu_new"),
    "xlm-roberta": dict(SIZES, type_vocab_size=1, pad_token_id=0, layer_norm_eps=1e-5, hidden_act="silu"),
    "camembert": dict(SIZES, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5),
    "electra": dict(SIZES, embedding_size=32),
    "electra-wide": dict(SIZES, embedding_size=48, hidden_act="quick_gelu"),
    "distilbert": dict(dim=48, n_layers=2, n_heads=3, hidden_dim=80, activation="mish"),
}
HEADS = {
    "classes": ("ForSequenceClassification", dict(num_labels=3)),
    "labels": ("ForSequenceClassification", dict(num_labels=4, problem_type="multi_label_classification")),
    "number": ("ForSequenceClassification", dict(num_labels=1, problem_type="regression")),
    "tags": ("ForTokenClassification", dict(num_labels=5)),
    "answers": ("ForQuestionAnswering", {}),
    "words": ("ForMaskedLM", {}),
    "states": ("Model", {}),
    "mean": ("Model", dict(pooling="mean")),
    "cls": ("Model", dict(pooling="cls")),
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folders", type=Path, nargs="*", default=[], help="further folders to export")
    parser.add_argument("--optimum", default=os.environ.get("POTSTILL_OPTIMUM_PYTHON"),
                        help="a Python with optimum-onnx, onnxruntime and transformers 4")
    return parser.parse_args()


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} exited {done.returncode}:\n{done.stderr}")
    return done.stdout


def export(potstill, folder, output, *options):
    run(potstill, "export", folder, "--onnx", "--output", output, "--quiet", *options)
    return output


def session(output, name="model.onnx"):
    """The model in ONNX Runtime, once `onnx` has found nothing wrong with it."""
    path = output / "onnx" / name
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(str(path))
    versions = (model.ir_version, [(entry.domain, entry.version) for entry in model.opset_import])
    if versions != (8, [("", 17)]):
        sys.exit(f"{path}: {versions}")
    names = [tensor.name for tensor in model.graph.initializer] + [node.name for node in model.graph.node]
    if len(names) != len(set(names)):
        sys.exit(f"{path}: a name stands twice")
    return onnxruntime.InferenceSession(str(path))


def check_ports(output, runtime, segments, outputs):
    names = ["input_ids", "attention_mask"] + ["token_type_ids"] * segments
    expected = [(name, ["batch_size", "sequence_length"], "tensor(int64)") for name in names]
    found = [(port.name, port.shape, port.type) for port in runtime.get_inputs()]
    if found != expected:
        sys.exit(f"{output}: inputs {found}, expected {expected}")
    found = {port.name: port.shape for port in runtime.get_outputs()}
    if found != outputs:
        sys.exit(f"{output}: outputs {found}, expected {outputs}")


def batch(lengths, words, padding, segments, seed=0):
    """Random ids with padding behind the texts, of which the padding id is no part."""
    random = np.random.default_rng(seed)
    ids = random.integers(3, words, (len(lengths), max(lengths)))
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    inputs = {"input_ids": np.where(mask == 1, ids, padding), "attention_mask": mask}
    if segments:
        inputs["token_type_ids"] = np.where(mask == 1, (ids // 2) % segments, 0)
    return inputs


def difference(found, expected, mask):
    """The largest between outputs a sequence or a token, those of padding left out."""
    if found.shape != expected.shape:
        sys.exit(f"found the shape {found.shape}, expected {expected.shape}")
    apart = np.abs(found.astype(np.float64) - expected)
    return apart.max() if found.shape[:2] != mask.shape else apart[mask == 1].max()


def pooled(states, mask, how):
    if how == "cls":
        return states[:, 0]
    return (states * mask[..., None]).sum(1) / mask.sum(1)[:, None]


def check(output, source, inputs, cases):
    """Compares an export with `transformers` on the folder that it was made of; notes inputs and outputs for optimum."""
    config = json.loads((output / "config.json").read_text())
    suffix = next(suffix for suffix in CLASSES if config["architectures"][0].endswith(suffix))
    model = CLASSES[suffix].from_pretrained(source, dtype=torch.float32).eval()
    runtime = session(output)
    pooling = config.get("pooling") if suffix == "Model" else None
    ports = {port.name: port.shape for port in runtime.get_outputs()}
    axes = ["batch_size", "sequence_length"]
    labels = len(config["id2label"])
    width = getattr(model.config, "hidden_size", None)
    expected_ports = {
        "ForSequenceClassification": {"logits": axes[:1] + [labels]}, "ForTokenClassification": {"logits": axes + [labels]},
        "ForQuestionAnswering": {"start_logits": axes, "end_logits": axes},
        "ForMaskedLM": {"logits": axes + [config["vocab_size"]]},
        "Model": {"last_hidden_state": axes + [width]} | ({"sentence_embedding": axes[:1] + [width]} if pooling else {}),
    }[suffix]
    segments = config["model_type"] in ("bert", "electra")
    check_ports(output, runtime, segments, expected_ports)
    worst = 0.0
    for values in inputs:
        with torch.no_grad():
            result = model(**{name: torch.from_numpy(value) for name, value in values.items()})
        expected = {name: result[name].double().numpy() for name in ports if name != "sentence_embedding"}
        if pooling:
            expected["sentence_embedding"] = pooled(
                expected["last_hidden_state"], values["attention_mask"], pooling)
        found = dict(zip(ports, runtime.run(list(ports), values)))
        for name in ports:
            worst = max(worst, difference(found[name], expected[name], values["attention_mask"]))
        cases.append({"folder": str(output), "suffix": suffix, "inputs": values, "outputs": expected})
    if not worst <= TOLERANCE:
        sys.exit(f"{output.name}: the largest difference is {worst:.2e}, more than {TOLERANCE}")
    return worst


def check_families(options, folder, cases):
    tokenizer = options.models / "minilm-l6"
    for family, sizes in FAMILIES.items():
        worst = 0.0
        for head, (suffix, own) in HEADS.items():
            torch.manual_seed(len(family) + len(head))
            kind = family.split("-")[0] if family != "xlm-roberta" else family
            words = 30522 if kind in ("bert", "distilbert") and head == "classes" else 30600
            config = AutoConfig.for_model(
                kind, vocab_size=words, initializer_range=0.15, max_position_embeddings=48, **sizes, **own)
            source = folder / f"{family}-{head}"
            CLASSES[suffix].from_config(config).save_pretrained(source)
            for name in ["vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]:
                shutil.copy(tokenizer / name, source / name)
            segments = sizes.get("type_vocab_size", 2) if kind in ("bert", "electra") else 0
            batches = [batch(lengths, words, config.pad_token_id, segments) for lengths in SHAPES]
            output = export(options.potstill, source, folder / f"{family}-{head}-onnx")
            worst = max(worst, check(output, source, batches, cases))
        print(f"{family}: {len(HEADS)} heads, {len(SHAPES)} shapes each, largest difference {worst:.1e}")


def check_students(options, folder):
    """The students of the fixtures, whose hidden states and logits come from PyTorch's own modules."""
    for fixture in sorted((FIXTURES / "students").iterdir()):
        golden = load_file(fixture / "golden.safetensors")
        lengths = np.diff(golden["starts"]).tolist()
        mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
        # Padding of an id that a text could have: it must not be seen.
        ids = np.full(mask.shape, 7)
        ids[mask == 1] = golden["ids"]
        states = golden[max((name for name in golden if name.startswith("hidden.")), key=lambda name: int(name[7:]))]
        worst, heads = 0.0, [None, "mean", "cls"]
        for pooling in heads:
            source = folder / f"{fixture.name}-{pooling}"
            shutil.copytree(fixture, source)
            (source / "golden.safetensors").unlink()
            words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [chr(97 + index) for index in range(26)]
            words += [str(index) for index in range(9)]
            (source / "vocab.txt").write_text("\n".join(words) + "\n")
            config = json.loads((source / "config.json").read_text())
            if pooling:
                own = {"pooling": pooling, "architectures": [config["architectures"][0].split("For")[0] + "Model"]}
                (source / "config.json").write_text(json.dumps({**config, **own}))
            output = export(options.potstill, source, folder / f"{source.name}-onnx")
            runtime = session(output)
            found = dict(zip([port.name for port in runtime.get_outputs()],
                             runtime.run(None, {"input_ids": ids, "attention_mask": mask})))
            if pooling:
                padded = np.zeros(mask.shape + states.shape[1:])
                padded[mask == 1] = states
                pairs = [(found["last_hidden_state"][mask == 1], states),
                         (found["sentence_embedding"], pooled(padded, mask, pooling))]
            elif "start_logits" in found:
                pairs = [(found[f"{name}_logits"][mask == 1], golden["logits"][:, column])
                         for column, name in enumerate(["start", "end"])]
            else:
                logits = found["logits"]
                pairs = [(logits if logits.ndim == 2 else logits[mask == 1], golden["logits"])]
            for one, other in pairs:
                assert one.shape == other.shape, (fixture, one.shape, other.shape)
                worst = max(worst, np.abs(one - other).max())
        if not worst <= TOLERANCE:
            sys.exit(f"{fixture.name}: the largest difference is {worst:.2e}")
        print(f"{fixture.name}: {len(heads)} heads, largest difference {worst:.1e}")


TEXTS = ["a gripping, funny film", "it was written by Ada Lovelace in London", "no", "北京欢迎你，这部电影很感人。 " * 4]


def check_folders(options, folder, cases):
    """Real folders, with the tokenizer that the export holds."""
    models = [model for model in sorted(options.models.iterdir()) if (model / "config.json").exists()]
    words = multilingual.write_tokenizer(options.data, folder / "unigram")
    for kind, head in (("xlm-roberta", AutoModelForSequenceClassification), ("bert", AutoModel)):
        models.append(folder / f"{kind}-unigram")
        multilingual.random_model(kind, head, words, models[-1])
        for name in multilingual.FILES:
            shutil.copy(folder / "unigram" / name, models[-1] / name)
    for source in models + options.folders:
        output = export(options.potstill, source.resolve(), folder / f"{source.parent.name}-{source.name}-onnx")
        tokenizer = AutoTokenizer.from_pretrained(output)
        texts = [tokenizer(texts, padding=True, return_tensors="np") for texts in ([TEXTS[0]], TEXTS, TEXTS[:2])]
        pairs = tokenizer(TEXTS[:3], TEXTS[1:], padding=True, return_tensors="np")
        own = ("input_ids", "attention_mask", "token_type_ids")
        for encoded in (*texts, pairs):
            # Vocabularies like XLM-R's have one segment, which they leave out.
            encoded.setdefault("token_type_ids", np.zeros_like(encoded["input_ids"]))
        segments = json.loads((output / "config.json").read_text())["model_type"] in ("bert", "electra")
        inputs = [{name: value.astype(np.int64) for name, value in encoded.items()
                   if name in own[:2 + segments]} for encoded in texts + [pairs]]
        worst = check(output, source, inputs, cases)
        size = (output / "onnx" / "model.onnx").stat().st_size
        print(f"{source}: {size / 1e6:.1f} MB, largest difference {worst:.1e}")


INTEGERS = "model_quantized.onnx"
STEPS, ROWS = 150, 872  # of SST-2: enough to be far from chance, and all validation rows


def check_integer_forms(options, folder):
    """Every family and head in 8-bit integers: a good file with the same ports, and outputs near those of Float32."""
    for family in FAMILIES:
        errors = []
        for head in HEADS:
            source = folder / f"{family}-{head}"
            output = export(options.potstill, source, folder / f"{family}-{head}-int8", "--precision", "int8")
            whole, small = session(folder / f"{family}-{head}-onnx"), session(output, INTEGERS)
            ports = [[(port.name, port.shape, port.type) for port in getattr(one, get)()]
                     for get in ("get_inputs", "get_outputs") for one in (whole, small)]
            if ports[0] != ports[1] or ports[2] != ports[3]:
                sys.exit(f"{output}: {ports}")
            config = json.loads((output / "config.json").read_text())
            kind = config["model_type"]
            segments = FAMILIES[family].get("type_vocab_size", 2) if kind in ("bert", "electra") else 0
            squares = np.zeros(2)  # of errors and of outputs, over all shapes
            for lengths in SHAPES:
                values = batch(lengths, config["vocab_size"], config["pad_token_id"], segments)
                for one, other in zip(whole.run(None, values), small.run(None, values)):
                    if one.shape[:2] == values["attention_mask"].shape:
                        one, other = (array[values["attention_mask"] == 1] for array in (one, other))
                    squares += [((other - one) ** 2).sum(), (one ** 2).sum()]
            errors.append(float(np.sqrt(squares[0] / squares[1])))
        # Steps of one range of random weights in two layers of 48 features; trained ones are below.
        if not max(errors) < 0.25:
            sys.exit(f"{family}: integers are {max(errors):.2f} of the outputs' size off")
        print(f"{family} in 8-bit integers: {len(HEADS)} heads, {np.median(errors):.3f} of the outputs' size off, at most {max(errors):.3f} "
              "(random weights)")


def check_integer_answers(options, folder):
    """A classifier of SST-2 in ONNX Runtime: Float32, integers, and Potstill's own integers as the teacher of a step."""
    data, teacher = ["--task", "sst2", "--data", options.data / "sst2"], folder / "sst2"
    run(options.potstill, "train", *data, "--model", options.models / "minilm-l6", "--output", teacher, "--max_steps", STEPS,
        "--per-device-train-batch-size", "32", "--warmup-ratio", "0.1", "--learning-rate", "1e-4", "--quiet")
    run(options.potstill, "distill", *data, "--teacher", teacher, "--teacher-precision", "int8", "--student", "T1", "--output",
        folder / "sst2-step", "--max_steps", "1", "--max-train-samples", "32", "--quiet")
    own = json.loads((folder / "sst2-step" / "all_results.json").read_text())
    whole = export(options.potstill, teacher, folder / "sst2-onnx")
    small = export(options.potstill, teacher, folder / "sst2-int8", "--precision", "int8")
    sizes = [(whole / "onnx" / "model.onnx").stat().st_size, (small / "onnx" / INTEGERS).stat().st_size]
    runtime = json.loads((small / "ort_config.json").read_text())
    config = json.loads((small / "config.json").read_text())
    if runtime["quantization"]["weights_dtype"] != "QInt8" or config["transformers.js_config"]["dtype"] != "q8":
        sys.exit(f"{small}: {runtime}, {config['transformers.js_config']}")
    tokenizer = AutoTokenizer.from_pretrained(small)
    rows = [line.split("\t") for line in next((options.data / "sst2").glob("dev.tsv")).read_text().splitlines()[1:ROWS + 1]]
    labels = np.array([int(row[1]) for row in rows])
    logits = []
    for model in (session(whole), session(small, INTEGERS)):
        parts = []
        for start in range(0, len(rows), 32):
            encoded = tokenizer([row[0].strip() for row in rows[start:start + 32]], padding=True, truncation=True, max_length=128,
                                return_tensors="np")
            parts.append(model.run(["logits"], {port.name: encoded[port.name].astype(np.int64) for port in model.get_inputs()})[0])
        logits.append(np.concatenate(parts))
    scores = [float((one.argmax(1) == labels).mean()) for one in logits]
    same = float((logits[0].argmax(1) == logits[1].argmax(1)).mean())
    apart = float(np.sqrt(((logits[1] - logits[0]) ** 2).mean()) / logits[0].std())
    print(f"SST-2, {len(rows)} rows in ONNX Runtime: accuracy {scores[0]:.4f} in Float32, {scores[1]:.4f} in 8-bit integers ({100 * same:.1f} % "
          f"the same, logits {apart:.3f} standard deviations off); Potstill {own['teacher_eval_accuracy']:.4f} and "
          f"{own['teacher_int8_eval_accuracy']:.4f}; {sizes[0] / 1e6:.1f} MB and {sizes[1] / 1e6:.1f} MB")
    if abs(scores[0] - own["teacher_eval_accuracy"]) > 1e-9 or abs(scores[1] - scores[0]) > 0.01 or same < 0.97:
        sys.exit("the answers in 8-bit integers are too far off")
    if not sizes[0] > 3.8 * sizes[1]:
        sys.exit("the file of integers is too large")


def check_optimum(options, folder, cases):
    if not options.optimum:
        print("optimum: not tried; name a Python that has it with --optimum or POTSTILL_OPTIMUM_PYTHON")
        return
    for index, case in enumerate(cases):
        np.savez(folder / f"case-{index}.npz", **{f"in.{k}": v for k, v in case["inputs"].items()},
                 **{f"out.{k}": v for k, v in case["outputs"].items()})
    listing = [{"folder": case["folder"], "suffix": case["suffix"], "values": str(folder / f"case-{index}.npz")}
               for index, case in enumerate(cases)]
    (folder / "cases.json").write_text(json.dumps(listing))
    script = Path(__file__).with_name("optimum_loader.py")
    done = subprocess.run([options.optimum, script, folder / "cases.json", str(TOLERANCE)])
    if done.returncode != 0:
        sys.exit("optimum: it does not agree")


def main():
    options = parse()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        folder, cases = Path(name), []
        check_families(options, folder, cases)
        check_integer_forms(options, folder)
        check_students(options, folder)
        check_folders(options, folder, cases)
        check_integer_answers(options, folder)
        check_optimum(options, folder, cases)


if __name__ == "__main__":
    main()
