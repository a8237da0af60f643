"""Writes Tests/Fixtures/tokenization/sentencepiece: small models trained by `sentencepiece` (0.2.3), and what `transformers`
(5.24) makes of a folder that holds such a `.model` file without `tokenizer.json` (`golden.json`); byte-pair vocabularies over
characters, and what `tokenizers` (0.23.3) makes of texts by them (`pairs.json`).

    python Tests/Reference/make_sentencepiece_fixtures.py

All texts are written here.
"""
import io
import json
import os
import shutil
import tempfile
import warnings

import sentencepiece
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

warnings.filterwarnings("ignore")
from transformers import AutoTokenizer  # noqa: E402
from transformers.utils import logging  # noqa: E402

logging.set_verbosity_error()
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Fixtures/tokenization/sentencepiece")

LEARNT = [
    "The quick brown fox jumps over the lazy dog, and the dog does not care.",
    "Distillation turns a big teacher into a small student; the student learns what the teacher knows.",
    "Unbelievably, the unaffable waiter was unable to recommend anything drinkable!",
    "It's a gripping, funny film -- one of the best of 2026 (so far).",
    "The film was not good, not bad, simply forgettable. I would not watch it again.",
    "Prices rose by 3.5% to $1,299.99 on 2026-11-23 at 22:43.",
    "The best films are those that one forgets last, and this one I have forgotten.",
    "这部电影真的很好看，这部电影真的不好看。",
    "L'élève a été à la fête, et la fête a été très réussie.",
]
OTHERS = [
    "", " ", "\t\n\r ", "a", "hello   world", "  leading and trailing  ", "\u00a0no\u2003break\u3000space\u2028line",
    "control\u0007s\u001b in\u007f\u0085side", "soft\u00adhyphen zero\u200bwidth\ufeffbom", "\ufffdbad\ufffd",
    "caf\u00e9 cafe\u0301 caf\u0065\u0301\u0323", "\u0301 mark first", "\uac00\uac01\ud55c\uae00 \u1112\u1161\u11ab", "\u0130 I\u0307 i\u0307 \u0131",
    "\U0001f600 \U0001f923 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd \u2764\ufe0f", "\u5317\u4eac2026\u5e74Swift\u7f16\u7a0b",
    "don't won't 'quoted' \u2018curly\u2019 \u201cdouble\u201d \u2014 dash\u2026", "$100 + 5 = \u20ac105 ^~`|<>", "x" * 70,
    "Привет, мир! Ёлка и йод стоят рядом.", "हिन्दी में लिखा हुआ वाक्य।", "ภาษาไทยไม่มีช่องว่าง", "العربية تُكتب من اليمين", "東京タワーとスカイツリーを見ました。",
]

# A table of replacements of one's own: the ones that come with sentencepiece take 240 kB.
RULES = [("\u2460", "1"), ("\u00bd", "1\u20442"), ("\uff21", "A"), ("\uff42", "b"), ("\u3000", " "), ("\u00a0", " "), ("\t", " "),
         ("\n", " "), ("e\u0301", "\u00e9"), ("\u2122", "TM"), ("\ufb01", "fi"), ("\u200b", ""), ("A\u030a", "\u00c5"),
         ("\u4f60\u597d", "\u60a8"), ("\u304b\u3099", "\u304c")]

MODELS = {
    "unigram": dict(model_type="unigram", vocab_size=230),
    "unigram_bytes": dict(model_type="unigram", vocab_size=460, byte_fallback=True, user_defined_symbols=["<sep>", "film", "(so", "d."]),
    "bpe": dict(model_type="bpe", vocab_size=240),
    "bpe_bytes": dict(model_type="bpe", vocab_size=480, byte_fallback=True),
    "bpe_defined": dict(model_type="bpe", vocab_size=240, user_defined_symbols=["<sep>", "film", "the"], add_dummy_prefix=False,
                        remove_extra_whitespaces=False),
    "t5": dict(model_type="unigram", vocab_size=200, pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
    "albert": dict(model_type="unigram", vocab_size=220, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1,
                   control_symbols=["[CLS]", "[SEP]"], user_defined_symbols=["[MASK]", "(", ")"]),
}

MASK = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False, "normalized": True, "single_word": False}
XLMR, COMMON = "sentencepiece.bpe.model", "tokenizer.model"

