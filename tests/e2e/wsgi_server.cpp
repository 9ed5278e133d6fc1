#include "tests/e2e/wsgi_server.hpp"

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <ostream>
#include <sstream>
#include <thread>

#include "tests/support/client.hpp"

namespace corelab::test {
namespace {

const char* const kNoPython = "the program was built without Python (python3-dev): no WSGI applications";

ServerProcess start(const std::string& core, const std::string& app, const std::string& directory, const Arguments& more,
                    const Surroundings& around) {
  Arguments arguments = wsgi(app, directory);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return ServerProcess(core, arguments, around);
}

}  // namespace

Arguments wsgi(const std::string& app, const std::string& directory) {
  return {"--app", "wsgi:" + app, "--app-dir", directory.empty() ? CORELAB_WSGI_APPS : directory};
}

Surroundings for_python() {
  ::unsetenv("VIRTUAL_ENV");  // whoever runs the tests may be in one
  ::unsetenv("PYTHONUNBUFFERED");
  return {.environment = {{"PYTHONDONTWRITEBYTECODE", "1"}}};
}

bool has_python() {
  static const bool has = [] {
    const RunResult run = run_corelab({"serve", "--app", "wsgi:x:y", "--check-config"});
    return !(run.code == 2 && run.err.find("built without Python") != std::string::npos);
  }();
  return has;
}

int lines_with(const std::string& text, const std::string& part) {
  std::istringstream stream(text);
  int count = 0;
  for (std::string line; std::getline(stream, line);) count += line.find(part) != std::string::npos;
  return count;
}

void expect_term_to_wait_for_a_nap(ServerProcess& server) {
  Client client(server.address());
  client.send(get_request("/naps"));
  std::this_thread::sleep_for(Millis(300));
  server.signal(SIGTERM);
  const Reply reply = client.read_response();
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_EQ(reply.body().size(), 6'000u);
  EXPECT_EQ(client.read_rest().ended, Ended::closed);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
}

std::ostream& operator<<(std::ostream& out, const Manner& manner) {
  return out << manner.core.name << (manner.offloads ? " --offload 4" : "");
}

std::string manner_name(const ::testing::TestParamInfo<Manner>& info) {
  std::string name = info.param.core.name + (info.param.offloads ? "_offload" : "");
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<Manner> manners() {
  std::vector<Manner> list;
  for (const Core& core : cores()) {
    list.push_back({core, false});
    if (core.evented()) list.push_back({core, true});
  }
  return list;
}

void WsgiTest::SetUp() {
  if (!has_python()) GTEST_SKIP() << kNoPython;
}

ServerProcess WsgiTest::serve(const std::string& core, const std::string& app, Arguments more,
                              const std::string& directory) {
  return start(core, app, directory, more, for_python());
}

void WsgiMannerTest::SetUp() {
  if (!has_python()) GTEST_SKIP() << kNoPython;
}

ServerProcess WsgiMannerTest::serve(const std::string& app, int count, Arguments more, const Surroundings& around,
                                    const std::string& directory) const {
  for (auto& word : workers(core(), count)) more.push_back(std::move(word));
  if (GetParam().offloads) more.insert(more.end(), {"--offload", "4"});
  return start(core().name, app, directory, more, around);
}

}  // namespace corelab::test
