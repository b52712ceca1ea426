# SPDX-License-Identifier: Apache-2.0
# A recipe for Spack, to build a clone of this repository with it. Spack has not built it yet: it was only
# read, by tests/scripts/spack_test.py. docs/install.md says how to use it.
from spack.package import *


class OffloadBench(CMakePackage, CudaPackage):
    """Measures ways for a GPU to read LLM weights that live in CPU memory."""

    license("Apache-2.0")

    version("0.1.0")  # of the clone that is built: no archive is named here

    variant("cuda", default=True, description="Build the GPU part")
    variant("tests", default=False, description="Build the tests")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("benchmark@1.7.1:")
    depends_on("cli11@2.1:")
    depends_on("nlohmann-json@3.11:")
    depends_on("highway@1.0.3:")
    depends_on("googletest@1.12:", when="+tests")
    depends_on("cuda@12.4:", when="+cuda")

    conflicts("%gcc@:11", msg="the sources are C++20: use GCC 12 or newer")

    def cmake_args(self):
        args = [
            self.define_from_variant("OFFLOAD_BENCH_CUDA", "cuda"),
            self.define_from_variant("OFFLOAD_BENCH_TESTS", "tests"),
            # What CMake does not find is an error, not a download.
            self.define("FETCHCONTENT_FULLY_DISCONNECTED", True),
        ]
        architectures = self.spec.variants["cuda_arch"].value if "+cuda" in self.spec else ("none",)
        if "none" not in architectures:
            args.append(self.define("CMAKE_CUDA_ARCHITECTURES", architectures))
        return args
