// What a supervisor such as systemd is told (Type=notify; sd_notify(3)).
#pragma once

namespace corelab::notify {

// Each is one datagram to $NOTIFY_SOCKET, if there is one; nobody waits. Any thread.

/// It serves; `is_main`: and is the service's main process from now on, in its predecessor's place.
void ready(bool is_main);
void reloading();
void stopping();

}  // namespace corelab::notify
