"""Prints a document of the contract: `python -m client.contract_documents asyncapi`, or `json-schema`.

A program of its own, because it declares the tasks, for which there has to be a configuration: `callboard --help` and
the commands that only talk to Redis do without.
"""

import sys

from pydantic_core import to_json

import actors  # noqa: F401 - declares the tasks
from broker import settings
from client.asyncapi import asyncapi_document
from client.json_schemas import json_schemas
from task import catalogue

DOCUMENTS = {
    "asyncapi": lambda tasks: asyncapi_document(tasks, settings),
    "json-schema": json_schemas,
}


def main(kind: str) -> None:
    """Prints one of `DOCUMENTS`, with the tasks in the order of their names, so that the same tasks print the same."""
    tasks = [catalogue[name].description for name in sorted(catalogue)]
    # In UTF-8, whatever the encoding of this terminal or machine; a default that JSON has not, such as NaN, is null.
    sys.stdout.buffer.write(to_json(DOCUMENTS[kind](tasks), indent=2, inf_nan_mode="null") + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
