"""How time and memory grow with the batch."""
from .engines import ENGINES, command
from .processes import Process
from .report import milliseconds, table
from .setup import MODELS

BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256]


def measure(home, arguments):
    results = {}
    threads = arguments.threads[-1]
    for name in arguments.engines:
        if not ENGINES[name].ours:
            continue
        for model in arguments.models:
            # One at a time: all of them at once would want gigabytes of weights.
            rows = [row for batch in BATCHES if (row := one(home, arguments.rounds, name, model, batch, threads))]
            if rows:
                results[f"{name}, {model}, {threads} threads"] = rows
    return results


def one(home, rounds, name, model, batch, threads):
    process = Process(home, command(home, name, model, batch, threads), threads)
    if process.error:
        return None
    for _ in range(max(3, rounds // 2)):
        process.take_turn(3 if batch <= 32 else 1)
    figures = process.figures()
    process.close()
    return {"batch": batch, "input_mb": batch * 3 * MODELS[model] ** 2 * 4 / 2**20, **figures}


def tables(results):
    parts = []
    for title, rows in results.items():
        header = [title, *(row["batch"] for row in rows)]
        parts.append(table(header, [
            ["ms", *(milliseconds(row["ms"]) for row in rows)],
            ["ms an image", *(milliseconds(row["ms"] / row["batch"]) for row in rows)],
            ["peak MB", *(f"{row['peak_mb']:.0f}" for row in rows)],
            ["of which the input", *(f"{row['input_mb']:.1f}" for row in rows)],
        ]))  # fmt: skip
    return "\n".join(parts)
