// The corelab program: the lab, echo and WSGI apps on any core.
#include "apps/echo/echo.hpp"
#include "apps/lab/lab.hpp"
#include "servers/program/program.hpp"
#ifdef CORELAB_WSGI
#include "apps/wsgi/wsgi.hpp"
#endif

int main(int argc, char** argv) {
  corelab::Program program{.name = "corelab", .apps = {"lab", "echo"}};
#ifdef CORELAB_WSGI
  program.apps.emplace_back("wsgi:");
#endif
  corelab::AppCheck check;
#ifdef CORELAB_WSGI
  check = corelab::check_wsgi_settings;
#endif
  auto make = [](const corelab::Settings& settings) {
#ifdef CORELAB_WSGI
    if (settings.app.starts_with("wsgi:")) return corelab::make_wsgi_app(settings);
#endif
    return settings.app == "echo" ? corelab::make_echo_app() : corelab::make_lab_app(settings);
  };
  return corelab::run_program(program, {argv + 1, argv + argc}, make, check);
}
