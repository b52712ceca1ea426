// SPDX-License-Identifier: Apache-2.0
#include "bench/report/redact.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "bench/report/redactor.hpp"

namespace offload {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

std::string account_name() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) != 0) return {};
  return found == nullptr ? "" : found->pw_name;
}

/// "0000:01:00.0" is also written without its domain, or with a longer one.
void hide_pci_address(Redactor& redactor, const std::string& address) {
  redactor.hide(address);
  const auto colon = address.find(':');
  if (colon != std::string::npos) redactor.hide(address.substr(colon + 1));
}

void hide_path(Redactor& redactor, const std::string& path) {
  redactor.hide_directory(std::filesystem::path(path).parent_path().string());
}

Redactor redactor_for(const Identity& identity, const Platform& platform) {
  Redactor redactor;
  redactor.hide_directory(identity.working_directory);
  redactor.hide_directory(identity.home);
  redactor.hide(identity.host_name);
  redactor.hide(identity.host_name.substr(0, identity.host_name.find('.')));
  redactor.hide(identity.user);
  redactor.hide(last_component(identity.home));
  if (platform.gpu) {
    redactor.hide(platform.gpu->uuid);
    redactor.hide(platform.gpu->settings.serial);
    hide_pci_address(redactor, platform.gpu->pci_bus_id);
  }
  return redactor;
}

Redactor redactor_for(const Identity& identity, const RunRecord& run) {
  Redactor redactor = redactor_for(identity, run.platform);
  // As errors quote them, blanks and all.
  for (const auto& model : run.options.models) hide_path(redactor, model);
  hide_path(redactor, run.options.output);
  hide_path(redactor, run.options.ci_json);
  return redactor;
}

/// What does not exist stays so.
void take_out(std::string& text) {
  if (!text.empty()) text = redacted_text;
}

void redact(NamedTexts& texts, const Redactor& redactor) {
  for (auto& [name, value] : texts) value = redactor.value(value);
}

void redact(std::vector<Unknown>& unknown, const Redactor& redactor) {
  for (auto& [field, reason] : unknown) reason = redactor.text(reason);
}

void redact(Gpu& gpu, const Redactor& redactor) {
  take_out(gpu.uuid);
  take_out(gpu.pci_bus_id);
  take_out(gpu.settings.serial);
  redact(gpu.settings.unknown, redactor);
}

void redact(Host& host, const Redactor& redactor) {
  host.kernel = redactor.text(host.kernel);
  HostSettings& settings = host.settings;
  take_out(settings.kernel_command_line);
  redact(settings.modules.uvm_parameters, redactor);
  redact(settings.modules.driver_parameters, redactor);
  for (auto& [name, value] : settings.ranks) take_out(value);
  redact(settings.unknown, redactor);
  if (!settings.iommu_parameters) return;
  for (auto& parameter : *settings.iommu_parameters) parameter = redactor.value(parameter);
}

void redact(Platform& platform, const Redactor& redactor) {
  if (platform.gpu) redact(*platform.gpu, redactor);
  platform.gpu_absent_reason = redactor.text(platform.gpu_absent_reason);
  if (platform.link) platform.link->reason = redactor.text(platform.link->reason);
  redact(platform.host, redactor);
  platform.redacted = true;
}

void redact(Options& options, const Redactor& redactor) {
  for (auto& model : options.models) model = redactor.argument(model, "--model");
  options.output = redactor.argument(options.output, "--output");
  options.ci_json = redactor.argument(options.ci_json, "--ci-json");
  options.explain = redactor.text(options.explain);
  options.benchmark_flags = redactor.arguments(options.benchmark_flags);
}

void redact(NamedTexts& environment, const Redactor& redactor, const char* first,
            const char* second) {
  for (auto& [name, value] : environment) {
    const bool stays = name.starts_with(first) || name.starts_with(second);
    if (stays && name != "BENCHMARK_CONTEXT") {
      value = redactor.value(value);
    } else {
      take_out(value);
    }
  }
}

void redact(CaseRecord& record, const Redactor& redactor) {
  record.failure = redactor.text(record.failure);
  const auto reason = [&](auto& found) { found.reason = redactor.text(found.reason); };
  reason(record.evidence.um);
  reason(record.evidence.cpu);
  reason(record.evidence.link);
  reason(record.evidence.energy);
  reason(record.evidence.page_faults);
  reason(record.evidence.residency);
  reason(record.evidence.gpu);
  if (record.series) reason(record.series->um);
}

}  // namespace

Identity this_identity() {
  Identity identity;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) identity.host_name = name.data();
  identity.user = account_name();
  if (identity.user.empty()) identity.user = variable("USER");
  identity.home = variable("HOME");
  std::error_code ignored;
  identity.working_directory = std::filesystem::current_path(ignored).string();
  return identity;
}

Platform redacted(const Platform& platform, const Identity& identity) {
  Platform out = platform;
  redact(out, redactor_for(identity, platform));
  return out;
}

CaseRecord redacted(const CaseRecord& record, const RunRecord& run, const Identity& identity) {
  CaseRecord out = record;
  redact(out, redactor_for(identity, run));
  return out;
}

RunRecord redacted(const RunRecord& run, const Identity& identity) {
  const Redactor redactor = redactor_for(identity, run);
  RunRecord out = run;
  out.argv = redactor.arguments(run.argv);
  out.effective_benchmark_flags = redactor.arguments(run.effective_benchmark_flags);
  redact(out.environment, redactor, "BENCHMARK_", "CUDA_");
  redact(out.options, redactor);
  redact(out.platform, redactor);
  for (auto& record : out.cases) redact(record, redactor);
  for (auto& skipped : out.skipped) skipped.reason = redactor.text(skipped.reason);
  for (auto& cost : out.memory_costs) cost.failure = redactor.text(cost.failure);
  out.incomplete_reason = redactor.text(run.incomplete_reason);
  return out;
}

}  // namespace offload
