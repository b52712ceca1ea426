// SPDX-License-Identifier: Apache-2.0
// Everything that can be chosen for a run, with every default. The command line fills it, --help
// prints it, the results record it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/core/names.hpp"
#include "bench/core/rank.hpp"
#include "bench/models/offload_rules.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/policy.hpp"
#include "offload/start.hpp"
#include "offload/weights.hpp"

namespace offload {

/// The subcommands.
enum class Action : std::uint8_t {
  run,
  list,
  plan,
  explain,
  platform,
  memory_cost,
  doctor,
  advise
};
inline constexpr std::array<Named<Action>, 8> action_names{{{"run", Action::run},
                                                            {"list", Action::list},
                                                            {"plan", Action::plan},
                                                            {"explain", Action::explain},
                                                            {"platform", Action::platform},
                                                            {"memory-cost", Action::memory_cost},
                                                            {"doctor", Action::doctor},
                                                            {"advise", Action::advise}}};
constexpr std::string_view name(Action action) { return name_of(action, action_names); }

enum class Format : std::uint8_t { table, md, csv, json, jsonl, sql };
inline constexpr std::array<Named<Format>, 6> format_names{{{"table", Format::table},
                                                            {"md", Format::md},
                                                            {"csv", Format::csv},
                                                            {"json", Format::json},
                                                            {"jsonl", Format::jsonl},
                                                            {"sql", Format::sql}}};
/// Of answers that are no cases; and of those that are sentences.
inline constexpr std::array<Named<Format>, 4> formats_without_cases{
    {{"table", Format::table}, {"md", Format::md}, {"csv", Format::csv}, {"json", Format::json}}};
inline constexpr std::array<Named<Format>, 3> formats_of_advice{
    {{"table", Format::table}, {"md", Format::md}, {"json", Format::json}}};
constexpr std::string_view name(Format format) { return name_of(format, format_names); }

enum class Progress : std::uint8_t { automatic, always, never };
inline constexpr std::array<Named<Progress>, 3> progress_names{
    {{"auto", Progress::automatic}, {"always", Progress::always}, {"never", Progress::never}}};
constexpr std::string_view name(Progress progress) { return name_of(progress, progress_names); }

/// Of what is written for people.
enum class Color : std::uint8_t { automatic, always, never };
inline constexpr std::array<Named<Color>, 3> color_names{
    {{"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}}};
constexpr std::string_view name(Color color) { return name_of(color, color_names); }

/// Passes that show what driver and hardware did: none, those that take a moment, or all.
enum class EvidenceLevel : std::uint8_t { none, quick, all };
inline constexpr std::array<Named<EvidenceLevel>, 3> evidence_level_names{
    {{"none", EvidenceLevel::none}, {"quick", EvidenceLevel::quick}, {"all", EvidenceLevel::all}}};
constexpr std::string_view name(EvidenceLevel level) {
  return name_of(level, evidence_level_names);
}

inline constexpr std::array<Named<HostPages>, 2> host_pages_names{
    {{"default", HostPages::as_set}, {"huge", HostPages::huge}}};
constexpr std::string_view name(HostPages pages) { return name_of(pages, host_pages_names); }

/// What the weights hold: numbers made up for them, or what a model's files hold.
enum class ContentOf : std::uint8_t { generated, model };
inline constexpr std::array<Named<ContentOf>, 2> content_names{
    {{"generated", ContentOf::generated}, {"model", ContentOf::model}}};
constexpr std::string_view name(ContentOf content) { return name_of(content, content_names); }

/// What `advise` is asked, and where its rates come from: a machine, rates by hand, or neither,
/// which calibrates here.
struct AdviseOptions {
  std::string platform;         // a results file, a profile, or the name of a shipped one
  double link = 0;              // bytes per second; 0: not given
  double host_read = 0;         // likewise
  double hbm = 0;               // likewise
  double tflops = 0;            // of 16-bit products
  bool recalibrate = false;     // whatever is kept
  std::size_t gpu_memory = 0;   // bytes; 0: all that the machine has
  std::size_t host_memory = 0;  // likewise
  std::size_t context = 0;      // tokens; 0: 4096, or as many as the model was made for
  std::size_t batch = 1;
  std::size_t gpu_count = 0;  // GPUs at work on the host; 0: those that share the model
  std::size_t prompt = 0;     // tokens; 0: 512, or as many as the context
  std::string engine = "any";
  bool verify = false;
};

struct Options {
  Action action = Action::run;

  // What is measured. Empty lists mean "what the suite names".
  std::string suite = "quick";
  std::vector<std::string> policies;  // names, and those of groups
  std::vector<std::string> workloads;
  std::vector<std::string> models;    // presets, paths, or ids in the local cache
  std::size_t experts_per_token = 0;  // of models whose files do not say; 0: not given
  std::vector<std::size_t> tokens;    // of workloads that multiply many; empty: the suite's
  std::vector<std::string> weights;   // preset names: a model, or model.projection
  std::vector<WeightTensor> tensors;  // --tensor NAME:ROWSxCOLS:DTYPE
  std::vector<std::size_t> sizes;     // --sizes
  std::vector<Start> starts;

  // How.
  int gpu = 0;
  bool gpu_given = false;         // --gpu, 0 as well
  std::vector<std::string> gpus;  // "all", or the numbers of several: each alone, then together
  std::string host_numa;  // "local", "remote", a node's number; "": the GPU's, where it has room
  HostPages host_pages = HostPages::as_set;
  std::size_t threads = 0;   // host workers; 0 = all this process may use
  std::size_t samples = 10;  // timed samples per case
  std::uint64_t seed = 20;
  ContentOf content = ContentOf::generated;
  bool allow_oversubscription = false;
  bool limits = false;            // measure the distance to the physical limits as well
  bool graph = false;             // capture each pass in a CUDA graph
  bool host_memory_cost = false;  // what each allocator takes for the tensors of a model
  bool loading = false;           // what loading a file takes, by each way
  bool cases = true;              // off when that alone is wanted
  EvidenceLevel evidence = EvidenceLevel::quick;
  std::vector<std::string> beside;  // traffic that each case is also measured beside
  double beside_pace = 1;           // share of the time that it would be busy alone
  std::size_t attention_kv = std::size_t{1} << 30;  // bytes of the cache that attention reads
  std::size_t passes = 0;           // that each case is also read one after the other; 0: none
  std::vector<std::size_t> chunks;  // bytes read at a time by row_gather; empty: the suite's
  std::vector<std::size_t> skews;   // of expert_gather's routing, in hundredths; empty: the suite's

  // What of a model is offloaded, in the engines' own terms, and how much of it is measured.
  OffloadRules rules;
  bool checkpoint_shapes = false;   // instead of the fused ones
  std::size_t tensor_parallel = 1;  // GPUs that a model is divided over: one's share is measured
  std::uint64_t slice_bytes = std::uint64_t{2} << 30;  // of offloaded weights
  Tuning tuning;

  AdviseOptions advise;

  // Where it goes.
  std::string output;  // results file; "-" = stdout; empty = none
  std::string ci_json;
  std::string explain;       // a case, by name, whose evidence is put into sentences
  std::optional<Rank> rank;  // of a job, where it is part of one: the first alone shows anything
  Format format = Format::table;
  bool redact = false;  // leave out what names the machine or its user
  Color color = Color::automatic;
  Progress progress = Progress::automatic;
  bool quiet = false;  // nothing but errors on stderr
  bool strict = false;

  /// --benchmark_* flags, passed to Google Benchmark after our own, so that they win.
  std::vector<std::string> benchmark_flags;
};

}  // namespace offload
