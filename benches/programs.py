"""The name servers that are compared, each with as many workers and nothing that costs time beside answering.

Responsible for their configuration and for how they are told to read a zone again.
Not responsible for their processes, or for what is measured.
"""

import shutil
import subprocess

from server import ADDRESS, ROOT, Server
from zones import MASTER_PORT


class Edgedns(Server):
    name = "edgedns"
    program = str(ROOT / "target/release/edgedns")
    # As systemd/edgedns.service starts it.
    environment = {"MALLOC_MMAP_THRESHOLD_": "131072"}
    affinity, more = "clients", ""
    # Lines of the zone's own tables.
    of_zone = ""

    def configure(self):
        text = f'[server]\nlisten = ["{ADDRESS}:{self.port}"]\nworkers = {self.workers}\naffinity = "{self.affinity}"\n\n{self.more}'
        text += f'[[zone]]\nname = "{self.zone.name}"\nfile = "zone"\n{self.of_zone}'
        if self.zone.guarded:
            names = ", ".join(f'"{owner}"' for owner in self.zone.guarded)
            text += f"\n[[zone.probe]]\nnames = [{names}]\ntcp = {MASTER_PORT}\n"
        (self.folder / "config").write_text(text)

    def command(self):
        return [self.program, "--config", "config"]


class EdgednsOnItsCores(Edgedns):
    """Its workers take what arrives on their cores."""

    name, affinity = "edgedns, affinity cores", "cores"


class Nsd(Server):
    name = program = "nsd"

    def configure(self):
        folder = self.folder
        (folder / "config").write_text(
            f'server:\n  ip-address: {ADDRESS}@{self.port}\n  database: ""\n  zonelistfile: "{folder}/list"\n'
            f'  xfrdfile: "{folder}/xfrd"\n  xfrdir: "{folder}"\n  pidfile: "{folder}/pid"\n  username: ""\n'
            f'  chroot: ""\n  zonesdir: "{folder}"\n  round-robin: no\n  minimal-responses: yes\n  rrl-ratelimit: 0\n'
            f"  server-count: {self.workers}\nremote-control:\n  control-enable: no\n"
            f"zone:\n  name: {self.zone.name}\n  zonefile: zone\n"
        )

    def command(self):
        return ["nsd", "-d", "-c", str(self.folder / "config")]


class Knot(Server):
    name, program = "knot", "knotd"
    more = ""

    def configure(self):
        folder = self.folder
        (folder / "config").write_text(
            f"server:\n  rundir: {folder}\n  listen: {ADDRESS}@{self.port}\n  udp-workers: {self.workers}\n  tcp-workers: 1\n"
            f"  background-workers: 1\n  answer-rotation: off\nlog:\n  - target: stderr\n    any: warning\n"
            f"{self.more}database:\n  storage: {folder}\nzone:\n  - domain: {self.zone.name}\n    storage: {folder}\n"
            f"    file: zone\n    semantic-checks: off\n    zonefile-sync: -1\n    zonefile-load: whole\n"
            f"    journal-content: none\n"
        )

    def command(self):
        return ["knotd", "-c", str(self.folder / "config")]


class Bind(Server):
    """With a zone that anybody on loopback may change and have."""

    name, program = "bind", "named"
    # It listens at addresses of interfaces alone, and loopback's is this one.
    address = "127.0.0.1"

    def configure(self):
        folder = self.folder
        (folder / "config").write_text(
            f'options {{\n  directory "{folder}"; pid-file "{folder}/pid"; session-keyfile none; lock-file none;\n'
            f"  listen-on port {self.port} {{ {self.address}; }}; listen-on-v6 {{ none; }};\n"
            f"  recursion no; dnssec-validation no; minimal-responses yes; notify no;\n"
            f"  allow-transfer {{ 127.0.0.0/8; }};\n}};\ncontrols {{ }};\n"
            f'zone "{self.zone.name}" {{ type primary; file "{folder}/zone"; allow-update {{ 127.0.0.0/8; }}; }};\n'
        )

    def command(self):
        # In the foreground, with so many threads, and its log on standard error.
        return ["named", "-g", "-n", str(self.workers), "-c", str(self.folder / "config")]


class Gdnsd(Server):
    name = program = "gdnsd"

    def configure(self):
        (self.folder / "zones").mkdir()
        (self.folder / "zone").rename(self.folder / "zones" / self.zone.name)
        (self.folder / "config").write_text(
            f'options => {{\n  listen => ["{ADDRESS}:{self.port}"]\n  udp_threads => {self.workers}\n  tcp_threads => 1\n'
            f'  run_dir => "{self.folder}"\n  state_dir => "{self.folder}"\n}}\n'
        )

    def command(self):
        return ["gdnsd", "-c", str(self.folder), "start"]

    def zone_file(self):
        return self.folder / "zones" / self.zone.name

    def reload(self):
        subprocess.Popen(["gdnsdctl", "-c", str(self.folder), "reload-zones"], stdout=self.log, stderr=self.log)


class Powerdns(Server):
    """With the LUA records that edgedns replaces; of no use without pools."""

    name, program = "powerdns+lua", "pdns_server"

    def configure(self):
        folder = self.folder
        (folder / "zone").write_text(self.zone.text_with_lua)
        (folder / "zones").write_text(f'zone "{self.zone.name}" {{ type native; file "{folder}/zone"; }};\n')
        (folder / "pdns.conf").write_text(
            f"launch=bind\nbind-config={folder}/zones\nenable-lua-records=yes\nlocal-address={ADDRESS}\n"
            f"local-port={self.port}\nsocket-dir={folder}\ndaemon=no\nguardian=no\nreceiver-threads=1\n"
            f"distributor-threads=1\n"
        )

    def command(self):
        return ["pdns_server", f"--config-dir={self.folder}"]


PEERS = [Nsd, Knot, Gdnsd]


def installed(kinds):
    return [kind for kind in kinds if shutil.which(kind.program)]
