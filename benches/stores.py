"""An etcd for a measurement, and edgedns with a zone whose records are its keys.

Responsible for their processes and configuration, and for putting keys over one connection that stays open: `etcdctl` takes
longer to start and to end than a change takes.
Not responsible for what is measured.
"""

import base64
import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import time

from programs import Edgedns
from server import ADDRESS

CLIENT_PORT, PEER_PORT = 23790, 23800
START_MAX_SECONDS = 20
# What one transaction may have, unless etcd is told otherwise.
OPERATIONS = 128


def base64_of(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """One member in plain text. Its disk is asked to keep nothing: it is not what is measured."""

    def __init__(self, folder):
        url, peer = f"http://{ADDRESS}:{CLIENT_PORT}", f"http://{ADDRESS}:{PEER_PORT}"
        with contextlib.suppress(OSError), socket.create_connection((ADDRESS, CLIENT_PORT), timeout=1):
            raise SystemExit(f"another server is at {ADDRESS}:{CLIENT_PORT} already: what it holds would be measured")
        self.log = open(folder / "etcd.log", "wb")
        command = ["etcd", "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync"] if self.is_new() else ["etcd", "--data-dir", str(folder / "etcd")]
        command += ["--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer]
        command += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}", "--quota-backend-bytes", str(8 << 30)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        end = time.monotonic() + START_MAX_SECONDS
        while True:
            try:
                self.connection = http.client.HTTPConnection(ADDRESS, CLIENT_PORT, timeout=START_MAX_SECONDS)
                self.ask("/v3/kv/range", {"key": base64_of("/")})
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.stop()
                    raise SystemExit("etcd does not start: " + (folder / "etcd.log").read_text(errors="replace")[-1000:])
                time.sleep(0.05)

    @staticmethod
    def is_new():
        """Whether it can be told to leave the disk alone: 3.5 and later can."""
        said = subprocess.run(["etcd", "--help"], capture_output=True, text=True)
        return "--unsafe-no-fsync" in said.stdout + said.stderr

    @staticmethod
    def is_there():
        return shutil.which("etcd") is not None

    def ask(self, path, message):
        self.connection.request("POST", path, json.dumps(message), {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        said = response.read()
        if response.status != 200:
            raise SystemExit(f"etcd refuses: {said[:500]!r}")
        return json.loads(said)

    def put(self, key, value):
        return self.ask("/v3/kv/put", {"key": base64_of(key), "value": base64_of(value)})

    def put_all(self, pairs):
        """As many as it takes, in transactions."""
        pairs = list(pairs)
        for begin in range(0, len(pairs), OPERATIONS):
            part = pairs[begin : begin + OPERATIONS]
            done = [{"requestPut": {"key": base64_of(key), "value": base64_of(value)}} for key, value in part]
            self.ask("/v3/kv/txn", {"success": done})

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class EdgednsOfEtcd(Edgedns):
    """Its zone is in etcd, in the layout of CoreDNS."""

    name = "edgedns, etcd"
    # Its first start reads all keys from etcd.
    start_max_seconds = 300

    def configure(self):
        state = self.folder / "state"
        state.mkdir()
        self.write_config()

    def write_config(self):
        text = f'[server]\nlisten = ["{ADDRESS}:{self.port}"]\nworkers = {self.workers}\n\n{self.more}'
        text += f'[admin]\nstate-directory = "{self.folder / "state"}"\n\n[[zone]]\nname = "{self.zone.name}"\n'
        text += f'[zone.etcd]\nendpoints = ["http://{ADDRESS}:{CLIENT_PORT}"]\nnameservers = ["ns1.{self.zone.name}"]\nttl = "60s"\n'
        (self.folder / "config").write_text(text)


class EdgednsOfFile(Edgedns):
    """The same zone from a file, with as much that outlives a restart."""

    name = "edgedns, file"

    def configure(self):
        super().configure()
        state = self.folder / "state"
        state.mkdir()
        with open(self.folder / "config", "a") as config:
            config.write(f'\n[admin]\nstate-directory = "{state}"\n')


def keys_of(zone):
    """The hosts of a large zone as keys."""
    below = "/skydns/" + "/".join(reversed(zone.name.split(".")))
    for line in zone.lines:
        words = line.split(" ")
        if len(words) == 4 and words[2] == "A":
            yield f"{below}/{words[0]}", host(words[3])


def key_of(zone, label):
    return "/skydns/" + "/".join(reversed(zone.name.split("."))) + f"/{label}"


def host(address):
    return f'{{"host":"{address}","ttl":60}}'
