// The parent of worker processes: starts them, replaces those that die or hang, rolls them on HUP, ends them on TERM.
#pragma once

#include <functional>

#include "servers/server.hpp"

namespace corelab {

/// Rows that `workers` processes need at most, generations overlapping and TTIN included.
std::size_t max_rows(unsigned workers);

/// Runs until TERM has drained every child. Single-threaded: it must be called before any thread, loop or database
/// handle exists, because forks are made from it at any time. `announce` is called when the first children accept;
/// `reload` on HUP, ahead of the children's replacement. Returns the exit code, in the parent and in each child.
int supervise(const CoreInfo& core, ServerContext& context, const std::function<void()>& announce,
              const std::function<void()>& reload);

}  // namespace corelab
