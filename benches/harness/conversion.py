"""Whole processes that convert a checkpoint, against copying the file and against PyTorch's own exporters."""
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from .report import table

PYTORCH = """
import torch, torchvision, safetensors.torch
weights = torch.load({pth!r})
network = torchvision.models.alexnet(weights=None)
network.load_state_dict(weights)
network.eval()
image = torch.zeros(1, 3, 224, 224)
"""
EXPORTS = {
    "torch.onnx.export, TorchScript": "torch.onnx.export(network, (image,), {out!r} + '.onnx', dynamo=False, input_names=['input'], output_names=['output'], dynamic_axes={{'input': {{0: 'n'}}, 'output': {{0: 'n'}}}}, opset_version=17)",
    "torch.onnx.export, dynamo": "torch.onnx.export(network, (image,), {out!r} + '.onnx', dynamo=True, input_names=['input'], output_names=['output'], external_data=False)",
    "safetensors.torch.save_file": "safetensors.torch.save_file(weights, {out!r} + '.safetensors')",
}
COPY = "cp"
COPY_AND_HASH = "cp, SHA-256 beside it"


def commands(home):
    """Each as a function of where it writes."""
    zipped, legacy = home.model("tv", "pth"), home.model("tv", "legacy.pth")
    convert = [home.programs / "alexnet-convert", "--quiet"]
    # It uses the processor's instructions where `sha256sum` may not.
    digest = f"openssl dgst -sha256 {zipped}" if shutil.which("openssl") else f"sha256sum {zipped}"
    programs = {
        COPY: lambda out: ["cp", "--reflink=never", zipped, out],
        COPY_AND_HASH: lambda out: ["sh", "-c", f"{digest} >/dev/null & cp --reflink=never {zipped} {out} && wait"],
        "alexnet-convert to .onnx": lambda out: [*convert, zipped, f"{out}.onnx", "--no-verify"],
        "alexnet-convert to .onnx, --no-hash": lambda out: [*convert, zipped, f"{out}.onnx", "--no-verify", "--no-hash"],
        "alexnet-convert to .onnx and .safetensors": lambda out: [*convert, zipped, f"{out}.onnx", f"{out}.safetensors", "--no-verify"],
        "alexnet-convert to .onnx, verified": lambda out: [*convert, zipped, f"{out}.onnx"],
        "alexnet-convert to .onnx, from PyTorch's old format": lambda out: [*convert, legacy, f"{out}.onnx", "--no-verify"],
    }
    for name, code in EXPORTS.items():
        programs[name] = lambda out, code=code: [home.python, "-W", "ignore", "-c", (PYTORCH + code).format(pth=str(zipped), out=out)]
    return programs


def measure(home, arguments):
    rows, failures = {}, {}
    with tempfile.TemporaryDirectory(dir=home.folder) as folder:
        for turn in range(arguments.rounds + 1):
            for name, command in commands(home).items():
                if name in failures:
                    continue
                for file in pathlib.Path(folder).iterdir():
                    file.unlink()
                try:
                    figures = run(command(f"{folder}/out"), watched=turn == 0)
                except subprocess.CalledProcessError as error:
                    failures[name] = " ".join(error.stderr.split())[-200:]
                    continue
                # The first fills the page cache, and tells of memory: watching costs time.
                if turn == 0:
                    rows[name] = {"own_mb": figures["own_mb"], "turns": []}
                else:
                    rows[name]["turns"].append(figures)
    medians = {name: {key: statistics.median(turn[key] for turn in row["turns"]) for key in ("wall_s", "cpu_s", "peak_mb")} | {"own_mb": row["own_mb"]} for name, row in rows.items()}
    return {"rows": medians, "failures": failures}


def run(command, watched):
    """Its time, its processors' time, the most memory that it had, and the most of that which isn't a mapped file's."""
    # A file takes all that is said; a pipe that nobody reads from would stop the program.
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=said)
        own = most_of_its_own(process.pid) if watched else 0
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command, stderr=said.read())
    return {"wall_s": seconds, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024, "own_mb": own}


def most_of_its_own(pid):
    """The kernel keeps no such peak: it is asked until the process ends."""
    most = 0
    while True:
        with open(f"/proc/{pid}/status") as status:
            lines = [line for line in status if line.startswith("RssAnon:")]
        if not lines:
            return most / 1024
        most = max(most, int(lines[0].split()[1]))
        time.sleep(0.0005)


def tables(results):
    rows = results["rows"]
    copies = {"x cp": rows[COPY]["wall_s"], "x cp and SHA-256": rows[COPY_AND_HASH]["wall_s"]}
    body = [
        [name, f"{row['wall_s']:.3f}", f"{row['cpu_s']:.3f}", *(f"{row['wall_s'] / copy:.2f}" for copy in copies.values()), f"{row['peak_mb']:.0f}", f"{row['own_mb']:.0f}"]
        for name, row in sorted(rows.items(), key=lambda item: item[1]["wall_s"])
    ]
    text = table(["244 MB, whole process", "s", "processors' s", *copies, "peak MB", "of which no file's"], body)
    return text + "".join(f"\nNot run: {name}: {why}\n" for name, why in results["failures"].items())
