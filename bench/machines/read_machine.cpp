// SPDX-License-Identifier: Apache-2.0
// Machines from what this program wrote, and from what others published.
#include <algorithm>
#include <array>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/machines/fields.hpp"
#include "bench/machines/machine_profile.hpp"
#include "bench/machines/rate_fields.hpp"
#include "bench/machines/read_platform.hpp"
#include "bench/models/byte_reader.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::uintmax_t max_bytes = std::uintmax_t{64} << 20;
constexpr JsonLimits json_limits{.depth = 64, .values = 200'000};
constexpr std::size_t date_characters = 10;  // of 2026-11-30T12:00:00Z

/// `known` are the major versions.
void require_version(const Fields& fields, std::string_view known) {
  const std::string version = fields.text("schema_version");
  const bool read = !version.empty() && known.find(version.front()) != std::string_view::npos &&
                    version.substr(1).starts_with('.');
  if (read) return;
  std::string majors(1, known.front());
  for (const char major : known.substr(1)) majors += std::string(" and ") + major;
  fields.fail("has schema version " + in_quotes(version) + "; this program reads " + majors);
}

std::optional<double> rate_of(const Fields& fields, std::string_view name) {
  const auto value = fields.amount(name);
  const bool is_time = name.ends_with("_s");
  return value && (is_time || *value > 0) ? value : std::nullopt;
}

std::size_t whole(const Fields& fields, std::string_view name) {
  const auto value = fields.size(name);
  if (!value || *value == 0) fields.fail("a product has no " + std::string(name));
  return *value;
}

DType read_dtype(const Fields& fields) {
  const std::string type = fields.text("dtype");
  const auto dtype = parse_dtype(type);
  if (!dtype) fields.fail("a product is of " + in_quotes(type) + ", which is no type of weights");
  return *dtype;
}

Rereads read_rereads(const Fields& fields) {
  constexpr std::array all{Rereads::as_engines_do, Rereads::fewest_by_library, Rereads::none};
  const std::string asked = fields.text("rereads");
  const auto* const rereads =
      std::ranges::find_if(all, [&](Rereads one) { return name(one) == asked; });
  if (rereads == all.end()) fields.fail("a product is by " + in_quotes(asked) + " kernels");
  return *rereads;
}

ProductTime read_product(const Fields& fields) {
  ProductTime product;
  product.shape = {read_dtype(fields), whole(fields, "rows"), whole(fields, "cols"),
                   whole(fields, "tokens")};
  product.rereads = read_rereads(fields);
  product.reads = whole(fields, "reads");
  product.seconds = fields.amount("seconds").value_or(0);
  product.slowdown = std::max(1.0, fields.amount("sustained_slowdown").value_or(1));
  return product;
}

WeightReads read_reads(const Fields& fields) {
  WeightReads reads{
      read_dtype(fields), whole(fields, "rows"), whole(fields, "cols"), read_rereads(fields), {}};
  const std::vector<std::size_t> tokens = fields.sizes("tokens");
  const std::vector<std::size_t> times = fields.sizes("reads");
  if (tokens.size() != times.size()) {
    fields.fail("product_reads has " + std::to_string(tokens.size()) + " numbers of tokens and " +
                std::to_string(times.size()) + " of reads");
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    reads.by_tokens.emplace(tokens[i], std::max<std::size_t>(1, times[i]));
  }
  return reads;
}

std::vector<ProductTime> read_products(const Fields& fields, std::string_view name) {
  std::vector<ProductTime> products;
  for (const Fields& product : fields.objects(name)) products.push_back(read_product(product));
  return products;
}

Rates read_calibration(const Fields& calibration) {
  Rates rates;
  for (const RateField& field : rate_fields()) {
    if (!field.in_results.empty()) rates.*field.member = rate_of(calibration, field.in_results);
  }
  rates.host_read = rate_of(calibration, host_read_name).value_or(0);
  for (const Fields& one : calibration.objects("host_read_by_threads")) {
    const auto rate = rate_of(one, "bytes_per_second");
    const auto threads = one.size("threads");
    if (rate && threads) rates.host_read_by_threads[*threads] = *rate;
  }
  rates.products = read_products(calibration, "products");
  rates.host_products = read_products(calibration, "host_products");
  for (const Fields& one : calibration.objects("product_reads")) {
    rates.product_reads.push_back(read_reads(one));
  }
  return rates;
}

MachineProfile machine_of_results(const Fields& run, const std::string& source) {
  require_version(run, "12");
  const auto calibration = run.object("calibration");
  if (!calibration) run.fail("has no calibration; give the results of a run");
  const auto platform = run.object("platform");
  if (!platform) run.fail("does not say of which machine it is: it has no platform");
  MachineProfile machine;
  machine.platform = read_platform(*platform);
  if (!machine.platform.gpu) {
    run.fail("has no rate of a link, for its run had no GPU (" +
             machine.platform.gpu_absent_reason + "); give the results of a machine with one");
  }
  machine.rates = read_calibration(*calibration);
  if (!machine.rates.copy_h2d) {
    run.fail("has no rate of a link: its run ended before that was measured");
  }
  const std::string started = run.text("started_at");
  machine.name = machine.platform.gpu->name;
  machine.origin = printable(
      source + ", measured " +
      (started.empty() ? "at a time that is not known" : started.substr(0, date_characters)));
  machine.one_memory = memory_mode(machine.platform.gpu->memory_model) == MemoryMode::one_memory;
  return machine;
}

Gpu published_gpu(const Fields& profile, const Fields& fields) {
  Gpu gpu;
  const std::vector<std::string> names = fields.texts("names");
  gpu.name = names.empty() ? profile.text("name") : names.front();
  if (const auto capability = fields.object("compute_capability")) {
    gpu.compute_major = capability->integer("major").value_or(0);
    gpu.compute_minor = capability->integer("minor").value_or(0);
  }
  gpu.memory_bytes = gpu.free_bytes = fields.size("memory_bytes").value_or(0);
  gpu.hbm_peak_bytes_per_second = fields.amount("memory_peak_bytes_per_second");
  gpu.memory_model = usual_memory_model(profile.flag("coherent").value_or(false),
                                        fields.flag("shares_host_memory").value_or(false));
  const std::string mode = profile.text("memory_mode");
  if (!mode.empty()) gpu.memory_model.gpu_is_numa_node = mode == "numa";
  return gpu;
}

Rates published_rates(const Fields& fields) {
  Rates rates;
  const auto value_of = [&](std::string_view name) -> std::optional<double> {
    const auto rate = fields.object(name);
    return rate ? rate_of(*rate, "value") : std::nullopt;
  };
  for (const RateField& field : rate_fields()) rates.*field.member = value_of(field.in_profiles);
  rates.host_read = value_of(host_read_name).value_or(0);
  return rates;
}

/// The latest date that a figure bears; "" when none does.
std::string newest(const Fields& rates) {
  std::string latest;
  const auto look = [&](std::string_view name) {
    const auto rate = rates.object(name);
    if (!rate || rate->flag("undated").value_or(false)) return;
    latest = std::max(latest, rate->text("date"));
  };
  for (const RateField& field : rate_fields()) look(field.in_profiles);
  look(host_read_name);
  return latest;
}

MachineProfile machine_of_profile(const Fields& profile, const std::string& source) {
  require_version(profile, "1");
  const auto gpu = profile.object("gpu");
  const auto rates = profile.object("rates");
  if (!gpu || !rates) profile.fail("is not a whole profile: it has no gpu or no rates");
  MachineProfile machine;
  machine.published = true;
  machine.name = profile.text("slug");
  const std::string date = newest(*rates);
  machine.origin = printable("published figures (" + source + ", " +
                             (date.empty() ? "undated" : "newest " + date) + ")");
  machine.one_memory = gpu->flag("shares_host_memory").value_or(false);
  machine.rates = published_rates(*rates);
  machine.platform.gpu = published_gpu(profile, *gpu);
  machine.notes = profile.texts("notes");
  if (gpu->text("memory_basis") == "nominal") {
    machine.notes.push_back("Its GPU memory is what it is sold with; the driver shows less.");
  }
  if (const auto link = profile.object("link"); link && !machine.one_memory) {
    machine.platform.link = Link{};
    machine.platform.link->kind = link->text("kind");
    machine.platform.link->generation = link->integer("generation");
    machine.platform.link->width = link->integer("width");
    machine.platform.link->peak_bytes_per_second = link->amount("peak_bytes_per_second");
    machine.platform.link->reason = "by its profile";
  }
  for (const Fields& gap : profile.objects("unknown")) {
    machine.gaps.push_back({gap.texts("rates"), gap.text("advice")});
  }
  return machine;
}

}  // namespace

