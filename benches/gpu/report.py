"""The measurements as a table."""


def best_peer(cell, kind):
    times = [times[kind] for name, times in cell["times"].items() if name != "ours"]
    return min(times) if times else None


def columns(cells):
    names = []
    for cell in cells:
        names += [name for name in cell["times"] if name not in names]
    return ["ours"] + [name for name in names if name != "ours"]


def row(cell):
    """One cell as a line, for whoever waits."""
    times = ", ".join(f"{name} {kinds['latency']:.3f}" for name, kinds in cell["times"].items())
    left = "".join(f"; {name}: {why}" for name, why in cell["left_out"].items())
    return f"{cell['network']} batch {cell['batch']} {cell['arithmetic']}: ms {times}{left}"


def table(cells, kind):
    names = columns(cells)
    lines = [f"| network | batch | | {' | '.join(names)} | floor | ours / best peer | images/s |",
             "|---" * (len(names) + 6) + "|"]
    for cell in cells:
        number = lambda name: f"{cell['times'][name][kind]:.3f}" if name in cell["times"] else "-"
        own, peer = cell["times"].get("ours", {}).get(kind), best_peer(cell, kind)
        ratio = f"{own / peer:.2f}" if own and peer else "-"
        rate = f"{cell['batch'] / own * 1e3:,.0f}" if own else "-"
        bound = f"{cell['floor']:.3f}" if "floor" in cell else "-"
        values = [cell["network"], str(cell["batch"]), cell["arithmetic"], *map(number, names), bound, ratio, rate]
        lines.append(f"| {' | '.join(values)} |")
    return "\n".join(lines)


def markdown(result):
    machine, cells = result["machine"], result["cells"]
    products = ", ".join(f"{name} {rate / 1e12:.0f}" for name, rate in machine["multiply_adds_per_second"].items())
    lines = [f"{machine['gpu']}: {machine['bytes_per_second'] / 1e12:.2f} TB/s copied; 10^12 multiply-adds a second: {products}.",
             "", ", ".join(f"{name} {version}" for name, version in result["versions"].items()) + ".",
             "", "Milliseconds a pass, each waited for:", "", table(cells, "latency"),
             "", "Milliseconds a pass, waited for at the end:", "", table(cells, "passes")]
    left = [f"- {cell['network']}, batch {cell['batch']}, {cell['arithmetic']}: {name}: {why}"
            for cell in cells for name, why in cell["left_out"].items()]
    if left:
        lines += ["", "Not measured:", "", *left]
    return "\n".join(lines) + "\n"