# Each: model, its name in the folder, config.json, tokenizer_config.json.
CASES = [
    ("unigram", XLMR, {"model_type": "xlm-roberta"}, None),
    ("unigram", COMMON, {"model_type": "xlm-roberta"}, {"model_max_length": 512}),
    ("unigram_bytes", XLMR, {"model_type": "xlm-roberta"}, {"add_prefix_space": False}),
    ("unigram", XLMR, {"model_type": "bert"}, {"tokenizer_class": "XLMRobertaTokenizer", "mask_token": MASK}),
    ("unigram", XLMR, {"model_type": "xlm-roberta"}, {"tokenizer_class": "XLMRobertaTokenizerFast", "bos_token": "<B>", "cls_token": "<B>",
                                                      "additional_special_tokens": ["<x>"]}),
    ("unigram", XLMR, {"model_type": "camembert"}, None),
    ("albert", "spiece.model", {"model_type": "albert"}, None),
    ("albert", "spiece.model", {"model_type": "albert"}, {"do_lower_case": False, "keep_accents": True}),
    ("t5", "spiece.model", {"model_type": "t5"}, None),
    ("t5", "spiece.model", {"model_type": "t5"}, {"extra_ids": 3}),
    ("unigram", COMMON, {"model_type": "modernbert"}, None),
    ("unigram", COMMON, {"model_type": "modernbert"}, {"legacy": False, "add_bos_token": True, "add_eos_token": True, "pad_token": "<pad>"}),
    ("unigram_bytes", COMMON, {"model_type": "bert"}, {"tokenizer_class": "PreTrainedTokenizerFast"}),
    ("bpe", COMMON, {"model_type": "modernbert"}, None),
    ("bpe_bytes", COMMON, {"model_type": "modernbert"}, {"legacy": False}),
    ("bpe_defined", COMMON, None, None),
]

TEXTS = LEARNT[3:5] + LEARNT[7:] + OTHERS + [
    "the film", "filmfilm  the film", " the  film ", "\u2581the", "the\u2581film", "<sep>film<sep> d. (so", "\u2460\u00bd\u2122 \ufb01lm A\u030a",
    "cafe\u0301 \u4f60\u597d \u304b\u3099 a\u200bb", "<s>the</s> <unk> <pad>", "the <mask> film", "the<mask>film <x><B>x", "<extra_id_0> film <extra_id_2>",
    "[CLS] the [MASK] (film) [SEP]", "qqq \U0001f600\U0001f600 \u0e01\u0e01x \u0e01", "\u5317\u4eac \u7684\u7535\u5f71\uff0c", "``the'' ''film``", "FILM Film \u00c9TAT",
]
PAIR = ["the film", "the dog  cares"]


def train(name, options, rules):
    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LEARNT), model_writer=stream, num_threads=1, minloglevel=2,
        character_coverage=0.99, hard_vocab_limit=False, normalization_rule_tsv=rules, **options)
    with open(os.path.join(FOLDER, f"{name}.model"), "wb") as file:
        file.write(stream.getvalue())


