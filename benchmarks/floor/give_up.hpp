// The floor's one answer to an operating system that says no: a run without everything it asked for measures
// nothing.
#pragma once

#include <string_view>

namespace corelab::floor {

/// Ends the process with exit code 1 and one line on standard error: `what`, the text of errno, and what to
/// do next. Any thread.
[[noreturn]] void give_up(std::string_view what, std::string_view next = "");

}  // namespace corelab::floor
