// SPDX-License-Identifier: Apache-2.0
// A model from its config.json: the tensors that the description of its family names.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/models/expert_stacks.hpp"
#include "bench/models/family_lengths.hpp"
#include "bench/models/hf_config.hpp"
#include "bench/models/layers.hpp"
#include "bench/models/stored_tensors.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

// Far above any model, and low enough that no sum over a model's tensors overflows.
constexpr std::uint64_t max_layers = 1 << 10;
// Of the largest model known, Kimi-K2 in NVFP4: 60 layers of 384 experts, each of three matrices in
// four tensors, are 276'480; and what stands beside them.
constexpr std::uint64_t max_tensors = 280'000;
constexpr std::uint64_t max_elements = std::uint64_t{1} << 42;

/// A line of a description such as "linear mlp.experts.{experts}.down_proj hidden expert_width",
/// its lengths known.
struct TensorRow {
  std::string kind;
  std::string name;  // up to the number, where it is repeated
  std::string rest;  // of the name, after the number
  std::optional<std::uint64_t> count;
  std::uint64_t first = 0;  // of the numbers
  std::uint64_t step = 1;   // from one to the next
  std::vector<std::uint64_t> shape;
  bool bias = false;

  bool operator==(const TensorRow&) const = default;
};

using Rows = std::vector<TensorRow>;

/// A line in its words, the parts that it uses in its place.
struct Line {
  std::vector<std::string> conditions;
  std::vector<std::string> words;
};

/// Of a part, whose names are those behind `prefix`.
void add_lines(const std::vector<std::string>& texts, const std::vector<std::string>& conditions,
               const std::string& prefix, std::vector<Line>& lines) {
  for (const std::string& text : texts) {
    Line line{conditions, words_of(text)};
    while (line.words.front().starts_with("?")) {
      line.conditions.push_back(line.words.front().substr(1));
      line.words.erase(line.words.begin());
    }
    if (line.words.front() == "use") {
      const std::string inner = line.words.size() > 2 ? prefix + line.words[2] : prefix;
      add_lines(family_part(line.words.at(1)), line.conditions, inner, lines);
      continue;
    }
    if (line.words.front() != "refuse") line.words.at(1).insert(0, prefix);
    lines.push_back(std::move(line));
  }
}

std::vector<Line> lines_in(const FamilyDescription& description, std::string_view name) {
  std::vector<Line> lines;
  add_lines(description.lines(name), {}, "", lines);
  return lines;
}

class RowReader {
 public:
  RowReader(const ConfigFields& fields, FamilyLengths& lengths)
      : fields_(fields), lengths_(lengths) {}

  Rows read(const std::vector<Line>& lines) {
    Rows rows;
    for (const Line& line : lines) {
      if (!applies(line)) continue;
      if (line.words.front() == "refuse") {
        fields_.fail(line.words.at(1) + " is not supported" + std::string(advice));
      }
      rows.push_back(row_of(line.words));
    }
    return rows;
  }

 private:
  bool applies(const Line& line) {
    return std::all_of(
        line.conditions.begin(), line.conditions.end(),
        [&](const std::string& condition) { return lengths_.number(condition) != 0; });
  }

  TensorRow row_of(const std::vector<std::string>& words) {
    TensorRow row;
    row.kind = words.front();
    row.name = words.at(1);
    const std::size_t begin = row.name.find('{');
    if (begin != row.name.npos) {
      const std::size_t end = row.name.find('}');
      row.rest = row.name.substr(end + 1);
      repeat(row, row.name.substr(begin + 1, end - begin - 1));
      row.name.resize(begin);
    }
    const std::size_t lengths = lengths_in(words);
    for (std::size_t i = 0; i < lengths; ++i) row.shape.push_back(length(words.at(i + 2), row));
    check_size(row);
    row.bias = words.size() > lengths + 2 && lengths_.number(words.at(lengths + 2)) != 0;
    return row;
  }

  /// "COUNT" numbers from 0 on, or "COUNT:FIRST:STEP".
  void repeat(TensorRow& row, const std::string& numbers) {
    const std::size_t first = numbers.find(':');
    row.count = lengths_.number(numbers.substr(0, first));
    if (first == numbers.npos) return;
    const std::size_t step = numbers.find(':', first + 1);
    row.first = lengths_.number(numbers.substr(first + 1, step - first - 1));
    row.step = lengths_.number(numbers.substr(step + 1));
  }

  static std::size_t lengths_in(const std::vector<std::string>& words) {
    const std::string& kind = words.front();
    if (kind == "norm") return 1;
    if (kind == "linear") return 2;
    return kind == "stack" ? 3 : words.size() - 2;
  }

  std::uint64_t length(const std::string& expression, const TensorRow& row) {
    const std::uint64_t length = lengths_.number(expression);
    if (length == 0) {
      fields_.fail(row.name + row.rest + " would hold nothing: " + expression + " is 0");
    }
    return length;
  }

