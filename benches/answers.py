"""What answers cost, of several servers side by side.

Responsible for comparing what they answer, for the rounds, and for the table.
Not responsible for servers, or for which are compared.
"""

import statistics
import sys
import time

from server import ask, load
from zones import TYPES

COMPARED = 300
# Longest wait until a server that probes at the first question only has seen all masters.
AGREE_MAX_SECONDS = 15


def compare(servers, queries, chance, ask=ask):
    """Ends the run where two servers go on answering differently, as they are asked."""
    for qname, mnemonic in chance.sample(queries, min(COMPARED, len(queries))):
        end = time.monotonic() + AGREE_MAX_SECONDS
        while True:
            answers = [ask(server.port, qname, TYPES[mnemonic], 2, server.address) for server in servers]
            # SOA, NS and the like are each server's own business; peers.rs looks at those.
            different = [place for place, answer in enumerate(answers) if answer != answers[0]]
            if not different:
                break
            if time.monotonic() > end:
                other = different[0]
                first = f"{servers[0].name} {answers[0]}"
                sys.exit(f"{qname} {mnemonic}: {first}, {servers[other].name} {answers[other]}")
            time.sleep(0.1)


def measure(servers, queries_file, rounds, seconds, in_time=lambda done: True, more=()):
    """Asks in rounds, with these options of dnsperf more, as many as there is time for; returns how many there were."""
    done = 0
    while done < rounds and in_time(done):
        # Another order every time: whoever comes after the same one each time gets its caches.
        for server in servers[done % len(servers) :] + servers[: done % len(servers)]:
            server.measured.append(load(server, queries_file, seconds, more=more))
        done += 1
    return done


def ratio(server, other, column):
    """The median of the rounds' ratios: what slows the machine for a minute slows both of a round."""
    # In a short round there may be less than the kernel counts, a hundredth of a second.
    pairs = [(one[column], two[column]) for one, two in zip(server.measured, other.measured) if two[column]]
    return statistics.median(one / two for one, two in pairs) if pairs else float("nan")


def table(servers):
    """A line for every server; the first is what the others are compared with."""
    base = servers[0]
    lines = [f"| server | user µs | ÷ {base.name} | user + kernel µs | ÷ {base.name} | spread | answers/s | lost | MiB |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for server in servers:
        user, total, rate, _ = (statistics.median(column) for column in zip(*server.measured))
        totals = [measured[1] for measured in server.measured]
        lines.append(
            f"| {server.name} | {user:.2f} | {ratio(server, base, 0):.2f} | {total:.2f} | {ratio(server, base, 1):.2f} "
            f"| {min(totals):.2f}-{max(totals):.2f} | {rate:,.0f} | {server.lost} | {server.resident_mebibytes():.0f} |"
        )
    return lines
