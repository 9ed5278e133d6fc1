#include "common/http/forwarded.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "common/http/grammar.hpp"

namespace corelab {

namespace {

std::optional<Peer> address_from(std::string_view text) {
  std::string terminated(text);
  Peer peer;
  if (inet_pton(AF_INET, terminated.c_str(), peer.bytes) == 1) {
    peer.family = Peer::Family::ipv4;
  } else if (inet_pton(AF_INET6, terminated.c_str(), peer.bytes) == 1) {
    peer.family = Peer::Family::ipv6;
  } else {
    return std::nullopt;
  }
  return peer;
}

std::optional<unsigned> number_from(std::string_view text, unsigned most) {
  unsigned number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number > most) return std::nullopt;
  return number;
}

constexpr bool is_of_obfuscated(char c) { return grammar::is_alpha(c) || grammar::is_digit(c) || c == '.' || c == '_' || c == '-'; }

// RFC 7239 section 6: node-port = port / obfport.
std::optional<std::uint16_t> port_from(std::string_view text) {
  if (text.starts_with('_') && std::all_of(text.begin(), text.end(), is_of_obfuscated)) return 0;
  std::optional<unsigned> number = number_from(text, 65535);
  return number ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711"; not "unknown" and not RFC 7239's "_hidden".
std::optional<Peer> node_from(std::string_view text) {
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (std::size_t colon = text.find(':'); colon != std::string_view::npos && colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  std::optional<Peer> peer = address_from(host);
  if (!peer || port.empty()) return peer;
  std::optional<std::uint16_t> number = port.front() == ':' ? port_from(port.substr(1)) : std::nullopt;
  if (!number) return std::nullopt;
  peer->port = *number;
  return peer;
}

/// What one proxy has said; empty where it has said nothing.
struct Hop {
  std::string node, scheme, host, port;
};

// --- X-Forwarded-*: lists, in which nothing is quoted ---

// Over all lines of a field, as they were added; empty ones are none (RFC 9110 section 5.6.1.2).
std::vector<std::string_view> elements_of(const Request& request, std::string_view name) {
  std::vector<std::string_view> elements;
  for (const Field& field : request.fields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      std::size_t end = std::min(rest.find(','), rest.size());
      if (std::string_view element = grammar::without_blanks(rest.substr(0, end)); !element.empty()) elements.push_back(element);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return elements;
}

// --- Forwarded (RFC 7239 section 4): for=192.0.2.60;proto=https;host="example.org:8080", for="[2001:db8::1]" ---

class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view value) : rest_(value) {}

  /// All elements of the line, or nothing if it is malformed.
  std::optional<std::vector<Hop>> read() {
    std::vector<Hop> hops;
    for (;;) {
      skip_blanks();
      if (!rest_.empty() && rest_.front() != ',') {
        std::optional<Hop> hop = element();
        if (!hop) return std::nullopt;
        hops.push_back(std::move(*hop));
        skip_blanks();
      }
      if (rest_.empty()) return hops;
      if (!skip(',')) return std::nullopt;
    }
  }

 private:
  std::optional<Hop> element() {
    Hop hop;
    do {
      skip_blanks();
      std::string name(token());
      if (name.empty()) continue;  // (a pair may be missing between two semicolons)
      if (!skip('=')) return std::nullopt;
      std::optional<std::string> value = rest_.starts_with('"') ? quoted() : std::string(token());
      if (!value || value->empty()) return std::nullopt;
      if (equals_ignoring_case(name, "for")) hop.node = std::move(*value);
      if (equals_ignoring_case(name, "proto")) hop.scheme = std::move(*value);
      if (equals_ignoring_case(name, "host")) hop.host = std::move(*value);
      skip_blanks();
    } while (skip(';'));
    return hop;
  }

  // Some proxies write addresses with their colons and brackets unquoted.
  static bool is_of_token(char c) { return grammar::is(c, grammar::tchar) || c == ':' || c == '[' || c == ']'; }

  std::string_view token() {
    std::size_t end = 0;
    while (end < rest_.size() && is_of_token(rest_[end])) ++end;
    std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return found;
  }

  // RFC 9110 section 5.6.4.
  std::optional<std::string> quoted() {
    std::string text;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return text;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) break;
      text += rest_[i];
    }
    return std::nullopt;
  }

  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() {
    while (skip(' ') || skip('\t')) {
    }
  }

  std::string_view rest_;
};

// The nearest proxy has added its element to what others have sent, well-formed or not: of a malformed line only what
// stands behind its last comma can be that proxy's, and what came before it is nobody's word.
std::vector<Hop> hops_of_forwarded(const Request& request) {
  std::vector<Hop> hops;
  for (const Field& field : request.fields) {
    if (!equals_ignoring_case(field.name, "Forwarded")) continue;
    std::optional<std::vector<Hop>> more = ForwardedReader(field.value).read();
    if (!more) {
      hops.clear();
      more = ForwardedReader(field.value.substr(std::min(field.value.rfind(',') + 1, field.value.size()))).read();
    }
    if (more) hops.insert(hops.end(), more->begin(), more->end());
  }
  return hops;
}

