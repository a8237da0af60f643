"""Writes Tests/Fixtures/tokenization/folders.json: what `transformers` (5.24) makes of folders whose tokenizer files say
different things.

    python Tests/Reference/make_folder_fixtures.py

A case names its `tokenizer.json` (null for none) by its place in `documents`, the text files it has instead by their place in
`vocabularies`, and its result by its place in `results`; its other files are written out.
"""
import json
import logging
import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
logging.disable(logging.CRITICAL)

import transformers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoTokenizer

transformers.logging.set_verbosity_error()
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Fixtures/tokenization/folders.json")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = SPECIAL + ["<s>", "</s>", "the", "room", "apple", "Apple", "cafe", "café", "Caf", "##é", "##e", "caf", "中", "国",
                   "##国", "中国", "[", "]", "new", "##new", "a", "b", "##b", "x", "lower", "UNKS", "mark", ".", ",", "##p",
                   "app", "APP", "##LE"]
BYTES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] + sorted(ByteLevel.alphabet())
BYTES += ["Ġt", "he", "Ġthe", "th", "the", "Ġr", "oo", "room"]
MERGES = ["Ġ t", "h e", "Ġt he", "t h", "th e", "Ġ r", "o o"]
TEXTS = ["Apple Café cafe 中国", "the room", "[CLS] the [MASK] <s> room .", "NEW new mark [UNKS] [new] b ab [E1][E2] [E3]",
         "APPLE x</s>", "  the\x07 the <mask> the <pad>", "a" * 101]
PAIR = ("the room", "new b")
UNSET = "unset"


def added(tokens, vocabulary, lstrip=()):
    return [{"id": vocabulary.index(t), "content": t, "single_word": False, "lstrip": t in lstrip, "rstrip": False,
             "normalized": False, "special": True} for t in tokens]


