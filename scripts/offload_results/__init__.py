# SPDX-License-Identifier: Apache-2.0
"""What the scripts share to read results files of offload_bench; the standard library only."""
