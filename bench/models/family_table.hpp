// SPDX-License-Identifier: Apache-2.0
// Families of models that bench/models/families/*.json describes: which tensors they have, and of
// which lengths, as expressions over the fields of their config.json.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bench/models/hf_config.hpp"
#include "offload/model.hpp"

namespace offload {

struct FamilyFile {
  std::string_view name;
  std::string_view json;
};

std::span<const FamilyFile> family_files();

/// nullopt when no family is described for the config's model_type. Throws UsageError as
/// model_from_config does.
std::optional<Model> described_model(const ConfigFields& fields, const std::string& source,
                                     const std::optional<QuantizationFile>& beside);

/// The same without tensors, for a model that is read from its own.
std::optional<ConfigSummary> described_summary(const ConfigFields& fields);

}  // namespace offload
