"""Signed zones to measure, and servers of them.

Responsible for one key that all sign with, for the signed file that servers of it read, and for who signs by itself.
Not responsible for what is measured.
"""

import dataclasses
import pathlib
import re
import subprocess

from programs import Bind, Edgedns, Knot, Nsd, Powerdns
from server import DoesNotServe, ask
from zones import Zone


@dataclasses.dataclass
class Signed:
    """A zone with a folder of its key, and the file that BIND makes of both."""

    plain: Zone
    keys: pathlib.Path
    file: pathlib.Path


def sign(zone, folder):
    """Makes a key of a zone, and signs the zone with it as a file."""
    keys, text, file = folder / "keys", folder / "plain", folder / "signed"
    keys.mkdir()
    run(["dnssec-keygen", "-q", "-a", "13", "-f", "KSK", "-K", keys, zone.name])
    text.write_text(zone.text)
    run(["dnssec-signzone", "-q", "-S", "-z", "-P", "-x", "-K", keys, "-o", zone.name, "-f", file, text], cwd=folder)
    return Signed(zone, keys, file)


def run(command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if done.returncode:
        raise DoesNotServe(f"{command[0]}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done


class OfPlainZone:
    """With the zone before it was signed."""

    def __init__(self, folder, signed, port):
        self.signed = signed
        super().__init__(folder, signed.plain, port)


class OfFile(OfPlainZone):
    """The same, with the signed file in the place of its own."""

    def configure(self):
        self.zone_file().unlink()
        self.zone_file().symlink_to(self.signed.file)
        super().configure()


class SignedNsd(OfFile, Nsd):
    pass


class SignedKnot(OfFile, Knot):
    pass


class SignedBind(OfFile, Bind):
    """It may not be changed: a zone that comes signed is served as it is."""

    def configure(self):
        super().configure()
        config = self.folder / "config"
        config.write_text(re.sub(r" allow-update \{[^}]*\};", "", config.read_text()))


class EdgednsOfFile(OfFile, Edgedns):
    """The same file, whose pools are plain records then: none is probed."""

    name = "edgedns, signed file"

    def configure(self):
        guarded, self.zone.guarded = self.zone.guarded, ()
        super().configure()
        self.zone.guarded = guarded


class SigningEdgedns(OfPlainZone, Edgedns):
    """It signs by itself, pools as well."""

    name = "edgedns"
    start_max_seconds = 600

    def configure(self):
        self.of_zone = f'[zone.dnssec]\nkeys = "{self.signed.keys}"\n'
        super().configure()


class PlainEdgedns(OfPlainZone, Edgedns):
    name = "edgedns, not signed"


class SigningPowerdns(OfPlainZone, Powerdns):
    """LUA records, signed for each query as PowerDNS does it."""

    def configure(self):
        super().configure()
        keys = self.folder / "keys.sqlite"
        with open(self.folder / "pdns.conf", "a") as config:
            config.write(f"bind-dnssec-db={keys}\n")
        tell = ["pdnsutil", f"--config-dir={self.folder}"]
        run([*tell, "create-bind-db", keys])
        run([*tell, "secure-zone", self.zone.name])


# An OPT record with the DO bit, and a payload of 4,096 bytes.
DNSSEC_OK = b"\0\0\x29\x10\0\0\0\x80\0\0\0"
RRSIG = 46


def ask_signed(port, qname, qtype, limit_seconds, address):
    """As a client with the DO bit. Of signatures it counts that there are any: everybody makes others."""
    rcode, found = ask(port, qname, qtype, limit_seconds, address, DNSSEC_OK)
    signatures = [record for record in found if record[0] == RRSIG]
    return rcode, [record for record in found if record[0] != RRSIG], bool(signatures)


SERVERS = [SigningEdgedns, EdgednsOfFile, SignedNsd, SignedKnot, SignedBind, SigningPowerdns]
