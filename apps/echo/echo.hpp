// The app `echo`: 200 to every request, with the request's own body.
#pragma once

#include "common/app/app.hpp"

namespace corelab {

App make_echo_app();

/// Answers a request with its body.
Response echo(const Request& request);

}  // namespace corelab
