// The corelab program: the lab and echo apps on any core.
#include "apps/echo/echo.hpp"
#include "apps/lab/lab.hpp"
#include "servers/program/program.hpp"

int main(int argc, char** argv) {
  return corelab::run_program({argv + 1, argv + argc}, {"lab", "echo"}, [](const corelab::Settings& settings) {
    return settings.app == "echo" ? corelab::make_echo_app() : corelab::make_lab_app(settings);
  });
}
