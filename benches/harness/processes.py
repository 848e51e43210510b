"""Live processes that take turns, so that what slows the machine for a while slows all of them."""
import dataclasses
import os
import statistics
import subprocess
import tempfile
import time

# A turn in which other programs had more than this part of a core is left out, unless nearly all are so.
DISTURBED = 0.15
TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Turn:
    others: float
    seconds: float


class Process:
    """One engine; benches/src/lib.rs has the protocol."""

    def __init__(self, home, command, threads):
        variables = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RTEN_NUM_THREADS")
        environment = os.environ | {name: str(threads) for name in variables} | {"TORCHINDUCTOR_CACHE_DIR": str(home.folder / "inductor")}
        started = time.perf_counter()
        self.turns = []
        # A file takes all that is said; a pipe that nobody reads from would stop the program.
        complaints = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(word) for word in command], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )
        said = ""
        for said in self.process.stdout:
            if said.startswith(("READY", "ERR")):
                break
        self.seconds_to_ready = time.perf_counter() - started
        self.ready = {}
        self.error = None
        if said.startswith("READY"):
            self.ready = {key: float(value) for key, _, value in (word.partition("=") for word in said.split()[1:])}
        else:
            self.close()
            complaints.seek(0)
            self.error = " ".join((said or complaints.read()[-300:] or "it ended without a word").split())

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()[1:]]

    def take_turn(self, forwards):
        """The first forward pass of a turn finds the caches full of other engines' weights, and isn't counted."""
        time.sleep(0.05)
        before, own, start = machine_ticks(), self.ticks(), time.perf_counter()
        seconds = self.ask(f"go {forwards + 1}")
        others = (machine_ticks() - before) - (self.ticks() - own)
        self.turns.append(Turn(max(0, others) / TICK / (time.perf_counter() - start), statistics.median(seconds[1:])))

    def kept(self):
        """The seconds of the undisturbed turns; where there are too few, of the less disturbed half."""
        turns = sorted(self.turns, key=lambda turn: turn.others)
        quiet = [turn.seconds for turn in turns if turn.others < DISTURBED]
        return quiet if len(quiet) >= 3 else [turn.seconds for turn in turns[: max(3, len(turns) // 2)]]

    def figures(self):
        kept = self.kept()
        disturbed = sum(turn.others >= DISTURBED for turn in self.turns)
        return {
            "ms": 1e3 * statistics.median(kept), "min_ms": 1e3 * min(kept), "max_ms": 1e3 * max(kept),
            "turns": len(self.turns), "disturbed_turns": disturbed, "peak_mb": self.ask("rss")[0], **self.ready,
        }  # fmt: skip

    def ticks(self):
        """Of this process, its threads, and the children that it still has."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return sum(map(process_ticks, [pid, *children.read().split()]))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def process_ticks(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def machine_ticks():
    """Of all processors, but for idling and waiting."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _waiting, *rest = map(int, stat.readline().split()[1:9])
    return user + nice + system + sum(rest)
