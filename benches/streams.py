"""Load over TCP and what is carried by it, from connections that end after a few queries.

Responsible for asking over many short connections at once, and for their cost to the server.
Not responsible for load over connections that are kept: dnsperf makes that.
"""

import contextlib
import os
import socket
import ssl
import struct
import time

from server import LOAD_CORE
from zones import TYPES

# Connections that are open at a time, each from another address: no client has so many that it is limited, and the ports
# of those that have just ended do not run out.
AT_ONCE = 16
SOURCES = [f"127.0.81.{number}" for number in range(100, 100 + AT_ONCE)]
ANSWER_MAX_SECONDS = 5
# What a server has still to do for the last connections is its work, too.
REST_SECONDS = 0.05


def message(qname, mnemonic):
    """A query with its length before it."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in qname.split("."))
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", TYPES[mnemonic], 1)
    return struct.pack("!H", len(query)) + query


def connect(server, source, port=None):
    client = socket.socket()
    client.settimeout(ANSWER_MAX_SECONDS)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.bind((source, 0))
    client.connect((server.address, port or server.port))
    return client


def take(client, count):
    """Reads so many responses."""
    received = b""
    while count:
        piece = client.recv(65_535)
        if not piece:
            raise OSError("the server has ended the connection")
        received += piece
        while count and len(received) >= 2 and len(received) >= 2 + (length := struct.unpack("!H", received[:2])[0]):
            received, count = received[2 + length :], count - 1
    if received:
        raise OSError("more responses than queries")


def one_after_the_other(clients, queries):
    """Each client asks its next query when the one before is answered."""
    for place in range(len(queries[0])):
        for client, own in zip(clients, queries):
            client.sendall(own[place])
        for client in clients:
            take(client, 1)


def all_at_once(clients, queries):
    """Each client asks all of its queries with one segment."""
    for client, own in zip(clients, queries):
        client.sendall(b"".join(own))
    for client, own in zip(clients, queries):
        take(client, len(own))


def load_of_handshakes(server, port, protocol, seconds):
    """Begins sessions of TLS and goes away again; returns the server's CPU time in µs for each, which nothing is kept of."""
    context, handshakes = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), 0
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([protocol])
    with on_core(LOAD_CORE):
        before, end = server.run_seconds(), time.monotonic() + seconds
        while time.monotonic() < end:
            for source in SOURCES:
                context.wrap_socket(connect(server, source, port)).close()
            handshakes += AT_ONCE
        time.sleep(REST_SECONDS)
        return (server.run_seconds() - before) / handshakes * 1e6


@contextlib.contextmanager
def on_core(core):
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(core)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def load_of_connections(server, messages, seconds, per_connection, asking):
    """Asks over connections that end after so many queries; returns the server's CPU time in µs for each connection."""
    connections = 0
    with on_core(LOAD_CORE):
        before, end = server.run_seconds(), time.monotonic() + seconds
        while time.monotonic() < end:
            clients = [connect(server, source) for source in SOURCES]
            first = connections * per_connection
            places = range(first, first + AT_ONCE * per_connection)
            asked = [messages[place % len(messages)] for place in places]
            asking(clients, [asked[at : at + per_connection] for at in range(0, len(asked), per_connection)])
            for client in clients:
                client.close()
            connections += AT_ONCE
        time.sleep(REST_SECONDS)
        return (server.run_seconds() - before) / connections * 1e6
