// --app wsgi:MODULE:CALLABLE: a Python web application, in process, on any core.
#pragma once

#include <string>

#include "common/app/app.hpp"
#include "servers/settings.hpp"

namespace corelab {

/// Throws UsageError for what this build's Python cannot do.
void check_wsgi_settings(const Settings& settings);

/// The application that settings.app names. Python itself starts with the lifecycle: in each process that
/// serves, or with
/// --preload once, ahead of the forks.
App make_wsgi_app(const Settings& settings);

/// The Python that this program was built with, such as "3.11.2".
std::string python_version();

}  // namespace corelab
