"""Times training, inference and distillation steps in Python: the peer of `potstill bench train-step|infer|distill-step`.

    python Benchmarks/peers/steps.py train-step --shape minilm-l6 --batch 32 --length 128 --threads 2 --steps 5
    python Benchmarks/peers/steps.py infer --shape bert-base --lengths sst2-lengths.txt
    python Benchmarks/peers/steps.py distill-step --teacher bert-base --shape t4-tiny --match L4t_hidden_mse
    python Benchmarks/peers/steps.py export-onnx --shape t4-tiny --length 32 --output t4-tiny.onnx
    python Benchmarks/peers/steps.py infer --onnx t4-tiny.onnx --shape t4-tiny --batch 1 --length 32
    python Benchmarks/peers/steps.py save --shape t4-tiny --output t4-tiny/

The options and the batches are potstill's. The steps are what a user of `transformers` and `textbrewer` gets: batches
padded to their own longest row, SDPA attention, AdamW, gradients clipped to 1. Prints one JSON object.
"""

import argparse
import json
import random
import statistics
import time

from measuring import Neighbours, environment, peak_rss_mb

# Layers, features, heads, features between the feed-forward products: potstill's shapes of these names.
SHAPES = {"bert-base": (12, 768, 12, 3072), "xlm-r-base": (12, 768, 12, 3072), "minilm-l6": (6, 384, 12, 1536),
          "t4-tiny": (4, 312, 12, 1200)}
# (teacher's layer, student's layer) of potstill's preset L4t_hidden_mse; 0 is the embeddings.
L4T_PAIRS = [(0, 0), (3, 1), (6, 2), (9, 3), (12, 4)]
# Tokens and the padding token's id of a shape's vocabulary, where they are not BERT's.
VOCABULARIES = {"xlm-r-base": (250_002, 1)}
VOCABULARY = (30_522, 0)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=("train-step", "infer", "distill-step", "export-onnx", "save"))
    parser.add_argument("--shape", default="minilm-l6", help=f"{', '.join(SHAPES)}, or a Hugging Face directory")
    parser.add_argument("--teacher", default="bert-base", help="the same for the teacher of distill-step")
    parser.add_argument("--match", choices=("L4t_hidden_mse", "none"), default="L4t_hidden_mse")
    parser.add_argument("--batch", type=int, default=32)
    lengths = parser.add_mutually_exclusive_group()
    lengths.add_argument("--length", type=int, default=128, help="tokens of every sequence")
    lengths.add_argument("--lengths", help="a file of token counts, one a line, in order, begun again at the end")
    parser.add_argument("--sorted-pools", type=int, default=0, metavar="N", help="sort lengths in pools of N batches")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2, help="steps before the clock starts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--onnx", help="infer with ONNX Runtime and this file, of export-onnx or of `potstill export`")
    parser.add_argument("--output", help="the file that export-onnx writes, or the folder of save")
    parser.add_argument("--json", action="store_true", help="accepted because potstill has it; JSON is all there is")
    return parser.parse_args()


def lengths_of_batches(arguments):
    """The lengths of the sequences of each batch, the warm-up's first; as in potstill these batches then come again."""
    size = arguments.batch
    if arguments.lengths:
        with open(arguments.lengths, encoding="utf-8") as file:
            pattern = [int(line) for line in file if line.strip()]
    else:
        pattern = [arguments.length] * size
    needed = max(arguments.steps, arguments.warmup) * size
    flat = [pattern[at % len(pattern)] for at in range(needed)]
    if arguments.sorted_pools:
        pool = arguments.sorted_pools * size
        flat = [length for at in range(0, needed, pool) for length in sorted(flat[at : at + pool])]
    batches = [flat[at : at + size] for at in range(0, needed, size)]
    if arguments.sorted_pools:
        # Training does not go from short to long either.
        random.Random(1).shuffle(batches)
    return batches[: arguments.warmup] + batches[: arguments.steps]


def padded(rows, rng, vocabulary=VOCABULARY):
    """Random ids and the mask of sequences of these lengths, as nested lists, padded to the longest."""
    width, (words, padding) = max(rows), vocabulary
    ids = [[rng.randrange(padding + 1, words) for _ in range(n)] + [padding] * (width - n) for n in rows]
    return ids, [[1] * n + [0] * (width - n) for n in rows]


def torch_batches(torch, lengths, labelled, vocabulary=VOCABULARY):
    """The batches as tensors, made before the clock starts."""
    rng, result = random.Random(1), []
    for rows in lengths:
        ids, mask = padded(rows, rng, vocabulary)
        batch = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
        if labelled:
            batch["labels"] = torch.arange(len(rows)) % 2
        result.append(batch)
    return result


def classifier(shape, **changes):
    """A classifier with two labels: random weights in a known shape, or those of a directory."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    if shape not in SHAPES:
        return AutoModelForSequenceClassification.from_pretrained(shape, attn_implementation="sdpa", **changes)
    layers, hidden, heads, intermediate = SHAPES[shape]
    own = {} if shape not in VOCABULARIES else dict(
        max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=VOCABULARIES[shape][1])
    config = AutoConfig.for_model(
        "xlm-roberta" if own else "bert", vocab_size=VOCABULARIES.get(shape, VOCABULARY)[0], num_hidden_layers=layers,
        hidden_size=hidden, num_attention_heads=heads, intermediate_size=intermediate, num_labels=2, **own, **changes,
    )
    return AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa")


def training_step(torch, arguments):
    """Forward, backward, clipping and AdamW of a classifier in training mode (dropout 0.1)."""
    model = classifier(arguments.shape).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)

    def step(batch):
        model(**batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def inference_step(torch, arguments):
    """A classifier's forward pass without anything that training needs."""
    model = classifier(arguments.shape).eval()

    def step(batch):
        with torch.inference_mode():
            model(**batch).logits.tolist()

    return step


