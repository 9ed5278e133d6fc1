// A server of one's own: one handler, every core.
#include <corelab.hpp>

int main(int argc, char** argv) {
  corelab::App app;
  app.get("/hello", [](const corelab::Request&) { return corelab::text("Hello\n"); });
  return corelab::run(argc, argv, app);
}
