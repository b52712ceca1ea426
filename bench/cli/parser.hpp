// SPDX-License-Identifier: Apache-2.0
// Commands and their flags: what --help says of them, and what was typed. CLI11 does it, which only
// parser.cpp sees: for others its App is a command that flags are added to.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bench/cli/program_help.hpp"
#include "bench/cli/values.hpp"
#include "bench/core/names.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
class Option;
}  // namespace CLI

namespace offload {

/// Adds flags to a command, under one heading of its help. `read` checks each value, and may put
/// another in its place; `fallback` is the default in words, where the value does not say it.
class Flags {
 public:
  Flags(CLI::App& command, std::string heading) : command_(command), heading_(std::move(heading)) {}

  /// What may take a value, and what a list.
  template <typename... Ts>
  using OneOf = std::variant<std::reference_wrapper<Ts>...>;
  using Value = OneOf<std::string, int, std::size_t, double, std::optional<std::size_t>,
                      std::optional<double>>;
  using List = OneOf<std::vector<std::string>, std::vector<std::size_t>>;

  /// At most once, with one value.
  void value(const std::string& flag, const std::string& placeholder, Value target,
             const std::string& description, const values::Read& read = {},
             const std::string& fallback = "") const;

  /// One of the names in an enum's table.
  template <typename T, typename Table>
  void choice(const std::string& flag, T& target, const Table& table,
              const std::string& description, const std::string& fallback = "") const {
    const auto take = [&target, table](const std::string& chosen) {
      for (const auto& [name, value] : table) {
        if (name == chosen) target = value;
      }
    };
    add_choice(flag, names_in(table), take, description,
               fallback.empty() ? std::string(name_of(target, table)) : fallback);
  }

  /// Any number of times, each a list.
  void list(const std::string& flag, const std::string& placeholder, List target,
            const std::string& description, const values::Read& read = {},
            const std::string& fallback = "the suite's") const;

  /// A list of what `parse` makes of an item: one value or several.
  template <typename T, typename Parse>
  void parsed_list(const std::string& flag, const std::string& placeholder, std::vector<T>& target,
                   const std::string& description, Parse parse, const std::string& fallback,
                   const std::vector<std::string_view>& names = {}) const {
    const auto append = [&target, parse](const std::vector<std::string>& items) {
      for (const std::string& item : items) {
        for (T& value : parse(item)) target.push_back(std::move(value));
      }
    };
    const auto check = [parse](const std::string& item) {
      static_cast<void>(parse(item));
      return item;
    };
    add_list(flag, placeholder, append, description, values::Read(check, names), fallback);
  }

  void toggle(const std::string& flag, bool& target, const std::string& description) const;

 private:
  void add_choice(const std::string& flag, const std::vector<std::string_view>& names,
                  const std::function<void(const std::string&)>& take,
                  const std::string& description, const std::string& fallback) const;
  void add_list(const std::string& flag, const std::string& placeholder,
                const std::function<void(const std::vector<std::string>&)>& append,
                const std::string& description, const values::Read& read,
                const std::string& fallback) const;
  void show(CLI::Option& option, const std::string& placeholder, const values::Read& read,
            const std::string& fallback) const;

  CLI::App& command_;
  std::string heading_;
};

/// What was typed, besides the values: those are in their flags' targets. Flags as "--name".
struct Typed {
  std::string command;
  std::vector<std::string> known;   // all flags of the command
  std::vector<std::string> lists;   // of those, what take items with commas between
  std::vector<std::string> given;   // of those, what the command line has
  std::vector<std::string> extras;  // what is none of them
};

class Parser {
 public:
  Parser(const std::string& description, const std::string& program);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// The first one's flags are also shown by the program's own --help.
  CLI::App& add_command(const std::string& name, const std::string& description,
                        const std::string& footer = "");
  static void add_positional(CLI::App& command, const std::string& name, std::string& target,
                             const std::string& description);

  /// `arguments` start with a command, --help or --version. The alternative is the text that is
  /// asked for. Throws UsageError.
  std::variant<Typed, std::string> parse(std::vector<std::string> arguments);

  ProgramHelp help() const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace offload