def distillation_step(torch, arguments):
    """TextBrewer's own step (its train_on_batch), with the optimizer step of its training loop."""
    from textbrewer import DistillationConfig, GeneralDistiller, TrainingConfig

    hidden_states = arguments.match != "none"
    teacher = classifier(arguments.teacher, output_hidden_states=hidden_states).eval()
    student = classifier(arguments.shape, output_hidden_states=hidden_states).train()
    projection = ["linear", student.config.hidden_size, teacher.config.hidden_size]
    matches = [
        {"layer_T": t, "layer_S": s, "feature": "hidden", "loss": "hidden_mse", "weight": 1, "proj": projection}
        for t, s in (L4T_PAIRS if hidden_states else [])
    ]

    def adaptor(batch, outputs):
        return {
            "logits": outputs.logits,
            "hidden": outputs.hidden_states or (),
            "inputs_mask": batch["attention_mask"],
        }

    distiller = GeneralDistiller(
        TrainingConfig(device="cpu"),
        DistillationConfig(temperature=4, kd_loss_type="ce", intermediate_matches=matches),
        teacher, student, adaptor, adaptor,
    )
    # textbrewer's training loop adds the projections to the optimizer; so must this one.
    trained = [*student.parameters()]
    for layer in distiller.projs:
        trained += layer.parameters()
    optimizer = torch.optim.AdamW(trained, lr=5e-5)

    def step(batch):
        loss, _ = distiller.train_on_batch(batch, {})
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def onnx_session(arguments):
    """(a forward pass in ONNX Runtime, what it feeds on, the runtime's name); PyTorch is not loaded."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(arguments.onnx, options, providers=["CPUExecutionProvider"])
    rng, batches = random.Random(1), []
    for rows in lengths_of_batches(arguments):
        ids, mask = padded(rows, rng)
        batch = {"input_ids": numpy.array(ids), "attention_mask": numpy.array(mask)}
        if any(one.name == "token_type_ids" for one in session.get_inputs()):
            batch["token_type_ids"] = numpy.zeros_like(batch["input_ids"])
        batches.append(batch)
    return (lambda batch: session.run(["logits"], batch)), batches, f"onnxruntime {onnxruntime.__version__}"


def export_onnx(torch, arguments):
    """Writes a classifier of a fixed batch and length; the runtime prefers shapes that it knows."""
    network = classifier(arguments.shape).eval()

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask):
            return self.network(input_ids=input_ids, attention_mask=attention_mask).logits

    batch = torch_batches(torch, [[arguments.length] * arguments.batch], labelled=False)[0]
    torch.onnx.export(
        Logits(), (batch["input_ids"], batch["attention_mask"]), arguments.output, dynamo=True, verbose=False,
        input_names=["input_ids", "attention_mask"], output_names=["logits"],
    )


def save(shape, folder):
    """Writes a classifier of random weights as a Hugging Face directory, so that both sides can run the same model.

    Its vocabulary is made up: the batches are ids, and no text is read.
    """
    from pathlib import Path

    classifier(shape).save_pretrained(folder)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [f"token{number}" for number in range(VOCABULARY - len(tokens))]
    (Path(folder) / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")


def timed(step, batches, warmup):
    """(seconds of each counted step, the neighbours' share of the machine meanwhile)."""
    for batch in batches[:warmup]:
        step(batch)
    seconds = []
    with Neighbours() as neighbours:
        for batch in batches[warmup:]:
            began = time.perf_counter()
            step(batch)
            seconds.append(time.perf_counter() - began)
    return seconds, neighbours.share


def main():
    arguments = parse()
    if arguments.onnx:
        step, batches, peer = onnx_session(arguments)
        versions = {"threads": arguments.threads}
    else:
        import torch

        torch.set_num_threads(arguments.threads)
        torch.manual_seed(1)
        if arguments.work == "export-onnx":
            return export_onnx(torch, arguments)
        if arguments.work == "save":
            return save(arguments.shape, arguments.output)
        makers = {"train-step": training_step, "infer": inference_step, "distill-step": distillation_step}
        step = makers[arguments.work](torch, arguments)
        batches = torch_batches(torch, lengths_of_batches(arguments), labelled=arguments.work == "train-step",
                                vocabulary=VOCABULARIES.get(arguments.shape, VOCABULARY))
        peer = f"torch {torch.__version__}"
        versions = environment(torch, arguments.threads)
    seconds, others = timed(step, batches, arguments.warmup)
    counted = lengths_of_batches(arguments)[arguments.warmup :]
    tokens, places = sum(map(sum, counted)), sum(len(rows) * max(rows) for rows in counted)
    teacher = f"{arguments.teacher} to " if arguments.work == "distill-step" else ""
    print(json.dumps({
        "work": arguments.work,
        "peer": peer,
        "shape": teacher + arguments.shape,
        "batch": arguments.batch,
        "steps": len(seconds),
        "sorted_pools": arguments.sorted_pools,
        "ms_median": round(1000 * statistics.median(seconds), 3),
        "ms_min": round(1000 * min(seconds), 3),
        "ms_max": round(1000 * max(seconds), 3),
        "ms_mean": round(1000 * statistics.mean(seconds), 3),
        "sequences_per_second": round(sum(map(len, counted)) / sum(seconds), 3),
        "tokens_per_second": round(tokens / sum(seconds), 3),
        "real_token_share": round(tokens / places, 3),
        "peak_rss_mb": peak_rss_mb(),
        "other_cpu": None if others is None else round(others, 3),
        **versions,
    }, indent=1))


if __name__ == "__main__":
    main()
