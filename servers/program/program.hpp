// A whole server program: configuration, listeners, a core, an app, and the signals.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/app/app.hpp"
#include "servers/program/options.hpp"
#include "servers/settings.hpp"

namespace corelab {

/// Makes the app that serves. Called once, before any thread or fork: no handle that a fork would break may be open when
/// it returns. Throws std::exception, with a sentence, if it cannot (exit code 1), or UsageError (2).
using AppMaker = std::function<App(const Settings&)>;

/// Throws UsageError, with a sentence, for settings that the apps of this build cannot serve with: --check-config asks.
using AppCheck = std::function<void(const Settings&)>;

/// `program serve --core NAME …` and `program cores`; returns the exit code: 0 drained or done, 1 the system said no or
/// the drain was cut short, 2 wrong usage.
int run_program(const Program& program, const std::vector<std::string>& arguments, const AppMaker& make_app,
                const AppCheck& check_app = {});

/// The same for a program that serves one app of its own, and is called what it was started as (the last part of argv[0]):
///   int main(int argc, char** argv) { App app; …; return corelab::run(argc, argv, std::move(app)); }
int run(int argc, char** argv, App app);

}  // namespace corelab
