"""A peer in Python as a process that is timed.

    peer.py ENGINE MODEL --input FILE --expected FILE --size PIXELS --batch N --threads N

The protocol is that of benches/src/lib.rs. Importing an engine is not part of loading a network."""
import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np

warnings.filterwarnings("ignore")


def pytorch(job, images, compiled=False):
    import torch

    torch.set_num_threads(job.threads)
    if compiled:
        import torch._inductor.config

        torch._inductor.config.freezing = True  # weights become constants, packed as the convolutions like them

    def load():
        from networks import skeleton

        network, x = skeleton(Path(job.model).name.split(".")[0]), torch.from_numpy(images)
        network.load_state_dict(torch.load(job.model, mmap=True), assign=True)
        if compiled:
            network = torch.compile(network)

        def forward():
            with torch.inference_mode():
                return network(x)

        return forward

    return load


def torch_compile(job, images):
    return pytorch(job, images, compiled=True)


def onnxruntime(job, images):
    import onnxruntime

    def load():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job.threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(job.model, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda: session.run(None, {name: images})[0]

    return load


def openvino(job, images, precision="f32"):
    import openvino

    def load():
        core = openvino.Core()
        model = core.read_model(job.model)
        model.reshape({model.inputs[0]: list(images.shape)})
        options = {"INFERENCE_NUM_THREADS": job.threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision, "ENABLE_CPU_PINNING": False}
        compiled = core.compile_model(model, "CPU", options)
        request = compiled.create_infer_request()
        return lambda: request.infer([images])[compiled.outputs[0]]

    return load


def openvino_bf16(job, images):
    return openvino(job, images, "bf16")


ENGINES = {engine.__name__: engine for engine in (pytorch, torch_compile, onnxruntime, openvino, openvino_bf16)}


def cycle(path, length, batch):
    """The first records of a file that starts anew at its end."""
    records = np.fromfile(path, np.float32).reshape(-1, length)
    return records[np.arange(batch) % len(records)]


def peak_memory():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("model")
    parser.add_argument("--input")
    parser.add_argument("--expected")
    for name in ("--size", "--batch", "--threads"):
        parser.add_argument(name, type=int)
    job = parser.parse_args()

    images = cycle(job.input, 3 * job.size**2, job.batch).reshape(job.batch, 3, job.size, job.size)
    load = ENGINES[job.engine](job, images)
    try:
        start = time.perf_counter()
        forward = load()
        logits = np.array(forward())
        seconds = time.perf_counter() - start
    except Exception as error:
        print("ERR", type(error).__name__, str(error).replace("\n", " ")[:300], flush=True)
        return
    logits = logits.reshape(job.batch, -1)
    difference = np.abs(logits - cycle(job.expected, logits.shape[1], job.batch)).max()
    print(f"READY load={seconds:.4f} diff={difference:.3e}", flush=True)

    for line in sys.stdin:
        match line.split():
            case ["go", count]:
                times = []
                for _ in range(int(count)):
                    start = time.perf_counter()
                    forward()
                    times.append(time.perf_counter() - start)
                print("T", *(f"{seconds:.7f}" for seconds in times), flush=True)
            case _:
                print(f"RSS {peak_memory():.1f}", flush=True)


if __name__ == "__main__":
    main()
