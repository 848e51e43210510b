"""The time below which f32 cannot go on this machine, for direct convolution: for each layer the larger of its multiply-adds
at the rate of the processor's arithmetic, and its weights at the rate of memory. Both rates are measured by processes that take
turns with the engines (benches/src/bin/machine)."""
import json
import subprocess

from .processes import Process

RATES = ("arithmetic", "memory")


def layers(home, model):
    """What each layer needs: its name, multiply-adds for one example, number of weights."""
    program = [home.programs / "bench-machine", "layers", home.model(model, "alexnet.safetensors")]
    return json.loads(subprocess.check_output(program))


def processes(home, threads):
    return {rate: Process(home, [home.programs / "bench-machine", rate, "--threads", threads], threads) for rate in RATES}


def rate(process):
    """Operations or bytes a second: the best that was seen, since nothing makes a machine faster than it is."""
    return process.ready["amount"] / min(process.kept())


def compute(layers, batch, arithmetic, memory):
    """Milliseconds for each layer and in all, and which of the two it waits for."""
    rows = []
    for layer in layers:
        times = {"arithmetic": 2e3 * batch * layer["multiply_adds"] / arithmetic, "memory": 4e3 * layer["weights"] / memory}
        bound = max(times, key=times.get)
        rows.append({"layer": layer["name"], "ms": times[bound], "bound": bound})
    return {"ms": sum(row["ms"] for row in rows), "gflops": arithmetic / 1e9, "gb_per_s": memory / 1e9, "layers": rows}
