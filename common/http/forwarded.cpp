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

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711"; not "unknown" and not RFC 7239's "_hidden".
std::optional<Peer> node_from(std::string_view text) {
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
  } else if (std::size_t colon = text.find(':'); colon != std::string_view::npos && colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  std::optional<Peer> peer = address_from(host);
  if (peer && port.size() > 1) peer->port = static_cast<std::uint16_t>(number_from(port.substr(1), 65535).value_or(0));
  return peer;
}

/// What one proxy has said; empty where it has said nothing.
struct Hop {
  std::string_view node, scheme, host, port;
};

// The elements of a field's lists, over all its lines, as they were added.
template <class Each>
void for_each_element(const Request& request, std::string_view name, const Each& each) {
  for (const Field& field : request.fields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    for (;;) {
      bool is_quoted = false;
      std::size_t end = 0;
      for (; end < rest.size() && (is_quoted || rest[end] != ','); ++end) is_quoted ^= rest[end] == '"';
      each(grammar::without_blanks(rest.substr(0, end)));
      if (end == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
  }
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

// RFC 7239 section 4: for=192.0.2.60;proto=https;host=example.org
Hop hop_from(std::string_view element) {
  Hop hop;
  while (!element.empty()) {
    bool is_quoted = false;
    std::size_t end = 0;
    for (; end < element.size() && (is_quoted || element[end] != ';'); ++end) is_quoted ^= element[end] == '"';
    std::string_view pair = grammar::without_blanks(element.substr(0, end));
    element.remove_prefix(std::min(end + 1, element.size()));
    std::size_t equals = std::min(pair.find('='), pair.size());
    std::string_view name = pair.substr(0, equals), value = unquoted(pair.substr(std::min(equals + 1, pair.size())));
    if (equals_ignoring_case(name, "for")) hop.node = value;
    if (equals_ignoring_case(name, "proto")) hop.scheme = value;
    if (equals_ignoring_case(name, "host")) hop.host = value;
  }
  return hop;
}

// A field that has an element for each hop belongs to them one by one; else its last element is what the proxy that is
// nearest to us has said, or has passed on.
void add(std::vector<Hop>& hops, const Request& request, std::string_view name, std::string_view Hop::*member) {
  std::vector<std::string_view> elements;
  for_each_element(request, name, [&](std::string_view element) { elements.push_back(element); });
  if (elements.empty()) return;
  for (std::size_t i = 0; i < hops.size(); ++i) {
    hops[i].*member = elements.size() == hops.size() ? elements[i] : elements.back();
  }
}

std::vector<Hop> hops_of(const Request& request) {
  std::vector<Hop> hops;
  bool says_x = std::any_of(request.fields.begin(), request.fields.end(), [](const Field& field) {
    for (std::string_view name : {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"}) {
      if (equals_ignoring_case(field.name, name)) return true;
    }
    return false;
  });
  if (!says_x) {
    for_each_element(request, "Forwarded", [&](std::string_view element) { hops.push_back(hop_from(element)); });
    return hops;
  }
  for_each_element(request, "X-Forwarded-For", [&](std::string_view element) { hops.push_back({.node = element}); });
  if (hops.empty()) hops.emplace_back();
  add(hops, request, "X-Forwarded-Proto", &Hop::scheme);
  add(hops, request, "X-Forwarded-Host", &Hop::host);
  add(hops, request, "X-Forwarded-Port", &Hop::port);
  return hops;
}

void apply_authority(Request& request, const Hop& hop, std::string& storage) {
  bool has_host = !hop.host.empty() && grammar::is_authority(hop.host);
  bool has_port = number_from(hop.port, 65535).value_or(0) > 0;
  if (!has_host && !has_port) return;
  std::string_view authority = has_host ? hop.host : request.authority;
  if (has_port) {
    std::size_t end = authority.ends_with(']') ? authority.size() : std::min(authority.rfind(':'), authority.size());
    bool is_usual = hop.port == (request.scheme == "https" ? "443" : "80");
    storage.assign(authority.substr(0, end));
    if (!is_usual) storage.append(":").append(hop.port);
    authority = storage;
  }
  request.authority = authority;
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
