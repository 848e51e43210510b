"""What the figures were measured on, and with."""
import json
import os
import platform
import re
import subprocess

from .setup import REPOSITORY

FEATURES = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "asimd", "asimddp", "bf16"]


def describe(home):
    info = open("/proc/cpuinfo").read()
    processor = first(r"^model name\s*: (.*)$", info) or platform.machine()
    family = first(r"^cpu family\s*: (.*)$", info)
    flags = set((first(r"^(?:flags|Features)\s*: (.*)$", info) or "").split())
    memory = int(first(r"^MemTotal:\s*(\d+)", open("/proc/meminfo").read())) / 1024**2
    features = [feature for feature in FEATURES if feature in flags]
    cores = len(os.sched_getaffinity(0))
    versions = packages(home)
    summary = f"{processor}{f' (family {family})' if family else ''}, {cores} cores, {' '.join(features)}, {memory:.0f} GB; " + ", ".join(f"{name} {version}" for name, version in versions.items())
    commit = output(["git", "-C", REPOSITORY, "describe", "--always", "--dirty"])
    return {"summary": summary, "processor": processor, "cores": cores, "features": features, "memory_gb": memory, "versions": versions, "commit": commit, "rustc": output(["rustc", "--version"])}


def packages(home):
    names = ["torch", "onnxruntime", "openvino"]
    program = f"import importlib.metadata, json; print(json.dumps({{name: importlib.metadata.version(name) for name in {names}}}))"
    return json.loads(output([home.python, "-c", program]))


def output(command):
    return subprocess.check_output([str(word) for word in command], text=True).strip()


def first(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found and found.group(1)
