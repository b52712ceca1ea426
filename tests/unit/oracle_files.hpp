// SPDX-License-Identifier: Apache-2.0
// Models as others build them, which scripts/ wrote to tests/data/models/, and how far a model that
// was read differs.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/json.hpp"
#include "offload/model.hpp"

namespace offload::oracle {

/// Where scripts/ wrote them.
std::filesystem::path directory();

std::string content_of(const std::filesystem::path& path);

/// Of what is there, as is meant; anything else throws.
JsonValue at(const JsonValue& object, std::string_view name);
std::uint64_t number(const JsonValue& object, std::string_view name);
std::string text(const JsonValue& value);

/// {0, 1, 2, 5} of "0-2,5".
std::vector<std::uint64_t> numbers_in(const std::string& ranges);

/// Every name that a pattern such as "model.layers.{0-2,5}.up.weight" means.
std::vector<std::string> names_of(const std::string& pattern);

/// All of the model's "names", with their shape, dtype and bytes.
std::vector<ModelTensor> tensors_of(const JsonValue& model);

/// The header of a safetensors file that holds the tensors one after the other.
std::string header_of(const std::vector<ModelTensor>& tensors);

std::uint64_t linear_parameters(const ModelLayer& layer);

/// The numbers that are others than the oracle's, of layers the first; "" for none.
std::string difference(const Model& model, const JsonValue& oracle, std::uint64_t parameters);

}  // namespace offload::oracle
