# SPDX-License-Identifier: Apache-2.0
"""Where a GPU finds pages of pageable memory, and whether they move to it."""


def memory_mode(gpu):
    """As schema 2.6 names it. Files before it have what it follows from, but for one_memory."""
    if "memory_mode" in gpu:
        return gpu["memory_mode"]
    model = gpu["memory_model"]
    if model["pageable_memory_access_uses_host_page_tables"]:
        return {True: "numa", False: "cdmm", None: "ats"}[model["gpu_is_numa_node"]]
    return "hmm" if model["pageable_memory_access"] else "separate"
