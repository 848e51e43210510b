"""What has to be there before anything is measured: the peers, the two networks' files, our programs."""
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# The networks by their names in files, with the height of an image.
MODELS = {"tv": 224, "paper": 227}
# What the converter is told where names and shapes fit several networks.
NETWORKS = {"tv": "torchvision", "paper": "bvlc"}
PACKAGES = ["torch", "torchvision", "onnx", "onnxruntime", "onnxscript", "openvino", "safetensors", "numpy", "h5py"]


class Home:
    """The folder of one machine's measurements, and where things are in it."""

    def __init__(self, folder):
        self.folder = folder.resolve()
        self.python = self.folder / "venv/bin/python"
        self.programs = REPOSITORY / "target/release"

    def model(self, name, kind):
        return self.folder / "models" / f"{name}.{kind}"

    def images(self, name):
        return self.folder / "io" / f"{name}_b32_in.bin"

    def logits(self, name):
        return self.folder / "io" / f"{name}_b32_out.bin"

    def prepare(self, engines):
        """Makes what is missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.python.exists():
            run([sys.executable, "-m", "venv", self.folder / "venv"])
        if subprocess.run([self.python, "-c", f"import {','.join(PACKAGES)}"], capture_output=True).returncode:
            run([self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES])
        run([self.python, "-W", "ignore", REPOSITORY / "benches/harness/files.py", self.folder])
        self.build([name for name in ("tract", "rten") if name in engines])
        for model, network in NETWORKS.items():
            ours = self.model(model, "alexnet.safetensors")
            if not ours.exists():
                run([self.programs / "alexnet-convert", self.model(model, "pth"), ours, "--network", network, "--no-verify", "--quiet"])

    def build(self, peers):
        """Our programs, and peers in Rust, as `cargo build --release` makes them."""
        cargo = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", REPOSITORY / "Cargo.toml", "--target-dir", REPOSITORY / "target"]
        run([*cargo, "-p", "alexnet-cli", "-p", "alexnet-bench"])
        if peers:
            # By themselves: their features must not change what our own programs are built with.
            run([*cargo, "-p", "alexnet-bench", "--no-default-features", "--features", ",".join(peers), *(f"--bin=bench-{name}" for name in peers)])


def run(command):
    subprocess.run([str(word) for word in command], check=True)
