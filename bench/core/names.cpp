// SPDX-License-Identifier: Apache-2.0
#include "bench/core/names.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "bench/core/text.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string without_dashes(const std::string& text) {
  return text.substr(std::min(text.find_first_not_of('-'), text.size()));
}

/// A few letters wrong, or a name begun and ended otherwise (policy, policies; out, output).
bool resembles(const std::string& typed, const std::string& known, std::size_t distance) {
  if (distance <= std::max<std::size_t>(1, typed.size() / 3)) return typed.size() > 1;
  const auto [end, unused] = std::mismatch(typed.begin(), typed.end(), known.begin(), known.end());
  static_cast<void>(unused);
  if (end - typed.begin() < 3) return false;
  return end == typed.end() || distance <= typed.size() / 2 + 1;
}

}  // namespace

bool is_plain_name(std::string_view name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
  return !name.empty() && name.find_first_not_of(allowed) == std::string_view::npos;
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view closest(std::string_view given, std::span<const std::string_view> candidates) {
  const std::string typed = without_dashes(to_lower(given));
  std::string_view best;
  std::size_t nearest = typed.size() + 1;
  for (const std::string_view candidate : candidates) {
    const std::string known = without_dashes(to_lower(candidate));
    const std::size_t distance = edit_distance(typed, known);
    if (distance < nearest && resembles(typed, known, distance)) {
      nearest = distance;
      best = candidate;
    }
  }
  return best;
}

std::string unknown_name(std::string_view kind, std::string_view given,
                         std::span<const std::string_view> candidates) {
  std::string text = "unknown " + std::string(kind) + " " + in_quotes(given) + ": ";
  if (const std::string_view best = closest(given, candidates); !best.empty()) {
    return text + "did you mean '" + std::string(best) + "'?";
  }
  return text + "known are " + joined(candidates, ", ");
}

std::string known_name(std::string_view kind, std::string_view given,
                       std::span<const std::string_view> known) {
  const std::string wanted = to_lower(given);
  for (const std::string_view name : known) {
    if (to_lower(name) == wanted) return std::string(name);
  }
  throw UsageError(unknown_name(kind, given, known));
}

void refuse(std::string_view kind, std::string_view given, std::string_view why) {
  throw UsageError(std::string(kind) + " " + in_quotes(given) + " " + std::string(why));
}

std::string joined(std::span<const std::string_view> items, std::string_view separator) {
  std::string text;
  for (const std::string_view item : items) {
    if (!text.empty()) text += separator;
    text += item;
  }
  return text;
}

}  // namespace offload
