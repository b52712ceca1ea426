// SPDX-License-Identifier: Apache-2.0
// The lengths and conditions of a family's description, for one config.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/family_table.hpp"
#include "bench/models/hf_config.hpp"
#include "bench/models/shape_expression.hpp"

namespace offload {

/// `fields` must outlive it.
class FamilyLengths {
 public:
  /// Throws UsageError for a model_type that no family has.
  explicit FamilyLengths(const ConfigFields& fields);

  const FamilyDescription& description() const { return description_; }
  /// What "layer" means from now on.
  void enter_layer(std::uint64_t index);

  /// Throws UsageError naming the field that is missing or makes no sense.
  std::uint64_t number(const std::string& expression);

 private:
  /// A length or condition that is being calculated, and from which field on fields are its own.
  struct Open {
    std::string name;
    std::size_t first_field;
  };

  std::uint64_t calculated(const std::string& expression);
  ShapeValue value_of(std::string_view expression);
  /// What the family says of it; within that, and of anything else, the config's field.
  ShapeValue named(std::string_view name);
  bool is_open(std::string_view name) const;
  ShapeValue own_field(std::string_view name) const;
  ShapeValue field(std::string_view name);
  ShapeValue checked_field(std::string_view name);
  void check(std::string_view name, const JsonValue& value);
  void check_item(std::string_view name, const JsonValue& value,
                  const std::vector<std::string>& rule);
  std::uint64_t limit(const std::string& expression);
  [[noreturn]] void fail_senseless(const std::string& expression, const std::string& fault) const;
  [[noreturn]] void fail_missing(const std::vector<std::string>& names) const;

  const ConfigFields& fields_;
  FamilyDescription description_;
  std::uint64_t layer_ = 0;
  bool layer_matters_ = false;  // to the expression that is being calculated
  std::map<std::string, std::uint64_t, std::less<>> numbers_;       // of expressions, in any layer
  std::map<std::string, std::uint64_t, std::less<>> numbers_here_;  // in this one
  std::map<std::string, ShapeValue, std::less<>> known_;            // fields read before
  std::vector<Open> open_;
  std::vector<std::string> used_;  // fields, by the expression that is being calculated
};

}  // namespace offload
