"""Shares a cache of the Hugging Face hub with `huggingface_hub`, and pushes models that it reads back.

A hub of this machine's own (`hub_server.py`) serves one of --models. What `potstill` downloads, the Python client must find
with the network off, byte for byte and without a warning of `scan_cache_dir`; what the client downloads, `potstill` must
read with the network off. A download that was broken off is gone on with, a lock of the client is waited for, and what
`potstill push` sends in one piece or in parts must come back from `snapshot_download`.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

for switch in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT"]:
    os.environ.pop(switch, None)
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"

from huggingface_hub import HfApi, hf_hub_download, scan_cache_dir, snapshot_download  # noqa: E402
from huggingface_hub.utils import WeakFileLock  # noqa: E402

from hub_server import TOKEN, Hub  # noqa: E402

FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", required=True, help="the binary")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="minilm-l6", help="the folder of --models to serve")
    return parser.parse_args()


def expect(truth, what):
    if not truth:
        sys.exit(f"hub: {what}")


class Check:
    def __init__(self, arguments, folder):
        self.potstill, self.folder = arguments.potstill, folder
        source = arguments.models / arguments.model
        self.files = {name: (source / name).read_bytes() for name in FILES if (source / name).exists()}
        self.files["README.md"] = b"---\nlicense: apache-2.0\n---\n# A model\n"
        self.hub = Hub()
        # What Potstill has no use for.
        others = {"tf_model.h5": b"x" * 1000, "onnx/model.onnx": b"y" * 1000}
        self.commit = self.hub.add("org/model", {**self.files, **others})
        self.cache = folder / "cache"

    def run(self, *words, cache=None, fails=False, **variables):
        environment = {key: os.environ[key] for key in ["PATH", "HOME"] if key in os.environ}
        environment |= {"HF_HUB_CACHE": str(cache or self.cache), "HF_HOME": str(self.folder / "home"),
                        "HF_ENDPOINT": self.hub.endpoint, "no_proxy": "localhost,127.0.0.1", **variables}
        done = subprocess.run([self.potstill, *map(str, words)], capture_output=True, text=True, env=environment)
        expect((done.returncode != 0) == fails, f"{' '.join(map(str, words))} exited {done.returncode}:\n{done.stderr}")
        return done.stdout, done.stderr

    def asked(self, method, part):
        return [entry for entry in self.hub.log if entry["method"] == method and part in entry["path"]]

    def downloaded(self):
        """What potstill downloads, the Python client finds."""
        output, _ = self.run("inspect", "org/model", "--json", HF_TOKEN=TOKEN)
        storage = [entry for entry in self.hub.log if entry["path"].startswith("/storage/")]
        expect(storage and not any(entry["authorization"] for entry in storage), "the token went to the storage")
        expect(any(entry["authorization"] for entry in self.hub.log), "the token did not go to the hub")
        expect(not self.asked("GET", "tf_model.h5") and not self.asked("GET", "onnx"), "files that nobody reads were downloaded")
        for name, data in self.files.items():
            for revision in ["main", self.commit]:
                path = hf_hub_download("org/model", name, revision=revision, cache_dir=self.cache, local_files_only=True)
                expect(Path(path).read_bytes() == data, f"{name} differs")
                expect(os.path.islink(path) and not os.path.isabs(os.readlink(path)), f"{name} is no relative link")
        scanned = scan_cache_dir(self.cache)
        expect(not scanned.warnings and not scanned.incomplete_files, f"scan_cache_dir: {scanned}")
        [repository] = scanned.repos
        expect(repository.repo_id == "org/model" and repository.refs["main"].commit_hash == self.commit, "its reference")
        expect(repository.nb_files == len(self.files), "its files")
        # The client, with the network, downloads only what is not there.
        self.hub.log.clear()
        snapshot_download("org/model", cache_dir=self.cache, endpoint=self.hub.endpoint)
        expect(not self.asked("GET", "model.safetensors"), "the client downloaded the weights again")
        expect(not scan_cache_dir(self.cache).warnings, "scan_cache_dir after the client")
        self.hub.log.clear()
        expect(self.run("inspect", "org/model", "--json")[0] == output and not self.hub.log, "a cached model was asked for")

    def read(self):
        """What the client downloads, potstill reads with the network off; what it has begun, potstill ends."""
        cache = self.folder / "of-python"
        snapshot_download("org/model", cache_dir=cache, endpoint=self.hub.endpoint, allow_patterns=["*.json", "*.txt"])
        _, message = self.run("inspect", "org/model", cache=cache, fails=True, HF_HUB_OFFLINE="1")
        expect("only a part of this model" in message and "HF_HUB_OFFLINE" in message, message)
        self.run("tokenize", "--model", "org/model", "a film", cache=cache, HF_HUB_OFFLINE="1")
        self.hub.log.clear()
        self.run("inspect", "org/model", cache=cache)
        expect(not self.asked("GET", "/resolve/" + self.commit + "/tokenizer.json"), "the tokenizer was downloaded again")
        whole = self.folder / "whole"
        snapshot_download("org/model", cache_dir=whole, endpoint=self.hub.endpoint)
        self.run("inspect", f"org/model@{self.commit}", cache=whole, HF_HUB_OFFLINE="1")
        for folder in [cache, whole]:
            expect(not scan_cache_dir(folder).warnings, "scan_cache_dir")

    def resumed(self):
        """The part of a download that was broken off is not downloaded again."""
        data = self.files["model.safetensors"]
        oid = hashlib.sha256(data).hexdigest()
        for part, start in [(data[: len(data) // 3], len(data) // 3), (b"rubbish" * 100, 700)]:
            cache = self.folder / f"resumed-{start}"
            blobs = cache / "models--org--model" / "blobs"
            blobs.mkdir(parents=True)
            (blobs / f"{oid}.incomplete").write_bytes(part)
            self.hub.log.clear()
            self.run("inspect", "org/model", cache=cache)
            ranges = [entry["range"] for entry in self.hub.log if entry["path"] == f"/storage/{oid}" and entry["method"] == "GET"]
            # Rubbish is found out by the checksum, and everything is downloaded once more.
            expect(ranges == [f"bytes={start}-"] + ([None] if part.startswith(b"rubbish") else []), f"ranges: {ranges}")
            expect((blobs / oid).read_bytes() == data and not scan_cache_dir(cache).incomplete_files, "the blob")

    def locked(self):
        """A lock of the client is waited for."""
        cache = self.folder / "locked"
        oid = hashlib.sha256(self.files["model.safetensors"]).hexdigest()
        lock = cache / ".locks" / "models--org--model" / f"{oid}.lock"
        lock.parent.mkdir(parents=True)
        finished = []
        with WeakFileLock(lock):
            thread = threading.Thread(
                target=lambda: finished.append((self.run("inspect", "org/model", cache=cache)[1], time.time())))
            thread.start()
            time.sleep(3)
            expect(not finished, "it did not wait for the lock of the client")
            released = time.time()
        thread.join()
        expect("another program is downloading model.safetensors" in finished[0][0] and finished[0][1] >= released, finished[0][0])

    def pushed(self):
        """What potstill pushes, the client reads back."""
        student = self.folder / "student"
        student.mkdir()
        for name, data in self.files.items():
            (student / name).write_bytes(data)
        for name in ["recipe.yaml", "metrics.jsonl"]:
            (student / name).write_text("{}\n")
        token = {"HF_TOKEN": TOKEN}
        for part_size, name in [(None, "me/basic"), (3_000_000, "me/parts")]:
            self.hub.part_size = part_size
            self.hub.large.clear()
            self.hub.log.clear()
            output, _ = self.run("push", student, name, "--private", **token)
            expect(output.strip().startswith(f"{self.hub.endpoint}/{name}/commit/"), output)
            puts = [entry for entry in self.hub.log if entry["method"] == "PUT"]
            size = len(self.files["model.safetensors"])
            expect(len(puts) == (-(-size // part_size) if part_size else 1), f"{len(puts)} parts")
            expect(not any(entry["authorization"] for entry in puts), "the token went to the storage")
            local = snapshot_download(name, endpoint=self.hub.endpoint, cache_dir=self.folder / "back", token=TOKEN)
            for path, data in self.files.items():
                expect((Path(local) / path).read_bytes() == data, f"{path} came back otherwise")
            expect(not (Path(local) / "recipe.yaml").exists(), "more than the model was pushed")
            info = HfApi(endpoint=self.hub.endpoint, token=TOKEN).model_info(name)
            expect(info.private, "the repository is not private")
            again, _ = self.run("push", student, name, "--private", **token)
            expect("holds these files already" in again, again)
        _, message = self.run("push", student, "org/model", "--private", fails=True, **token)
        expect("exists and is public" in message, message)
        output, _ = self.run(
            "push", student, "me/basic", "--include", "*.yaml", "--create-pr", "--commit-message", "Add the recipe", **token)
        expect(output.strip() == f"{self.hub.endpoint}/me/basic/discussions/1", output)
        path = hf_hub_download(
            "me/basic", "recipe.yaml", revision="refs/pr/1", endpoint=self.hub.endpoint, token=TOKEN, cache_dir=self.folder / "back")
        expect(Path(path).read_text() == "{}\n", "the pull request")
        self.run("push", student, "me/basic", "--include", "*.jsonl", "--revision", "v2", **token)
        snapshot = snapshot_download(
            "me/basic", revision="v2", endpoint=self.hub.endpoint, token=TOKEN, cache_dir=self.folder / "back")
        expect((Path(snapshot) / "metrics.jsonl").exists(), "the branch")
        # The same files, pushed by the client, are nothing new; and potstill reads what the client pushes.
        HfApi(endpoint=self.hub.endpoint, token=TOKEN).create_repo("me/python")
        HfApi(endpoint=self.hub.endpoint, token=TOKEN).upload_folder(repo_id="me/python", folder_path=student)
        self.run("inspect", "me/python", cache=self.folder / "python")
        again, _ = self.run("push", student, "me/python", **token)
        expect("holds these files already" in again, again)
        _, message = self.run("push", student, "me/basic", fails=True)
        expect("needs a token" in message, message)


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(arguments, Path(folder))
        for step in [check.downloaded, check.read, check.resumed, check.locked, check.pushed]:
            step()
            print(f"  {step.__name__}: {step.__doc__}")


main()
