// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/model_files.hpp"

#include <cstdlib>
#include <fstream>

namespace offload {

namespace fs = std::filesystem;

testing::AssertionResult says(std::string_view text, std::string_view part) {
  if (text.find(part) != std::string_view::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' does not say '" << part << "'";
}

TempDirectory::TempDirectory() {
  std::string pattern = (fs::temp_directory_path() / "model_files_XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}
TempDirectory::~TempDirectory() { fs::remove_all(path_); }

fs::path TempDirectory::write(const fs::path& name, std::string_view content) const {
  fs::path path = path_ / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string written;
  for (std::size_t i = 0; i < bytes; ++i) {
    written += static_cast<char>(value & 0xffU);
    value >>= 8U;
  }
  return written;
}

std::string GgufWriter::counted(std::string_view text) {
  return little_endian(text.size(), 8) + std::string(text);
}

GgufWriter& GgufWriter::key(std::string_view name, std::uint32_t type, std::string_view value) {
  keys_ += counted(name) + little_endian(type, 4) + std::string(value);
  ++key_count_;
  return *this;
}
GgufWriter& GgufWriter::key_u32(std::string_view name, std::uint32_t value) {
  return key(name, u32, little_endian(value, 4));
}
GgufWriter& GgufWriter::key_text(std::string_view name, std::string_view value) {
  return key(name, text, counted(value));
}

std::string GgufWriter::header() const {
  std::string written = "GGUF" + little_endian(version, 4) +
                        little_endian(claimed_tensors.value_or(tensors.size()), 8) +
                        little_endian(claimed_keys.value_or(key_count_), 8) + keys_;
  for (const Tensor& tensor : tensors) {
    written += counted(tensor.name) + little_endian(tensor.dimensions.size(), 4);
    for (const std::uint64_t length : tensor.dimensions) written += little_endian(length, 8);
    written += little_endian(tensor.type, 4) + little_endian(tensor.offset, 8);
  }
  return written;
}

GgufWriter small_gguf() {
  constexpr std::uint32_t f32 = 0;
  constexpr std::uint32_t q4_k = 12;
  GgufWriter file;
  file.key_text("general.architecture", "llama")
      .key_text("general.name", "Small Llama/1, tuned")
      .key_u32("llama.block_count", 1);
  // 256 x 2 weights in Q4_K are 2 blocks of 144 bytes, which end in front of a multiple of 32.
  file.tensors = {{"token_embd.weight", {256, 4}, f32, 0},
                  {"blk.0.ffn_up.weight", {256, 2}, q4_k, 4096},
                  {"blk.0.attn_norm.weight", {256}, f32, 4384},
                  {"blk.0.attn_q.weight", {256, 8}, q4_k, 5408},
                  {"output.weight", {256, 4}, f32, 6560}};
  return file;
}

Checkpoint& Checkpoint::add(const std::string& name, const std::string& dtype,
                            const std::string& shape, std::uint64_t bytes) {
  json_ += (json_.empty() ? "\"" : ",\"") + name + R"(":{"dtype":")" + dtype + R"(","shape":[)" +
           shape + R"(],"data_offsets":[)" + std::to_string(end_) + "," +
           std::to_string(end_ + bytes) + "]}";
  end_ += bytes;
  return *this;
}
std::string Checkpoint::header() const { return safetensors_file("{" + json_ + "}"); }

std::string safetensors_file(std::string_view header, std::size_t data_bytes) {
  return little_endian(header.size(), 8) + std::string(header) + std::string(data_bytes, '\0');
}

}  // namespace offload
