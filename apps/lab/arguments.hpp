// The lab's arguments: one number each, in the query.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/message.hpp"

namespace corelab {

/// The argument `name` of a request's query, from 0 to `most`; or the 400 that says what is wrong with it. `absent` is
/// its value where it is not given, if that is allowed.
class Argument {
 public:
  Argument(const Request& request, std::string_view name, std::uint64_t most,
           std::optional<std::uint64_t> absent = std::nullopt);

  bool is_bad() const { return !complaint_.empty(); }
  Response refusal() const { return text(complaint_, 400); }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
  std::string complaint_;
};

}  // namespace corelab
