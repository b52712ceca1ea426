// SPDX-License-Identifier: Apache-2.0
#include "bench/report/redact.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace offload {
namespace {

/// `text` as a regular expression that matches nothing else.
std::string literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ' ';
    if (!plain && static_cast<unsigned char>(c) < 0x80U) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// The folders of a path, where one begins. Rates such as GB/s and names of cases have slashes too,
/// but do not begin with one; and where Linux describes itself the paths are the same everywhere.
const std::regex& folders() {
  static const std::regex pattern(
      R"re((^|[\s"'`=,;:()\[\]<>])(?!/sys(?:$|[\s"'`=,;:()\[\]<>/])|/proc/))re"
      R"re((?:~[^\s"'`=,;:()\[\]<>/]*|\.\.?)?/(?:[^\s"'`=,;:()\[\]<>/]*/)*(?=[^\s"'`=,;:()\[\]<>/]))re");
  return pattern;
}

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

void hide_gpu(Redactor& redactor, const Platform& platform) {
  if (!platform.gpu) return;
  redactor.hide(platform.gpu->uuid);
  redactor.hide(platform.gpu->settings.serial);
  hide_pci_address(redactor, platform.gpu->pci_bus_id);
}

Redactor redactor_for(const Identity& identity, const Platform& platform) {
  Redactor redactor;
  redactor.hide_directory(identity.working_directory);
  redactor.hide_directory(identity.home);
  redactor.hide(identity.host_name);
  redactor.hide(identity.host_name.substr(0, identity.host_name.find('.')));
  redactor.hide(identity.user);
  redactor.hide(last_component(identity.home));
  hide_gpu(redactor, platform);
  return redactor;
}

Redactor redactor_for(const Identity& identity, const RunRecord& run) {
  Redactor redactor = redactor_for(identity, run.platform);
  for (const auto& gpu : run.gpus) hide_gpu(redactor, gpu.platform);
  // As errors quote them, blanks and all.
  for (const auto& model : run.options.models) hide_path(redactor, model);
  for (const auto& file : run.weight_files) hide_path(redactor, file.path);
  hide_path(redactor, run.options.tuning.file_directory);
  hide_path(redactor, run.options.output);
  hide_path(redactor, run.options.ci_json);
  return redactor;
}

/// What does not exist stays empty.
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
  redact(gpu.pci.unknown, redactor);
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
  options.tuning.file_directory =
      redactor.argument(options.tuning.file_directory, "--file-directory");
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
  for (auto& member : record.members) member.failure = redactor.text(member.failure);
  const auto reason = [&](auto& found) { found.reason = redactor.text(found.reason); };
  reason(record.evidence.um);
  reason(record.evidence.cpu);
  reason(record.evidence.link);
  reason(record.evidence.energy);
  reason(record.evidence.page_faults);
  reason(record.evidence.residency);
  reason(record.evidence.gpu);
  reason(record.evidence.host);
  if (record.series) reason(record.series->um);
}

}  // namespace

std::string last_component(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || path.size() == 1) return std::string(path);
  return std::string(path.substr(slash + 1));
}

void Redactor::add(std::vector<Rule>& rules, std::string_view what, std::regex pattern) {
  rules.push_back({what.size(), std::move(pattern)});
  std::ranges::stable_sort(rules, std::ranges::greater(), &Rule::length);
}

void Redactor::hide(std::string_view secret) {
  // These do not name anybody, and one letter would hide too much.
  constexpr std::array<std::string_view, 3> common{"root", "user", "localhost"};
  if (secret.size() < 2 || std::ranges::find(common, secret) != common.end()) return;
  add(secrets_, secret,
      std::regex("(^|[^\\w-])" + literal(secret) + "(?![\\w-])", std::regex::icase));
}

void Redactor::hide_directory(std::string_view directory) {
  while (!directory.empty() && directory.back() == '/') directory.remove_suffix(1);
  if (directory.empty() || directory == ".") return;
  // In the middle of another path it is another directory.
  add(directories_, directory, std::regex("(^|[^\\w/.~-])" + literal(directory) + '/'));
}

std::string Redactor::without_secrets(std::string text) const {
  for (const Rule& secret : secrets_) {
    text = std::regex_replace(text, secret.pattern, std::string("$1") + redacted_text);
  }
  return text;
}

std::string Redactor::text(std::string_view text) const {
  std::string out(text);
  for (const Rule& directory : directories_) out = std::regex_replace(out, directory.pattern, "$1");
  return without_secrets(std::regex_replace(out, folders(), "$1"));
}

std::string Redactor::value(std::string_view value) const {
  // A colon: PCI addresses, hosts with ports.
  const bool device =
      value.find("GPU-") != std::string_view::npos || value.find("MIG-") != std::string_view::npos;
  if (device || value.find_first_of("/:") != std::string_view::npos) return redacted_text;
  return without_secrets(std::string(value));
}

/// Lists are separated by commas.
std::string Redactor::option_value(std::string_view flag, std::string_view value) const {
  if (flag == "--benchmark_context") return redacted_text;
  // Names of cases have slashes, but are not paths.
  if (flag == "--benchmark_filter" || flag == "explain") return text(value);
  std::string out;
  while (true) {
    const auto comma = std::min(value.find(','), value.size());
    out += last_component(value.substr(0, comma));
    if (comma == value.size()) return without_secrets(std::move(out));
    out += ',';
    value.remove_prefix(comma + 1);
  }
}

std::string Redactor::argument(std::string_view argument, std::string_view previous) const {
  const auto equals = argument.find('=');
  if (!argument.starts_with("--")) return option_value(previous, argument);
  if (equals == std::string_view::npos) return std::string(argument);
  const auto flag = argument.substr(0, equals);
  return std::string(flag) + '=' + option_value(flag, argument.substr(equals + 1));
}

std::vector<std::string> Redactor::arguments(const std::vector<std::string>& arguments) const {
  std::vector<std::string> out;
  out.reserve(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    out.push_back(argument(arguments[i], i > 0 ? arguments[i - 1] : ""));
  }
  return out;
}

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
  if (!run.host_name.empty()) out.host_name = redacted_text;
  redact(out.options, redactor);
  for (auto& file : out.weight_files) file.path = redactor.argument(file.path, "--model");
  redact(out.platform, redactor);
  for (auto& gpu : out.gpus) redact(gpu.platform, redactor);
  for (auto& record : out.cases) redact(record, redactor);
  for (auto& skipped : out.skipped) skipped.reason = redactor.text(skipped.reason);
  for (auto& cost : out.memory_costs) cost.failure = redactor.text(cost.failure);
  for (auto& cost : out.loading_costs) cost.failure = redactor.text(cost.failure);
  out.incomplete_reason = redactor.text(run.incomplete_reason);
  return out;
}

}  // namespace offload
