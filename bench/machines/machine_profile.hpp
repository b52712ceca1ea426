// SPDX-License-Identifier: Apache-2.0
// Machines to predict for: this one or another that was measured, one that others have published
// figures of, or one that a user describes.
#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "offload/platform.hpp"
#include "offload/rates.hpp"

namespace offload {

class JsonValue;

/// Rates that nobody has published of a machine, by their names in profiles, and what cannot be
/// said without them.
struct RateGap {
  std::vector<std::string> rates;
  std::string advice;
};

/// The rates of a machine, and what is known of it beside them.
struct MachineProfile {
  std::string name;        // "rtx-4090", a GPU's name, "given by hand"
  std::string origin;      // where the rates are from, in one line
  bool published = false;  // by others, of any machine of its kind
  /// CPU and GPU share one memory: weights in either's are the same bytes.
  bool one_memory = false;
  Rates rates;
  /// As far as it is known: of what is not published, texts are empty and sizes 0. A GPU's memory
  /// model is there, enough for Policy::support().
  Platform platform;
  std::vector<std::string> notes;    // what to know before using the rates, a sentence each
  std::vector<std::string> unknown;  // what cannot be said, a sentence each
  std::vector<std::string> assumed;  // by complete(), a sentence each with its figure
  std::vector<RateGap> gaps;         // what `unknown` is made of where others have said it
};

/// The machine of a results file of this program (schema 1 or 2, merged ones too), or of a platform
/// profile. Throws UsageError for anything else, and for a run that has no rate of a link.
MachineProfile read_machine(const std::filesystem::path& file);
/// The same of the file's content; `source` stands in messages and in the origin.
MachineProfile machine_from_text(std::string_view text, const std::string& source);
/// Likewise of what has been parsed.
MachineProfile machine_from_json(const JsonValue& document, const std::string& source);

/// A file results/platforms/<slug>.json, built into the program.
struct ProfileFile {
  std::string_view slug;
  std::string_view json;
};
std::span<const ProfileFile> profile_files();

/// The machines that have a name, in the order of these.
std::vector<std::string_view> shipped_machines();
/// One of them, by its name in any case. Throws UsageError for another.
MachineProfile shipped_machine(std::string_view slug);
/// The one with this GPU, by the name that the driver gives it; "" when there is none.
std::string_view shipped_machine_with(std::string_view gpu_name);

/// What a user says of a machine, in bytes and FLOP per second.
struct GivenRates {
  std::optional<double> link;         // copies from pinned memory to the GPU
  std::optional<double> host_read;    // all CPU threads
  std::optional<double> device_read;  // kernels, from GPU memory
  std::optional<double> flops;        // dense products of 16-bit types by the GPU
};
/// A GPU behind PCI Express of which nothing else is known.
MachineProfile machine_by_hand(const GivenRates& given);
/// Puts what the user says in the place of what the machine has, and drops what was measured with
/// the rates that it replaces. Before complete().
void give(MachineProfile& machine, const GivenRates& given);

/// Fills in what predictions of copies, of kernels that read over the link and of the CPU beside
/// them take and the machine does not say, by what machines of its kind show. Each is noted in
/// `assumed`. What depends on the driver or the CPU too much to be taken from others (page faults,
/// prefetches, pageable copies, products on the CPU) stays unknown.
void complete(MachineProfile& machine);

}  // namespace offload
