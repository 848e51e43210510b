"""Forward passes, every engine, both networks, each batch and number of threads; with the floor."""
import sys

from . import floor
from .engines import ENGINES, command
from .processes import Process
from .report import milliseconds, ratio, table


def measure(home, arguments):
    cells = {}
    for model in arguments.models:
        layers = floor.layers(home, model)
        for batch in arguments.batches:
            for threads in arguments.threads:
                cells[f"{model} b{batch} {threads}t"] = cell(home, arguments, layers, model, batch, threads)
    return cells


def cell(home, arguments, layers, model, batch, threads):
    rates = floor.processes(home, threads)
    processes = {name: Process(home, command(home, name, model, batch, threads), threads) for name in arguments.engines}
    live = [process for process in processes.values() if not process.error]
    for _ in range(arguments.rounds):
        for process in [*rates.values(), *live]:
            process.take_turn(7 if batch < 8 else 2)
    results = {name: {"error": process.error} if process.error else process.figures() for name, process in processes.items()}
    results["floor"] = floor.compute(layers, batch, **{name: floor.rate(process) for name, process in rates.items()})
    for process in [*rates.values(), *live]:
        process.close()
    progress(f"{model}, batch {batch}, {threads} threads", results)
    return results


def progress(title, results):
    print(f"== {title}", file=sys.stderr)
    for name, figures in sorted(results.items(), key=lambda item: item[1].get("ms", 1e9)):
        rest = f"{figures['ms']:9.2f} ms" if "ms" in figures else figures["error"]
        if "turns" in figures:
            rest += f" [{figures['min_ms']:.2f}..{figures['max_ms']:.2f}] diff {figures['diff']:.1e}, {figures['disturbed_turns']} of {figures['turns']} turns disturbed"
        print(f"   {name:22}{rest}", file=sys.stderr, flush=True)


def tables(cells):
    names = [name for name in ENGINES if any("ms" in cell.get(name, {}) for cell in cells.values())]
    rows = [["floor, f32", *(milliseconds(cell["floor"]["ms"]) for cell in cells.values())]]
    rows += [[label(name), *(entry(cell.get(name, {})) for cell in cells.values())] for name in names]
    text = table(["ms", *cells], rows)
    text += "\n" + table(["ratio", *cells], [row for name in names if ENGINES[name].ours for row in ratios(name, cells)])
    text += "\n" + rates(cells)
    failures = {f"{name}: {figures['error']}" for cell in cells.values() for name, figures in cell.items() if "error" in figures}
    figures = [figures for cell in cells.values() for figures in cell.values() if "turns" in figures]
    turns, disturbed = (sum(row[key] for row in figures) for key in ("turns", "disturbed_turns"))
    text += f"\nOther programs disturbed {disturbed} of {turns} turns.\n"
    return text + "".join(f"\nNot run: {failure}\n" for failure in sorted(failures))


def label(name):
    return f"**{name}**" if ENGINES[name].ours else name


def entry(figures):
    return milliseconds(figures["ms"]) if "ms" in figures else "-"


def ratios(name, cells):
    """Of an engine of ours to the best peer of its arithmetic, and to the floor."""
    yield [f"{name} / best peer", *(against_peers(name, cell) for cell in cells.values())]
    if ENGINES[name].arithmetic == "f32":
        yield [f"{name} / floor", *(ratio(cell[name]["ms"], cell["floor"]["ms"]) if "ms" in cell[name] else "-" for cell in cells.values())]


def against_peers(name, cell):
    arithmetic = ENGINES[name].arithmetic
    peers = {
        peer: figures["ms"]
        for peer, figures in cell.items()
        if peer in ENGINES and not ENGINES[peer].ours and ENGINES[peer].arithmetic == arithmetic and "ms" in figures
    }
    if not peers or "ms" not in cell.get(name, {}):
        return "-"
    best = min(peers, key=peers.get)
    return f"{ratio(cell[name]['ms'], peers[best])} ({best})"


def rates(cells):
    """The floor of each layer, and what it was computed from."""
    names = list(dict.fromkeys(row["layer"] for cell in cells.values() for row in cell["floor"]["layers"]))
    rows = [["GFLOP/s", *(f"{cell['floor']['gflops']:.0f}" for cell in cells.values())], ["GB/s", *(f"{cell['floor']['gb_per_s']:.1f}" for cell in cells.values())]]
    for name in names:
        found = [next((row for row in cell["floor"]["layers"] if row["layer"] == name), None) for cell in cells.values()]
        rows.append([name, *(f"{milliseconds(row['ms'])}{' m' if row['bound'] == 'memory' else ''}" if row else "-" for row in found)])
    return table(["floor, ms (m: memory's)", *cells], rows)
