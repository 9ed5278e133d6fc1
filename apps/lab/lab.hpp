// The app `lab`: the workloads that the cores are compared with, an endpoint each.
#pragma once

#include "common/app/app.hpp"
#include "servers/settings.hpp"

namespace corelab {

/// Throws std::runtime_error if the database cannot be opened or made.
App make_lab_app(const Settings& settings);

}  // namespace corelab
