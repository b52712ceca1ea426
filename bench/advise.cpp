// SPDX-License-Identifier: Apache-2.0
#include "bench/advise.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/cli/answer.hpp"
#include "bench/cli/exit_code.hpp"
#include "bench/cli/interrupt.hpp"
#include "bench/cli/progress.hpp"
#include "bench/core/names.hpp"
#include "bench/core/standard_output.hpp"
#include "bench/core/text.hpp"
#include "bench/core/utc.hpp"
#include "bench/machines/machine_profile.hpp"
#include "bench/measure/advice.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/case_rates.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/measure/crossovers.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/session.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/slice.hpp"
#include "bench/platform/probe.hpp"
#include "bench/report/advice.hpp"
#include "bench/report/calibration_cache.hpp"
#include "offload/error.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

std::optional<double> given(double value) {
  return value > 0 ? std::optional(value) : std::nullopt;
}

GivenRates by_hand(const AdviseOptions& asked) {
  constexpr double tera = 1e12;
  return {given(asked.link), given(asked.host_read), given(asked.hbm), given(asked.tflops * tera)};
}

bool any_by_hand(const AdviseOptions& asked) {
  return asked.link > 0 || asked.host_read > 0 || asked.hbm > 0 || asked.tflops > 0;
}

/// What is asked for; where nothing is, no more than the model can.
std::size_t context_of(const Options& options, const Model& model) {
  const AdviseOptions& asked = options.advise;
  if (asked.context == 0) {
    constexpr std::size_t usual = 4096;
    return model.context == 0 ? usual : std::min(usual, model.context);
  }
  if (model.context == 0 || asked.context <= model.context) return asked.context;
  throw UsageError("--context " + std::to_string(asked.context) + " is more than the " +
                   count(model.context, "token") + " that " + options.models.front() +
                   " was made for");
}

std::size_t prompt_of(const Options& options, const Model& model) {
  const std::size_t context = context_of(options, model);
  const std::size_t asked = options.advise.prompt;
  if (asked > context) {
    throw UsageError("--prompt " + std::to_string(asked) + " is longer than --context " +
                     std::to_string(context));
  }
  constexpr std::size_t usual = 512;
  return asked > 0 ? asked : std::min(usual, context);
}

/// A run that would decode and prefill as is asked; decode alone where nothing multiplies so many
/// tokens by the model's weights.
Options passes_asked_for(const Options& options, const Catalog& catalog, const Model& model) {
  Options run;
  run.gpu = options.gpu;
  run.models = options.models;
  run.tensor_parallel = options.tensor_parallel;
  run.evidence = EvidenceLevel::none;
  run.workloads = {pass_of(catalog, options.advise.batch)->label()};
  const auto prompt = pass_of(catalog, prompt_of(options, model) * options.advise.batch);
  const Model held = fused(model);
  const WeightSet some = model_slice(held, offloading(held, {}).tensors, 1, 1);
  if (prompt->reads(some)) run.workloads.push_back(prompt->label());
  return run;
}

/// This machine, with what is kept of it. Throws UsageError where it has no GPU.
MachineProfile this_machine(const Options& options) {
  MachineProfile machine;
  machine.platform = probe_platform(options.gpu);
  if (!machine.platform.gpu) {
    throw UsageError(
        "no rates and no GPU (" + machine.platform.gpu_absent_reason +
        "): give --platform FILE with results of the machine, --platform NAME for one that "
        "others have measured (" +
        joined(shipped_machines(), ", ") +
        "), --link, --host-read, --hbm and --tflops by hand, or run this where the GPU is");
  }
  machine.name = machine.platform.gpu->name;
  machine.origin = machine.name + ", measured here";
  if (options.advise.recalibrate) return machine;
  if (auto before = kept_calibration(machine.platform)) return std::move(*before);
  return machine;
}

