// HTTP without a socket: bytes in, bytes out.

#include "benchmarks/micro/row.hpp"
#include "benchmarks/micro/session_rows.hpp"

namespace corelab::micro {
namespace {

Response hello(const Request&) { return fixed("Hello, World!"); }

// Serves `bytes` in pieces of `piece` bytes and expects `answers`.
void serve(benchmark::State& state, const std::string& bytes, std::size_t piece, int answers) {
  BareDriver driver;
  driver.serve(bytes, hello);
  AllocationCount count;
  for (auto _ : state) {
    int answered = 0;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      answered += driver.serve(std::string_view(bytes).substr(at, piece), hello);
    }
    if (answered != answers) {
      state.SkipWithError("the session did not answer every request");
      return;
    }
  }
  count.report(state, answers);
  state.SetItemsProcessed(state.iterations() * answers);
}

void one(benchmark::State& state) { serve(state, wrk_request, wrk_request.size(), 1); }
BENCHMARK(one)->Name("session/one");

void with_browser_fields(benchmark::State& state) {
  std::string request =
      "GET /plaintext HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) "
      "Gecko/20100101\r\n"
      "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: "
      "en-US,en;q=0.5\r\n"
      "Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: id=0123456789abcdef\r\n"
      "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n\r\n";
  serve(state, request, request.size(), 1);
}
BENCHMARK(with_browser_fields)->Name("session/one_browser");

void pipelined(benchmark::State& state) {
  std::string requests;
  for (int i = 0; i < 16; ++i) requests += wrk_request;
  serve(state, requests, requests.size(), 16);
}
BENCHMARK(pipelined)->Name("session/pipelined_16");

void bytewise(benchmark::State& state) { serve(state, wrk_request, 1, 1); }
BENCHMARK(bytewise)->Name("session/bytewise");

void with_body(benchmark::State& state) {
  std::string request =
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1024\r\n\r\n" + std::string(1024, 'b');
  serve(state, request, request.size(), 1);
}
BENCHMARK(with_body)->Name("session/body_1k");

void with_chunked_body(benchmark::State& state) {
  std::string request = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 4; ++i) request += "100\r\n" + std::string(256, 'b') + "\r\n";
  request += "0\r\n\r\n";
  serve(state, request, request.size(), 1);
}
BENCHMARK(with_chunked_body)->Name("session/chunked_body_1k");

}  // namespace
}  // namespace corelab::micro
