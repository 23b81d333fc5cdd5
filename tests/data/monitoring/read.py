#!/usr/bin/env python3
"""Reads what `edgedns manifests monitoring` wrote as a cluster would, and prints it as JSON, a list of objects.

    read.py <OUTPUT

Independent of the program: Debian's YAML and JSON schema. Each object is held to objects.json beside this file.
"""

import json
import pathlib
import sys

import jsonschema
import yaml

OBJECTS = json.loads((pathlib.Path(__file__).parent / "objects.json").read_text())

documents = list(yaml.safe_load_all(sys.stdin))
faults = []
for document in documents:
    schema = {"$ref": f"#/definitions/{document['kind']}", "definitions": OBJECTS["definitions"]}
    jsonschema.Draft7Validator.check_schema(schema)
    held = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    for fault in held.iter_errors(document):
        faults.append(f"{document['kind']} {'/'.join(map(str, fault.absolute_path))}: {fault.message[:300]}")
print("\n".join(faults), file=sys.stderr, end="")
print(json.dumps(documents))
sys.exit(bool(faults))