def answers(case, offsets):
    model, name, config, tokenizer_config = case
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(FOLDER, f"{model}.model"), os.path.join(folder, name))
        for file, content in (("config.json", config), ("tokenizer_config.json", tokenizer_config)):
            if content is not None:
                with open(os.path.join(folder, file), "w") as stream:
                    json.dump(content, stream)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        document = json.loads(tokenizer.backend_tokenizer.to_str())
        # Other files say these.
        for key in ("vocab", "merges"):
            document["model"].pop(key, None)
        if len(document["added_tokens"]) > 100:
            document.pop("added_tokens")
        encodings = [tokenizer(text, return_offsets_mapping=True) for text in TEXTS]
        return {
            "model": model, "name": name, "class": type(tokenizer).__name__,
            "files": {k: v for k, v in (("config.json", config), ("tokenizer_config.json", tokenizer_config)) if v is not None},
            "document": document, "size": len(tokenizer), "ids": [" ".join(map(str, e["input_ids"])) for e in encodings],
            "offsets": [" ".join(f"{a}-{b}" for a, b in e["offset_mapping"]) for e in encodings] if offsets else None,
            "pair": tokenizer(*PAIR)["input_ids"],
        }


def learn(specials, **options):
    """A byte-pair vocabulary over characters with its merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581") if not options else None
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit() if options else pre_tokenizers.Split("\u2581", "merged_with_next")
    tokenizer.train_from_iterator(
        LEARNT, trainers.BpeTrainer(vocab_size=160 + len(specials), special_tokens=specials, show_progress=False, **options))
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], model["merges"]


def pairs():
    """Documents of vocabularies over characters, and their ids and offsets of all texts."""
    every = [f"<0x{b:02X}>" for b in range(256)]
    space = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    gemma = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    words = {"type": "WhitespaceSplit"}

    def document(learnt, normalizer, pre_tokenizer, strings=False, **options):
        vocab, merges = learnt
        model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                 "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, **options, "vocab": vocab,
                 "merges": [" ".join(pair) for pair in merges] if strings else merges}
        return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normalizer,
                "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None, "model": model}

    some = learn(["<unk>"] + every[0x80:0xD0])
    bare = learn(["<unk>"])
    marked = learn(["<unk>"], continuing_subword_prefix="##", end_of_word_suffix="</w>")
    documents = [
        document(learn(["<unk>"] + every), space, gemma, unk_token="<unk>", fuse_unk=True, byte_fallback=True),
        document(some, space, None, unk_token="<unk>", fuse_unk=True, byte_fallback=True),
        document(some, None, words, strings=True, unk_token="<unk>", byte_fallback=True),
        document(bare, space, None, unk_token="<unk>", fuse_unk=True),
        document(bare, None, words, unk_token="<unk>", ignore_merges=True),
        document(bare, None, words),
        document(marked, None, words, unk_token="<unk>", continuing_subword_prefix="##", end_of_word_suffix="</w>"),
    ]
    # Tokens that no merge makes.
    documents[4]["model"]["vocab"] = {**bare[0], "knowsx": len(bare[0]), "Prices": len(bare[0]) + 1}
    texts = TEXTS + ["knowsx knowsxx Prices", "\u00fe\u00fe\u0e01the\u00fe", "\U0001f600the\U0001f600\u00fe x"]
    cases = []
    for content in documents:
        tokenizer = Tokenizer.from_str(json.dumps(content))
        encodings = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
        cases.append({"document": content, "ids": [" ".join(map(str, e.ids)) for e in encodings],
                      "offsets": [" ".join(f"{a}-{b}" for a, b in e.offsets) for e in encodings]})
    return {"texts": texts, "cases": cases}


def write(name, content):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as rules:
        for source, target in RULES:
            rules.write("\t".join(" ".join(f"{ord(c):X}" for c in text) for text in (source, target)) + "\n")
        rules.flush()
        for name, options in MODELS.items():
            train(name, options, rules.name)
    # Offsets once a model and class: options change them no further.
    kinds = [(case[0], (case[2] or {}).get("model_type")) for case in CASES]
    golden = {"texts": TEXTS, "pair": PAIR,
              "cases": [answers(case, kinds.index(kind) == index) for index, (case, kind) in enumerate(zip(CASES, kinds))]}
    write("golden.json", golden)
    write("pairs.json", pairs())


if __name__ == "__main__":
    main()