/// Measures what `machine` lacks, its rates or the products of the model, and keeps it.
void calibrate_missing(MachineProfile& machine, const Options& options, const Catalog& catalog,
                       ModelLoader& models, const Model& model) {
  ProgressLine progress(options.progress, {1});
  progress.begin("calibrating");
  Session session(machine.platform, 0);
  WallTime wall;
  Calibration found;
  static_cast<Rates&>(found) = machine.rates;
  if (found.host_read <= 0) found = calibrate(session, wall, leave_if_interrupted);
  session.set_rates(found);
  const Plan plan =
      make_plan(passes_asked_for(options, catalog, model), catalog, machine.platform, models);
  Loop loop(session, found, wall, {.watch = false, .checkpoint = leave_if_interrupted});
  const CaseRatesContext context{session, loop, catalog, wall, [&](std::string_view name) {
                                   leave_if_interrupted();
                                   progress.step(std::string(name));
                                 }};
  calibrate_policies(context, plan, found);
  calibrate_products(context, plan, found);
  machine.rates = static_cast<Rates&>(found);
  keep_calibration(machine.platform, found, utc_now());
}

/// A decode step over a slice of the model as `one` has it, in the measuring loop.
Verified verify(const Configuration& one, const Options& options, const Catalog& catalog,
                const MachineProfile& machine, ModelLoader& models) {
  Options run = passes_asked_for(
      options, catalog, models.load_share(options.models.front(), options.tensor_parallel));
  run.workloads.resize(1);
  run.policies = {std::string(one.policy->name)};
  run.rules = one.rules;
  run.tuning.prefetch_step = one.rules.prefetch_step;
  Verified found{std::string(one.policy->name), 0, 0, {}, 0, ""};
  try {
    const Plan plan = make_plan(run, catalog, machine.platform, models);
    if (plan.cases.empty()) {
      found.failure = plan.skipped.empty() ? "not planned" : plan.skipped.front().reason;
      return found;
    }
    const Case& item = plan.cases.front();
    found.layers = item.weights->slice->layers_measured;
    found.of_layers = item.weights->slice->layers;
    if (const auto predicted = predict(item, machine.rates, run.tuning, false, machine.platform)) {
      found.predicted = *predicted;
    }
    Session session(machine.platform, 0);
    session.set_tuning(run.tuning);
    session.set_rates(machine.rates);
    WallTime wall;
    Calibration calibration;
    static_cast<Rates&>(calibration) = machine.rates;
    Loop loop(session, calibration, wall, {.watch = false, .checkpoint = leave_if_interrupted});
    loop.prepare(item);
    constexpr int samples = 3;
    std::vector<double> seconds;
    seconds.reserve(samples);
    for (int i = 0; i < samples; ++i) seconds.push_back(loop.sample());
    found.measured = percentile(seconds, 50);
  } catch (const CudaError& error) {
    if (error.context_dead()) throw;
    found.failure = error.what();
  } catch (const ImplausibleResult& error) {
    found.failure = error.what();
  }
  return found;
}

MachineProfile machine_of(const Options& options, const Catalog& catalog, ModelLoader& models,
                          const Model& model) {
  const AdviseOptions& asked = options.advise;
  const bool elsewhere = any_by_hand(asked) || !asked.platform.empty();
  if (elsewhere && (asked.recalibrate || asked.verify)) {
    throw UsageError(std::string(asked.verify ? "--verify" : "--recalibrate") +
                     " measures this machine: leave out --platform and rates by hand");
  }
  if (!elsewhere) {
    MachineProfile machine = this_machine(options);
    calibrate_missing(machine, options, catalog, models, model);
    return machine;
  }
  if (asked.platform.empty()) return machine_by_hand(by_hand(asked));
  const std::vector<std::string_view> shipped = shipped_machines();
  const bool is_path = asked.platform.find('/') != std::string::npos ||
                       asked.platform.ends_with(".json") || std::filesystem::exists(asked.platform);
  const bool is_name =
      !is_path || std::ranges::find(shipped, to_lower(asked.platform)) != shipped.end();
  MachineProfile machine = is_name ? shipped_machine(asked.platform) : read_machine(asked.platform);
  if (any_by_hand(asked)) give(machine, by_hand(asked));
  return machine;
}

std::uint64_t memory_of(std::size_t asked, std::optional<std::uint64_t> known,
                        const std::string& flag) {
  if (asked > 0) return asked;
  if (known && *known > 0) return *known;
  throw UsageError("give " + flag + ": the rates do not say how much there is");
}

/// A little more is what a card is called by: 24 GiB, of which it shows 23.99.
void refuse_more_than(std::uint64_t has, std::size_t asked, const std::string& machine) {
  constexpr double called = 1.05;
  if (has == 0 || static_cast<double>(asked) <= called * static_cast<double>(has)) return;
  throw UsageError("--gpu-memory " + format_size_rounded(asked) + " is more than the " +
                   format_size_rounded(has) + " that " + machine + " has");
}

