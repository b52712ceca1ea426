// SPDX-License-Identifier: Apache-2.0
// The fields of a config.json, read strictly: a wrong type or a senseless number is a UsageError
// that names the file and the field.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/json.hpp"
#include "offload/model.hpp"

namespace offload {

/// Behind what is not supported of a config.json.
inline constexpr std::string_view advice =
    "; give the model's safetensors (a directory or model.safetensors.index.json) instead";

class ConfigFields {
 public:
  /// Multimodal models keep the language model's fields in "text_config"; those are meant here.
  ConfigFields(const JsonValue& config, std::string source);

  bool nested() const { return nested_; }
  const JsonValue& object() const { return inner_; }

  /// nullopt when absent or null.
  std::optional<JsonValue> find(std::string_view name) const;
  /// Also beside text_config, where some models say what holds for the whole.
  std::optional<JsonValue> find_anywhere(std::string_view name) const;

  /// A whole number from `min` to `max`.
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t min,
                                      std::uint64_t max) const;
  /// The same; absent is an error.
  std::uint64_t required(std::string_view name, std::uint64_t min, std::uint64_t max) const;
  bool flag(std::string_view name, bool otherwise) const;
  bool flag_anywhere(std::string_view name, bool otherwise) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::string> text_anywhere(std::string_view name) const;
  /// Which family it is of: its model_type or, without one, its first architecture (LongCat's).
  std::optional<std::string> model_type() const;
  /// Of the whole, where the language model's fields are nested.
  std::optional<std::string> outer_text(std::string_view name) const;
  /// Absent is an empty list.
  std::vector<JsonValue> list(std::string_view name) const;

  /// "<source>: <fault>"
  [[noreturn]] void fail(const std::string& fault) const;
  /// `value` of field `name` as a whole number in a range.
  std::uint64_t as_number(std::string_view name, const JsonValue& value, std::uint64_t min,
                          std::uint64_t max) const;
  std::string as_text(std::string_view name, const JsonValue& value) const;
  bool as_flag(std::string_view name, const JsonValue& value) const;

 private:
  JsonValue outer_;
  JsonValue inner_;
  bool nested_ = false;
  std::string source_;
};

/// A file beside config.json that says how the weights are quantised: some tools write it instead
/// of the config's own quantization_config.
struct QuantizationFile {
  JsonValue json;
  std::string source;
};

/// nullopt where it is not, or null.
std::optional<JsonValue> given(const JsonValue& object, std::string_view name);

/// Throws UsageError for a config of what cannot generate text by itself, or not layer by layer: a
/// draft, an encoder-decoder.
void refuse_other_models(const ConfigFields& fields);

/// What a config says of any architecture, for a model whose shapes are read from its tensors; 0
/// and "" where it does not say.
struct ConfigSummary {
  std::string architecture;  // of those that are described
  std::size_t layers = 0;
  std::size_t experts_per_token = 0;
  std::size_t context = 0;
  std::vector<AttentionHeads> heads;  // by layer; empty where it does not say
  bool tied = false;                  // the embedding is the head
};
/// Of an architecture that is described. Throws UsageError for another.
ConfigSummary described_summary(const ConfigFields& fields);
/// Of any. `experts` is the number that the tensors show. Throws UsageError where a field makes no
/// sense.
ConfigSummary summarize_config(const JsonValue& config, const std::string& source,
                               std::size_t experts);

/// The most tokens of a sequence; 0 where it is not said. It bears on no shape, so that what makes
/// no sense is no reason to refuse a model.
std::uint64_t context_of(const ConfigFields& fields);

/// The checkpoint's own tensors: names, shapes and dtypes as its safetensors hold them. Layers that
/// predict further tokens (num_nextn_predict_layers) are none of the model's and left out. Throws
/// UsageError naming `source` for what is missing, senseless or not supported, and for an
/// architecture whose tensors do not follow from its config.
Model model_from_config(const JsonValue& config, const std::string& name, const std::string& source,
                        const std::optional<QuantizationFile>& beside = std::nullopt);

/// The same, but of layers that have the same tensors only the first.
Model distinct_layers_from_config(const JsonValue& config, const std::string& name,
                                  const std::string& source);

}  // namespace offload
