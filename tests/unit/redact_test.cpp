// SPDX-License-Identifier: Apache-2.0
// A secret is planted wherever a run can hold one; then every document is searched for it.
#include "bench/report/redact.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "bench/report/results_file.hpp"
#include "bench/report/summary.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

// Every planted secret holds this word.
constexpr const char* secret = "sesame";

Identity someone() {
  return {"sesame-host.example.org", "sesameuser", "/home/sesameuser", "/data/sesame/here"};
}

std::string with_host_name(std::string document, const std::string& host) {
  const std::string planted = R"("host_name": "test")";
  const auto at = document.find(planted);
  EXPECT_NE(at, std::string::npos);
  return document.replace(
      at, planted.size(),
      R"("host_name": ")" + host + R"(", "sesame_key": "x", "note": "by sesame, in /a/sesame")");
}

/// Free text as a driver or a library could have written it.
constexpr const char* telltale =
    "cannot read /srv/sesame/weights.gguf (GPU-sesame-0 at 0000:5E:00.0, serial 16sesame61): "
    "\"~/sesame/x\"; retry";
constexpr const char* telltale_redacted =
    "cannot read weights.gguf (redacted at redacted, serial redacted): \"x\"; retry";

/// Without the key, which is hidden by dropping what is not known.
RunRecord run_with_secrets() {
  RunRecord run = testing::gpu_run();
  run.options.redact = true;
  run.host_name = someone().host_name;
  run.argv = {"/opt/sesame/offload_bench",
              "--output=/home/sesame/out.json",
              "--ci-json",
              "sesame/ci.json",
              "--file-directory",
              "/home/sesame/scratch/",
              "--model",
              "../sesame/model.gguf,/sesame/other.gguf",
              "--benchmark_context=owner=sesame",
              "--benchmark_filter=gemv/.*/cold"};
  run.effective_benchmark_flags = {"--benchmark_repetitions=3", "--benchmark_context=owner=sesame"};
  run.options.benchmark_flags = {"--benchmark_context=owner=sesame"};
  run.options.models = {"../sesame/model.gguf", "/sesame/other.gguf"};
  run.options.output = "/home/sesame/out.json";
  run.options.ci_json = "sesame/ci.json";
  run.options.tuning.file_directory = "/home/sesame/scratch";
  run.weight_files = {{"/data/of sesame/part.gguf", 100, 1, 2, 3}};
  run.environment = {{"CUDA_VISIBLE_DEVICES", "GPU-sesame-0"},
                     {"CUDA_CACHE_PATH", "/home/sesame/.nv"},
                     {"CUDA_MODULE_LOADING", "EAGER"},
                     {"MALLOC_ARENA_MAX", "sesame"},
                     {"BENCHMARK_CONTEXT", "owner=sesame"}};
  Gpu& gpu = *run.platform.gpu;
  gpu.uuid = "GPU-sesame-0";
  gpu.pci_bus_id = "0000:5e:00.0";
  gpu.settings.serial = "16sesame61";
  gpu.settings.unknown = {{"ecc", telltale}};
  gpu.pci.unknown = {{"numa_node", telltale},
                     {"all", "/sys/bus/pci/devices/0000:5e:00.0 is missing"}};
  run.platform.link->reason = telltale;
  HostSettings& host = run.platform.host.settings;
  host.kernel_command_line = "root=UUID=sesame quiet";
  host.modules.uvm_parameters = {{"uvm_peer_copy", "phys"}};
  host.modules.driver_parameters = {{"TemporaryFilePath", "\"/var/sesame\""},
                                    {"ExcludedGpus", "GPU-sesame-7"},
                                    {"EnableResizableBar", "0"}};
  host.ranks = {{"SLURM_PROCID", "sesame"}};
  host.unknown = {{"governor", telltale}};
  run.cases[8].failure = telltale;
  for (CaseRecord& record : run.cases) {
    record.evidence.um.reason = telltale;
    record.evidence.cpu = Observed<CpuTime>::unavailable(telltale);
    record.evidence.link = Observed<LinkTraffic>::unavailable(telltale);
    record.evidence.energy = Observed<Energy>::unavailable(telltale);
    record.evidence.page_faults = Observed<PageFaults>::unavailable(telltale);
    record.evidence.residency = Observed<Residency>::unavailable(telltale);
    record.evidence.gpu = Observed<GpuState>::unavailable(telltale);
    record.series.emplace();
    record.series->um = Observed<std::vector<UmTraffic>>::unavailable(telltale);
  }
  run.gpus = {{run.platform, {}, 8, 0}};
  run.gpus[0].platform.gpu->uuid = "GPU-sesame-1";
  run.cases[2].members = {{1, {}, {}, 100, telltale}};
  run.skipped[0].reason = telltale;
  MemoryCost cost;
  cost.allocator = "cudaHostAlloc";
  cost.failure = telltale;
  run.memory_costs = {cost};
  run.complete = false;
  run.incomplete_reason = telltale;
  run.benchmark_context = with_host_name(run.benchmark_context, secret);
  return run;
}