/// Of the host that are at work: one replica of the model, or several.
std::size_t gpus_of(const Options& options) {
  const std::size_t asked = options.advise.gpu_count;
  const std::size_t shared = options.tensor_parallel;
  if (asked == 0 || asked % shared == 0) return std::max(asked, shared);
  throw UsageError("--gpu-count " + std::to_string(asked) + " is no multiple of the " +
                   std::to_string(shared) + " GPUs of --tensor-parallel");
}

/// What is true of each GPU while the others are at work.
void share_host(MachineProfile& machine, const Question& question) {
  if (question.gpus > 1) {
    const std::string number = std::to_string(question.gpus);
    machine.rates = with_share_of_host(machine.rates, question.gpus);
    machine.assumed.push_back(
        "All " + number + " GPUs are at work, each with a link of its own, 1/" + number +
        " of the CPU and of what it reads, and 1/" + number + " of the host's memory");
  }
  if (question.tensor_parallel > 1) {
    machine.unknown.push_back("What the GPUs take to add up each layer (two all-reduces)");
  }
}

Question question_of(const Options& options, const Model& model, const MachineProfile& machine) {
  const AdviseOptions& asked = options.advise;
  const Platform& platform = machine.platform;
  Question question;
  if (platform.gpu) {
    refuse_more_than(platform.gpu->memory_bytes, asked.gpu_memory, platform.gpu->name);
  }
  // What the driver and each process keep of it no model gets.
  constexpr double usable = 0.95;
  std::optional<std::uint64_t> gpu_memory;
  if (platform.gpu) {
    gpu_memory =
        static_cast<std::uint64_t>(usable * static_cast<double>(platform.gpu->memory_bytes));
  }
  question.gpu_memory = memory_of(asked.gpu_memory, gpu_memory, "--gpu-memory");
  question.gpus = gpus_of(options);
  question.tensor_parallel = options.tensor_parallel;
  // Each GPU pins a part of its own.
  question.host_memory =
      memory_of(asked.host_memory, platform.host.memory_bytes, "--host-memory") / question.gpus;
  question.context = context_of(options, model);
  question.batch = asked.batch;
  question.prompt = prompt_of(options, model);
  question.engine = asked.engine == "any" ? "" : asked.engine;
  question.policies = options.policies;
  return question;
}

/// As engines are given it: by its id, its directory, or its GGUF file.
Serving serving_of(const Options& options, const Model& model, const Question& question,
                   const MachineProfile& machine) {
  const std::string& given = options.models.front();
  Serving serving{given,          "", question.engine,         question.context,
                  question.batch, 0,  question.tensor_parallel};
  if (machine.platform.gpu) serving.gpu_memory = machine.platform.gpu->memory_bytes;
  std::filesystem::path path(given);
  if (model.source == preset_source) {
    serving.model = hugging_face_id(given);
  } else if (const auto files = find_model_files(given); files && files->gguf) {
    serving.model = serving.gguf = files->gguf->string();
    if (serving.engine.empty()) serving.engine = "llama.cpp";
  } else if (std::filesystem::is_regular_file(path)) {
    path = std::filesystem::absolute(path).parent_path();
    serving.model = path.string();
  }
  if (serving.gguf.empty()) {
    // Of an id its last part; it may have dots, and is no file.
    const bool is_path = std::filesystem::exists(serving.model);
    serving.gguf = (is_path ? model_name_of(serving.model)
                            : serving.model.substr(serving.model.rfind('/') + 1)) +
                   ".gguf";
  }
  if (serving.engine.empty()) serving.engine = "vLLM";
  return serving;
}

WhatIf what_if(std::string condition, const Advice& advice, std::size_t batch) {
  WhatIf found{std::move(condition), "", "", 0};
  if (advice.configurations.empty()) return found;
  const Configuration& best = advice.configurations.front();
  found.policy = best.policy->name;
  found.flags = best.flags;
  found.tokens_per_second = best.tokens_per_second(batch);
  return found;
}

