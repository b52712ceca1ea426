// SPDX-License-Identifier: Apache-2.0
// Whole command lines, as they are typed at a shell.
#include "bench/measure/engine_command.hpp"

#include <gtest/gtest.h>

namespace offload {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

Serving serving() {
  return {.model = "org/Model",
          .gguf = "Model.gguf",
          .engine = "vLLM",
          .context = 8192,
          .batch = 1,
          .gpu_memory = 24 * gib};
}

TEST(EngineCommand, HasModelContextSequencesAndMemory) {
  EXPECT_EQ(command_line("vLLM --offload-backend uva --cpu-offload-gb 9", 23 * gib, serving()),
            "vllm serve org/Model --offload-backend uva --cpu-offload-gb 9 --max-model-len 8192 "
            "--max-num-seqs 1 --gpu-memory-utilization 0.96");
  EXPECT_EQ(command_line("SGLang --cpu-offload-gb 9", 23 * gib, serving()),
            "python3 -m sglang.launch_server --model-path org/Model --cpu-offload-gb 9 "
            "--context-length 8192 --max-running-requests 1");
  EXPECT_EQ(command_line("llama.cpp -ngl 11 --no-mmap", 23 * gib, serving()),
            "llama-server -m Model.gguf -ngl 11 --no-mmap -c 8192");
}

TEST(EngineCommand, PutsTheEnvironmentFirst) {
  EXPECT_EQ(command_line("vLLM A=1 B=1 --cpu-offload-gb 9 --enforce-eager", 12 * gib, serving()),
            "A=1 B=1 vllm serve org/Model --cpu-offload-gb 9 --enforce-eager --max-model-len 8192 "
            "--max-num-seqs 1 --gpu-memory-utilization 0.50");
}

TEST(EngineCommand, LeavesAllOtherLayersOnTheGpu) {
  EXPECT_EQ(command_line("llama.cpp -ncmoe 30", gib, serving()),
            "llama-server -m Model.gguf -ngl all -ncmoe 30 -c 8192");
}

TEST(EngineCommand, LetsSequencesShareWhatLlamaCppCallsTheContext) {
  Serving several = serving();
  several.batch = 4;
  EXPECT_EQ(command_line("llama.cpp -ngl 11", gib, several),
            "llama-server -m Model.gguf -ngl 11 -c 32768 -np 4");
}

TEST(EngineCommand, SaysNoShareOfMemoryThatIsNotKnown) {
  Serving other = serving();
  other.gpu_memory = 0;
  EXPECT_EQ(command_line("vLLM", 23 * gib, other),
            "vllm serve org/Model --max-model-len 8192 --max-num-seqs 1");
  other.gpu_memory = 16 * gib;
  EXPECT_EQ(command_line("vLLM", 23 * gib, other),
            "vllm serve org/Model --max-model-len 8192 --max-num-seqs 1");
}

TEST(EngineCommand, ServesByTheEngineAskedForWhereNothingIsOffloaded) {
  constexpr std::string_view none = "no offload flags; llama.cpp -ngl all";
  EXPECT_TRUE(command_line(none, gib, serving()).starts_with("vllm serve org/Model --max-model"));
  Serving other = serving();
  other.engine = "llama.cpp";
  EXPECT_EQ(command_line(none, gib, other), "llama-server -m Model.gguf -ngl all -c 8192");
}

TEST(EngineCommand, QuotesWhatAShellWouldTakeApart) {
  Serving other = serving();
  other.gguf = "my models/it's.gguf";
  EXPECT_EQ(command_line("llama.cpp -ngl 1", gib, other),
            R"(llama-server -m 'my models/it'\''s.gguf' -ngl 1 -c 8192)");
}

TEST(EngineCommand, IsNoneWhereNoEngineCan) { EXPECT_EQ(command_line("", gib, serving()), ""); }

}  // namespace
}  // namespace offload
