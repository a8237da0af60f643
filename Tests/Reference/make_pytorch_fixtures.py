"""Writes Tests/Fixtures/formats/*: what `torch.save` makes of tensors, and files that must be refused.

`values.safetensors` holds the values of `tensors.bin` (floats as F32, integers as I64), as PyTorch reads them back; the
other readable files hold some of the same names. Storages that PyTorch cannot write here (most significant byte first)
and archives that other programs repacked are made with `zipfile` and read back with `torch.load` before they are kept.
"""

import io
import shutil
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "formats"


def tensors():
    generator = torch.Generator().manual_seed(7)
    table = torch.randn(6, 5, generator=generator)
    cube = torch.randn(3, 4, 5, generator=generator)
    floats = torch.tensor([0.0, -0.0, 1.5, -2.25, 65504.0, 6e-8, float("inf"), float("-inf")])
    return {
        "plain": table, "transposed": table.t(), "rows": table[2:5], "columns": table[:, 1:4],
        "every.other": table[::2, 1],
        "permuted": cube.permute(2, 0, 1), "sliced": cube[1:, ::2, 3], "scalar": torch.tensor(3.5),
        "element": table[4, 3], "empty": torch.zeros(0, 7), "empty.view": table[3:3], "one": torch.ones(1, 1, 1),
        "unit.axes": torch.arange(4.0).reshape(1, 4, 1).transpose(0, 2), "owned": cube.clone(),
        "parameter": torch.nn.Parameter(torch.full((2, 2), 0.5)), "名前": torch.arange(3.0),
        "half": floats.half(), "bfloat": floats.bfloat16(), "double": floats.double() / 3,
        "half.transposed": floats.half().reshape(2, 4).t(),
        "long": torch.tensor([[2**40, -1], [0, 7]]).t(), "int": torch.tensor([-5, 2**31 - 1], dtype=torch.int32),
        "byte": torch.tensor([0, 255], dtype=torch.uint8), "bool": torch.tensor([True, False, True]),
        "short": torch.tensor([-300], dtype=torch.int16), "tiny": torch.tensor([-3], dtype=torch.int8),
        "float8": torch.tensor([1.0, -2.0]).to(torch.float8_e4m3fn), "uint16": torch.tensor([7], dtype=torch.uint16),
    }


def golden(values):
    result = {}
    for name, tensor in values.items():
        tensor = tensor.detach()
        if tensor.dtype in (torch.int16, torch.int8, torch.float8_e4m3fn, torch.uint16):
            continue  # Potstill reports such tensors and has no use for their values
        result[name] = (tensor.float() if tensor.is_floating_point() else tensor.long()).contiguous().clone()
    return result


def repack(source, target, change=lambda name, data: (name, data), compression=zipfile.ZIP_STORED, force=False):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for info in old.infolist():
            name, data = change(info.filename, old.read(info))
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = compression
            with new.open(entry, "w", force_zip64=force) as stream:
                stream.write(data)


def main():
    shutil.rmtree(FIXTURES, ignore_errors=True)
    FIXTURES.mkdir(parents=True)
    values = tensors()
    torch.save(values, FIXTURES / "tensors.bin")
    save_file(golden(torch.load(FIXTURES / "tensors.bin")), FIXTURES / "values.safetensors")

    some = {name: values[name] for name in ("plain", "transposed", "half", "double", "long", "bool")}
    torch.save(some, FIXTURES / "protocol4.bin", pickle_protocol=4)
    torch.save(some, FIXTURES / "protocol5.bin", pickle_protocol=5)
    module = torch.nn.Sequential(OrderedDict(dense=torch.nn.Linear(5, 6, bias=False), norm=torch.nn.BatchNorm1d(6)))
    with torch.no_grad():
        module.dense.weight.copy_(values["plain"])
    torch.save(module.state_dict(), FIXTURES / "module.bin")  # an OrderedDict with _metadata

    # Most significant byte first, as PyTorch writes on s390x.
    sizes = {}
    with zipfile.ZipFile(FIXTURES / "protocol4.bin") as archive:
        for tensor in some.values():
            for name in archive.namelist():
                if "/data/" in name and archive.getinfo(name).file_size == tensor.untyped_storage().nbytes():
                    if archive.read(name) == bytes(tensor.untyped_storage().tolist()):
                        sizes[name] = tensor.element_size()

    def swap(name, data):
        if name.endswith("byteorder"):
            return name, b"big"
        if name in sizes:
            data = np.frombuffer(data, dtype=np.uint8).reshape(-1, sizes[name])[:, ::-1].tobytes()
        return name, data

    repack(FIXTURES / "protocol4.bin", FIXTURES / "big_endian.bin", swap)
    # Another program's archive: descriptors nowhere, zip64 everywhere, a folder of another name, a comment.
    def move(name, data):
        return "other name/" + name.split("/", 1)[1], data

    repack(FIXTURES / "protocol4.bin", FIXTURES / "zip64.bin", move, force=True)
    with zipfile.ZipFile(FIXTURES / "zip64.bin", "a") as archive:
        archive.comment = b"a comment"
    for name in ("big_endian.bin", "zip64.bin"):
        for key, tensor in torch.load(FIXTURES / name, weights_only=False).items():
            assert torch.equal(tensor, some[key]), (name, key)

    repack(FIXTURES / "protocol4.bin", FIXTURES / "compressed.bin", compression=zipfile.ZIP_DEFLATED)
    torch.save(some, FIXTURES / "legacy.bin", _use_new_zipfile_serialization=False)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    torch.save({"epoch": 3, "state_dict": module.state_dict(), "optimizer": optimizer.state_dict(), "best": 0.5},
               FIXTURES / "training.bin")
    torch.save([torch.ones(2)], FIXTURES / "list.bin")
    torch.save({"array": np.ones(3)}, FIXTURES / "numpy.bin")
    torch.save({"expanded": torch.ones(1).expand(100)}, FIXTURES / "expanded.bin")
    torch.save({"complex": torch.ones(1, dtype=torch.complex64)}, FIXTURES / "complex.bin")
    torch.save(torch.nn.Linear(1, 1), FIXTURES / "whole_module.bin")
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), FIXTURES / "script.bin")

    class Program:
        def __reduce__(self):
            import os
            return os.system, ("echo executed",)

    torch.save({"weight": torch.ones(2), "program": Program()}, FIXTURES / "program.bin")
    for path in sorted(FIXTURES.iterdir()):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
