// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/parser.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>
#include <sstream>

#include "bench/cli/help.hpp"
#include "bench/core/text.hpp"
#include "bench/record.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

using Texts = std::vector<std::string>;

std::string described(const CLI::Option& option) {
  const std::string& fallback = option.get_default_str();
  return option.get_description() + (fallback.empty() ? "" : " [default: " + fallback + "]");
}

class HelpFormatter : public CLI::Formatter {
 public:
  /// The main program shows the flags of its first subcommand, the default.
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    const bool main = app->get_parent() == nullptr;
    const CLI::App* const command = main ? app->get_subcommand(0) : app;
    std::string text = make_description(app) + make_usage(app, std::move(name)) +
                       make_subcommands(app, mode) + make_positionals(command) +
                       make_groups(command, mode) + command->get_footer();
    for (std::size_t gap = 0; (gap = text.find("\n\n\n", gap)) != std::string::npos;) {
      text.erase(gap, 1);
    }
    return text;
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string text = "Usage: " + name + (app->get_parent() == nullptr ? " [command]" : "");
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) text += " " + option->get_name(true);
    }
    return text + " [flags]\n";
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    return wrap(described(*option), 65);  // beside the 30 columns of the names
  }
};

/// What `read` throws is the error.
CLI::Validator validator(values::Read read) {
  return {[read = std::move(read)](std::string& text) -> std::string {
            try {
              text = read(text);
              return "";
            } catch (const UsageError& error) {
              return error.what();
            }
          },
          ""};
}

/// Validators that check nothing: what an option keeps for whoever asks what its value may be.
constexpr const char* names_note = "names";
constexpr const char* path_note = "path";

void add_note(CLI::Option& option, const char* name, const std::string& text) {
  option.check(CLI::Validator([](std::string&) { return std::string(); }, text, name));
}

/// nullopt without it.
std::optional<std::string> note_of(const CLI::Option& option, const char* name) {
  try {
    // Looking does not change it, but the library has no other way.
    return const_cast<CLI::Option&>(option)  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        .get_validator(name)
        ->get_description();
  } catch (const CLI::OptionNotFound&) {
    return std::nullopt;
  }
}

FlagHelp help_of(const CLI::Option& option) {
  FlagHelp flag;
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  if (option.get_expected_min() > 0) flag.placeholder = option.get_option_text();
  flag.description = described(option);
  flag.heading = option.get_group();
  std::istringstream names(note_of(option, names_note).value_or(""));
  for (std::string name; names >> name;) flag.choices.push_back(name);
  flag.is_list = option.get_delimiter() == ',';
  flag.takes_path = note_of(option, path_note).has_value();
  return flag;
}

CommandHelp help_of(const CLI::App& command) {
  CommandHelp help{command.get_name(), command.get_description(), "", "", command.get_footer(), {}};
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) {
      help.positional = option->get_name(true);
      help.positional_description = option->get_description();
    } else {
      help.flags.push_back(help_of(*option));
    }
  }
  return help;
}

void add_help(CLI::App& app) {
  // At once, so that they win over a bad value.
  app.add_flag_callback(
         "-h,--help", [] { throw CLI::CallForHelp(); }, "this text")
      ->trigger_on_parse();
  app.add_flag_callback(
         "--version", [] { throw CLI::CallForVersion("", 0); }, "version and build")
      ->trigger_on_parse();
}

void parse_flags(CLI::App& app, Texts arguments) {
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // "--flag: what the library misses"
    const std::string flag = text.substr(0, text.find(':'));
    const CLI::Option* const option = app.get_subcommands().front()->get_option_no_throw(flag);
    const bool repeated = option != nullptr && option->count() > 1;
    throw UsageError(flag + (repeated ? ": was given more than once" : ": needs a value"));
  } catch (const CLI::Success&) {
    throw;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

Typed typed_of(const CLI::App& command) {
  Typed typed{command.get_name(), {}, {}, {}, command.remaining()};
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      typed.known.push_back("--" + name);
      if (option->get_delimiter() == ',') typed.lists.push_back("--" + name);
      if (option->count() > 0) typed.given.push_back("--" + name);
    }
  }
  return typed;
}

}  // namespace

