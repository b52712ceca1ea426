// SPDX-License-Identifier: Apache-2.0
#include "bench/machines/published.hpp"

#include <algorithm>
#include <utility>

#include "bench/machines/fields.hpp"
#include "bench/machines/machine_profile.hpp"
#include "bench/machines/rate_fields.hpp"
#include "bench/models/json.hpp"

namespace offload {
namespace {

constexpr std::string_view peak = "vendor";

Fields profile_of(std::string_view slug) {
  const auto files = profile_files();
  const auto file = std::ranges::find(files, slug, &ProfileFile::slug);
  const std::string source = "results/platforms/" + std::string(slug) + ".json";
  const Fields document(parse_json(file->json, source), source, "");
  return *document.object("offload_bench_platform");
}

/// Where CPU and GPU share one memory, nothing is a link.
bool is_of_link(const Fields& profile, const std::optional<Link>& link) {
  const bool one_memory = profile.object("gpu")->flag("shares_host_memory").value_or(false);
  const std::string kind = one_memory ? "" : profile.object("link")->text("kind");
  return kind == (link ? link->kind : "");
}

PublishedRange range_of(const Fields& figure) {
  PublishedRange range{0, 0, figure.text("grade"), figure.text("source"), figure.text("means")};
  range.low = range.high = figure.amount("value").value_or(0);
  if (const std::vector<double> ends = figure.amounts("range"); ends.size() == 2) {
    range.low = ends.front();
    range.high = ends.back();
  }
  return range;
}

PublishedRate read_rate(const Fields& rate) {
  PublishedRate read;
  const auto add = [&](PublishedRange range) {
    if (range.grade == peak) return;
    (range.means.empty() ? read.ranges : read.signs).push_back(std::move(range));
  };
  add(range_of(rate));
  for (const Fields& other : rate.objects("also")) add(range_of(other));
  return read;
}

}  // namespace

std::optional<PublishedMachine> published_of(const Platform& platform) {
  if (!platform.gpu) return std::nullopt;
  const std::string_view slug = shipped_machine_with(platform.gpu->name);
  if (slug.empty()) return std::nullopt;
  const Fields profile = profile_of(slug);
  if (!is_of_link(profile, platform.link)) return std::nullopt;
  PublishedMachine machine;
  machine.slug = slug;
  machine.memory_mode = profile.text("memory_mode");
  const Fields link = *profile.object("link");
  machine.generation = link.integer("generation");
  machine.width = link.integer("width");
  const Fields rates = *profile.object("rates");
  const auto take = [&](std::string_view name) {
    const auto rate = rates.object(name);
    if (!rate) return;
    if (auto read = read_rate(*rate); !read.ranges.empty()) {
      machine.rates.emplace(name, std::move(read));
    }
  };
  for (const RateField& field : rate_fields()) take(field.in_profiles);
  take(host_read_name);
  return machine;
}

bool is_slower(double value, const PublishedRate& rate, bool is_time) {
  return std::ranges::all_of(rate.ranges, [&](const PublishedRange& range) {
    return is_time ? value > (1 + published_margin) * range.high
                   : value < (1 - published_margin) * range.low;
  });
}

bool is_within(double value, const PublishedRange& range) {
  return value >= (1 - published_margin) * range.low &&
         value <= (1 + published_margin) * range.high;
}

}  // namespace offload
