#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The words of a text as a dictionary of libFuzzer's, for what no mutation would guess:

    for command in run advise doctor list; do build/release/offload_bench $command --help; done \\
      | tests/data/fuzz/dictionary.py > build/command_line.dict"""

import re
import sys


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    for word in sorted(set(re.findall(r"[\w./*:-]{2,40}", sys.stdin.read(), re.ASCII))):
        print(f'"{word}"')


if __name__ == "__main__":
    main()
