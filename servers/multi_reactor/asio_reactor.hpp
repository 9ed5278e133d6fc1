// Boost.Asio behind the evented driver's seam.
#pragma once

#include <memory>

#include "servers/evented/reactor.hpp"

namespace corelab {

std::unique_ptr<Reactor> make_asio_reactor();

}  // namespace corelab
