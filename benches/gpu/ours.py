"""This project's process."""
import json
import subprocess


class Ours:
    """A live bench-gpu, and the networks as it describes them: `networks[name]` has `network` and `multiply_adds`."""

    def __init__(self, program, names):
        self.process = subprocess.Popen([program, *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.networks = {name: json.loads(self.process.stdout.readline()) for name in names}
        for name, network in self.networks.items():
            network["name"] = name

    def ask(self, line):
        try:
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        if not answer.startswith("ok "):
            raise RuntimeError(answer.removeprefix("error ") or f"bench-gpu ended with {self.process.poll()}")
        return answer.removeprefix("ok ")

    def prepare(self, network, batch, arithmetic):
        how = self.ask(f"load {network['name']} {batch} {arithmetic}")
        if how != "one graph":
            raise RuntimeError(f"ran {how}: the graph was not recorded")
        seconds = lambda kind, count: float(self.ask(f"{kind} {count}"))
        seconds("passes", 5)
        return seconds