  void check_size(const TensorRow& row) const {
    std::uint64_t elements = 1;
    for (const std::uint64_t length : row.shape) {
      if (length > max_elements / elements)
        fields_.fail(row.name + row.rest + " would be too large");
      elements *= length;
    }
  }

  const ConfigFields& fields_;
  FamilyLengths& lengths_;
};

/// All rows of a model.
struct ModelRows {
  Rows body;
  std::vector<Rows> layers;
  std::vector<AttentionHeads> heads;  // by layer
  Rows head;
};

std::uint64_t layers_of(const ConfigFields& fields, FamilyLengths& lengths) {
  const std::uint64_t layers = lengths.number("layers");
  if (layers == 0 || layers > max_layers) {
    fields.fail("layers must be from 1 to " + std::to_string(max_layers) + ", not " +
                std::to_string(layers));
  }
  return layers;
}

/// Of the layer that was entered. Where they make no sense they are not known: a model whose shapes
/// do not hang on them is none the worse.
AttentionHeads heads_here(FamilyLengths& lengths) {
  try {
    return {lengths.number("heads|0"), lengths.number("kv_heads|0")};
  } catch (const UsageError&) {
    return {};
  }
}

ModelRows rows_of(const ConfigFields& fields, FamilyLengths& lengths) {
  const FamilyDescription& description = lengths.description();
  RowReader reader(fields, lengths);
  ModelRows rows;
  rows.body = reader.read(lines_in(description, "body"));
  const std::vector<Line> layer = lines_in(description, "layer");
  const std::uint64_t layers = layers_of(fields, lengths);
  for (std::uint64_t i = 0; i < layers; ++i) {
    lengths.enter_layer(i);
    rows.layers.push_back(reader.read(layer));
    rows.heads.push_back(heads_here(lengths));
  }
  rows.head = reader.read(lines_in(description, "head"));
  return rows;
}

std::string dtype_of(const std::string& kind, const Storage& storage) {
  if (kind == "index") return "I64";
  return kind == "float" ? "F32" : storage.dtype;
}

std::vector<ModelTensor> tensors_named(const std::string& name, const TensorRow& row,
                                       const Storage& storage) {
  const std::vector<std::uint64_t>& shape = row.shape;
  if (row.kind == "linear") return linear_tensors(storage, name, shape[0], shape[1], row.bias);
  if (row.kind == "stack") {
    return stack_tensors(storage, name, shape[0], shape[1], shape[2], row.bias);
  }
  const bool is_norm = row.kind == "norm";
  std::vector<ModelTensor> tensors;
  tensors.reserve(is_norm && row.bias ? 2 : 1);
  tensors.push_back(
      plain_tensor(is_norm ? name + ".weight" : name, dtype_of(row.kind, storage), shape));
  if (is_norm && row.bias) tensors.push_back(plain_tensor(name + ".bias", storage.dtype, shape));
  return tensors;
}

/// Makes tensors of rows, no more than fit into memory.
class TensorMaker {
 public:
  explicit TensorMaker(const ConfigFields& fields) : fields_(fields) {}

  std::vector<ModelTensor> tensors_of(const Rows& rows, const std::string& prefix,
                                      const Storage& storage) {
    std::vector<ModelTensor> tensors;
    for (const TensorRow& row : rows) {
      for (std::uint64_t i = 0; i < row.count.value_or(1); ++i) {
        std::string name = prefix + row.name;
        if (row.count) name.append(std::to_string(row.first + i * row.step)).append(row.rest);
        for (ModelTensor& tensor : tensors_named(name, row, storage)) {
          if (++made_ > max_tensors) {
            fields_.fail("more tensors, mostly of experts, than any model has");
          }
          tensors.push_back(std::move(tensor));
        }
      }
    }
    return tensors;
  }

 private:
  const ConfigFields& fields_;
  std::uint64_t made_ = 0;
};

