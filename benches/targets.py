"""Targets that come and go at a known moment, and what a prober sees of them.

Responsible for a network of its own, for ports that accept, refuse or hang, for masters that speak HTTPS, and for the
moment at which a probe's outcome is on the wire: the kernel's own time of the packet, so that nothing but the server is
measured.
Not responsible for servers, or for what they answer.
"""

import contextlib
import ctypes
import multiprocessing
import os
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

from server import LOAD_CORE

# Who changes has a port of its own: only its packets are looked at.
STEADY_PORT, CHANGING_PORT, HTTPS_PORT = 16443, 16444, 16445
ISOLATED = "--isolated"
SO_ATTACH_FILTER, SO_TIMESTAMPNS, ETHERTYPE_IPV4 = 26, 35, 0x0800
TIMESPEC = struct.Struct("qq")
SYN_OR_RESET, RESET = 0x06, 0x04
# Probes that wait to be accepted: a few seconds of those of 10,000 targets.
BACKLOG = 4096
# How often the steady targets accept what has arrived: seldom, so that they take little of the load's core.
ACCEPT_SECONDS = 0.005


def enter_own_network():
    """Starts the program anew where there is no network but a loopback of its own, unless that has happened."""
    if ISOLATED not in sys.argv:
        if not shutil.which("unshare"):
            sys.exit("unshare is not installed")
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        os.execvp("unshare", ["unshare", "--net", *user, sys.executable, *sys.argv, ISOLATED])
    if os.system("ip link set lo up") != 0:
        sys.exit("there is no loopback here")


class Steady:
    """Every address of the loopback accepts at the steady port, by a process that counts."""

    def __init__(self):
        self.counter = multiprocessing.Value("Q", 0, lock=False)
        self.process = multiprocessing.Process(target=self.accept, daemon=True)
        self.process.start()

    def accept(self):
        os.sched_setaffinity(0, {int(LOAD_CORE)})
        listener = socket.create_server(("0.0.0.0", STEADY_PORT), backlog=BACKLOG)
        listener.setblocking(False)
        while True:
            select.select([listener], [], [])
            self.counter.value += drain(listener)
            time.sleep(ACCEPT_SECONDS)

    def accepted(self):
        return self.counter.value


def drain(listener):
    """Accepts and closes all that has arrived; says how many."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


class Target:
    """A target that can be opened, closed and made to hang."""

    def __init__(self, address):
        self.address, self.packed = address, socket.inet_aton(address)
        self.fillers, self.listener = [], None
        self.open()

    def open(self):
        self.close()
        self.listener = socket.create_server((self.address, CHANGING_PORT), backlog=BACKLOG)
        self.listener.setblocking(False)

    def close(self):
        """From now on connections are refused."""
        for filler in self.fillers:
            filler.close()
        self.fillers = []
        if self.listener:
            # What is not accepted would be reset: a probe that has passed, not one that is refused.
            drain(self.listener)
            self.listener.close()
            self.listener = None

    def hang(self):
        """From now on connections are not answered: the queue of those that wait to be accepted is full."""
        drain(self.listener)
        self.listener.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((self.address, CHANGING_PORT))
            self.fillers.append(filler)


class Masters:
    """A process that answers `/readyz` over HTTPS at some addresses, over connections that are kept."""

    def __init__(self, addresses, certificate):
        self.packed = socket.inet_aton(addresses[0])
        self.status = multiprocessing.Value("i", 200, lock=False)
        ready = multiprocessing.Event()
        self.process = multiprocessing.Process(target=self.serve, args=(addresses, certificate, ready), daemon=True)
        self.process.start()
        if not ready.wait(20):
            sys.exit(f"no master listens at {addresses[0]}")

    def serve(self, addresses, certificate, ready):
        os.sched_setaffinity(0, {int(LOAD_CORE)})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listeners = [socket.create_server((address, HTTPS_PORT), backlog=BACKLOG) for address in addresses]
        ready.set()
        while True:
            for listener in select.select(listeners, [], [])[0]:
                threading.Thread(target=self.converse, args=(context, listener.accept()[0]), daemon=True).start()

    def converse(self, context, plain):
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as stream:
            head = b""
            while data := stream.recv(4096):
                head += data
                if head.endswith(b"\r\n\r\n"):
                    reason = "OK" if self.status.value == 200 else "Internal Server Error"
                    stream.sendall(f"HTTP/1.1 {self.status.value} {reason}\r\nContent-Length: 2\r\n\r\nok".encode())
                    head = b""

    def kill(self):
        """As a crash does: the kernel closes what it held."""
        self.process.kill()

    def fail(self):
        """From now on it is not ready."""
        self.status.value = 500

    def stop(self):
        self.process.kill()
        self.process.join()


def certificate(folder):
    """A file with a key and a certificate that nobody believes."""
    path = folder / "master.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=lab.example", "-keyout", str(path), "-out", str(folder / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "certificate.pem").read_text())
    return path


class Outcomes:
    """What probes of changing targets see, in the order in which it arrives at the prober."""

    # classic BPF (bpf(4)), on IPv4 without options: TCP, from the changing port, with SYN or RST.
    FILTER = [
        (0x30, 0, 0, 9), (0x15, 0, 5, socket.IPPROTO_TCP), (0x28, 0, 0, 20), (0x15, 0, 3, CHANGING_PORT),
        (0x30, 0, 0, 33), (0x45, 0, 1, SYN_OR_RESET), (0x06, 0, 0, 128), (0x06, 0, 0, 0),
    ]  # fmt: skip

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHERTYPE_IPV4))
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in self.FILTER))
        program = struct.pack("HP", len(self.FILTER), ctypes.addressof(code))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    def next(self, limit_seconds):
        """The target's address, whether it accepted, and when (ns); None when nothing arrives."""
        if not select.select([self.socket], [], [], limit_seconds)[0]:
            return None
        packet, at = receive(self.socket)
        flags, sequence = packet[33], packet[24:28]
        if flags & RESET and sequence != bytes(4):
            return None  # Not a refusal, which answers a SYN and has no sequence number (RFC 9293, 3.5.2).
        return packet[12:16], not flags & RESET, at

    def forget(self):
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(128)


class Client:
    """Asks a server for addresses."""

    def __init__(self, address, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.settimeout(1)
        self.socket.connect((address, port))
        self.number = 0

    def ask(self, qname):
        """The response, and when it arrived (ns)."""
        self.number = (self.number + 1) % 65_536
        labels = b"".join(bytes([len(label)]) + label.encode() for label in qname.split("."))
        head = struct.pack("!6H", self.number, 0, 1, 0, 0, 0)
        self.socket.send(head + labels + b"\0\0\1\0\1")
        while True:
            response, at = receive(self.socket)
            if response[:2] == head[:2]:
                return response, at


def receive(from_socket):
    """A packet, and when the kernel received it (ns)."""
    packet, ancillary, _, _ = from_socket.recvmsg(4096, 64)
    seconds, nanoseconds = TIMESPEC.unpack(ancillary[0][2])
    return packet, seconds * 10**9 + nanoseconds
