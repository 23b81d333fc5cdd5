#!/usr/bin/env python3
"""Reads what `edgedns machineconfig` wrote as a cluster would, and writes the files and units of it below a folder.

    apply.py FORM ROOT <OUTPUT      FORM: machineconfig, butane or ignition

Independent of the program: Debian's YAML, JSON schema, base64 and gzip. Prints the kinds of the documents.
Not responsible for what should be in the files.
"""

import base64
import gzip
import json
import pathlib
import sys
import urllib.parse

import jsonschema
import yaml

HERE = pathlib.Path(__file__).parent
IGNITION = json.loads((HERE / "ignition-3.2.json").read_text())
OBJECTS = json.loads((HERE / "objects.json").read_text())


def hold(value, schema):
    """Fails where the value is not as the schema says."""
    jsonschema.Draft7Validator.check_schema(schema)
    faults = list(jsonschema.Draft7Validator(schema).iter_errors(value))
    for fault in faults:
        print("/".join(map(str, fault.absolute_path)), fault.message[:300], file=sys.stderr)
    if faults:
        sys.exit(1)


def is_a(value, kind):
    hold(value, {"$ref": f"#/definitions/{kind}", "definitions": OBJECTS["definitions"]})


def content(resource):
    """The bytes that a data URL (RFC 2397) stands for."""
    head, data = resource["source"].split(",", 1)
    assert head.startswith("data:"), head
    plain = urllib.parse.unquote_to_bytes(data)
    plain = base64.b64decode(plain, validate=True) if head.endswith(";base64") else plain
    return gzip.decompress(plain) if resource.get("compression") else plain


def write(root, path, mode, plain):
    place = root / path.lstrip("/")
    assert not place.exists(), f"{path} twice"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(plain)
    place.chmod(mode)


def main(form, root):
    text = sys.stdin.read()
    documents = [json.loads(text)] if form == "ignition" else list(yaml.safe_load_all(text))
    kinds = []
    config = documents[0]
    if form == "butane":
        is_a(config, "Butane")
    elif form == "machineconfig":
        for document in documents:
            is_a(document, document["kind"])
            kinds.append(document["kind"])
        config = config["spec"]["config"]
    if form != "butane":
        hold(config, IGNITION)
        is_a(config, "taken")
    for file in config["storage"]["files"]:
        held = file["contents"]
        plain = held["inline"].encode() if "inline" in held else content(held)
        write(root, file["path"], file["mode"], plain)
    for unit in config.get("systemd", {}).get("units", []):
        if not unit.get("mask"):
            write(root, "/etc/systemd/system/" + unit["name"], 0o644, unit["contents"].encode())
    print(" ".join(kinds))


main(sys.argv[1], pathlib.Path(sys.argv[2]))
