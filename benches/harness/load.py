"""From a file to the first logits, in a new process each time, the file being in the page cache."""
import statistics
import sys

from .engines import ENGINES, command
from .inference import label
from .processes import Process
from .report import table


def measure(home, arguments):
    """Seconds: inside the process, from opening the file; and of the whole process, with the interpreter and its imports."""
    model, threads = arguments.models[0], arguments.threads[-1]
    rows, failures = {}, {}
    for turn in range(4):
        for name in arguments.engines:
            if name in failures:
                continue
            print(f"load, turn {turn + 1} of 4: {name}", file=sys.stderr, flush=True)
            process = Process(home, command(home, name, model, 1, threads), threads)
            if process.error:
                failures[name] = process.error
                continue
            peak = process.ask("rss")[0]
            process.close()
            # The first fills the page cache.
            if turn > 0:
                rows.setdefault(name, []).append((process.ready["load"], process.seconds_to_ready, peak))
    medians = {name: [statistics.median(column) for column in zip(*turns)] for name, turns in rows.items()}
    return {"model": model, "threads": threads, "engines": {name: dict(zip(("load_s", "process_s", "peak_mb"), values)) for name, values in medians.items()}, "failures": failures}


def tables(results):
    rows = [[label(name), f"{row['load_s']:.2f}", f"{row['process_s']:.2f}", f"{row['peak_mb']:.0f}"] for name, row in sorted(results["engines"].items(), key=lambda item: item[1]["load_s"])]
    text = table([f"{results['model']}, batch 1, {results['threads']} threads", "load to first logits, s", "whole process, s", "peak MB"], rows)
    return text + "".join(f"\nNot run: {name}: {why}\n" for name, why in results["failures"].items())
