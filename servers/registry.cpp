#include "servers/registry.hpp"

#include "servers/event_loop/event_loop.hpp"
#include "servers/multi_reactor/multi_reactor.hpp"
#include "servers/prefork/prefork.hpp"
#include "servers/thread_per_connection/thread_per_connection.hpp"
#include "servers/thread_pool/thread_pool.hpp"

namespace corelab {

std::span<const CoreInfo* const> all_cores() {
  static const CoreInfo* const cores[] = {
      &thread_per_connection_core, &thread_pool_core, &thread_pool_handoff_core, &event_loop_core,
      &multi_reactor_core,         &prefork_core,     &prefork_evented_core,
  };
  return cores;
}

const CoreInfo* find_core(std::string_view name) {
  for (const CoreInfo* core : all_cores()) {
    if (core->name == name) return core;
  }
  return nullptr;
}

}  // namespace corelab
