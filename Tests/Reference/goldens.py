"""Golden files, as the scripts beside this one write them."""

from safetensors.torch import save_file


def save(golden, path):
    """Writes tensors, floats in single precision."""
    save_file({name: value.detach().float().contiguous() if value.is_floating_point() else value.contiguous()
               for name, value in golden.items()}, path)
    print(f"{len(golden)} tensors in {path}")
