// SPDX-License-Identifier: Apache-2.0
// A model as its files describe it: layers of named, shaped tensors, in the order they are
// executed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "offload/weight_file.hpp"

namespace offload {

/// What a tensor is for. Linear weights are attention, mlp, experts and shared_expert matrices.
enum class Part : std::uint8_t {
  embedding,
  attention,
  mlp,            // dense feed-forward
  experts,        // routed experts: one of them as [rows, cols], or all stacked as [E, rows, cols]
  shared_expert,  // runs for every token beside the routed ones
  router,
  norm,
  head,      // lm_head: logits
  drafting,  // layers that predict tokens ahead of the model: nothing of them runs here
  tower,     // reads images or sound, likewise
  other,
};

struct ModelTensor {
  std::string name;                  // full dotted name: "model.layers.3.mlp.down_proj.weight"
  std::string dtype;                 // as safetensors or ggml write it: "BF16", "F8_E4M3", "Q4_K"
  std::vector<std::uint64_t> shape;  // row-major, outermost first; of what is stored
  std::uint64_t parameters = 0;      // weights and biases; 0 for quantisation scales
  std::uint64_t bytes = 0;           // as stored, scales inside blocks included
  Part part = Part::other;
  /// Its bytes, in their order, once they were looked for (bench/models/stored_content.hpp);
  /// nullptr where no file holds them so. A model may have hundreds of thousands of tensors.
  std::shared_ptr<const std::vector<StoredBytes>> stored = nullptr;

  std::span<const StoredBytes> parts() const {
    return stored ? std::span<const StoredBytes>(*stored) : std::span<const StoredBytes>();
  }
};

/// Of a layer's attention; 0 where the model's files do not say.
struct AttentionHeads {
  std::uint64_t queries = 0;
  std::uint64_t keys = 0;  // and values

  bool operator==(const AttentionHeads&) const = default;
};

struct ModelLayer {
  std::vector<ModelTensor> tensors;  // in execution order
  AttentionHeads heads = {};
};

struct Model {
  std::string name;               // no slash, comma or space: part of benchmark names
  std::string architecture;       // config.json's model_type or GGUF's general.architecture
  std::string source;             // "preset", or the file it was read from
  std::vector<ModelTensor> ends;  // outside the layers: embedding, last norm, head
  std::vector<ModelLayer> layers;
  std::size_t experts = 0;  // routed experts per MoE layer; 0 for a dense model
  std::size_t experts_per_token = 0;
  std::size_t context = 0;  // the most tokens of a sequence; 0: its files do not say it
  std::size_t tensor_parallel = 1;  // of which it is one GPU's share (bench/models/shard.hpp)

  /// The name, and of how many GPUs it is one's share: "llama3.1-70b", "llama3.1-70b.tp4".
  std::string label() const;
  std::uint64_t parameters() const;
  std::uint64_t bytes() const;
  std::uint64_t bytes(Part part) const;  // of all tensors that are that part
};

}  // namespace offload
