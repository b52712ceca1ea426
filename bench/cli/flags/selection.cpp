// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/flags/groups.hpp"

#include <vector>

#include "bench/cli/values.hpp"
#include "bench/core/names.hpp"
#include "bench/measure/suites.hpp"
#include "bench/models/presets.hpp"
#include "offload/start.hpp"
#include "offload/units.hpp"
#include "offload/weights.hpp"
#include "offload/workload.hpp"

namespace offload {

void add_selection(CLI::App& command, Options& options, const Catalog& catalog) {
  const Flags flags(command, what);
  const auto label = [known = catalog.workload_names()](const std::string& text) {
    const auto [name, parameter, value] = split_label(text);
    const std::string workload = known_name("workload", name, known);
    return parameter.empty() ? workload : label_of(workload, to_lower(parameter), value);
  };
  const auto tensor = [](const std::string& text) { return std::vector{parse_tensor(text)}; };
  const auto start = [](const std::string& text) {
    return std::vector{*parse_start(known_name("start", text, start_names))};
  };
  flags.value("--suite", "NAME", options.suite,
              "a named selection, see the command list: " + joined(suite_names(), ", "),
              values::name_among("suite", suite_names()));
  flags.list("--policies", "NAME,...", options.policies,
             "where weights live and how the GPU gets them; groups: " + values::group_names(),
             values::name_among("policy", catalog.policy_choices()), "all");
  flags.list("--workloads", "NAME,...", options.workloads, "who reads the weights",
             values::Read(label, catalog.workload_names()));
  flags.list("--tokens", "N,...", options.tokens,
             "of the workloads that multiply many, such as 1,512,8192",
             values::whole_number(1, 65536));
  flags.parsed_list("--chunks", "SIZE,...", options.chunks,
                    "read at a time by row_gather, such as 512,4KiB or 512..2MiB*8", parse_sizes,
                    "the suite's");
  flags.list("--skew", "X,...", options.skews,
             "0 to 1.5: of the routing that expert_gather follows, 0 is even", values::skew());
  flags.list("--weights", "NAME,...", options.weights,
             "weights of real models: MODEL, MODEL.PROJECTION or MODEL.PROJECTION.DTYPE",
             values::name_or(preset_models()));
  flags.parsed_list("--tensor", "NAME:ROWSxCOLS:DTYPE,...", options.tensors,
                    "a weight of your own, row-major", tensor, "none");
  flags.parsed_list("--sizes", "SIZE,...", options.sizes,
                    "plain sizes such as 64MiB, and ranges such as 64KiB..4GiB*4; K, M and G are "
                    "powers of 1024",
                    parse_sizes, "the suite's");
  flags.parsed_list("--start", "cold,warm,steady", options.starts,
                    "state before a pass; policies for which cold and warm are the same stay in",
                    start, "all", {start_names.begin(), start_names.end()});
}

}  // namespace offload