std::vector<WhatIf> what_ifs(const Model& model, const Catalog& catalog, const Question& question,
                             const MachineProfile& machine) {
  std::vector<WhatIf> found;
  Question steps = question;
  steps.prompt = 0;
  const auto ask = [&](std::string condition, const Question& asked, const Rates& rates) {
    found.push_back(what_if(std::move(condition),
                            advise(model, catalog, asked, rates, machine.platform),
                            question.batch));
  };
  ask("With a link twice as fast", steps, twice_as_fast(machine.rates, Bottleneck::link));
  if (machine.rates.host_read > 0) {
    ask("With host memory and a CPU twice as fast", steps,
        twice_as_fast(machine.rates, Bottleneck::cpu));
  }
  Question more = steps;
  more.gpu_memory += question.gpu_memory / 2;
  ask("With half as much GPU memory again", more, machine.rates);
  return found;
}

/// What is missing for a comparison with llama.cpp, which has the CPU compute.
std::string hint_of(const Model& model, const Question& question, const Rates& rates) {
  if (rates.host_read <= 0) {
    return "What the CPU reads is not known: give --host-read, or what it could compute "
           "(llama.cpp) cannot be compared.";
  }
  for (const WeightSet& weights : projections_of(model)) {
    const WeightTensor& tensor = weights.tensors.front();
    if (cpu_product(rates, {tensor.dtype, tensor.rows, tensor.cols, 1}) &&
        !cpu_product(rates, {tensor.dtype, tensor.rows, tensor.cols, question.batch})) {
      return "How fast the CPU multiplies " + count(question.batch, "token") +
             " is not known: what it could compute (llama.cpp) is not compared. --batch 1 is.";
    }
  }
  return "";
}

AdviceReport report_of(const Options& options, const Catalog& catalog) {
  if (options.models.size() != 1) throw UsageError("advise needs one model: --model NAME");
  ModelLoader models;
  const Model& model = models.load_share(options.models.front(), options.tensor_parallel);
  prompt_of(options, model);  // before anything is measured
  if (gpus_of(options) > 1 && options.advise.verify) {
    throw UsageError(
        "--verify measures one GPU alone: leave out --tensor-parallel and --gpu-count");
  }
  const auto same = find_same_shapes(options.models.front());
  if (same && model.source == preset_source) {
    write_note(same->sentence(), options.quiet);
  }
  MachineProfile machine = machine_of(options, catalog, models, model);
  complete(machine);
  AdviceReport report;
  report.model = model.label();
  report.question = question_of(options, model, machine);
  share_host(machine, report.question);
  if (machine.one_memory && report.question.policies.empty()) {
    // Weights in either's memory are the same bytes: to offload would only copy them.
    report.question.policies = {std::string(name(Family::resident))};
    report.unknown = {
        "CPU and GPU share one memory: nothing is gained by offloading, and --policies shows what "
        "it would cost"};
  }
  report.serving = serving_of(options, model, report.question, machine);
  report.advice = advise(model, catalog, report.question, machine.rates, machine.platform);
  report.origin = machine.origin;
  report.unknown.insert(report.unknown.end(), machine.notes.begin(), machine.notes.end());
  report.unknown.insert(report.unknown.end(), machine.unknown.begin(), machine.unknown.end());
  report.assumed = machine.assumed;
  report.hint = hint_of(model, report.question, machine.rates);
  if (!report.advice.all_fits) {
    report.what_ifs = what_ifs(model, catalog, report.question, machine);
  }
  report.crossovers = crossovers(model, machine.rates);
  constexpr std::size_t first = 3;
  const std::size_t verified =
      options.advise.verify ? std::min(first, report.advice.configurations.size()) : 0;
  for (std::size_t i = 0; i < verified; ++i) {
    report.verified.push_back(
        verify(report.advice.configurations[i], options, catalog, machine, models));
  }
  report.copy_from_bytes = bytes_to_copy_from(machine.rates);
  report.batch_to_bytes = bytes_to_batch_to(machine.rates);
  report.fault_from_bytes = bytes_to_fault_from(machine.rates);
  report.threads_to_read = threads_to_read(machine.rates);
  if (report.threads_to_read) report.threads = machine.rates.host_read_by_threads.rbegin()->first;
  return report;
}

}  // namespace

int run_advise(const Options& options, const Catalog& catalog) {
  return answer(options, [&] {
    const AdviceReport report = report_of(options, catalog);
    return Answered{advice_text(report, options.format, is_colored(options)), advice_json(report),
                    report.advice.configurations.empty() ? exit_nothing_matched : exit_ok};
  });
}

}  // namespace offload
