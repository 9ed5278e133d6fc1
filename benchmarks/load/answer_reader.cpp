#include "benchmarks/load/answer_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cctype>

namespace corelab::load {

namespace {

constexpr std::size_t most_head = 64 * 1024;

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
           return std::tolower(x) == std::tolower(y);
         });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Whether a comma-separated list holds `token`, in any case.
bool lists(std::string_view list, std::string_view token) {
  for (;;) {
    std::size_t comma = list.find(',');
    if (equals_ignoring_case(trimmed(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

bool read_number(std::string_view text, int base, std::size_t& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void AnswerReader::start() {
  part_ = Part::head;
  kept_.clear();
  closes_ = false;
  taken_ = 0;
  status_ = 0;
}

AnswerReader::State AnswerReader::take(std::string_view bytes) {
  taken_ += bytes.size();
  while (!bytes.empty()) {
    switch (part_) {
      case Part::head: {
        // The usual answer comes whole; its head is looked for where it is, and kept only when it is cut.
        std::size_t before = kept_.size();
        kept_.append(bytes);
        std::size_t end = kept_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
        if (end == std::string::npos) return kept_.size() > most_head ? State::malformed : State::incomplete;
        bytes.remove_prefix(end + 4 - before);
        kept_.resize(end + 2);
        if (!read_head()) return State::malformed;
        kept_.clear();
        break;
      }
      case Part::sized_body:
      case Part::chunk_data: {
        std::size_t n = std::min(left_, bytes.size());
        bytes.remove_prefix(n);
        left_ -= n;
        if (left_ == 0) part_ = part_ == Part::sized_body ? Part::done : Part::chunk_size;
        break;
      }
      case Part::chunk_size: {
        if (!take_line(bytes)) return kept_.size() > most_head ? State::malformed : State::incomplete;
        std::size_t size = 0;
        if (!read_number(trimmed(std::string_view(kept_).substr(0, kept_.find(';'))), 16, size)) return State::malformed;
        kept_.clear();
        left_ = size + 2;  // with the CRLF behind the data
        part_ = size == 0 ? Part::trailers : Part::chunk_data;
        break;
      }
      case Part::trailers:
        if (!take_line(bytes)) return kept_.size() > most_head ? State::malformed : State::incomplete;
        if (kept_.empty()) part_ = Part::done;
        kept_.clear();
        break;
      case Part::until_close: return State::incomplete;
      case Part::done: return State::malformed;
    }
    if (part_ == Part::sized_body && left_ == 0) part_ = Part::done;
  }
  return part_ == Part::done ? State::complete : State::incomplete;
}

AnswerReader::State AnswerReader::end_of_input() {
  if (part_ != Part::until_close) return State::incomplete;
  part_ = Part::done;
  return State::complete;
}

// Moves a line, without its CRLF, into kept_; false while its end has not come.
bool AnswerReader::take_line(std::string_view& bytes) {
  std::size_t end = bytes.find('\n');
  kept_.append(bytes.substr(0, end));
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  if (end == std::string_view::npos) return false;
  if (!kept_.empty() && kept_.back() == '\r') kept_.pop_back();
  return true;
}

bool AnswerReader::read_head() {
  std::string_view head = kept_;
  std::size_t line_end = head.find("\r\n");
  std::string_view line = head.substr(0, line_end);
  std::size_t status = 0;
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || !read_number(line.substr(9, 3), 10, status)) return false;
  status_ = static_cast<int>(status);
  bool is_chunked = false, is_sized = false, says_close = false, says_keep_alive = false;
  std::size_t size = 0;
  for (std::size_t at = line_end + 2; at < head.size();) {
    std::size_t end = head.find("\r\n", at);
    std::string_view field = head.substr(at, end - at);
    at = end + 2;
    std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) return false;
    std::string_view name = field.substr(0, colon), value = trimmed(field.substr(colon + 1));
    if (equals_ignoring_case(name, "content-length")) {
      is_sized = read_number(value, 10, size);
      if (!is_sized) return false;
    } else if (equals_ignoring_case(name, "transfer-encoding")) {
      is_chunked = equals_ignoring_case(value, "chunked");
    } else if (equals_ignoring_case(name, "connection")) {
      says_close |= lists(value, "close");
      says_keep_alive |= lists(value, "keep-alive");
    }
  }
  closes_ = says_close || (line[7] == '0' && !says_keep_alive);
  left_ = size;
  if (status_ >= 100 && status_ < 200) {
    part_ = Part::head;  // an interim answer; the real one follows
  } else if (status_ == 204 || status_ == 304) {
    part_ = Part::done;
  } else if (is_chunked) {
    part_ = Part::chunk_size;
  } else if (is_sized) {
    part_ = size == 0 ? Part::done : Part::sized_body;
  } else {
    part_ = Part::until_close;
    closes_ = true;
  }
  return true;
}

}  // namespace corelab::load