def word_piece(lower=True, strip=None, han=True, clean=True, template="bert", specials=SPECIAL, unk="[UNK]", prefix="##",
               limit=100):
    pieces = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    processor = {"bert": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, "none": None, "short": {
        "type": "TemplateProcessing", "single": pieces, "pair": pieces + [{"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}}}[template]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added(specials, WORDS),
            "normalizer": {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": han,
                           "strip_accents": strip, "lowercase": lower},
            "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": processor,
            "decoder": {"type": "WordPiece", "prefix": prefix, "cleanup": True},
            "model": {"type": "WordPiece", "unk_token": unk, "continuing_subword_prefix": prefix,
                      "max_input_chars_per_word": limit, "vocab": {t: i for i, t in enumerate(WORDS)}}}


def byte_level(prefix=False, trim=True, processor="roberta", specials=BYTES[:5], lstrip=("<mask>",), regex=True):
    processors = {"roberta": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": trim,
                              "add_prefix_space": prefix}, "none": None,
                  "bytes": {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": True}}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added(specials, BYTES, lstrip),
            "normalizer": None,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex},
            "post_processor": processors[processor],
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                      "end_of_word_suffix": "", "fuse_unk": False, "vocab": {t: i for i, t in enumerate(BYTES)},
                      "merges": MERGES}}


documents, vocabularies, results, cases = [], [], [], []


def case(name, document, configuration=None, model="bert", vocabulary=None, **files):
    """One folder; `files` by name without .json, the text files of `vocabulary` by name."""
    files = {key + ".json": value for key, value in files.items()}
    if model is not None:
        files["config.json"] = model if isinstance(model, dict) else {"model_type": model}
    if configuration is not None:
        files["tokenizer_config.json"] = configuration
    with tempfile.TemporaryDirectory() as folder:
        for file, value in (files | (vocabulary or {"tokenizer.json": document})).items():
            with open(os.path.join(folder, file), "w") as handle:
                handle.write(value if isinstance(value, str) else json.dumps(value))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        encodings = [tokenizer(text, return_offsets_mapping=True) for text in TEXTS]
        pair = tokenizer(*PAIR, return_token_type_ids=True)
    if document and document not in documents:
        documents.append(document)
    if vocabulary and vocabulary not in vocabularies:
        vocabularies.append(vocabulary)
    result = {"ids": [e.input_ids for e in encodings], "offsets": [e.offset_mapping for e in encodings],
              "pair": pair.input_ids, "segments": pair.token_type_ids}
    if result not in results:
        results.append(result)
    cases.append({"name": name, "document": documents.index(document) if document else None,
                  "result": results.index(result), "files": files}
                 | ({"vocabulary": vocabularies.index(vocabulary)} if vocabulary else {}))


def options(**fields):
    return {key: value for key, value in fields.items() if value is not UNSET}


def main():
    described = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True}
    for name in [UNSET, "BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "PreTrainedTokenizerFast"]:
        for lower in [UNSET, True, False]:
            for own in [True, False]:
                case("lower case", word_piece(lower=own), options(tokenizer_class=name, do_lower_case=lower))
    for name in ["BertTokenizer", "PreTrainedTokenizerFast"]:
        for strip in [UNSET, None, True, False]:
            for own in [None, True, False]:
                case("accents", word_piece(strip=own), options(tokenizer_class=name, strip_accents=strip))
        case("accents", word_piece(), options(tokenizer_class=name, strip_accents=True, do_lower_case=False))
        for han in [UNSET, True, False]:
            for own in [True, False]:
                case("Chinese", word_piece(han=own), options(tokenizer_class=name, tokenize_chinese_chars=han))
        for fields in [
                {"cls_token": "<s>"}, {"sep_token": "</s>"}, {"cls_token": "<s>", "sep_token": "</s>"}, {"unk_token": "x"},
                {"cls_token": "[E1]"}, {"mask_token": "[new]"}, {"pad_token": "a"}, {"eos_token": "mark"},
                {"foo_token": "mark"}, {"additional_special_tokens": ["new", "[E1]"]},
                {"extra_special_tokens": ["new", "[E1]"]},
                {"mask_token": {"__type": "AddedToken", "content": "mark", **described, "lstrip": True}},
                {"added_tokens_decoder": {"33": {"content": "x", **described}, "40": {"content": "[UNKS]", **described}}},
                {"added_tokens_decoder": {"4": {"content": "[MASK]", **described, "lstrip": True}}},
                {"added_tokens_decoder": {}}]:
            for template in ["bert", "short", "none"]:
                case("names", word_piece(template=template), {"tokenizer_class": name, **fields})
        for files in [
                {"added_tokens": {"[E1]": 38, "new": 23}}, {"special_tokens_map": {"cls_token": "<s>"}},
                {"special_tokens_map": {"additional_special_tokens": ["[E2]", "mark"]}},
                {"special_tokens_map": {"mask_token": {"content": "[MASK]", "lstrip": True, "rstrip": False,
                                                       "single_word": False, "normalized": False}}},
                {"added_tokens": {"[E1]": 39, "[E3]": 38},
                 "special_tokens_map": {"additional_special_tokens": ["[E3]"]}}]:
            for fields in [{}, {"cls_token": "[CLS]"}, {"added_tokens_decoder": {}}]:
                case("files beside", word_piece(), {"tokenizer_class": name, **fields}, **files)
                case("files beside", word_piece(specials=[]), {"tokenizer_class": name, **fields}, **files)
        for document in [word_piece(clean=False), word_piece(limit=3), word_piece(prefix="@@"), word_piece(unk="x")]:
            case("options without a field", document, {"tokenizer_class": name})
    for model in ["bert", "distilbert", "electra", "bigru", None]:
        case("model type", word_piece(lower=False), model=model)
        case("model type", word_piece(lower=False), {"tokenizer_class": "BertTokenizer"}, model)
    for name in ["PreTrainedTokenizerFast", "BertTokenizer"]:
        case("class in config.json", word_piece(lower=False), model={"model_type": "bert", "tokenizer_class": name})
    case("class of another family", word_piece(lower=False), {"tokenizer_class": "BertTokenizer"}, "roberta")
    for name in [UNSET, "RobertaTokenizer", "RobertaTokenizerFast", "BartTokenizer", "GPT2Tokenizer",
                 "PreTrainedTokenizerFast"]:
        for prefix in [UNSET, True, False]:
            for own in [True, False]:
                case("prefix space", byte_level(prefix=own), options(tokenizer_class=name, add_prefix_space=prefix),
                     "roberta")
    for name in ["RobertaTokenizer", "PreTrainedTokenizerFast"]:
        for trim in [UNSET, True, False]:
            for own in [True, False]:
                case("offsets", byte_level(trim=own), options(tokenizer_class=name, trim_offsets=trim), "roberta")
        for document in [byte_level(processor="none"), byte_level(processor="bytes"), byte_level(lstrip=()),
                         byte_level(specials=[]), byte_level(regex=False)]:
            case("byte-level parts", document, {"tokenizer_class": name}, "roberta")
        for fields in [{"cls_token": "<pad>"}, {"sep_token": "<pad>"}, {"cls_token": "[E1]"}, {"bos_token": "<pad>"},
                       {"mask_token": "<pad>"}, {"additional_special_tokens": ["[E1]"]}]:
            case("byte-level names", byte_level(), {"tokenizer_class": name, **fields}, "roberta")
    for model in ["bert", "bigru"]:
        case("byte-level model type", byte_level(prefix=True), {"tokenizer_class": "RobertaTokenizer"}, model)
    for fields in [{}, {"added_tokens_decoder": {}}, {"cls_token": "[CLS]"}, {"pad_token": None}, {"eos_token": "mark"},
                   {"split_special_tokens": True}]:
        for name in ["PreTrainedTokenizerFast", "BertTokenizer"]:
            for specials in [[], ["[MASK]"], ["[CLS]", "[SEP]"], SPECIAL]:
                case("few added tokens", word_piece(specials=specials), {"tokenizer_class": name, **fields})
    for fields in [{}, {"added_tokens_decoder": {}}, {"cls_token": "<pad>"}, {"cls_token": "<pad>", "bos_token": "<pad>"},
                   {"pad_token": None}, {"split_special_tokens": True}]:
        for name in ["PreTrainedTokenizerFast", "RobertaTokenizer", "GPT2Tokenizer"]:
            for specials in [[], ["<mask>"], BYTES[:5]]:
                case("byte-level, few added tokens", byte_level(specials=specials), {"tokenizer_class": name, **fields},
                     "roberta")
    words = {"vocab.txt": "".join(word + "\n" for word in WORDS)}
    pieces = {"vocab.json": json.dumps({t: i for i, t in enumerate(BYTES)}, ensure_ascii=False),
              "merges.txt": "#version: 0.2\n" + "".join(merge + "\n" for merge in MERGES)}
    for fields in [{}, {"sep_token": "</s>"}, {"pad_token": None}, {"split_special_tokens": True}]:
        case("vocabulary alone", None, {"tokenizer_class": "BertTokenizer", **fields}, vocabulary=words)
    for fields in [{}, {"sep_token": "<pad>"}, {"cls_token": "<unk>"}, {"pad_token": None}, {"add_prefix_space": True}]:
        for name in ["RobertaTokenizer", "GPT2Tokenizer"]:
            case("merges alone", None, {"tokenizer_class": name, **fields}, "roberta", vocabulary=pieces)
    with open(FILE, "w") as handle:
        head = json.dumps({"texts": TEXTS, "pair": PAIR}, ensure_ascii=False)[:-1]
        lists = [f'"{name}": [\n' + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"
                 for name, rows in [("documents", documents), ("vocabularies", vocabularies), ("results", results), ("cases", cases)]]
        handle.write(head + ",\n" + ",\n".join(lists) + "}\n")
    print(len(cases), "cases,", len(documents), "documents")


if __name__ == "__main__":
    main()
