// HUP, TTIN, TTOU and USR1: what can change under a running server.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/busy_clients.hpp"
#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

int status_of_a_body_of_50(const ServerProcess& server) {
  Client client(server.address());
  return client.ask(post_request("/echo", std::string(50, 'b'), "Connection: close\r\n")).status();
}

bool mentions(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

std::vector<std::string> restart_only() {
  return {"core", "app", "bind", "workers", "backlog", "offload", "offload-threads", "thread-stack", "pid", "trace",
          "trace-limit", "control", "upstream", "db"};
}

using Reload = CoreTest;

TEST_P(Reload, changes_a_limit_for_new_connections) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "limit-request-body = 100\n");
  auto server = serve_with_workers(2, {"-c", file});
  ASSERT_EQ(status_of_a_body_of_50(server), 200);
  dir.write("corelab.toml", "limit-request-body = 10\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return status_of_a_body_of_50(server) == 413; }, Millis(5'000)))
      << server.errors();
  dir.write("corelab.toml", "limit-request-body = 100\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return status_of_a_body_of_50(server) == 200; }, Millis(5'000)))
      << server.errors();
}

TEST_P(Reload, of_an_invalid_file_keeps_the_old_values_and_says_so) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "limit-request-body = 10\n");
  auto server = serve_with_workers(2, {"-c", file});
  ASSERT_EQ(status_of_a_body_of_50(server), 413);
  for (const std::string broken :
       {"limit-request-body = = 3\n", "nosuch-key = 1\n", "limit-request-body = -5\n"}) {
    const size_t said = server.errors().size();
    dir.write("corelab.toml", broken);
    server.signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return server.errors().find("corelab.toml", said) != std::string::npos; },
                           Millis(5'000)))
        << "nothing said about: " << broken << server.errors();
    EXPECT_EQ(status_of_a_body_of_50(server), 413);
  }
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value());
}

TEST_P(Reload, keeps_open_connections_and_their_requests) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "keep-alive = 30\n");
  auto server = serve_with_workers(2, {"-c", file});
  Client client(server.address());
  client.send(get_request("/sleep?ms=500"));
  std::this_thread::sleep_for(Millis(100));
  server.signal(SIGHUP);
  const Reply reply = client.read_response();
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  const Reply next = get(server.address(), "/plaintext");
  EXPECT_EQ(next.status(), 200) << next.detail;
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
}

