#include "apps/echo/echo.hpp"

namespace corelab {

Response echo(const Request& request) {
  return {200, "application/octet-stream", std::string(request.body.rest())};
}

App make_echo_app() {
  App app;
  app.everything(echo);
  return app;
}

}  // namespace corelab
