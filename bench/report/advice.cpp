// SPDX-License-Identifier: Apache-2.0
#include "bench/report/advice.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bench/core/text.hpp"
#include "bench/report/page.hpp"

namespace offload {
namespace {

using Align = Table::Align;

/// Three digits and no range where both ends are near; else two digits and the range.
template <typename Value>
std::string range_text(const Prediction& seconds, const Value& value) {
  constexpr double wide = 1.2;
  const bool precise = seconds.most < wide * seconds.least;
  if (precise) return three_digits(value(seconds.seconds));
  const double one = value(seconds.least);
  const double other = value(seconds.most);
  return rough(value(seconds.seconds), std::min(one, other), std::max(one, other));
}

std::string speed_text(const Configuration& one, std::size_t batch) {
  return range_text(*one.step,
                    [&](double seconds) { return static_cast<double>(batch) / seconds; });
}

std::string seconds_text(const Prediction& prediction) {
  constexpr double in_ms = 1;
  const bool short_one = prediction.seconds < in_ms;
  return range_text(prediction,
                    [&](double seconds) { return short_one ? seconds * 1e3 : seconds; }) +
         (short_one ? " ms" : " s");
}

std::string prompt_text(const Configuration& one) {
  return one.prompt ? seconds_text(*one.prompt) : "-";
}

/// "reaches 5.62 tokens/s, the first token after 1.2 s, limited by the link"
std::string sentence(const Configuration& one, std::size_t batch) {
  std::string text = speed_text(one, batch) + " tokens/s";
  if (batch > 1) text += " for all " + std::to_string(batch) + " sequences";
  if (one.prompt) text += ", the first token after " + prompt_text(one);
  return text + ", limited by " + std::string(name(one.bottleneck)) + "; " +
         (one.offloaded_bytes == 0
              ? "nothing is offloaded"
              : format_size_rounded(one.offloaded_bytes) + " of weights are offloaded");
}

void write_fit(Page& page, const AdviceReport& report) {
  const Advice& advice = report.advice;
  const FixedMemory& fixed = advice.fixed;
  const std::uint64_t all = advice.weight_bytes + fixed.bytes();
  std::string text = report.model + ": " + format_size_rounded(advice.weight_bytes) +
                     " of linear weights; embedding, head and norms " +
                     format_size_rounded(fixed.other) + ", KV cache " +
                     (fixed.kv_known ? format_size_rounded(fixed.kv_cache)
                                     : std::string("not known from its tensors and left out")) +
                     " for " + count(report.question.context, "token") + " of " +
                     count(report.question.batch, "sequence") + ", workspace " +
                     format_size_rounded(fixed.workspace) + " (an estimate). ";
  text += advice.all_fits
              ? (fixed.kv_known ? "All of it fits into " : "All but the KV cache fits into ") +
                    format_size_rounded(report.question.gpu_memory) + " of GPU memory."
              : "That is " + format_size_rounded(all - report.question.gpu_memory) +
                    " more than the " + format_size_rounded(report.question.gpu_memory) +
                    " of GPU memory.";
  page.paragraph(text);
}

/// The quickest of those that a range does not blur, by more than what counts as a tie; of equal
/// ones the first. nullptr where none is known.
const Configuration* soonest(const Advice& advice) {
  constexpr double tie = 0.98;
  const Configuration* found = nullptr;
  for (const Configuration& one : advice.configurations) {
    if (!one.prompt) continue;
    if (found == nullptr || one.prompt->seconds < tie * found->prompt->seconds) found = &one;
  }
  return found;
}

/// What llama.cpp's prompts would gain if the weights crossed the link once for all of them.
void write_at_once(Page& page, const AdviceReport& report) {
  constexpr double worth_saying = 1.1;
  const auto gains = [](const Configuration& one) {
    return one.prompt && one.prompt_at_once &&
           one.prompt->seconds > worth_saying * one.prompt_at_once->seconds;
  };
  const auto found = std::ranges::find_if(report.advice.configurations, gains);
  if (found == report.advice.configurations.end()) return;
  const std::size_t tokens = report.question.prompt * report.question.batch;
  constexpr std::size_t batch_by_default = 2048;
  const std::string number = std::to_string(tokens);
  page.item("llama.cpp copies the weights again for each 512 tokens of a prompt: with -ub " +
            number + (tokens > batch_by_default ? " -b " + number : "") + " once, and " +
            found->flags + " has the first token after " + seconds_text(*found->prompt_at_once) +
            " instead of " + prompt_text(*found) +
            ", for GPU memory of larger activations, which is not counted.");
}

/// An engine that has the policy may still not load the model's weights.
std::string no_engine(const Configuration& one) {
  return one.policy->engine_flags.empty() ? "no engine has"
                                          : "no engine's flags select for these weights";
}

void write_misfits(Page& page, const Advice& advice) {
  for (const Misfit& one : advice.misfits) {
    page.item(std::string(one.policy->name) + ": " + one.reason);
  }
}

void write_winners(Page& page, const AdviceReport& report) {
  const Advice& advice = report.advice;
  const std::size_t batch = report.question.batch;
  if (advice.configurations.empty()) {
    page.paragraph(advice.all_fits ? "Nothing can be predicted by these rates:"
                                   : "Nothing fits, or nothing can be predicted:");
    if (!report.hint.empty()) page.item(report.hint);
    write_misfits(page, advice);
    page.end_list();
    return;
  }
  const Configuration& best = advice.configurations.front();
  if (advice.best_of_engines) {
    const Configuration& engine = advice.configurations[*advice.best_of_engines];
    page.line("Type: " + command_line(engine.flags, engine.memory.device, report.serving),
              Tone::strong);
    page.item("The best that an engine can switch on today is " + std::string(engine.policy->name) +
              ": " + sentence(engine, batch) + ".");
  }
  if (best.flags.empty()) {
    page.item("The best of all is " + std::string(best.policy->name) + ", which " +
              no_engine(best) + ": " + sentence(best, batch) + ".");
  }
  const auto other_policy = [&](const Configuration& one) {
    return one.policy != best.policy &&
           !(advice.best_of_engines &&
             one.policy == advice.configurations[*advice.best_of_engines].policy);
  };
  const auto next = std::ranges::find_if(advice.configurations, other_policy);
  if (next != advice.configurations.end()) {
    const double slower = next->step->seconds / best.step->seconds;
    constexpr double tie = 1.005;
    page.item("The runner-up is " + std::string(next->policy->name) + ", " +
              (slower < tie ? "as fast." : times(slower) + " slower than the best."));
  }
  const Configuration* const sooner = soonest(advice);
  if (sooner != nullptr && sooner != &best) {
    page.item("The first token comes soonest with " + std::string(sooner->policy->name) +
              ", after " + prompt_text(*sooner) +
              (sooner->flags.empty() ? ", which " + no_engine(*sooner) + "."
                                     : ": " + sooner->flags + "."));
  }
  if (!advice.prompt_unknown.empty()) {
    page.item("The step is predicted for all policies below, the first token for none: " +
              advice.prompt_unknown + ".");
  }
  write_at_once(page, report);
  if (!report.hint.empty()) page.item(report.hint);
  for (const WhatIf& one : report.what_ifs) {
    page.item(one.condition + ": " +
              (one.policy.empty()
                   ? "nothing would fit"
                   : one.policy + " at " + three_digits(one.tokens_per_second) + " tokens/s" +
                         (one.policy == best.policy->name ? "" : " would be best")) +
              ".");
  }
  page.end_list();
}

/// Rows of one mechanism over memory that the rates do not tell apart.
bool are_alike(const Configuration& one, const Configuration& other) {
  const auto seconds = [](const std::optional<Prediction>& of) { return of ? of->seconds : 0; };
  return one.flags.empty() && other.flags.empty() && one.policy->family == other.policy->family &&
         seconds(one.step) == seconds(other.step) && seconds(one.prompt) == seconds(other.prompt);
}

bool is_repeated(const Configuration& one, const Advice& advice) {
  for (const Configuration& before : advice.configurations) {
    if (&before == &one) return false;
    if (are_alike(before, one)) return true;
  }
  return false;
}

/// "hostvmm_zero_copy and 2 alike"
std::string policy_text(const Configuration& one, const Advice& advice) {
  const auto alike = std::ranges::count_if(advice.configurations, [&](const Configuration& other) {
    return &other != &one && are_alike(one, other);
  });
  std::string text(one.policy->name);
  if (alike > 0) text += " and " + std::to_string(alike) + " alike";
  return text;
}

Table table_of(const AdviceReport& report) {
  Table table({{"policy"},
               {"tokens/s", Align::right},
               {"first token", Align::right},
               {"offloaded", Align::right},
               {"GPU memory", Align::right},
               {"host memory", Align::right},
               {"limited by"},
               {"how an engine runs so"}});
  for (const Configuration& one : report.advice.configurations) {
    if (is_repeated(one, report.advice)) continue;
    table.add({policy_text(one, report.advice), speed_text(one, report.question.batch),
               prompt_text(one), format_size_rounded(one.offloaded_bytes),
               format_size_rounded(one.memory.device), format_size_rounded(one.memory.host),
               std::string(name(one.bottleneck)), one.flags.empty() ? "no engine" : one.flags});
  }
  return table;
}

std::string size_text(double bytes) { return format_size_rounded(static_cast<std::size_t>(bytes)); }

void write_sizes(Page& page, const AdviceReport& report) {
  if (report.copy_from_bytes) {
    page.item("from " + size_text(*report.copy_from_bytes) +
              " on a copy beats a read over the link");
  }
  if (report.batch_to_bytes) {
    page.item("up to " + size_text(*report.batch_to_bytes) +
              " a copy, a batch of them (cudaMemcpyBatchAsync) gains 5 % on calls, or more");
  }
  if (report.fault_from_bytes) {
    page.item(std::isinf(*report.fault_from_bytes)
                  ? "page faults lose to a copy at every size"
                  : "below " + size_text(*report.fault_from_bytes) + " page faults lose to a copy");
  }
}

void write_crossovers(Page& page, const AdviceReport& report) {
  if (report.crossovers.empty() && !report.copy_from_bytes) return;
  page.heading("Crossovers");
  for (const Crossover& one : report.crossovers) {
    page.item(one.weight + ": " +
              (one.tokens ? "from " + count(*one.tokens, "token") +
                                " on a copy to the GPU beats the CPU (llama.cpp: "
                                "GGML_OP_OFFLOAD_MIN_BATCH=" +
                                std::to_string(*one.tokens) +
                                "; KTransformers: --kt-gpu-prefill-token-threshold " +
                                std::to_string(*one.tokens) + ")"
                          : "up to 256 tokens the CPU beats a copy (llama.cpp: "
                            "--no-op-offload)"));
  }
  write_sizes(page, report);
  if (report.threads_to_read) {
    page.item(count(*report.threads_to_read, "thread") + " of " + std::to_string(report.threads) +
              " read the CPU's memory as fast as all (llama.cpp: -t; types that are unpacked may "
              "want more)");
  }
  page.end_list();
}

void write_verified(Page& page, const AdviceReport& report) {
  if (report.verified.empty()) return;
  Table table({{"policy"},
               {"layers", Align::right},
               {"predicted", Align::right},
               {"measured", Align::right},
               {"measured / predicted", Align::right}});
  for (const Verified& one : report.verified) {
    const bool failed = !one.failure.empty();
    table.add({one.policy, std::to_string(one.layers) + " of " + std::to_string(one.of_layers),
               format_seconds(one.predicted.seconds),
               failed ? one.failure : format_seconds(one.measured),
               failed ? "-" : ratio_text(one.measured / one.predicted.seconds)});
  }
  page.heading("A decode step of the weights, predicted and measured here");
  page.table(table);
}

void write_basis(Page& page, const AdviceReport& report) {
  page.item("by the time of weights alone, and of reading head and KV cache (" +
            format_seconds(report.advice.rest_of_step) +
            " a step where both are in GPU memory, in all figures): attention's arithmetic, "
            "activations and sampling are left out");
  for (const std::string& one : report.assumed) page.item("assumed: " + one);
  for (const std::string& one : report.unknown) page.item("not known: " + one);
  if (!report.advice.configurations.empty()) write_misfits(page, report.advice);
  page.end_list();
}

}  // namespace

std::string advice_text(const AdviceReport& report, Format format, bool colored) {
  if (format == Format::json) return advice_json(report);
  Page page(Page::style(format == Format::md, colored));
  page.heading(report.origin);
  write_fit(page, report);
  write_winners(page, report);
  if (!report.advice.configurations.empty()) page.table(table_of(report));
  write_verified(page, report);
  write_crossovers(page, report);
  write_basis(page, report);
  return page.text();
}

}  // namespace offload
