// SPDX-License-Identifier: Apache-2.0
#include "bench/report/memory_cost_table.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "bench/core/text.hpp"
#include "bench/report/page.hpp"

namespace offload {
namespace {

using Align = Table::Align;
using Bytes = std::optional<std::int64_t>;

std::size_t magnitude(std::int64_t bytes) { return static_cast<std::size_t>(std::abs(bytes)); }

/// "1.9 GiB"; "0" for what is below a thousandth of what was asked, which no account
/// distinguishes from nothing.
std::string size_text(const Bytes& bytes, std::size_t asked) {
  if (!bytes) return "-";
  if (magnitude(*bytes) < asked / 1000) return "0";
  return (*bytes < 0 ? "-" : "") + format_size_rounded(magnitude(*bytes));
}

std::optional<double> ratio(const MemoryCost& cost) {
  if (!cost.failure.empty() || !cost.taken.host || cost.asked == 0) return std::nullopt;
  return static_cast<double>(*cost.taken.host) / static_cast<double>(cost.asked);
}

double seconds_per_gib(const MemoryCost& cost) {
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  return cost.seconds * gib / static_cast<double>(cost.asked);
}

Table cost_table(std::span<const MemoryCost> costs) {
  Table table({{"asked", Align::right},
               {"host taken", Align::right},
               {"ratio", Align::right},
               {"process", Align::right},
               {"cgroup", Align::right},
               {"GPU memory", Align::right},
               {"s/GiB", Align::right},
               {"allocator"}});
  for (const MemoryCost& cost : costs) {
    std::vector<std::string> cells{format_size_rounded(cost.asked)};
    if (cost.failure.empty()) {
      const std::optional<double> of_asked = ratio(cost);
      cells.push_back(size_text(cost.taken.host, cost.asked));
      cells.push_back(of_asked ? times(*of_asked) : "-");
      cells.push_back(size_text(cost.taken.resident, cost.asked));
      cells.push_back(size_text(cost.taken.charged, cost.asked));
      cells.push_back(size_text(cost.taken.device, cost.asked));
      cells.push_back(three_digits(seconds_per_gib(cost)));
      cells.push_back(cost.allocator);
    } else {
      cells.resize(7, "-");
      cells.push_back(cost.allocator + ": FAILED, " + cost.failure);
    }
    table.add(std::move(cells));
  }
  return table;
}

constexpr double worth_saying = 0.05;  // of what was asked

double share_of_asked(const Bytes& bytes, const MemoryCost& cost) {
  return static_cast<double>(bytes.value_or(0)) / static_cast<double>(cost.asked);
}

/// What the ratio is good to: with everything freed again the difference ought to be nothing.
double doubt(const MemoryCost& cost) { return std::abs(share_of_asked(cost.kept.host, cost)); }

/// "rounding takes most host memory, 1.87x what was asked; malloc takes least, 1.00x, which is ..."
std::string extremes(std::span<const MemoryCost> costs) {
  const MemoryCost* least = nullptr;
  const MemoryCost* most = nullptr;
  for (const MemoryCost& cost : costs) {
    if (!ratio(cost)) continue;
    if (least == nullptr || *ratio(cost) < *ratio(*least)) least = &cost;
    if (most == nullptr || *ratio(cost) > *ratio(*most)) most = &cost;
  }
  if (least == nullptr) return "";
  if (most == least) return most->allocator + " takes " + times(*ratio(*most)) + " what was asked";
  const double apart = *ratio(*most) - *ratio(*least);
  if (apart > worth_saying && apart <= doubt(*most) + doubt(*least)) {
    return "these figures do not distinguish the allocators";
  }
  if (apart <= worth_saying) {
    return "each allocator takes about as much host memory as the next, " + times(*ratio(*most)) +
           " what was asked at most";
  }
  const std::size_t more = magnitude(*most->taken.host - *least->taken.host);
  return most->allocator + " takes most host memory, " + times(*ratio(*most)) +
         " what was asked; " + least->allocator + " takes least, " + times(*ratio(*least)) +
         ", which is " + format_size_rounded(more) + " less";
}

/// Whether any host memory counts as GPU memory; "" without a GPU.
std::string on_gpu(std::span<const MemoryCost> costs) {
  const MemoryCost* most = nullptr;
  for (const MemoryCost& cost : costs) {
    if (!cost.taken.device) continue;
    if (most == nullptr || *cost.taken.device > *most->taken.device) most = &cost;
  }
  if (most == nullptr) return "";
  if (share_of_asked(most->taken.device, *most) < worth_saying) {
    return "; none of it counts as GPU memory";
  }
  return "; " + most->allocator + " takes " + format_size_rounded(magnitude(*most->taken.device)) +
         " of GPU memory as well";
}

/// How far the figures can be trusted, where that is not far.
void write_disturbance(Page& page, std::span<const MemoryCost> costs) {
  for (const MemoryCost& cost : costs) {
    if (!cost.kept.host || doubt(cost) < worth_saying) continue;
    page.item(cost.allocator + ": with all freed again the machine had " +
              format_size_rounded(magnitude(*cost.kept.host)) +
              (*cost.kept.host > 0 ? " less" : " more") +
              " free than before, so its host memory is uncertain by as much: either the "
              "allocator keeps it, or something else is using this machine");
  }
}

std::string raw(const Bytes& bytes) { return bytes ? std::to_string(*bytes) : ""; }

}  // namespace

void write_memory_costs(Page& page, std::span<const MemoryCost> costs) {
  while (!costs.empty()) {
    const std::string& model = costs.front().weights;
    const auto end =
        std::ranges::find_if(costs, [&](const MemoryCost& cost) { return cost.weights != model; });
    const auto of_model = costs.first(static_cast<std::size_t>(end - costs.begin()));
    page.heading("host memory for " + count(costs.front().tensors, "tensor") + " of " + model +
                 ", allocated one by one");
    page.table(cost_table(of_model));
    page.paragraph(
        "host taken: what the machine has less of. process: resident set. cgroup: what the control "
        "group is charged. s/GiB: to allocate and touch, by one thread.");
    const std::string sentence = extremes(of_model);
    if (!sentence.empty()) page.item(sentence + on_gpu(of_model));
    write_disturbance(page, of_model);
    page.end_list();
    costs = costs.subspan(of_model.size());
  }
}

std::string memory_costs_csv(std::span<const MemoryCost> costs) {
  Table table({{"allocator"},
               {"weights"},
               {"tensors"},
               {"asked_bytes"},
               {"rounded_bytes"},
               {"host_bytes"},
               {"resident_bytes"},
               {"cgroup_bytes"},
               {"device_bytes"},
               {"host_kept_bytes"},
               {"seconds"},
               {"failure"}});
  for (const MemoryCost& cost : costs) {
    const MemoryGrowth& taken = cost.taken;
    table.add({cost.allocator, cost.weights, std::to_string(cost.tensors),
               std::to_string(cost.asked), std::to_string(cost.rounded), raw(taken.host),
               raw(taken.resident), raw(taken.charged), raw(taken.device), raw(cost.kept.host),
               cost.failure.empty() ? std::to_string(cost.seconds) : "", cost.failure});
  }
  return table.csv();
}

std::string memory_cost_plan_text(std::span<const CostTensors> models) {
  std::string text;
  for (const CostTensors& tensors : models) {
    text += "host memory cost: " + count(tensors.bytes.size(), "tensor") + " of " + tensors.model +
            ", " + format_size_rounded(tensors.total()) + ", by one allocator after the other\n";
  }
  return text;
}

}  // namespace offload
