// SPDX-License-Identifier: Apache-2.0
// Those that run a case at the same time: GPUs of this process, or processes of a job.
#pragma once
#include <stdexcept>

#include "offload/stream.hpp"

namespace offload {

/// Thrown to those that wait for somebody who will not come.
class Abandoned : public std::runtime_error {
 public:
  Abandoned() : std::runtime_error("given up, because another that ran it failed") {}
};

class Company {
 public:
  virtual ~Company() = default;

  /// Returns when all have arrived, each within microseconds. Unless `from_idle`, what is enqueued
  /// on `stream` from then on starts a moment later, on all GPUs at once: launching it takes no
  /// time of what follows, as behind the flush of a cache. Throws Abandoned once one has left.
  virtual void line_up(StreamHandle stream, bool from_idle) = 0;
  /// The most of what all have, once they have; throws likewise.
  virtual double agree(double mine) = 0;

 protected:
  Company() = default;
  Company(const Company&) = default;
  Company& operator=(const Company&) = default;
};

}  // namespace offload