// A field that has an element for each hop belongs to them one by one; else its last element is what the proxy that is
// nearest to us has said, or has passed on.
void add(std::vector<Hop>& hops, const Request& request, std::string_view name, std::string Hop::*member) {
  std::vector<std::string_view> elements = elements_of(request, name);
  if (elements.empty()) return;
  for (std::size_t i = 0; i < hops.size(); ++i) {
    hops[i].*member = elements.size() == hops.size() ? elements[i] : elements.back();
  }
}

std::vector<Hop> hops_of(const Request& request) {
  bool says_x = std::any_of(request.fields.begin(), request.fields.end(), [](const Field& field) {
    for (std::string_view name : {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"}) {
      if (equals_ignoring_case(field.name, name)) return true;
    }
    return false;
  });
  if (!says_x) return hops_of_forwarded(request);
  std::vector<Hop> hops;
  for (std::string_view element : elements_of(request, "X-Forwarded-For")) hops.push_back({.node = std::string(element)});
  if (hops.empty()) hops.emplace_back();
  add(hops, request, "X-Forwarded-Proto", &Hop::scheme);
  add(hops, request, "X-Forwarded-Host", &Hop::host);
  add(hops, request, "X-Forwarded-Port", &Hop::port);
  return hops;
}

void apply_authority(Request& request, const Hop& hop, std::string& storage) {
  bool has_host = !hop.host.empty() && grammar::is_authority(hop.host);
  bool has_port = number_from(hop.port, 65535).value_or(0) > 0;
  std::string_view authority = has_host ? std::string_view(hop.host) : request.authority;
  if ((!has_host && !has_port) || authority.empty()) return;
  if (has_port) {
    std::size_t end = authority.ends_with(']') ? authority.size() : std::min(authority.rfind(':'), authority.size());
    bool is_usual = hop.port == (request.scheme == "https" ? "443" : "80");
    storage.assign(authority.substr(0, end));
    if (!is_usual) storage.append(":").append(hop.port);
  } else {
    storage.assign(authority);
  }
  request.authority = storage;
  request.authority_is_forwarded = true;
}

// Does it begin like one of the five fields? Most requests have none, and all are looked at.
bool may_be_one(std::string_view name) {
  return name.size() >= 9 && (grammar::lower(name.front()) == 'f' || (grammar::lower(name.front()) == 'x' && name[1] == '-'));
}

}  // namespace

TrustedPeers::TrustedPeers(std::string_view list) : text_(list) {
  while (!list.empty()) {
    std::size_t comma = std::min(list.find(','), list.size());
    std::string_view entry = grammar::without_blanks(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (entry == "*") {
      is_everybody_ = true;
      continue;
    }
    std::size_t slash = std::min(entry.find('/'), entry.size());
    std::optional<Peer> address = address_from(entry.substr(0, slash));
    unsigned all = address && address->family == Peer::Family::ipv4 ? 32 : 128;
    std::optional<unsigned> bits = slash == entry.size() ? all : number_from(entry.substr(slash + 1), all);
    if (!address || !bits) {
      throw std::invalid_argument("'" + std::string(entry) +
                                  "' is no address and no network (use 127.0.0.1, ::1, 10.0.0.0/8, or * for everybody)");
    }
    networks_.push_back({*address, *bits});
  }
}

bool TrustedPeers::contains(const Peer& peer) const {
  if (is_everybody_) return true;
  if (peer.family == Peer::Family::local) return !networks_.empty();
  return std::any_of(networks_.begin(), networks_.end(), [&peer](const Network& network) {
    if (network.address.family != peer.family) return false;
    std::size_t whole = network.bits / 8, rest = network.bits % 8;
    if (std::memcmp(network.address.bytes, peer.bytes, whole) != 0) return false;
    return rest == 0 || (network.address.bytes[whole] ^ peer.bytes[whole]) >> (8 - rest) == 0;
  });
}

void apply_forwarded(Request& request, const TrustedPeers& trusted, std::string& storage) {
  bool may_have_some = std::any_of(request.fields.begin(), request.fields.end(),
                                   [](const Field& field) { return may_be_one(field.name); });
  if (!may_have_some) return;
  std::vector<Hop> hops = hops_of(request);
  if (hops.empty()) return;
  // From the nearest proxy back, as long as those who are named are trusted to name others.
  std::size_t asking = hops.size() - 1;
  for (std::size_t i = hops.size(); i-- > 0;) {
    std::optional<Peer> named = node_from(hops[i].node);
    asking = i;
    if (!named) break;
    request.peer = *named;
    if (!trusted.contains(*named)) break;
  }
  const Hop& hop = hops[asking];
  if (equals_ignoring_case(hop.scheme, "https")) request.scheme = "https";
  apply_authority(request, hop, storage);
}

}  // namespace corelab