/// How often `word` occurs, and around what.
std::vector<std::string> places_of(const std::string& text, const std::string& word) {
  std::vector<std::string> places;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto begin = at > 60 ? at - 60 : 0;
    places.push_back(text.substr(begin, 120));
  }
  return places;
}

void expect_clean(std::string document) {
  // The one place for a secret that is a key, and not a value: as the user wrote it.
  const std::string key = "sesame_key";
  for (auto at = document.find(key); at != std::string::npos; at = document.find(key)) {
    document.erase(at, key.size());
  }
  EXPECT_EQ(places_of(document, secret), std::vector<std::string>{});
  for (const char* pci : {"5e:00.0", "5E:00.0"}) {
    EXPECT_EQ(places_of(document, pci), std::vector<std::string>{});
  }
}

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

TEST(Redact, TheseSecretsAreToldWithoutIt) {
  RunRecord run = run_with_secrets();
  run.options.redact = false;
  const std::string document = results_json(run);
  EXPECT_GT(places_of(document, secret).size(), 20U);
  EXPECT_TRUE(contains(document, "\"redacted\": false"));
}

TEST(Redact, ResultsTellNoSecret) {
  const std::string document = results_json(run_with_secrets());
  expect_clean(document);
  EXPECT_TRUE(contains(document, "\"redacted\": true"));
  EXPECT_TRUE(contains(document, "\"host_name\": \"redacted\""));
  EXPECT_TRUE(contains(document, "\"executable\": \"offload_bench\""));
}

TEST(Redact, CiDocumentTellsNoSecret) {
  const std::string document = ci_json(run_with_secrets());
  expect_clean(document);
  EXPECT_TRUE(contains(document, "\"redacted\": true"));
  EXPECT_TRUE(contains(document, "gemv/pinned_copy/toy.w/steady"));
}

TEST(Redact, SummariesTellNoSecret) {
  RunRecord run = run_with_secrets();
  for (const Format format : {Format::table, Format::md, Format::csv, Format::json, Format::sql}) {
    run.options.format = format;
    const std::string summary = summary_text(run);
    expect_clean(summary);
    EXPECT_TRUE(contains(summary, "pinned_copy"));
  }
}

TEST(Redact, LinesTellNoSecret) {
  const RunRecord run = run_with_secrets();
  ASSERT_FALSE(run.cases.empty() || run.skipped.empty());
  for (const CaseRecord& record : run.cases) expect_clean(case_line(record, run));
  for (const SkippedCase& skipped : run.skipped) expect_clean(skipped_line(skipped, run));
  EXPECT_TRUE(contains(case_line(run.cases.front(), run), "\"host_name\":\"redacted\""));
}