MachineProfile machine_from_json(const JsonValue& document, const std::string& source) {
  const Fields top(document, source, "");
  const auto run = top.object("offload_bench");
  const auto profile = top.object("offload_bench_platform");
  if (!run && !profile) {
    top.fail("describes no machine: neither results of this program nor a platform profile");
  }
  MachineProfile machine =
      run ? machine_of_results(*run, source) : machine_of_profile(*profile, source);
  settle(machine);
  return machine;
}

MachineProfile machine_from_text(std::string_view text, const std::string& source) {
  // Of results the cases are by far the most, and say nothing of the machine.
  const auto keeps = [](std::string_view object, std::string_view member) {
    if (object.empty()) return member == "offload_bench" || member == "offload_bench_platform";
    return object != "offload_bench" || member == "schema_version" || member == "started_at" ||
           member == "platform" || member == "calibration";
  };
  return machine_from_json(parse_json(text, source, json_limits, keeps), source);
}

MachineProfile read_machine(const std::filesystem::path& file) {
  const std::string source = file.string();
  std::uint64_t bytes = 0;
  auto stream = open_model_file(file, bytes);
  if (bytes > max_bytes) throw UsageError(source + ": too large to describe a machine");
  return machine_from_text(ByteReader(stream, bytes, source).text(bytes, "the description"),
                           source);
}

}  // namespace offload