TEST_P(Reload, a_shorter_keep_alive_is_taken_by_new_connections) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "keep-alive = 30\n");
  auto server = serve_with_workers(2, {"-c", file});
  ASSERT_EQ(get(server.address(), "/plaintext").status(), 200);
  dir.write("corelab.toml", "keep-alive = 0.5\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually(
      [&] {
        Client client(server.address());
        return client.ask(get_request("/plaintext")).status() == 200 &&
               client.read_rest(Millis(2'000)).ended == Ended::closed;
      },
      Millis(10'000)))
      << "an idle connection outlives the new deadline";
}

TEST_P(Reload, without_a_file_is_harmless) {
  auto server = serve();
  server.signal(SIGHUP);
  std::this_thread::sleep_for(Millis(200));
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
}

TEST_P(Reload, reopen_writes_the_access_log_to_a_new_file) {
  const TempDir dir;
  const std::string log = dir.path("access.log");
  const std::string moved = dir.path("access.log.1");
  auto server = serve_with_workers(2, {"--access-logfile", log});
  ASSERT_EQ(get(server.address(), "/plaintext").status(), 200);
  ASSERT_TRUE(
      eventually([&] { return read_file(log).find("/plaintext") != std::string::npos; }, Millis(5'000)));
  ASSERT_EQ(std::rename(log.c_str(), moved.c_str()), 0);
  server.signal(SIGUSR1);
  EXPECT_TRUE(eventually(
      [&] {
        return get(server.address(), "/json").status() == 200 &&
               read_file(log).find("/json") != std::string::npos;
      },
      Millis(5'000)));
  // All workers have it: nothing more goes to the file that was moved away.
  std::this_thread::sleep_for(patient(Millis(200)));
  const std::string before = read_file(moved);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_EQ(read_file(moved), before);
}

TEST_P(Reload, reopen_writes_the_error_log_to_a_new_file) {
  const TempDir dir;
  const std::string log = dir.path("error.log");
  const std::string moved = dir.path("error.log.1");
  auto server = serve({"--error-logfile", log});
  server.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return mentions(read_file(log), "reload: done"); }, Millis(5'000)));
  ASSERT_EQ(std::rename(log.c_str(), moved.c_str()), 0);
  const std::string before = read_file(moved);
  server.signal(SIGUSR1);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(log); }, Millis(5'000)));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(8'000)), 0);
  EXPECT_TRUE(mentions(read_file(log), "draining")) << read_file(log);
  EXPECT_EQ(read_file(moved), before);
  EXPECT_FALSE(mentions(server.errors(), "draining"));
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Reload, ::testing::ValuesIn(cores()), core_test_name);

// --- Every setting, one by one, on a loop and on worker processes ---

// A server whose file says everything, so that all of it can change.
class SettingByHup : public ::testing::TestWithParam<std::string> {
 protected:
  bool has_processes() const { return GetParam() == "prefork"; }
  std::string base() const {
    return "core = \"" + GetParam() + "\"\nbind = [\"127.0.0.1:0\"]\n" + (has_processes() ? "workers = 2\n" : "");
  }
  // The settings that mean something to this core.
  std::set<std::string> names() const {
    std::set<std::string> found;
    std::istringstream printed(run_corelab({"serve", "--print-config", "-c", dir_.write("c.toml", base())}).out);
    for (std::string line; std::getline(printed, line);) found.insert(line.substr(0, line.find(' ')));
    found.insert("trace-limit");
    return found;
  }
  static std::string name_in(const std::string& line) { return line.substr(0, line.find(' ')); }

  ServerProcess start() const { return ServerProcess("", {"-c", dir_.write("c.toml", base())}); }
  // The file with more lines, which replace those of the same name, and HUP.
  void reload(const ServerProcess& server, const std::vector<std::string>& lines) const {
    std::string content;
    std::istringstream stream(base());
    for (std::string line; std::getline(stream, line);) {
      if (std::none_of(lines.begin(), lines.end(), [&](auto& other) { return name_in(other) == name_in(line); }))
        content += line + "\n";
    }
    for (const std::string& line : lines) content += line + "\n";
    dir_.write("c.toml", content);
    const auto old = children_of(server.pid());
    server.signal(SIGHUP);
    if (!has_processes()) return std::this_thread::sleep_for(Millis(20));
    ASSERT_TRUE(eventually([&] {
      const auto now = children_of(server.pid());
      return now.size() == 2 && std::find_first_of(now.begin(), now.end(), old.begin(), old.end()) == now.end();
    }, Millis(5'000))) << "workers were not replaced\n" << server.errors();
  }

  const TempDir dir_;
};

// What a new connection is used for here is over soon, or does not end as it should.
constexpr Millis kSoon(1'500);

int status_of(const ServerProcess& server, const std::string& request) {
  return Client(server.address()).ask(request, kSoon).status();
}
bool answers_one_by_one(const ServerProcess& server) {
  Client client(server.address());
  client.send(get_request("/plaintext") + get_request("/cpu?us=200000"));
  const bool first = client.read_response(false, kSoon).status() == 200;
  return first && client.received() == 0 && client.read_response(false, kSoon).status() == 200;
}
bool resets_who_does_not_read(const ServerProcess& server) {
  Client client(server.address());
  client.shrink_receive_buffer(4096);
  client.send(get_request("/bytes?n=16000000"));
  std::this_thread::sleep_for(Millis(400));
  return client.read_rest(kSoon).ended == Ended::reset;
}
size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}
bool says_nothing_of_a_reload(const ServerProcess& server) {
  const size_t said = count_of(server.errors(), "reload: done");
  server.signal(SIGHUP);
  std::this_thread::sleep_for(patient(Millis(100)));
  return count_of(server.errors(), "reload: done") == said;
}
bool takes_one_connection(const ServerProcess& server) {
  Client first(server.address());
  if (first.ask(get_request("/plaintext"), kSoon).status() != 200) return false;
  Client second(server.address());
  second.send(get_request("/plaintext"));
  return second.stays_silent(Millis(150));
}
bool loses_its_worker(const ServerProcess& server) {
  const Ended ended = Client(server.address()).ask(get_request("/block?ms=2500"), Millis(2'000)).ended;
  return ended == Ended::closed || ended == Ended::reset;
}
bool replaces_workers_at_each_request(const ServerProcess& server) {
  std::set<std::string> workers;
  for (int i = 0; i < 12; ++i) {
    const std::string stats = Client(server.address()).ask(get_request("/stats"), kSoon).body();
    for (size_t at = stats.find("\"pid\":"); at != std::string::npos; at = stats.find("\"pid\":", at + 1))
      workers.insert(stats.substr(at, stats.find('}', at) - at));
  }
  return workers.size() > 6;  // the two that were there, and some of those that came
}

struct Setting {
  std::vector<std::string> lines;  // of the file, the one that is tested last
  std::function<bool(const ServerProcess&)> holds;
};

TEST_P(SettingByHup, is_taken_by_new_connections_and_by_the_drain_if_it_is_a_limit_a_deadline_a_log_or_a_policy) {
  const std::string access_log = dir_.path("access.log"), error_log = dir_.path("error.log");
  const auto is_refused_with = [](int status, const std::string& request) {
    return [=](const ServerProcess& server) { return status_of(server, request) == status; };
  };
  const std::string no_body = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";
  const std::vector<Setting> settings = {
      {{"limit-request-line = 20"}, is_refused_with(414, get_request("/plaintext?aaaaaaaaaa"))},
      {{"limit-request-fields = 1"}, is_refused_with(431, get_request("/plaintext", "X: y\r\n"))},
      {{"limit-request-line = 64", "limit-request-head = 100"},
       is_refused_with(431, get_request("/plaintext", "X: " + std::string(100, 'y') + "\r\n"))},
      {{"limit-request-body = 3"}, is_refused_with(413, post_request("/echo", "four"))},
      {{"limit-chunk-overhead = 16"},
       is_refused_with(413, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                                std::string(60, 'e') + "\r\nD\r\n0\r\n\r\n")},
      {{"limit-pipeline = 1"}, answers_one_by_one},
      {{"limit-output = 1"}, answers_one_by_one},
      {{"head-timeout = 0.1"}, is_refused_with(408, "GET /plaintext HTTP/1.1\r\n")},
      {{"body-timeout = 0.1"}, is_refused_with(408, no_body)},
      {{"request-timeout = 0.1"}, is_refused_with(504, get_request("/sleep?ms=1400"))},
      {{"write-timeout = 0.1"}, resets_who_does_not_read},
      {{"body-timeout = 0.1", "body-rate = 10"},
       [](const ServerProcess& server) {
         Client client(server.address());
         client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello");
         std::this_thread::sleep_for(Millis(300));
         return client.ask("world", kSoon).body() == "helloworld";
       }},
      {{"write-timeout = 0.1", "write-rate = 1000"},
       [](const ServerProcess& server) {
         Client client(server.address());
         client.shrink_receive_buffer(4096);
         client.send(get_request("/bytes?n=16000000"));
         std::this_thread::sleep_for(Millis(400));
         return client.await_bytes(30'000, kSoon);
       }},
      {{"keep-alive = 0.1"},
       [](const ServerProcess& server) {
         Client client(server.address());
         return client.ask(get_request("/plaintext")).status() == 200 && client.read_rest(kSoon).ended == Ended::closed;
       }},
      {{"access-logfile = \"" + access_log + "\""},
       [&](const ServerProcess& server) {
         return status_of(server, get_request("/json")) == 200 && mentions(read_file(access_log), "/json");
       }},
      {{"access-logfile = \"" + access_log + "\"", "forwarded-allow-ips = \"192.0.2.1\""},
       [&](const ServerProcess& server) {
         const std::string line = get_request("/json?by-nobody", "X-Forwarded-For: 203.0.113.7\r\n");
         const std::string log = status_of(server, line) == 200 ? read_file(access_log) : "";
         return mentions(log.substr(std::min(log.size(), log.rfind('\n', log.size() - 2) + 1)), "127.0.0.1 - - ");
       }},
      {{"error-logfile = \"" + error_log + "\""},
       [&](const ServerProcess&) { return mentions(read_file(error_log), "reload: done"); }},
      {{"log-level = \"error\""}, says_nothing_of_a_reload},
      {{"worker-connections = 1"}, takes_one_connection},
      // Workers come and go with these: reload() cannot tell which of them have new settings, so that it takes another try,
      // which there is not behind the last one.
      {{"timeout = 0.6"}, loses_its_worker},
      {{"max-requests = 1"}, replaces_workers_at_each_request},
      {{"keep-alive-policy = \"close\""},
       [](const ServerProcess& server) {
         return Client(server.address()).ask(get_request("/plaintext")).response.says_close();
       }},
  };
  // (--start-timeout shows with an application that takes long to be imported: wsgi_start_test; --body-buffer with one that
  // looks where its body is: wsgi_uploads_test; --slow-handler: slow_handler_test.)
  std::set<std::string> meant = names(), tried{"graceful-timeout", "drain-grace", "start-timeout", "body-buffer", "body-memory", "slow-handler"};
  auto server = start();
  for (const Setting& setting : settings) {
    const std::string name = name_in(setting.lines.back());
    tried.insert(name);
    if (!meant.contains(name)) continue;
    reload(server, setting.lines);
    EXPECT_TRUE(eventually([&] { return setting.holds(server); }, Millis(5'000))) << setting.lines.back();
  }
  // The two that show when it ends: idle connections are let be, and a request ends before it is answered.
  reload(server, {"drain-grace = 30", "graceful-timeout = 2"});
  Client idle(server.address()), busy(server.address());
  ASSERT_EQ(idle.ask(get_request("/plaintext")).status(), 200);
  busy.send(get_request("/sleep?ms=15000"));
  std::this_thread::sleep_for(Millis(50));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(Millis(700));
  EXPECT_EQ(idle.ask(get_request("/plaintext")).status(), 200) << "drain-grace";
  EXPECT_EQ(server.wait_exit(Millis(8'000)), 1) << "graceful-timeout";
  for (const std::string& name : restart_only()) tried.insert(name);
  for (const std::string& name : meant) EXPECT_TRUE(tried.contains(name)) << "nobody has tried --" << name;
}

TEST_P(SettingByHup, stays_as_it_was_and_is_named_in_the_log_if_it_takes_a_restart) {
  std::set<std::string> meant = names();
  auto server = start();
  const std::string hello = get(server.address(), "/plaintext").body();
  for (const std::string& name : restart_only()) {
    if (!meant.contains(name)) continue;
    std::string value = "3";
    if (name == "core") value = "\"thread-pool\"";
    if (name == "app") value = "\"echo\"";
    if (name == "bind") value = "[\"127.0.0.1:1\"]";
    if (name == "control") value = "\"off\"";
    if (name == "upstream") value = "\"127.0.0.1:9\"";
    if (name == "thread-stack") value = "128";
    if (name == "pid" || name == "trace" || name == "db") value = "\"" + dir_.path(name) + "\"";
    std::vector<std::string> lines{name + " = " + value};
    if (name == "trace-limit") lines.insert(lines.begin(), "trace = \"" + dir_.path("trace") + "\"");
    reload(server, lines);
    EXPECT_TRUE(server.says("reload: --" + name + " stays as it was", Millis(5'000))) << server.errors();
    EXPECT_FALSE(std::filesystem::exists(dir_.path(name))) << name;
  }
  EXPECT_FALSE(mentions(server.errors(), "the old settings stay")) << server.errors();
  EXPECT_EQ(get(server.address(), "/plaintext").body(), hello);
  EXPECT_EQ(get(server.address(), "/db?id=1").status(), 200);
  EXPECT_EQ(get(server.address(), "/upstream?ms=1").status(), 503);
  const std::string stats = get(server.address(), "/stats").body();
  EXPECT_TRUE(mentions(stats, "\"core\":\"" + GetParam() + "\"")) << stats;
  EXPECT_EQ(children_of(server.pid()).size(), has_processes() ? 2u : 0u);
}

INSTANTIATE_TEST_SUITE_P(ALoopAndProcesses, SettingByHup, ::testing::Values("event-loop", "prefork"),
                         [](const auto& one) { return one.param == "prefork" ? "prefork" : "event_loop"; });

// Those whose connections are not each a worker's only one.
using ReloadOfTheCap = CoreTest;

TEST_P(ReloadOfTheCap, a_larger_one_lets_those_in_who_wait) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "worker-connections = 4\n");
  auto server = serve_with_workers(1, {"-c", file});
  std::vector<Client> occupants;
  for (int i = 0; i < 4; ++i) {
    occupants.emplace_back(server.address());
    ASSERT_EQ(occupants.back().ask(get_request("/plaintext")).status(), 200);
  }
  Client newcomer(server.address());
  newcomer.send(get_request("/plaintext"));
  EXPECT_TRUE(newcomer.stays_silent(Millis(300))) << "there is no cap";
  dir.write("corelab.toml", "worker-connections = 8\n");
  server.signal(SIGHUP);
  EXPECT_EQ(newcomer.read_response(false, Millis(5'000)).status(), 200);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReloadOfTheCap);
INSTANTIATE_TEST_SUITE_P(LoopsAndThreads, ReloadOfTheCap, ::testing::ValuesIn(cores_where([](const Core& core) {
                           return core.evented();
                         })),
                         core_test_name);

using RollingReload = CoreTest;

TEST_P(RollingReload, of_workers_that_retire_by_themselves_meanwhile_fails_no_request) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "10", "--max-requests", "60"});
  const std::string slept = get(server.address(), "/sleep?ms=10").body();
  BusyClients clients(server.address(), 16, {{"/plaintext", "Hello, World!"}, {"/sleep?ms=10", slept}});
  ASSERT_TRUE(clients.await_answers(200, Millis(10'000)));
  for (int i = 0; i < 10; ++i) {
    server.signal(SIGHUP);
    ASSERT_TRUE(clients.await_answers(100, Millis(10'000))) << server.errors();
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(15'000)), 0) << server.errors();
  const Tally tally = clients.stop();
  std::cout << "  " << core().name << ": " << tally << "\n";
  EXPECT_EQ(tally.failures(), 0u) << tally;
}

TEST_P(RollingReload, ten_times_in_a_row_under_load_fails_no_request) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "10"});
  const std::string bytes = get(server.address(), "/bytes?n=20000").body();
  const std::string slept = get(server.address(), "/sleep?ms=10").body();
  const auto before = children_of(server.pid());
  BusyClients clients(server.address(), 16,
                      {{"/plaintext", "Hello, World!"}, {"/bytes?n=20000", bytes}, {"/sleep?ms=10", slept}});
  ASSERT_TRUE(clients.await_answers(200, Millis(10'000)));
  for (int i = 0; i < 10; ++i) {
    server.signal(SIGHUP);
    EXPECT_TRUE(clients.await_answers(50, Millis(10'000))) << "it stands still behind HUP " << i + 1;
    std::this_thread::sleep_for(Millis(150));
  }
  EXPECT_TRUE(eventually([&] { return children_of(server.pid()).size() == 2; }, Millis(10'000)))
      << "old workers remain: " << children_of(server.pid()).size();
  const Tally tally = clients.stop();
  std::cout << "  " << core().name << ": 10 HUPs: " << tally << "\n";
  EXPECT_EQ(tally.failures() + tally.refusals, 0u) << tally;
  for (const pid_t old : before) EXPECT_FALSE(is_alive(old)) << "a worker was never replaced";
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(10'000)), 0) << server.errors();
}

TEST_P(RollingReload, right_before_term_still_drains) {
  auto server = serve_with_workers(2);
  server.signal(SIGHUP);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(8'000)), 0) << server.errors();
}

TEST_P(RollingReload, ttin_adds_a_worker_and_ttou_removes_one) {
  auto server = serve_with_workers(2);
  const auto has = [&](size_t count) {
    return eventually([&] { return children_of(server.pid()).size() == count; }, Millis(5'000));
  };
  ASSERT_TRUE(has(2));
  BusyClients clients(server.address(), 4, {{"/plaintext", "Hello, World!"}});
  server.signal(SIGTTIN);
  EXPECT_TRUE(has(3)) << server.errors();
  server.signal(SIGTTOU);
  EXPECT_TRUE(has(2)) << server.errors();
  server.signal(SIGTTOU);
  EXPECT_TRUE(has(1)) << server.errors();
  // The last one stays: a server without workers would accept connections for nobody.
  server.signal(SIGTTOU);
  EXPECT_TRUE(clients.await_answers(20, Millis(5'000)));
  EXPECT_EQ(children_of(server.pid()).size(), 1u);
  const Tally tally = clients.stop();
  EXPECT_EQ(tally.failures() + tally.refusals, 0u) << tally;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RollingReload);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(
    CoresWithProcesses, RollingReload,
    ::testing::ValuesIn(cores_where([](const Core& core) { return core.has_processes(); })), core_test_name);

using NothingToRoll = CoreTest;

TEST_P(NothingToRoll, ttin_and_ttou_are_harmless) {
  auto server = serve();
  server.signal(SIGTTIN);
  server.signal(SIGTTOU);
  std::this_thread::sleep_for(Millis(200));
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NothingToRoll);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(
    CoresWithoutProcesses, NothingToRoll,
    ::testing::ValuesIn(cores_where([](const Core& core) { return !core.has_processes(); })), core_test_name);

}  // namespace
}  // namespace corelab::test
