# SPDX-License-Identifier: Apache-2.0
"""Reads the results files of offload_bench: compares, checks, merges, draws and tabulates them."""

__version__ = "0.1.0"  # as in CMakeLists.txt
