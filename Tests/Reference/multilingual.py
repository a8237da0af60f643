"""Small folders of XLM-R and of models that read its kind of tokens, for the checks beside this file.

The vocabulary is learnt on the spot from English and Chinese lines by `tokenizers` (Unigram), laid out as XLM-R's: `<s>`
0, `<pad>` 1, `</s>` 2, `<unk>` 3, the pieces, `<mask>`. `XLMRobertaTokenizer` of `transformers` writes the files.
"""

import json
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoConfig, XLMRobertaTokenizer

SIZES = dict(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96, initializer_range=0.15)
OWN = {
    **{kind: dict(max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1)
       for kind in ("roberta", "xlm-roberta", "camembert")},
    # multilingual-e5-small: BERT's body, two segments of which one is used, positions from 0, and a padding id of its own.
    "bert": dict(max_position_embeddings=512, type_vocab_size=2, pad_token_id=0),
}
FILES = ("tokenizer.json", "tokenizer_config.json")


def lines(data):
    """English and Chinese lines of the data folder."""
    english = (data / "wikitext2" / "valid.txt").read_text(encoding="utf-8").split("\n")
    chinese = (data / "chnsenticorp" / "dev.tsv").read_text(encoding="utf-8").split("\n")[1:]
    return [line.strip() for line in english if line.strip()] + [line.split("\t", 1)[-1] for line in chinese if line]


def write_tokenizer(data, folder, size=6000):
    """Learns a vocabulary, writes the tokenizer's files into a folder, and returns how many tokens there are."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(lines(data), trainer)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "learnt.json"
        tokenizer.save(str(path))
        learnt = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    pieces = [(piece, score) for piece, score in learnt if piece != "<unk>"]
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    folder.mkdir(parents=True, exist_ok=True)
    XLMRobertaTokenizer(vocab=special + pieces + [("<mask>", 0.0)], model_max_length=512).save_pretrained(folder)
    return len(special) + len(pieces) + 1


def random_model(kind, model_class, words, folder, seed=1, **own):
    """A random model of a kind, which `save_pretrained` writes into a folder; a BERT has rows that no token has."""
    torch.manual_seed(seed)
    words += 35 if kind == "bert" else 0
    config = AutoConfig.for_model(kind, vocab_size=words, **{**SIZES, **OWN[kind], **own})
    model = model_class.from_config(config)
    model.save_pretrained(folder)
    return model
