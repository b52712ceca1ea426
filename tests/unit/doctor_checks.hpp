// SPDX-License-Identifier: Apache-2.0
// What the doctor says of a machine, check by check.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bench/report/doctor.hpp"

namespace offload::testing {

using Names = std::vector<std::string>;

inline Check check_of(const std::vector<Check>& checks, const std::string& name) {
  for (const Check& check : checks) {
    if (check.name == name) return check;
  }
  ADD_FAILURE() << "no check " << name;
  return {};
}

inline Check check_of(const Examination& found, const std::string& name) {
  return check_of(examine(found), name);
}

inline Names names_with(const std::vector<Check>& checks, Verdict verdict) {
  Names names;
  for (const Check& check : checks) {
    if (check.verdict == verdict) names.push_back(check.name);
  }
  return names;
}

inline Names names_with(const Examination& found, Verdict verdict) {
  return names_with(examine(found), verdict);
}

/// That check alone has something to look at, and says so.
inline void expect_look(const Examination& found, const std::string& name, const std::string& what,
                        const std::string& advice) {
  const std::vector<Check> checks = examine(found);
  EXPECT_EQ(names_with(checks, Verdict::look_here), Names{name});
  const Check check = check_of(checks, name);
  EXPECT_NE(check.what.find(what), std::string::npos) << check.what;
  EXPECT_NE(check.advice.find(advice), std::string::npos) << check.advice;
}

inline void expect_unknown(const Examination& found, const std::string& name,
                           const std::string& why) {
  const Check check = check_of(found, name);
  EXPECT_EQ(check.verdict, Verdict::unknown) << check.what;
  EXPECT_NE(check.what.find(why), std::string::npos) << check.what;
  EXPECT_EQ(check.advice, "");
}

inline void expect_ok(const Examination& found, const std::string& name, const std::string& what) {
  const Check check = check_of(found, name);
  EXPECT_EQ(check.verdict, Verdict::ok) << check.what << check.advice;
  EXPECT_NE(check.what.find(what), std::string::npos) << check.what;
}

}  // namespace offload::testing
