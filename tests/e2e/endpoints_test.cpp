// Every endpoint on every core, with the same bytes; and what is not an endpoint: /stats, the control port,
// /upstream.

#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>

#include <ctime>
#include <filesystem>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

using nlohmann::json;

const std::string kHello = "Hello, World!";

struct Exchange {
  std::string request;
  int status;
  std::optional<std::string> body;  // where the contract says it
};

std::vector<Exchange> exchanges() {
  return {
      {get_request("/plaintext"), 200, kHello},
      {get_request("/json"), 200, R"({"message":"Hello, World!"})"},
      {post_request("/echo", "some bytes"), 200, "some bytes"},
      {post_request("/echo", std::string(300'000, 'e')), 200, std::string(300'000, 'e')},
      {get_request("/bytes?n=0"), 200, ""},
      {get_request("/bytes?n=1"), 200, std::nullopt},
      {get_request("/bytes?n=100000"), 200, std::nullopt},
      {get_request("/bytes?n=16777216"), 200, std::nullopt},
      {get_request("/cpu?us=100"), 200, std::nullopt},
      {get_request("/sleep?ms=5"), 200, std::nullopt},
      {get_request("/block?ms=5"), 200, std::nullopt},
      {get_request("/sleep?ms=5&us=100"), 200, "slept 5 ms\n"},
      {get_request("/block?ms=5&us=100"), 200, "blocked 5 ms\n"},
      {get_request("/block?ms=5&us=x"), 400, std::nullopt},
      {get_request("/offload?ms=5"), 200, std::nullopt},
      {get_request("/db?id=1"), 200, std::nullopt},
      {get_request("/db?id=10000"), 200, std::nullopt},
      {get_request("/db?id=10001"), 404, std::nullopt},
      {get_request("/upstream?ms=5"), 200, std::nullopt},
      {get_request("/healthz"), 200, std::nullopt},
      {get_request("/nosuch"), 404, std::nullopt},
      {get_request("/echo"), 405, std::nullopt},
      {get_request("/bytes"), 400, std::nullopt},
      {"HEAD /plaintext HTTP/1.1\r\nHost: test\r\n\r\n", 200, ""},
  };
}

TEST(Endpoints, answer_with_identical_bytes_on_every_core) {
  const ServerProcess upstream(cores().front().name);
  std::map<std::string, std::map<std::string, std::string>> raw;  // of a request, of a core
  for (const Core& core : cores()) {
    SCOPED_TRACE(core.name);
    Arguments arguments = holding(core);
    arguments.insert(arguments.end(), {"--upstream", upstream.address()});
    const ServerProcess server(core.name, arguments);
    for (const Exchange& exchange : exchanges()) {
      SCOPED_TRACE(exchange.request.substr(0, 60));
      Client client(server.address());
      const Reply reply = client.ask(exchange.request);
      EXPECT_EQ(reply.status(), exchange.status) << reply.detail << reply.body().substr(0, 200);
      EXPECT_TRUE(!exchange.body || reply.body() == *exchange.body) << reply.body().substr(0, 200);
      EXPECT_NE(reply.response.header("date"), nullptr);
      raw[exchange.request.substr(0, 60)][core.name] = without_date(reply.response.raw);
    }
  }
  for (const auto& [request, of_core] : raw)
    for (const auto& [core, bytes] : of_core)
      EXPECT_TRUE(bytes == of_core.begin()->second)
          << request << ": " << core << " differs from " << of_core.begin()->first << ":\n"
          << bytes.substr(0, 400) << "\n---\n"
          << of_core.begin()->second.substr(0, 400);
}

using Endpoint = CoreTest;

TEST_P(Endpoint, bytes_has_the_size_asked_for) {
  const auto server = serve();
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{4096}, size_t{65'537}, size_t{1'000'000}, size_t{16'777'216}})
    EXPECT_EQ(get(server.address(), "/bytes?n=" + std::to_string(size)).body().size(), size);
}

TEST_P(Endpoint, echo_gives_back_any_byte) {
  const auto server = serve();
  std::string all;
  for (int i = 0; i < 256 * 20; ++i) all += static_cast<char>(i);
  Client client(server.address());
  EXPECT_TRUE(client.ask(post_request("/echo", all)).body() == all);
  EXPECT_TRUE(client.ask(post_request("/echo", "")).body().empty());
}

TEST_P(Endpoint, cpu_burns_the_time_asked_for) {
  const auto server = serve();
  EXPECT_GE(time_of([&] { EXPECT_EQ(get(server.address(), "/cpu?us=100000").status(), 200); }), Millis(95));
}

TEST_P(Endpoint, db_answers_each_row_with_its_own_content) {
  const auto server = serve();
  const Reply first = get(server.address(), "/db?id=1");
  const Reply second = get(server.address(), "/db?id=2");
  EXPECT_EQ(first.status(), 200);
  EXPECT_EQ(second.status(), 200);
  EXPECT_NE(first.body(), second.body()) << "two rows, one answer";
}

TEST_P(Endpoint, db_answers_many_clients_at_once) {
  const auto server = serve();
  std::vector<Client> clients;
  for (int i = 1; i <= 32; ++i) {
    clients.emplace_back(server.address());
    clients.back().send(get_request("/db?id=" + std::to_string(i * 100), "Connection: close\r\n"));
  }
  for (auto& client : clients) EXPECT_EQ(client.read_response().status(), 200);
}

TEST(Database, of_a_server_that_was_killed_is_removed_by_the_next_and_of_one_that_runs_is_kept) {
  const TempDir dir;
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(dir.path("")), std::filesystem::directory_iterator());
  };
  const Surroundings around{.environment = {{"TMPDIR", dir.path("")}}};
  ServerProcess running("prefork", {"--workers", "1"}, around);
  ServerProcess killed("prefork", {"--workers", "1"}, around);
  ASSERT_EQ(files(), 2);
  const auto workers = children_of(killed.pid());
  killed.signal(SIGKILL);
  ASSERT_EQ(killed.wait_exit(Millis(5'000)), 128 + SIGKILL);
  for (const pid_t worker : workers) ASSERT_TRUE(eventually([&] { return !is_alive(worker); }, Millis(5'000)));
  ASSERT_EQ(files(), 2) << "nobody was there to remove it";
  {
    ServerProcess next("event-loop", {}, around);
    EXPECT_EQ(files(), 2);
    EXPECT_EQ(get(next.address(), "/db?id=1").status(), 200);
    // A worker that is new opens the file by its name.
    for (const pid_t worker : children_of(running.pid())) ::kill(worker, SIGKILL);
    EXPECT_TRUE(eventually([&] { return get(running.address(), "/db?id=1").status() == 200; }, Millis(5'000)));
    next.signal(SIGTERM);
    EXPECT_EQ(next.wait_exit(Millis(5'000)), 0);
  }
  EXPECT_EQ(files(), 1);
}

TEST_P(Endpoint, stats_tell_of_the_core_and_of_each_worker) {
  const auto server = serve_with_workers(2);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(get(server.address(), "/plaintext").status(), 200);
  const Reply reply = get(server.address(), "/stats");
  ASSERT_EQ(reply.status(), 200) << reply.detail;
  const json stats = json::parse(reply.body());
  EXPECT_EQ(stats.at("core"), core().name);
  const json& rows = stats.at("workers");
  ASSERT_TRUE(rows.is_array());
  // A row for each worker; threads that only serve their connections need not be told apart.
  const bool reactors = core().evented() || core().has_processes();
  if (core().takes_workers && reactors) {
    EXPECT_EQ(rows.size(), 2u) << reply.body();
  } else if (!core().takes_workers) {
    EXPECT_EQ(rows.size(), 1u) << reply.body();
  }
  int64_t accepted = 0, requests = 0;
  for (const json& row : rows) {
    accepted += row.at("accepted").get<int64_t>();
    requests += row.at("requests").get<int64_t>();
    EXPECT_TRUE(row.at("open").is_number()) << row;
    EXPECT_TRUE(row.at("queue_depth").is_number()) << row;
    EXPECT_TRUE(row.contains("loop_lag_ms")) << row;
  }
  // The asking one is being answered: whether it counts as a request already is the server's business.
  EXPECT_GE(accepted, 20) << reply.body();
  EXPECT_LE(accepted, 21) << reply.body();
  EXPECT_GE(requests, 20) << reply.body();
  EXPECT_LE(requests, 21) << reply.body();
}

TEST_P(Endpoint, control_off_leaves_no_stats) {
  const auto server = serve({"--control", "off"});
  EXPECT_EQ(get(server.address(), "/stats").status(), 404);
  EXPECT_EQ(get(server.address(), "/healthz").status(), 404);
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
}

TEST_P(Endpoint, control_on_a_port_of_its_own) {
  const std::string control = "127.0.0.1:" + std::to_string(free_port());
  const auto server = serve({"--control", control});
  EXPECT_TRUE(eventually(
      [&] {
        int error = 0;
        return Client::connect(control, Millis(500), error).has_value();
      },
      Millis(3'000)));
  EXPECT_EQ(get(control, "/stats").status(), 200);
  EXPECT_EQ(get(control, "/healthz").status(), 200);
  EXPECT_EQ(get(control, "/plaintext").status(), 404);
  EXPECT_EQ(get(server.address(), "/stats").status(), 404);
}

TEST_P(Endpoint, upstream_is_asked_and_waited_for) {
  const ServerProcess upstream(cores().front().name);
  const auto server = serve({"--upstream", upstream.address()});
  EXPECT_GE(time_of([&] { EXPECT_EQ(get(server.address(), "/upstream?ms=150").status(), 200); }),
            Millis(140));
  // Pooled connections are used again and again.
  Client client(server.address());
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.ask(get_request("/upstream?ms=0")).status(), 200) << i;
}

TEST(Upstream, may_be_behind_a_unix_socket) {
  const TempDir dir;
  const ServerProcess upstream("event-loop", {"-b", "unix:" + dir.path("socket")});
  const ServerProcess server("event-loop", {"--upstream", upstream.address()});
  EXPECT_EQ(get(server.address(), "/upstream?ms=1").status(), 200);
}

TEST_P(Endpoint, upstream_past_the_request_deadline_is_504) {
  const ServerProcess upstream(cores().front().name);
  const auto server = serve({"--upstream", upstream.address(), "--request-timeout", "0.3"});
  Reply reply;
  const Millis took = time_of([&] { reply = get(server.address(), "/upstream?ms=3000"); });
  EXPECT_EQ(reply.status(), 504) << reply.detail;
  EXPECT_LT(took, patient(Millis(2'000)));
  // The connection that was given up may not answer the next request.
  EXPECT_EQ(get(server.address(), "/upstream?ms=1").status(), 200);
}

TEST_P(Endpoint, upstream_that_is_gone_is_an_error_and_no_hang) {
  auto upstream = std::make_optional<ServerProcess>(cores().front().name);
  const auto server = serve({"--upstream", upstream->address()});
  ASSERT_EQ(get(server.address(), "/upstream?ms=0").status(), 200);
  upstream.reset();
  Reply reply;
  const Millis took = time_of([&] { reply = get(server.address(), "/upstream?ms=0"); });
  // Bad gateway or unavailable: the design does not say which.
  EXPECT_TRUE(reply.status() == 502 || reply.status() == 503) << reply.status() << reply.detail;
  EXPECT_LT(took, patient(Millis(3'000)));
}

TEST_P(Endpoint, echo_app_answers_any_method_and_target_with_the_body) {
  const auto server = serve({"--app", "echo"});
  Client client(server.address());
  for (const std::string target : {"/", "/plaintext", "/nosuch?n=x", "/stats"})
    for (const std::string method : {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
      SCOPED_TRACE(method + " " + target);
      const std::string head = method + " " + target + " HTTP/1.1\r\nHost: test\r\n";
      Reply reply = client.ask(head + "Content-Length: 5\r\n\r\nhello");
      ASSERT_EQ(reply.status(), 200) << reply.detail;
      EXPECT_EQ(reply.body(), "hello");
      reply = client.ask(head + "\r\n");
      ASSERT_EQ(reply.status(), 200) << reply.detail;
      EXPECT_EQ(reply.body(), "");
    }
  const Reply chunked = client.ask(
      "POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.body(), "abcde");
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Endpoint, ::testing::ValuesIn(cores()), core_test_name);

using CountersOfProcesses = CoreTest;

TEST_P(CountersOfProcesses, add_up_across_children_whichever_answers) {
  const auto server = serve_with_workers(3);
  constexpr int kConnections = 60;
  for (int i = 0; i < kConnections / 2; ++i) {
    // Two at a time, so that a worker which serves one connection at a time cannot answer everything alone.
    Client first(server.address()), second(server.address());
    for (Client* client : {&first, &second}) EXPECT_EQ(client->ask(get_request("/plaintext")).status(), 200);
    for (Client* client : {&first, &second}) {
      EXPECT_EQ(client->ask(get_request("/json", "Connection: close\r\n")).status(), 200);
    }
  }
  const json stats = json::parse(get(server.address(), "/stats").body());
  ASSERT_EQ(stats.at("workers").size(), 3u);
  int64_t accepted = 0, requests = 0;
  int busy_workers = 0;
  for (const json& row : stats.at("workers")) {
    accepted += row.at("accepted").get<int64_t>();
    requests += row.at("requests").get<int64_t>();
    busy_workers += row.at("requests").get<int64_t>() > 0;
  }
  EXPECT_GE(accepted, kConnections);
  EXPECT_LE(accepted, kConnections + 1);
  EXPECT_GE(requests, 2 * kConnections);
  EXPECT_LE(requests, 2 * kConnections + 1);
  EXPECT_GE(busy_workers, 2) << "one worker answered everything: the sum shows nothing";
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CountersOfProcesses);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(
    CoresWithProcesses, CountersOfProcesses,
    ::testing::ValuesIn(cores_where([](const Core& core) { return core.has_processes(); })), core_test_name);

// RFC 9110 section 6.6.1: the time at which the answer was made, and not its request read.
class Dates : public CoreTest {
 protected:
  static double seconds_off(const Reply& reply) {
    const std::string* date = reply.response.header("date");
    std::tm utc{};
    if (date == nullptr || ::strptime(date->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc) == nullptr) return 1e9;
    return std::difftime(std::time(nullptr), ::timegm(&utc));
  }
};

TEST_P(Dates, of_answers_are_when_they_are_made) {
  auto server = serve_with_workers(4, {"--head-timeout", "3", "--request-timeout", "3"});
  struct Asked {
    std::string request;
    int status;
  };
  // Side by side, in the order that they are answered in.
  const std::vector<Asked> waiting = {
      {get_request("/sleep?ms=2500"), 200}, {get_request("/sleep?ms=10000"), 504}, {"GET / HTTP/1.1\r\nHo", 408}};
  std::vector<Client> clients;
  for (const Asked& asked : waiting) {
    clients.emplace_back(server.address());
    ASSERT_TRUE(clients.back().send(asked.request));
  }
  for (size_t i = 0; i < waiting.size(); ++i) {
    const Reply reply = clients[i].read_response();
    EXPECT_EQ(reply.status(), waiting[i].status) << reply.detail;
    EXPECT_LE(seconds_off(reply), 1.5) << waiting[i].request;
  }
  EXPECT_LE(seconds_off(get(server.address(), "/block?ms=2200")), 1.5);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Dates, ::testing::ValuesIn(cores()), core_test_name);

}  // namespace
}  // namespace corelab::test
