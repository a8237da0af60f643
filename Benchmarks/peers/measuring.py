"""What the peer scripts share: reading SST-2, timing with an eye on the neighbours, and saying where it ran."""

import platform
import resource
import statistics
import time
from pathlib import Path


def read_tsv(path, text_column="sentence", label_column="label"):
    """(texts, labels) of a GLUE file: tab-separated with a header, no quoting."""
    lines = Path(path).read_text(encoding="utf-8").rstrip("\n").split("\n")
    header = lines[0].split("\t")
    text, label = header.index(text_column), header.index(label_column)
    rows = [line.split("\t") for line in lines[1:]]
    return [row[text] for row in rows], [int(row[label]) for row in rows]


def machine_ticks():
    """(busy ticks of all processors, all ticks) since boot; None where there is no /proc."""
    try:
        fields = [int(value) for value in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    except OSError:
        return None
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


class Neighbours:
    """Measures the share of the machine that other processes used while a `with` block ran."""

    def __enter__(self):
        self._machine, self._own = machine_ticks(), time.process_time()
        return self

    def __exit__(self, *_):
        self.share = None
        after = machine_ticks()
        if after and self._machine and after[1] > self._machine[1]:
            own = (time.process_time() - self._own) * 100  # /proc/stat counts hundredths of a second
            self.share = max(0.0, (after[0] - self._machine[0] - own) / (after[1] - self._machine[1]))


def summary(seconds):
    """Median, best and worst of a list of times, in milliseconds."""
    milliseconds = [1000 * value for value in seconds]
    return {
        "ms_median": round(statistics.median(milliseconds), 1),
        "ms_min": round(min(milliseconds), 1),
        "ms_max": round(max(milliseconds), 1),
    }


def environment(torch, threads):
    """Where a number comes from: versions, processor, threads."""
    import transformers

    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().split("\n") if line.startswith("model name")]
        processor = names[0] if names else processor
    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": platform.python_version(),
        "processor": processor,
        "threads": threads,
    }


def peak_rss_mb():
    """The largest resident set of this process so far, in MB (10^6 bytes)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)
