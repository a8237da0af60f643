"""Writes Tests/Fixtures/tokenization/trainers.json: vocabularies that `tokenizers` (0.23.3) learns of a few texts.

    python Tests/Reference/make_trainer_fixtures.py

Unigram training sums in the order of a randomly seeded hash table, so each case is learnt five times, in processes of their
own; pieces that differ among them, and scores that differ by more than 1e-9, end the script.
"""
import json
import os
import subprocess
import sys

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from make_sentencepiece_fixtures import LEARNT

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Fixtures/tokenization/trainers.json")
TEXTS = LEARNT + [
    "the student of the student of the teacher", "  two  spaces   and\ttabs ", "it's don't we'll 2026 20 26", "naïve café naïve café 北京北京北京",
    "undrinkable unbelievable unaffable unforgettable", "\U0001f600\U0001f600 \U0001f600",
]
XLMR = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]

BYTE_LEVEL = [
    dict(vocab_size=320, min_frequency=2, special_tokens=XLMR),
    dict(vocab_size=2000, min_frequency=2, special_tokens=["<|endoftext|>", "a"]),
    dict(vocab_size=400, min_frequency=1, special_tokens=[]),
    dict(vocab_size=350, min_frequency=2, special_tokens=XLMR, prefix=True),
]
UNIGRAM = [
    dict(vocab_size=90, special_tokens=XLMR, unk_token="<unk>"),
    dict(vocab_size=140, special_tokens=["[CLS]"], unk_token="[UNK]"),
    dict(vocab_size=220, special_tokens=XLMR, unk_token="<unk>", shrinking_factor=0.6),
    dict(vocab_size=110, special_tokens=XLMR, unk_token="<unk>", max_piece_length=4, n_sub_iterations=3, initial_alphabet=["é", "Q"]),
]


def byte_level(prefix=False, **options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False, **options))
    model = json.loads(tokenizer.to_str())["model"]
    return {"tokens": sorted(model["vocab"], key=model["vocab"].get), "merges": model["merges"]}


def unigram(**options):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(TEXTS, trainers.UnigramTrainer(show_progress=False, **options))
    model = json.loads(tokenizer.to_str())["model"]
    return {"pieces": model["vocab"], "unk_id": model["unk_id"]}


def often(options):
    code = "import json,sys; from make_trainer_fixtures import unigram; print(json.dumps(unigram(**json.loads(sys.argv[1]))))"
    runs = [json.loads(subprocess.run([sys.executable, "-c", code, json.dumps(options)], capture_output=True, text=True, check=True,
                                      cwd=os.path.dirname(os.path.abspath(__file__))).stdout) for _ in range(5)]
    first = dict(runs[0]["pieces"])
    for run in runs[1:]:
        other = dict(run["pieces"])
        if set(first) != set(other):
            sys.exit(f"{options}: {set(first) ^ set(other)} differ from run to run")
        # Characters without a probability get scores in the order of the hash table.
        worst = max((abs(first[p] - other[p]), p) for p in first if len(p) > 1 or abs(first[p] - other[p]) > 0.01 * len(first))
        if worst[0] > 1e-9:
            sys.exit(f"{options}: the score of {worst[1]} differs by {worst[0]}")
    return runs[0]


def main():
    splitter = pre_tokenizers.Metaspace()
    golden = {
        "texts": TEXTS, "words": [[word for word, _ in splitter.pre_tokenize_str(text)] for text in TEXTS],
        "byte_level": [{"options": options, **byte_level(**options)} for options in BYTE_LEVEL],
        "unigram": [{"options": options, **often(options)} for options in UNIGRAM],
    }
    with open(FILE, "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