// --- Flags ---------------------------------------------------------------------------------------

void Flags::value(const std::string& flag, const std::string& placeholder, Value target,
                  const std::string& description, const values::Read& read,
                  const std::string& fallback) const {
  CLI::Option* const option = std::visit(
      [&](auto place) { return command_.add_option(flag, place.get(), description); }, target);
  if (fallback.empty()) option->capture_default_str();
  show(*option, placeholder, read, fallback);
}

void Flags::list(const std::string& flag, const std::string& placeholder, List target,
                 const std::string& description, const values::Read& read,
                 const std::string& fallback) const {
  CLI::Option* const option = std::visit(
      [&](auto place) { return command_.add_option(flag, place.get(), description); }, target);
  option->delimiter(',')->allow_extra_args(false);
  show(*option, placeholder, read, fallback);
}

void Flags::toggle(const std::string& flag, bool& target, const std::string& description) const {
  command_.add_flag(flag, target, description + " [default: off]")->group(heading_);
}

void Flags::add_choice(const std::string& flag, const std::vector<std::string_view>& names,
                       const std::function<void(const std::string&)>& take,
                       const std::string& description, const std::string& fallback) const {
  CLI::Option* const option = command_.add_option_function(flag, take, description);
  show(*option, joined(names, "|"), values::name_among(flag.substr(2), names), fallback);
}

void Flags::add_list(const std::string& flag, const std::string& placeholder,
                     const std::function<void(const std::vector<std::string>&)>& append,
                     const std::string& description, const values::Read& read,
                     const std::string& fallback) const {
  CLI::Option* const option = command_.add_option_function(flag, append, description);
  option->delimiter(',')->allow_extra_args(false);
  show(*option, placeholder, read, fallback);
}

void Flags::show(CLI::Option& option, const std::string& placeholder, const values::Read& read,
                 const std::string& fallback) const {
  if (!fallback.empty()) option.default_str(fallback);
  if (read) option.transform(validator(read));
  if (!read.names().empty()) {
    add_note(option, names_note,
             joined(std::vector<std::string_view>(read.names().begin(), read.names().end()), " "));
  }
  if (read.or_path()) add_note(option, path_note, "");
  option.check(validator(values::given))->option_text(placeholder)->group(heading_);
}

// --- Parser --------------------------------------------------------------------------------------

Parser::Parser(const std::string& description, const std::string& program)
    : app_(std::make_unique<CLI::App>(description, program)) {
  app_->set_help_flag("");
  app_->formatter(std::make_shared<HelpFormatter>());
  app_->require_subcommand(1);
  add_help(*app_);
}

Parser::~Parser() = default;

CLI::App& Parser::add_command(const std::string& name, const std::string& description,
                              const std::string& footer) {
  CLI::App& command = *app_->add_subcommand(name, description);
  command.group("Commands")->allow_extras()->footer(footer);
  add_help(command);
  return command;
}

void Parser::add_positional(CLI::App& command, const std::string& name, std::string& target,
                            const std::string& description) {
  command.add_option(name, target, description)->type_name("");
}

ProgramHelp Parser::help() const {
  ProgramHelp program{app_->get_name(), app_->get_description(), {}};
  for (const CLI::App* command : app_->get_subcommands({})) {
    program.commands.push_back(help_of(*command));
  }
  return program;
}

std::variant<Typed, std::string> Parser::parse(std::vector<std::string> arguments) {
  try {
    parse_flags(*app_, std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return app_->help();
  } catch (const CLI::CallForVersion&) {
    return version_text(build_info());
  }
  return typed_of(*app_->get_subcommands().front());
}

}  // namespace offload