TEST(Redact, JournalTellsNoSecret) {
  std::string directory = (std::filesystem::temp_directory_path() / "redact_test_XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  RunRecord run = run_with_secrets();
  {
    ResultsFile file(directory + "/run.json");
    for (const CaseRecord& record : run.cases) file.append(record, run);
    std::ifstream journal(directory + "/run.json.journal");
    std::ostringstream text;
    text << journal.rdbuf();
    expect_clean(text.str());
    EXPECT_TRUE(contains(text.str(), "cannot read weights.gguf (redacted at redacted"));
  }
  std::filesystem::remove_all(directory);
}

TEST(Redact, PlatformTellsNoSecret) {
  const std::string document = platform_json(redacted(run_with_secrets().platform, someone()));
  expect_clean(document);
  EXPECT_TRUE(contains(document, "\"redacted\": true"));
}

TEST(Redact, NamesOfHostUserAndDirectoriesGo) {
  RunRecord run = testing::gpu_run();
  run.incomplete_reason =
      "SESAME-HOST: sesameuser's job on sesame-host.example.org; here/log, "
      "/home/sesameuser/a b/c, /data/sesame/here/d e/f";
  const RunRecord out = redacted(run, someone());
  EXPECT_EQ(out.incomplete_reason, "redacted: redacted's job on redacted; here/log, a b/c, d e/f");
}

TEST(Redact, TheUserGoesWhereTheHomeDirectoryIsCalledOtherwise) {
  RunRecord run = testing::gpu_run();
  run.incomplete_reason = "killed by sesameuser, of shared";
  const RunRecord out = redacted(run, {"host", "sesameuser", "/home/shared", "/data/x"});
  EXPECT_EQ(out.incomplete_reason, "killed by redacted, of redacted");
}

TEST(Redact, WhatIsMeasuredStays) {
  const RunRecord run = run_with_secrets();
  const RunRecord out = redacted(run, someone());
  EXPECT_EQ(out.platform.gpu->name, run.platform.gpu->name);
  EXPECT_EQ(out.platform.host.settings.modules.uvm_parameters,
            run.platform.host.settings.modules.uvm_parameters);
  EXPECT_EQ(out.platform.host.settings.modules.driver_parameters.back().second, "0");
  EXPECT_EQ(out.environment[2].second, "EAGER");
  EXPECT_EQ(out.argv.back(), "--benchmark_filter=gemv/.*/cold");
  EXPECT_EQ(out.options.models, (std::vector<std::string>{"model.gguf", "other.gguf"}));
  EXPECT_EQ(out.options.output, "out.json");
  EXPECT_EQ(out.cases[8].failure, telltale_redacted);
  for (std::size_t i = 0; i < run.cases.size(); ++i) {
    EXPECT_EQ(out.cases[i].name, run.cases[i].name);
    EXPECT_EQ(out.cases[i].samples, run.cases[i].samples);
  }
}

TEST(Redact, WhatDoesNotExistStaysSo) {
  const RunRecord out = redacted(testing::cpu_run(), someone());
  EXPECT_FALSE(out.platform.gpu);
  EXPECT_EQ(out.platform.gpu_absent_reason, "no driver");
  EXPECT_EQ(out.platform.host.settings.kernel_command_line, "");
  EXPECT_EQ(out.incomplete_reason, "");
  EXPECT_EQ(out.options.output, "");
}

TEST(Redact, TwiceIsAsOnce) {
  RunRecord run = run_with_secrets();
  const RunRecord once = redacted(run, someone());
  EXPECT_EQ(results_json(redacted(once, someone())), results_json(once));
}

TEST(Redact, KnowsWhoRunsThis) {
  std::array<char, 256> host{};
  ASSERT_EQ(gethostname(host.data(), host.size() - 1), 0);
  EXPECT_EQ(this_identity().host_name, host.data());
  EXPECT_EQ(this_identity().working_directory, std::filesystem::current_path().string());
}

TEST(Redactor, LastComponents) {
  EXPECT_EQ(last_component("/a/b/c.gguf"), "c.gguf");
  EXPECT_EQ(last_component("a/b/"), "b");
  EXPECT_EQ(last_component("c"), "c");
  EXPECT_EQ(last_component("/"), "/");
  EXPECT_EQ(last_component(""), "");
  EXPECT_EQ(last_component("-"), "-");
}

TEST(Redactor, LeavesRatesCasesAndTheSystemsOwnPaths) {
  Redactor redactor;
  redactor.hide("me");
  for (const char* text : {"moved 3 GB/s of 1/2", "gemv/pinned_copy/w/cold failed",
                           "the same measurement", "/sys/kernel/mm/hugepages shows none",
                           "nothing in /sys", "/proc/cmdline is missing or empty"}) {
    EXPECT_EQ(redactor.text(text), text);
  }
  EXPECT_EQ(redactor.text("me, Me and ME_too"), "redacted, redacted and ME_too");
}

TEST(Redactor, DirectoriesGoWhereAPathBeginsWithThem) {
  Redactor redactor;
  redactor.hide_directory("my models/");
  EXPECT_EQ(redactor.text("my models/b c.gguf: bad; not_my models/d"),
            "b c.gguf: bad; not_my models/d");
  EXPECT_EQ(redactor.text("/of/my models/e"), "my models/e");  // "models/e" could be a case
}

TEST(Redactor, NamesThatNameNobodyStay) {
  Redactor redactor;
  redactor.hide("root");
  redactor.hide("");
  redactor.hide("x");
  EXPECT_EQ(redactor.text("needs root, or x"), "needs root, or x");
}

TEST(Redactor, ValuesWithPathsOrDevices) {
  const Redactor redactor;
  EXPECT_EQ(redactor.value("0,1"), "0,1");
  EXPECT_EQ(redactor.value(""), "");
  for (const char* value : {"/a", "a/b", "0000:01:00.0", "host:80", "GPU-1234", "MIG-1234"}) {
    EXPECT_EQ(redactor.value(value), redacted_text) << value;
  }
}

TEST(Redactor, CommandLines) {
  const Redactor redactor;
  EXPECT_EQ(redactor.arguments({"./build/offload_bench", "explain", "gemv/x/y/cold", "--model",
                                "/a/b,c/d", "--strict", "--output=/o/p.json"}),
            (std::vector<std::string>{"offload_bench", "explain", "gemv/x/y/cold", "--model", "b,d",
                                      "--strict", "--output=p.json"}));
}

}  // namespace
}  // namespace offload
