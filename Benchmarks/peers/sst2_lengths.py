"""Writes the token counts of SST-2's sentences, shuffled by a fixed seed, for --lengths of both sides.

    python Benchmarks/peers/sst2_lengths.py --model minilm-l6/ --train sst2/train.tsv --output sst2-lengths.txt
"""

import argparse
import os
import random

from measuring import read_tsv


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a directory with tokenizer.json")
    parser.add_argument("--train", required=True, help="GLUE TSV with columns sentence and label")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(arguments.model, "tokenizer.json"))
    # The file may ask for rows of one length, which would hide what is measured here.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts, _ = read_tsv(arguments.train)
    lengths = [len(encoding) for encoding in tokenizer.encode_batch(texts)]
    random.Random(1).shuffle(lengths)
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.writelines(f"{length}\n" for length in lengths)


if __name__ == "__main__":
    main()
