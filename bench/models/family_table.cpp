// SPDX-License-Identifier: Apache-2.0
#include "bench/models/family_table.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/models/layers.hpp"
#include "bench/models/shape_expression.hpp"
#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

// As high as for the other families; so that no sum over a model's tensors overflows.
constexpr std::uint64_t max_layers = 1 << 10;
constexpr std::uint64_t max_heads = 1 << 12;
constexpr std::uint64_t max_repeated = 1 << 18;  // an expert has up to three matrices
constexpr std::uint64_t max_elements = std::uint64_t{1} << 42;

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> lines_of(const JsonValue& list) {
  std::vector<std::string> lines;
  for (const JsonValue& item : list.items()) lines.emplace_back(item.text().value());
  return lines;
}

/// All that is described: families, parts that they share, what holds where a family says nothing.
struct FamilyTable {
  std::vector<JsonValue> families;
  JsonValue parts;
  JsonValue defaults;
  JsonValue wrappers;

  std::optional<JsonValue> family(std::string_view type) const {
    for (const JsonValue& family : families) {
      const std::vector<std::string> types = words_of(family.find("types")->text().value());
      if (std::find(types.begin(), types.end(), type) != types.end()) return family;
    }
    return std::nullopt;
  }
};

FamilyTable read_table() {
  std::vector<JsonValue> families;
  std::optional<JsonValue> common;
  for (const FamilyFile& file : family_files()) {
    const JsonValue json = parse_json(file.json, std::string(file.name));
    if (json.find("parts")) common = json;
    const std::optional<JsonValue> list = json.find("families");
    if (!list) continue;
    for (const JsonValue& family : list->items()) families.push_back(family);
  }
  return {std::move(families), common->find("parts").value(), common->find("defaults").value(),
          common->find("wrappers").value()};
}

const FamilyTable& table() {
  static const FamilyTable read = read_table();
  return read;
}

/// A family's description: its own, then that of the family it is like, then the defaults.
class Description {
 public:
  explicit Description(const JsonValue& family) {
    std::optional<JsonValue> next = family;
    while (next) {
      entries_.push_back(*next);
      const std::optional<JsonValue> like = next->find("like");
      next = like ? table().family(like->text().value()) : std::nullopt;
    }
    entries_.push_back(table().defaults);
  }

  JsonValue find(std::string_view name) const {
    for (const JsonValue& entry : entries_) {
      if (std::optional<JsonValue> value = entry.find(name)) return *value;
    }
    throw std::invalid_argument("no " + std::string(name));
  }
  std::string text(std::string_view name) const { return std::string(find(name).text().value()); }
  std::vector<std::string> lines(std::string_view name) const { return lines_of(find(name)); }

  std::optional<std::string> value(std::string_view name) const {
    for (const JsonValue& entry : entries_) {
      const std::optional<JsonValue> values = entry.find("values");
      const std::optional<JsonValue> value = values ? values->find(name) : std::nullopt;
      if (value) return std::string(value->text().value());
    }
    return std::nullopt;
  }

 private:
  std::vector<JsonValue> entries_;
};

/// The lengths and conditions of a family's description, for one config.
class Lengths {
 public:
  Lengths(const ConfigFields& fields, Description description)
      : fields_(fields), description_(std::move(description)) {}

  const Description& description() const { return description_; }
  void enter_layer(std::uint64_t index) { layer_ = index; }

  std::uint64_t number(const std::string& expression) {
    missing_.clear();
    try {
      const ShapeValue value =
          evaluate(expression, [this](std::string_view name) { return named(name); });
      if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number;
    } catch (const std::invalid_argument& error) {
      fields_.fail("what it says of " + expression + " makes no sense: " + error.what());
    }
    if (missing_.empty()) missing_ = expression;
    fields_.fail("no " + missing_ + std::string(advice));
  }

 private:
  /// What the family says of it; within that, and of anything else, the config's field.
  ShapeValue named(std::string_view name) {
    if (name == "layer") return layer_;
    if (name == "nested") return std::uint64_t{fields_.nested() ? 1U : 0U};
    constexpr std::string_view own = "layer.";
    if (name.starts_with(own)) return own_field(name.substr(own.size()));
    const std::optional<std::string> meaning = description_.value(name);
    if (!meaning || std::find(open_.begin(), open_.end(), name) != open_.end()) return field(name);
    open_.emplace_back(name);
    ShapeValue value = evaluate(*meaning, [this](std::string_view inner) { return named(inner); });
    open_.pop_back();
    return value;
  }

  /// What per_layer_config gives for the layer, which its keys name, with leading zeros or none.
  ShapeValue own_field(std::string_view name) const {
    const std::optional<JsonValue> layers = fields_.find("per_layer_config");
    if (!layers) return {};
    for (const JsonMember& member : layers->members()) {
      if (parse_digits(member.name) != layer_) continue;
      const std::optional<JsonValue> value = member.value.find(name);
      if (value) return as_shape_value(*value);
    }
    return {};
  }

