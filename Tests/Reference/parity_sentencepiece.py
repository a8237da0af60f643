"""Holds Potstill to `transformers` on SentencePiece `.model` files: ids, tokens and offsets of every line must be identical.

    python Tests/Reference/parity_sentencepiece.py --potstill .build/release/potstill --data DIR

Models of both algorithms, with and without byte fallback, are trained here by the package `sentencepiece` on English and Chinese
text, and lie alone in the folders of several classes. Compared are lines of the text and `--fuzz N` random strings a model.
Exits 1 and prints the first differences if there are any.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import sentencepiece

warnings.filterwarnings("ignore")
from transformers import AutoTokenizer  # noqa: E402
from transformers.utils import logging  # noqa: E402

from tokenizer_lines import compare, lines_of, random_strings  # noqa: E402

logging.set_verbosity_error()

MODELS = {
    "unigram": dict(model_type="unigram", vocab_size=8000),
    "unigram_bytes": dict(model_type="unigram", vocab_size=4000, byte_fallback=True, user_defined_symbols=["<sep>", "the", "中国"]),
    "unigram_identity": dict(model_type="unigram", vocab_size=4000, normalization_rule_name="identity", remove_extra_whitespaces=False),
    "unigram_folded": dict(model_type="unigram", vocab_size=4000, normalization_rule_name="nmt_nfkc_cf"),
    "bpe": dict(model_type="bpe", vocab_size=6000),
    "bpe_bytes": dict(model_type="bpe", vocab_size=6000, byte_fallback=True, split_digits=True),
    "bpe_defined": dict(model_type="bpe", vocab_size=5000, user_defined_symbols=["<sep>", "the", "中国", "a.b"], add_dummy_prefix=False,
                        allow_whitespace_only_pieces=True, remove_extra_whitespaces=False, byte_fallback=True),
    "t5": dict(model_type="unigram", vocab_size=4000, pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
    "albert": dict(model_type="unigram", vocab_size=4000, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]"],
                   user_defined_symbols=["[MASK]", "(", ")", "\"", "-", ".", "–", "£", "€"], normalization_rule_name="nmt_nfkc_cf"),
}
FOLDERS = [
    ("unigram", "sentencepiece.bpe.model", {"model_type": "xlm-roberta"}), ("unigram_bytes", "sentencepiece.bpe.model", {"model_type": "xlm-roberta"}),
    ("unigram", "sentencepiece.bpe.model", {"model_type": "camembert"}), ("albert", "spiece.model", {"model_type": "albert"}),
    ("t5", "spiece.model", {"model_type": "t5"}),
] + [(name, "tokenizer.model", {"model_type": "modernbert"}) for name in
     ("unigram", "unigram_bytes", "unigram_identity", "unigram_folded", "bpe", "bpe_bytes", "bpe_defined")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--potstill", required=True)
    parser.add_argument("--models")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fuzz", type=int, default=20000, help="random strings a folder (default 20000)")
    parser.add_argument("--lines", type=int, default=6000, help="lines of each language (default 6000)")
    parser.add_argument("--only", nargs="*", help="the models to compare, all without it")
    arguments = parser.parse_args()
    english = [line for line in lines_of(str(arguments.data / "wikitext2" / "train.txt")) if line.strip()]
    chinese = lines_of(str(arguments.data / "msra-ner" / "msra_train_bio"))
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        for name, options in MODELS.items():
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(english[:8000] + chinese[:8000]), model_prefix=os.path.join(place, name), minloglevel=2,
                hard_vocab_limit=False, **options)
        lines = english[-arguments.lines:] + chinese[-arguments.lines:]
        for name, file, config in FOLDERS:
            if arguments.only and name not in arguments.only:
                continue
            model = os.path.join(place, f"{name}.model")
            folder = os.path.join(place, "folder")
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            shutil.copy(model, os.path.join(folder, file))
            Path(folder, "config.json").write_text(json.dumps(config))
            tokenizer = AutoTokenizer.from_pretrained(folder)
            names = list(tokenizer.get_vocab())
            fuzz = [text.replace("\r", " ") for text in random_strings(arguments.fuzz, [t.replace("▁", " ") for t in names], 5)]
            wrong += compare([arguments.potstill], tokenizer.backend_tokenizer, [line.replace("\r", " ") for line in lines] + fuzz,
                             f"{name} as {type(tokenizer).__name__}", {file: model, "config.json": config})
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
