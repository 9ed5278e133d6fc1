#include "apps/wsgi/wsgi.hpp"

#include "apps/wsgi/python.hpp"

#include <memory>

#include "apps/wsgi/application.hpp"
#include "apps/wsgi/gil.hpp"
#include "apps/wsgi/interpreters.hpp"
#include "common/net/descriptor_limit.hpp"
#include "common/telemetry/log.hpp"
#include "servers/program/options.hpp"
#include "servers/registry.hpp"

namespace corelab {

namespace {

using wsgi::Interpreters, wsgi::Surroundings;

// May several threads of one process be in the application at once?
bool has_many_threads(const CoreInfo& core, const Settings& settings) {
  if (core.is_loop()) {
    return settings.offload > 1 || (core.workers == CoreInfo::Workers::reactors && settings.workers > 1);
  }
  return core.workers == CoreInfo::Workers::none ||
         (core.workers == CoreInfo::Workers::threads && settings.workers > 1);
}

bool serves_on_main_thread(const CoreInfo& core, const Settings& settings) {
  if (!core.is_loop()) return core.serves_one_each();
  return settings.offload == 0 && (core.workers != CoreInfo::Workers::reactors || settings.workers == 1);
}

Surroundings surroundings(const Settings& settings) {
  const CoreInfo& core = *find_core(settings.core);
  Surroundings around;
  // Interpreters of their own share no more than processes do.
  bool is_apart = settings.gil == Gil::own;
  around.on_main_thread = serves_on_main_thread(core, settings);
  around.multithread = has_many_threads(core, settings) && !is_apart;
  around.multiprocess = core.has_processes() || (has_many_threads(core, settings) && is_apart);
  return around;
}

}  // namespace

std::string python_version() { return PY_VERSION; }

void check_wsgi_settings([[maybe_unused]] const Settings& settings) {
#if PY_VERSION_HEX < 0x030C0000
  if (settings.gil == Gil::own) {
    throw UsageError("--gil own takes Python 3.12 or newer, and this program was built with " +
                     python_version() + ": use more processes instead, --core prefork, or build it with another "
                     "Python (-DPython3_EXECUTABLE=...)");
  }
#endif
}

App make_wsgi_app(const Settings& settings) {
#ifdef Py_GIL_DISABLED
  log::info("this Python " + python_version() + " is a free-threaded build: it has no GIL");
#endif
  // Lives as long as the process: see Interpreters.
  auto interpreters = std::make_shared<Interpreters*>(nullptr);
  wsgi::Callable callable =
      wsgi::Callable::parse(std::string_view(settings.app).substr(std::string_view("wsgi:").size()));

  App app;
  Lifecycle& life = app.lifecycle();
  life.has_lock = true;
  life.start = [interpreters, callable, settings] {
    *interpreters = new Interpreters(settings, callable, surroundings(settings));
    descriptor_limit::when_raised([interpreters] { (*interpreters)->fork_for_subprocesses(); });
  };
  life.end = [interpreters] {
    if (*interpreters != nullptr) (*interpreters)->end();
  };
  life.cut = [interpreters] {
    if (*interpreters != nullptr) (*interpreters)->cut();
  };
  life.attend = [interpreters] {
    if (*interpreters != nullptr) (*interpreters)->attend();
  };
  life.let_go = [interpreters] { (*interpreters)->let_go(); };
  life.stack_of = [interpreters](pthread_t thread) {
    return *interpreters != nullptr ? (*interpreters)->stack_of(thread) : std::string();
  };
  life.starts_before_fork = settings.preload;
  life.before_fork = [interpreters] { (*interpreters)->before_fork(); };
  life.after_fork_in_parent = [interpreters] { (*interpreters)->after_fork_in_parent(); };
  life.after_fork_in_child = [interpreters] { (*interpreters)->after_fork_in_child(); };

  app.otherwise(blocks([interpreters](const Request& request) {
    wsgi::Gil gil(**interpreters);
    return gil.application().call(request, **interpreters);
  }));
  return app;
}

}  // namespace corelab