  ShapeValue field(std::string_view name) {
    const std::size_t dot = name.find('.');
    std::optional<JsonValue> value = name == "tie_word_embeddings"
                                         ? fields_.find_anywhere(name)
                                         : fields_.find(name.substr(0, dot));
    if (value && dot != name.npos) value = value->find(name.substr(dot + 1));
    if (!value || value->is_null()) {
      missing_ = name;
      return {};
    }
    try {
      return as_shape_value(*value);
    } catch (const std::invalid_argument& error) {
      fields_.fail(std::string(name) + " makes no sense: " + error.what());
    }
  }

  const ConfigFields& fields_;
  Description description_;
  std::uint64_t layer_ = 0;
  std::vector<std::string> open_;
  std::string missing_;
};

/// Collects the tensors that lines such as "linear self_attn.q_proj heads*head_dim hidden" mean.
class TensorList {
 public:
  TensorList(const ConfigFields& fields, Lengths& lengths, const ModelConfig& config)
      : fields_(fields), lengths_(lengths), config_(config) {}

  /// Outside the layers nothing is quantised.
  void add_outside(const std::vector<std::string>& lines, const std::string& prefix) {
    quantisable_ = false;
    add_all(lines, prefix);
    quantisable_ = true;
  }

  void add_all(const std::vector<std::string>& lines, const std::string& prefix) {
    for (const std::string& line : lines) add(words_of(line), prefix);
  }

  std::vector<ModelTensor> take() { return std::move(tensors_); }

 private:
  void add(std::vector<std::string> words, const std::string& prefix) {
    while (words.front().starts_with("?")) {
      if (lengths_.number(words.front().substr(1)) == 0) return;
      words.erase(words.begin());
    }
    if (words.front() == "refuse") {
      fields_.fail(words.at(1) + " is not supported" + std::string(advice));
    }
    if (words.front() == "use") {
      add_all(lines_of(table().parts.find(words.at(1)).value()), prefix);
      return;
    }
    const std::string& name = words.at(1);
    const std::size_t begin = name.find('{');
    if (begin == name.npos) {
      add_tensor(words, prefix, name);
      return;
    }
    const std::size_t length = name.find('}') + 1 - begin;
    const std::uint64_t count = lengths_.number(name.substr(begin + 1, length - 2));
    repeated_ += count;
    if (repeated_ > max_repeated) fields_.fail("more experts in all layers than any model has");
    for (std::uint64_t i = 0; i < count; ++i) {
      add_tensor(words, prefix, std::string(name).replace(begin, length, std::to_string(i)));
    }
  }

  void add_tensor(const std::vector<std::string>& words, const std::string& prefix,
                  const std::string& name) {
    const std::string& kind = words.front();
    const std::size_t lengths = kind == "linear" ? 2 : kind == "norm" ? 1 : words.size() - 2;
    std::vector<std::uint64_t> shape;
    for (std::size_t i = 0; i < lengths; ++i) shape.push_back(length(words.at(i + 2), name));
    check_size(shape, name);
    const bool bias = words.size() > lengths + 2 && lengths_.number(words.at(lengths + 2)) != 0;
    if (kind == "linear" && quantisable_) {
      const Part part = part_in_layer(name);
      append(linear_tensors(config_, prefix, name, shape[0], shape[1], part, bias));
    } else if (kind == "linear" || kind == "norm") {
      append({plain_tensor(prefix + name + ".weight", config_.dtype, shape)});
      if (bias) append({plain_tensor(prefix + name + ".bias", config_.dtype, {shape.front()})});
    } else {
      append({plain_tensor(prefix + name, dtype_of(kind), shape)});
    }
  }

  std::string dtype_of(std::string_view kind) const {
    if (kind == "index") return "I64";
    return kind == "float" ? "F32" : config_.dtype;
  }

  std::uint64_t length(const std::string& expression, const std::string& name) {
    const std::uint64_t length = lengths_.number(expression);
    if (length == 0) fields_.fail(name + " would hold nothing: " + expression + " is 0");
    return length;
  }

  void check_size(const std::vector<std::uint64_t>& shape, const std::string& name) const {
    std::uint64_t elements = 1;
    for (const std::uint64_t length : shape) {
      if (length > max_elements / elements) fields_.fail(name + " would be too large");
      elements *= length;
    }
  }

  void append(std::vector<ModelTensor> more) {
    for (ModelTensor& tensor : more) tensors_.push_back(std::move(tensor));
  }

  const ConfigFields& fields_;
  Lengths& lengths_;
  const ModelConfig& config_;
  std::vector<ModelTensor> tensors_;
  std::uint64_t repeated_ = 0;
  bool quantisable_ = true;
};

