// The few productions of RFC 9110 and 3986 that more than one file needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace corelab::grammar {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_hex(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }
constexpr int hex_value(char c) { return is_digit(c) ? c - '0' : lower(c) - 'a' + 10; }

/// Of a request target's characters (visible ASCII without '#': RFC 9112 section 3.2 has no fragment, RFC 3986 nothing else)
/// those of its path are what comes ahead of the '?'.
enum CharClass : std::uint8_t { tchar = 1, host_char = 2, target_char = 4, path_char = 8 };

// A table, because the request line and the Host of every request are checked.
inline constexpr auto char_classes = [] {
  std::array<std::uint8_t, 256> table{};
  auto mark = [&table](std::string_view chars, CharClass as) {
    for (char c : chars) table[static_cast<unsigned char>(c)] |= as;
  };
  constexpr std::string_view alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  mark(alphanumeric, tchar);
  mark("!#$%&'*+-.^_`|~", tchar);
  mark(alphanumeric, host_char);
  mark("-._~!$&'()*+,;=", host_char);
  for (int c = '!'; c <= '~'; ++c) {
    if (c != '#') table[static_cast<unsigned char>(c)] |= c == '?' ? target_char : target_char | path_char;
  }
  return table;
}();

constexpr bool is(char c, CharClass what) { return (char_classes[static_cast<unsigned char>(c)] & what) != 0; }

/// Where the run of such characters that begins at `from` ends.
constexpr std::size_t run_end(std::string_view text, CharClass of, std::size_t from = 0) {
  while (from < text.size() && is(text[from], of)) ++from;
  return from;
}

/// Without the OWS around it (RFC 9110 section 5.6.3).
constexpr std::string_view without_blanks(std::string_view text) {
  auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// token of RFC 9110 section 5.6.2.
constexpr bool is_token(std::string_view text) { return !text.empty() && run_end(text, tchar) == text.size(); }

/// text == literal, compared in line: for the few words that nearly every request has.
template <std::size_t size>
bool is_literally(std::string_view text, const char (&literal)[size]) {
  return text.size() == size - 1 && std::memcmp(text.data(), literal, size - 1) == 0;
}

/// A number from 0 to 65535, or nothing: the port may be empty (RFC 3986 section 3.2.3).
constexpr bool is_port(std::string_view text) {
  std::uint32_t number = 0;
  for (char c : text) {
    if (!is_digit(c)) return false;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
    if (number > 65535) return false;
  }
  return true;
}

/// Where the host that `text` starts with ends; 0 if it starts with none.
constexpr std::size_t host_length(std::string_view text) {
  if (text.starts_with('[')) {
    std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos || bracket < 3) return 0;
    for (char c : text.substr(1, bracket - 1)) {
      if (!is_hex(c) && c != ':' && c != '.') return 0;
    }
    return bracket + 1;
  }
  std::size_t end = 0;
  for (;; end += 3) {
    end = run_end(text, host_char, end);
    bool is_escape = end + 2 < text.size() && text[end] == '%' && is_hex(text[end + 1]) && is_hex(text[end + 2]);
    if (!is_escape) return end;
  }
}

/// uri-host [ ":" port ] of RFC 9110 section 7.2, with a host that is not empty (section 4.2.1) and no userinfo
/// (section 4.2.4).
constexpr bool is_authority(std::string_view text) {
  std::size_t end = host_length(text);
  if (end == 0) return false;
  return end == text.size() || (text[end] == ':' && is_port(text.substr(end + 1)));
}

}  // namespace corelab::grammar
