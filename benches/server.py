"""A name server under measurement, as both benchmarks need it.

Responsible for its process, CPU time and memory, for one question to it, and for load on it.
Not responsible for what is compared, or for any server's configuration.
"""

import contextlib
import datetime
import os
import pathlib
import platform
import signal
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVER_CORE, LOAD_CORE = "0", "1"
ADDRESS = "127.0.81.1"
START_MAX_SECONDS = 60
RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]
# dnsperf waits five seconds for what is lost.
LOAD_LATE_MAX_SECONDS = 20
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class DoesNotServe(SystemExit):
    """A server does not answer. Ends the run, with its log, where nobody goes on without it."""


class Server:
    """A server program: its configuration, its processes, their CPU time."""

    name = program = ""
    environment = {}
    address = ADDRESS
    # Where it may run, and what answers there at once.
    cores, workers = SERVER_CORE, 1
    # How long it may take until it answers.
    start_max_seconds = START_MAX_SECONDS

    def __init__(self, folder, zone, port):
        self.folder, self.zone, self.port = folder / self.name.replace(",", "").replace(" ", "-"), zone, port
        self.folder.mkdir()
        self.measured, self.lost = [], 0
        (self.folder / "zone").write_text(zone.text)
        self.configure()
        began = time.monotonic()
        self.log = open(self.folder / "log", "wb")
        command = ["taskset", "-c", self.cores, *self.command()]
        environment = {**os.environ, **self.environment}
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=self.folder, env=environment)
        self.wait_until_it_serves(began)
        self.load_seconds, self.load_cpu_seconds = time.monotonic() - began, self.process_seconds()

    def wait_until_it_serves(self, began):
        while time.monotonic() - began < self.start_max_seconds:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                answer = ask(self.port, self.zone.name, 6, 0.2, self.address)
                if answer[0] == "NOERROR" and answer[1]:
                    return
            time.sleep(0.005)
        self.stop()
        raise DoesNotServe(f"{self.name} does not serve:\n" + (self.folder / "log").read_text(errors="replace")[-2000:])

    def pids(self):
        """The process and those it has started."""
        pids, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            pids.append(pid)
            with contextlib.suppress(OSError):
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    waiting += [int(child) for child in (task / "children").read_text().split()]
        return pids

    def cpu_seconds(self):
        """User and total CPU time so far, of all threads."""
        user = system = 0
        for pid in self.pids():
            for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
                with contextlib.suppress(OSError):
                    # The name in parentheses may hold blanks; what follows is fields 3 and on (proc_pid_stat(5)).
                    fields = stat.read_text().rsplit(")", 1)[1].split()
                    user, system = user + int(fields[11]), system + int(fields[12])
        return user / TICKS_PER_SECOND, (user + system) / TICKS_PER_SECOND

    def process_seconds(self):
        """CPU time so far, that of threads that have ended included."""
        ticks = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS_PER_SECOND

    def run_seconds(self, threads=""):
        """CPU time so far of the threads whose name begins so, to the nanosecond."""
        return self.scheduled_seconds(0, threads)

    def waited_seconds(self):
        """How long its threads have waited for the core, because others had it."""
        return self.scheduled_seconds(1, "")

    def scheduled_seconds(self, field, threads):
        total = 0
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    if (task / "comm").read_text().startswith(threads):
                        total += int((task / "schedstat").read_text().split()[field])
        return total / 1e9

    def resident_mebibytes(self):
        return self.mebibytes("smaps_rollup", "Pss:")

    def highest_mebibytes(self):
        """The most it had at once so far; what processes share is counted for each."""
        return self.mebibytes("status", "VmHWM:")

    def mebibytes(self, file, word):
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
                    if line.startswith(word):
                        total += int(line.split()[1])
        return total / 1024

    def zone_file(self):
        return self.folder / "zone"

    def reload(self):
        """Tells it to read a zone again that has changed; does not wait."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ask(port, qname, qtype, limit_seconds, address=ADDRESS, edns=b""):
    """The response code and the sorted RDATA of the answer section. The OPT record `edns` goes along, if there is one."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in qname.split("."))
    # With RD, without which nothing is forwarded.
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 1 if edns else 0) + labels + b"\0" + struct.pack("!2H", qtype, 1)
    answer_at = len(query)
    query += edns
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(limit_seconds)
        client.connect((address, port))
        client.send(query)
        response = client.recv(65_535)
    _, flags, _, answers, _, _ = struct.unpack("!6H", response[:12])
    place, found = answer_at, []
    for _ in range(answers):
        place = skip_name(response, place)
        rtype, _, ttl, length = struct.unpack("!2HIH", response[place : place + 10])
        rdata = response[place + 10 : place + 10 + length]
        # The target of an SRV record may be compressed or not; its port tells the records apart.
        found.append((rtype, ttl, rdata[:6] if rtype == 33 else rdata))
        place += 10 + length
    return RCODES[flags & 15], sorted(found)


def skip_name(message, place):
    while message[place] and message[place] < 192:
        place += 1 + message[place]
    return place + (2 if message[place] else 1)


def load(server, queries_file, seconds, cores=LOAD_CORE, clients=8, mode="udp", port=None, more=()):
    """Lets dnsperf ask, with these options more, and returns user and total CPU time in microseconds per answer, answers a second, and answers."""
    before = server.cpu_seconds()
    threads = str(len(cores.split(",")))
    output = subprocess.run(
        ["taskset", "-c", cores, "dnsperf", "-m", mode, "-s", server.address, "-p", str(port or server.port)]
        + ["-d", str(queries_file), "-l", str(seconds), "-c", str(clients), "-T", threads, "-q", "400", "-S", "0", *more],
        capture_output=True, text=True, check=True, timeout=seconds + LOAD_LATE_MAX_SECONDS,
    ).stdout
    after = server.cpu_seconds()
    facts = dict(line.strip().split(":", 1) for line in output.splitlines() if ":" in line)
    completed, lost = (int(facts[f"Queries {what}"].split()[0]) for what in ("completed", "lost"))
    server.lost += lost
    rate = float(facts["Queries per second"])
    return [(after[0] - before[0]) / completed * 1e6, (after[1] - before[1]) / completed * 1e6, rate, completed]


def machine():
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), "unknown CPU")
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}; edgedns at {commit.stdout.strip()}"


def end_in_order_when_told():
    """SIGTERM ends the run as Ctrl-C does: the servers are stopped and the scratch folder is removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else float("nan")


def write_result(kind, text):
    """Keeps a result, by its date."""
    place = ROOT / "benches/results" / f"{datetime.date.today()}-{kind}.md"
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)
    print(f"written to {place}")
