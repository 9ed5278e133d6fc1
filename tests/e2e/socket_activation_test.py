"""Sockets that a supervisor has opened (LISTEN_FDS, sd_listen_fds(3)), and what it is told (NOTIFY_SOCKET, sd_notify(3)).

usage: socket_activation_test.py CORELAB"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

corelab = sys.argv[1]
patience = 10 * float(os.environ.get("CORELAB_TEST_SLOWDOWN", "1"))


def start(core, listeners, notify, arguments):
    """As systemd starts a service: the listeners are descriptors 3 and up, LISTEN_PID is the process itself."""
    launcher = ("import os, sys; os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[1], sys.argv[1:])")
    high = [os.dup(listener.fileno()) for listener in listeners]

    def put_in_place():
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i, inheritable=True)

    environment = {**os.environ, "LISTEN_FDS": str(len(listeners)), "NOTIFY_SOCKET": notify}
    process = subprocess.Popen([sys.executable, "-c", launcher, corelab, "serve", "--core", core, *arguments], env=environment,
                               preexec_fn=put_in_place, close_fds=False, stderr=subprocess.PIPE, text=True)
    for fd in high:
        os.close(fd)
    return process


def ask(address):
    if isinstance(address, str):
        connection = http.client.HTTPConnection("localhost", timeout=patience)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(address)
    else:
        connection = http.client.HTTPConnection(*address, timeout=patience)
    connection.request("GET", "/plaintext")
    return connection.getresponse().read()


def check(core, directory):
    tcp = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    path = os.path.join(directory, core)
    unix.bind(path)
    unix.listen()
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(os.path.join(directory, core + "-notify"))
    told.settimeout(patience)
    # Before anybody serves, a client may come: it waits.
    early = socket.create_connection(tcp.getsockname())
    early.sendall(b"GET /plaintext HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    process = start(core, [tcp, unix], told.getsockname(), ["-b", "127.0.0.1:1"])  # (what is handed goes before --bind)
    try:
        assert told.recv(1000).startswith(b"READY=1"), core
        assert early.recv(1000).startswith(b"HTTP/1.1 200"), core
        assert ask(tcp.getsockname()) == b"Hello, World!", core
        assert ask(path) == b"Hello, World!", core
        process.send_signal(signal.SIGHUP)
        assert told.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC="), core
        assert told.recv(1000) == b"READY=1", core
        process.send_signal(signal.SIGTERM)
        assert told.recv(1000) == b"STOPPING=1", core
        assert process.wait(patience) == 0, core
        assert os.path.exists(path), f"{core}: the socket's name is the supervisor's"
        # In between clients wait, and the next program serves them on the same sockets.
        early = socket.create_connection(tcp.getsockname())
        early.sendall(b"GET /plaintext HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        early.settimeout(patience)
        process = start(core, [tcp, unix], told.getsockname(), [])
        assert early.recv(1000).startswith(b"HTTP/1.1 200"), core
        assert ask(path) == b"Hello, World!", core
        process.send_signal(signal.SIGTERM)
        assert process.wait(patience) == 0, core
    finally:
        process.kill()
        print(core, process.stderr.read())


def check_refusal():
    """A descriptor that is no listener is one sentence."""
    plain = socket.socket()
    process = start("event-loop", [plain], "", [])
    assert process.wait(patience) == 1
    said = process.stderr.read()
    assert "descriptor 3, which LISTEN_FDS promises, is no listening stream socket" in said, said


with tempfile.TemporaryDirectory() as directory:
    for line in subprocess.check_output([corelab, "cores"], text=True).splitlines()[1:]:
        check(line.split()[0], directory)
    check_refusal()