void refuse_other_layers(const ConfigFields& fields, const Description& description) {
  const std::vector<std::string> known = words_of(description.text("layer_types"));
  const auto refuse = [&](const std::string& what) {
    fields.fail(what + " is not supported" + std::string(advice));
  };
  for (const JsonValue& item : fields.list("layer_types")) {
    const std::string type = fields.as_text("layer_types", item);
    if (std::find(known.begin(), known.end(), type) == known.end()) {
      refuse("layer type " + in_quotes(type));
    }
  }
  if (std::find(known.begin(), known.end(), "linear_attention") != known.end()) return;
  for (const JsonMember& member : fields.object().members()) {
    if (member.name.starts_with("linear_") || member.name == "full_attention_interval") {
      refuse("linear attention, as field " + in_quotes(member.name) + " means it,");
    }
  }
}

void check_heads(const ConfigFields& fields) {
  const auto heads = fields.number({"num_attention_heads"}, 1, max_heads);
  const auto kv_heads = fields.number({"num_key_value_heads"}, 1, max_heads);
  if (heads && kv_heads && *heads % *kv_heads != 0) {
    fields.fail("num_attention_heads is not a multiple of num_key_value_heads");
  }
}

std::optional<JsonValue> described_family(const ConfigFields& fields) {
  const std::optional<std::string> type = fields.text_anywhere("model_type");
  return type ? table().family(*type) : std::nullopt;
}

/// Where the tensors of the language model lie, and its head.
void set_prefixes(const ConfigFields& fields, const Description& description, ModelConfig& config) {
  config.head_prefix = fields.nested() ? "language_model." : "";
  config.prefix = config.head_prefix + description.text("prefix");
  const std::optional<std::string> outer = fields.outer_text("model_type");
  const std::optional<JsonValue> wrapper = outer ? table().wrappers.find(*outer) : std::nullopt;
  if (!fields.nested() || !wrapper) return;
  const std::vector<std::string> prefixes = lines_of(*wrapper);
  if (prefixes.empty())
    fields.fail("the names of the tensors of " + *outer + " are not known" + std::string(advice));
  config.prefix = prefixes.at(0);
  config.head_prefix = prefixes.at(1);
}

std::uint64_t layers_of(const ConfigFields& fields, Lengths& lengths) {
  const std::uint64_t layers = lengths.number("layers");
  if (layers == 0 || layers > max_layers) {
    fields.fail("layers must be from 1 to " + std::to_string(max_layers) + ", not " +
                std::to_string(layers));
  }
  return layers;
}

std::vector<ModelTensor> tensors_of(const ConfigFields& fields, Lengths& lengths,
                                    const ModelConfig& config) {
  const Description& description = lengths.description();
  TensorList list(fields, lengths, config);
  list.add_outside(description.lines("body"), config.prefix);
  const std::string stack = config.prefix + description.text("stack") + ".";
  const std::vector<std::string> layer = description.lines("layer");
  const std::uint64_t layers = layers_of(fields, lengths);
  for (std::uint64_t i = 0; i < layers; ++i) {
    lengths.enter_layer(i);
    list.add_all(layer, stack + std::to_string(i) + ".");
  }
  list.add_outside(description.lines("head"), config.head_prefix);
  return list.take();
}

}  // namespace

std::optional<Model> described_model(const ConfigFields& fields, const std::string& source,
                                     const std::optional<QuantizationFile>& beside) {
  const std::optional<JsonValue> family = described_family(fields);
  if (!family) return std::nullopt;
  refuse_other_models(fields);
  Lengths lengths(fields, Description(*family));
  refuse_other_layers(fields, lengths.description());
  check_heads(fields);
  ModelConfig config = shared_fields(fields, source, beside);
  set_prefixes(fields, lengths.description(), config);
  if (config.quantization && lengths.number("stacked") != 0) {
    fields.fail("quantised experts in one tensor are not supported for " + config.architecture +
                std::string(advice));
  }
  Model model;
  model.architecture = config.architecture;
  model.source = source;
  model.context = config.context;
  arrange_layers(tensors_of(fields, lengths, config), model);
  if (lengths.number("stacked") != 0) model.experts = lengths.number("experts");
  if (model.experts > 0) model.experts_per_token = lengths.number("experts_per_token");
  if (model.experts_per_token > model.experts) {
    fields.fail("a token takes " + std::to_string(model.experts_per_token) + " experts of " +
                std::to_string(model.experts));
  }
  return model;
}

std::optional<ConfigSummary> described_summary(const ConfigFields& fields) {
  const std::optional<JsonValue> family = described_family(fields);
  if (!family) return std::nullopt;
  Lengths lengths(fields, Description(*family));
  ConfigSummary summary;
  summary.architecture = fields.text_anywhere("model_type").value();
  summary.layers = layers_of(fields, lengths);
  summary.experts_per_token = lengths.number("experts_per_token");
  summary.context = context_of(fields);
  return summary;
}

}  // namespace offload
