"""Zones to serve and questions about them, the same in every run.

Responsible for a cluster's zone and for large ones, and for the masters that a cluster's pools stand for.
Not responsible for how a server reads them, or for asking.
"""

import socket
import threading

MASTERS = ["127.0.81.13", "127.0.81.14", "127.0.81.15"]
MASTER_PORT = 16443
QUERIES = 200_000
# More names than any cache of a server keeps.
SHAPE_QUERIES = 50_000
TYPES = {"A": 1, "AAAA": 28, "SRV": 33}


class Zone:
    """A zone, the queries about it, and which of its names are pools of all masters."""

    def __init__(self, name, lines, queries, guarded=()):
        self.name, self.lines, self.queries, self.guarded = name, lines, queries, guarded

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"

    @property
    def text_with_lua(self):
        """The same, with every pool as PowerDNS knows it: one LUA record instead of its addresses."""
        plain = [line for line in self.lines if line.split(" ")[0] not in self.guarded or " A " not in line]
        members = ", ".join(f"'{master}'" for master in MASTERS)
        # It answers one of the addresses, by chance, unless it is told otherwise.
        code = f"ifportup({MASTER_PORT}, {{{members}}}, {{selector='all'}})"
        return "\n".join([*plain, *(f'{owner} IN LUA A "{code}"' for owner in self.guarded)]) + "\n"


def head(name):
    return [f"$ORIGIN {name}.", "$TTL 60", "@ IN SOA ns1 hostmaster 1 3600 600 86400 60", "@ IN NS ns1", "ns1 IN A 127.0.81.1"]


def cluster(chance):
    """The zone of a cluster: about twenty names, of which all that clients use are pools."""
    name, lines = "lab.example", head("lab.example")
    pools = ["@", "api", "api-int", "*.apps", "registry"]
    lines += [f"{owner} IN A {master}" for owner in pools for master in MASTERS]
    for number in range(3):
        lines += [f"master-{number} IN A {MASTERS[number]}", f"etcd-{number} IN A {MASTERS[number]}"]
        lines += [f"worker-{number} IN A 127.0.81.{20 + number}"]
        lines += [f"_etcd-server-ssl._tcp IN SRV 0 10 2380 etcd-{number}"]
    lines += [f"{owner} IN A 127.0.81.11" for owner in ("helper", "git", "nexus", "yum")]

    def query():
        part = chance.random()
        if part < 0.50:
            return chance.choice(["api.", "api-int.", "registry.", ""]) + name, "A"
        if part < 0.80:
            return f"app{chance.randrange(10**6)}.apps.{name}", "A"
        if part < 0.90:
            return chance.choice(["api.", "api-int.", "helper."]) + name, "AAAA"
        if part < 0.95:
            return f"_etcd-server-ssl._tcp.{name}", "SRV"
        return f"missing{chance.randrange(10**6)}.{name}", "A"

    return Zone(name, lines, [query() for _ in range(QUERIES)], pools)


def large(count, chance):
    """A zone of so many names with an address each; one query in twenty is for a name that is not there."""
    name = "large.example"
    lines = head(name)
    lines += [f"h{number} IN A 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(count)]

    def query():
        number = chance.randrange(count)
        return (f"h{number}.{name}" if chance.random() < 0.95 else f"m{number}.{name}"), "A"

    return Zone(name, lines, [query() for _ in range(QUERIES)])


def shapes(chance):
    """Questions to the cluster's zone, each shape by itself: what a flood of random names asks, beside hits."""
    name = "lab.example"
    below = {"wildcard pool, random": "apps.", "NXDOMAIN, random": ""}
    made = {"pool": [(f"api.{name}", "A")], "plain record": [(f"helper.{name}", "A")]}
    for title, parent in below.items():
        made[title] = [(f"{chance.randrange(16**8):08x}.{parent}{name}", "A") for _ in range(SHAPE_QUERIES)]
    return made


ZONES = {
    "cluster": cluster,
    "100k": lambda chance: large(100_000, chance),
    "1m": lambda chance: large(1_000_000, chance),
}


def listen_as_masters():
    """What edgedns probes: ports that accept."""

    def accept(listener):
        while True:
            listener.accept()[0].close()

    for master in MASTERS:
        listener = socket.create_server((master, MASTER_PORT))
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
