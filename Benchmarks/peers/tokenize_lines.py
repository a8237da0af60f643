"""Speed of Hugging Face `tokenizers` on the lines of a file, ids, tokens and offsets: the peer of `potstill bench tokenize`.

    python Benchmarks/peers/tokenize_lines.py --model minilm-l6/ --input lines.txt

Prints one JSON object: MB/s and tokens of one pass, the median of some.
"""

import argparse
import json
import os
import statistics
import time


def load(tokenizers, folder):
    """The tokenizer of a directory, from tokenizer.json, or from vocab.txt as BERT has it."""
    path = os.path.join(folder, "tokenizer.json")
    if os.path.exists(path):
        return tokenizers.Tokenizer.from_file(path)
    with open(os.path.join(folder, "tokenizer_config.json"), encoding="utf-8") as file:
        lowercase = json.load(file).get("do_lower_case", True)
    return tokenizers.BertWordPieceTokenizer(os.path.join(folder, "vocab.txt"), lowercase=lowercase)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a Hugging Face directory with tokenizer.json")
    parser.add_argument("--input", required=True, help="a file of texts, one a line")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if arguments.threads > 1 else "false"
    os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    import tokenizers

    tokenizer = load(tokenizers, arguments.model)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    with open(arguments.input, encoding="utf-8", newline="\n") as file:
        lines = [line.rstrip("\n") for line in file]
    size = sum(len(line.encode()) for line in lines)
    seconds = []
    for _ in range(arguments.repeats + 1):
        tokens = 0
        start = time.perf_counter()
        # Blocks, as the engine under test takes them; the encodings stay on the Rust side.
        for first in range(0, len(lines), 4096):
            tokens += sum(len(encoding) for encoding in tokenizer.encode_batch(lines[first : first + 4096]))
        seconds.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "work": "tokenize",
                "peer": f"tokenizers {tokenizers.__version__}",
                "threads": arguments.threads,
                "lines": len(lines),
                "tokens": tokens,
                "mb_per_second": round(size / statistics.median(seconds[1:]) / 1e6, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
