// SPDX-License-Identifier: Apache-2.0
// A whole command line by which an engine serves a model as an answer has it, to be pasted.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace offload {

/// What an engine is told beside the flags that offload.
struct Serving {
  std::string model;             // a Hugging Face id or a path, for vLLM and SGLang
  std::string gguf;              // the file of it, for llama.cpp
  std::string engine;            // that serves it where no flags name one
  std::size_t context = 0;       // tokens of each sequence
  std::size_t batch = 1;         // sequences
  std::uint64_t gpu_memory = 0;  // bytes of the whole GPU; 0: not known
  std::size_t gpus = 1;          // that share the model, tensor parallel
};

/// `flags` name an engine, variables of its environment, and its options, as engine_flags() makes
/// them, or say that there are none. `device_bytes` are what the engine may take of GPU memory. ""
/// stays "".
std::string command_line(std::string_view flags, std::uint64_t device_bytes,
                         const Serving& serving);

}  // namespace offload