void refuse_other_layers(const ConfigFields& fields, const FamilyDescription& description) {
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

std::string dtype_of(const ConfigFields& fields) {
  std::optional<std::string> given = fields.text_anywhere("dtype");
  if (!given) given = fields.text_anywhere("torch_dtype");
  if (!given || *given == "bfloat16") return "BF16";
  if (*given == "float16") return "F16";
  if (*given == "float32") return "F32";
  fields.fail("dtype " + in_quotes(*given) + " is not one of bfloat16, float16, float32");
}

Storage storage_of(const ConfigFields& fields, FamilyLengths& lengths, const std::string& source,
                   const std::optional<QuantizationFile>& beside) {
  Storage storage{dtype_of(fields), std::nullopt};
  storage.quantization = read_quantization(fields, source, beside,
                                           words_of(lengths.description().text("quantized_by")));
  if (storage.quantization && lengths.number("stacked") != 0) {
    fields.fail("quantised experts in one tensor are not supported for " +
                fields.model_type().value() + std::string(advice));
  }
  return storage;
}

void check_packed(const ConfigFields& fields, const ModelRows& rows, const Storage& storage) {
  if (!storage.quantization || storage.quantization->form != QuantizedForm::mxfp4) return;
  for (const Rows& layer : rows.layers) {
    for (const TensorRow& row : layer) {
      if (row.kind != "stack" || row.shape.back() % mxfp4_block == 0) continue;
      fields.fail("mxfp4 needs sizes that are multiples of " + std::to_string(mxfp4_block) +
                  ", not " + row.name + " with " + std::to_string(row.shape.back()));
    }
  }
}

/// Of the names of tensors: of the language model, and of its head.
struct Prefixes {
  std::string model;
  std::string head;
};

Prefixes prefixes_of(const ConfigFields& fields, const FamilyDescription& description) {
  const std::string head = fields.nested() ? "language_model." : "";
  const std::optional<std::string> outer = fields.outer_text("model_type");
  const auto wrapper = outer && fields.nested() ? wrapper_prefixes(*outer) : std::nullopt;
  if (!wrapper) return {head + description.text("prefix"), head};
  if (wrapper->empty())
    fields.fail("the names of the tensors of " + *outer + " are not known" + std::string(advice));
  return {wrapper->at(0), wrapper->at(1)};
}

void set_experts(const ConfigFields& fields, FamilyLengths& lengths, Model& model) {
  if (lengths.number("stacked") != 0) model.experts = lengths.number("experts");
  if (model.experts > 0) model.experts_per_token = lengths.number("experts_per_token");
  if (model.experts_per_token > model.experts) {
    fields.fail("a token takes " + std::to_string(model.experts_per_token) + " experts of " +
                std::to_string(model.experts));
  }
}

enum class Layers : std::uint8_t { all, first_of_each_kind };

Model model_of(const ConfigFields& fields, const std::string& name, const std::string& source,
               const std::optional<QuantizationFile>& beside, Layers wanted) {
  refuse_other_models(fields);
  FamilyLengths lengths(fields);
  const FamilyDescription& description = lengths.description();
  refuse_other_layers(fields, description);
  const Storage storage = storage_of(fields, lengths, source, beside);
  const Storage outside{storage.dtype, std::nullopt};  // nothing outside the layers is quantised
  const Prefixes prefixes = prefixes_of(fields, description);
  const ModelRows rows = rows_of(fields, lengths);
  check_packed(fields, rows, storage);

  TensorMaker maker(fields);
  Model model;
  model.name = name;
  model.architecture = fields.model_type().value();
  model.source = source;
  model.context = context_of(fields);
  for (ModelTensor& end : maker.tensors_of(rows.body, prefixes.model, outside)) {
    add_end(std::move(end), model);
  }
  for (auto layer = rows.layers.begin(); layer != rows.layers.end(); ++layer) {
    const bool again = std::find(rows.layers.begin(), layer, *layer) != layer;
    if (again && wanted == Layers::first_of_each_kind) continue;
    const std::string index = std::to_string(layer - rows.layers.begin());
    const std::string prefix = prefixes.model + description.text("stack") + "." + index + ".";
    add_layer(maker.tensors_of(*layer, prefix, storage), model);
    model.layers.back().heads = rows.heads[static_cast<std::size_t>(layer - rows.layers.begin())];
  }
  for (ModelTensor& end : maker.tensors_of(rows.head, prefixes.head, outside)) {
    add_end(std::move(end), model);
  }
  refuse_unknown_experts(model);
  set_experts(fields, lengths, model);
  return model;
}

}  // namespace

Model model_from_config(const JsonValue& config, const std::string& name, const std::string& source,
                        const std::optional<QuantizationFile>& beside) {
  try {
    return model_of(ConfigFields(config, source), name, source, beside, Layers::all);
  } catch (const TooManyPatterns&) {
    throw UsageError(source + ": names the modules that are not quantised by too many patterns" +
                     std::string(advice));
  }
}

Model distinct_layers_from_config(const JsonValue& config, const std::string& name,
                                  const std::string& source) {
  return model_of(ConfigFields(config, source), name, source, std::nullopt,
                  Layers::first_of_each_kind);
}

ConfigSummary described_summary(const ConfigFields& fields) {
  FamilyLengths lengths(fields);
  ConfigSummary summary;
  summary.architecture = fields.model_type().value();
  summary.layers = layers_of(fields, lengths);
  for (std::size_t i = 0; i < summary.layers; ++i) {
    lengths.enter_layer(i);
    summary.heads.push_back(heads_here(lengths));
  }
  summary.experts_per_token = lengths.number("experts_per_token|0");
  summary.context = context_of(fields);
  return summary;
}

}  // namespace offload
