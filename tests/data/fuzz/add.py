#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds inputs that a fuzzer found to its corpus, one archive per reader:

    tests/data/fuzz/add.py gguf build/found/*

An input is named after its content. The same inputs make the same archive, byte for byte. A reader that has
none yet is one of tests/CMakeLists.txt; its first archive wants --new."""

import argparse
import hashlib
import pathlib
import zipfile

HERE = pathlib.Path(__file__).parent


def read(archive):
    if not archive.exists():
        return {}
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def write(archive, inputs):
    # Not compressed: git does that, and better where little of an archive changes.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(inputs):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whatever this runs on
            entry.external_attr = 0o644 << 16
            file.writestr(entry, inputs[name])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = sorted(path.stem for path in HERE.glob("*.zip"))
    parser.add_argument("reader", help=", ".join(known))
    parser.add_argument("--new", action="store_true", help="the reader's first archive")
    parser.add_argument("files", nargs="+", type=pathlib.Path, help="inputs that the fuzzer wrote")
    options = parser.parse_args()
    if (options.reader in known) == options.new:
        parser.error(f"{options.reader}: {'has an archive' if options.new else 'has no archive; --new makes one'}")
    archive = HERE / f"{options.reader}.zip"
    inputs = read(archive)
    before = len(inputs)
    for path in options.files:
        content = path.read_bytes()
        inputs[hashlib.sha1(content).hexdigest()[:8]] = content
    write(archive, inputs)
    print(f"{archive}: {len(inputs)} inputs, {len(inputs) - before} of them new")


if __name__ == "__main__":
    main()
