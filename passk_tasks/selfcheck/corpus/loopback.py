"""Programs of families that ask for a network of the candidate's own, which ends in its machine."""

from __future__ import annotations

from dataclasses import replace

from passk_tasks.selfcheck.attack import (
    ISOLATED,
    NOT_PASSED,
    PASSED,
    REACHED,
    SOLVE,
    Attack,
    Guarantee,
    maker,
    source,
)
from passk_tasks.selfcheck.corpus import network

_fields = {"tests": REACHED, "loopback": True, "real": "unseen"}
_network = maker("network", Guarantee.NETWORK, host_probe="sockets", **_fields)
_kernel = maker("kernel", Guarantee.KERNEL, **_fields)
_between = maker("between candidates", Guarantee.BETWEEN, **_fields)
_memory = maker("memory", Guarantee.MEMORY, **{**_fields, "tests": SOLVE, "judges": ISOLATED})
_right = maker("right programs", Guarantee.RIGHT, tests=SOLVE, expected=PASSED, loopback=True)

# Its own listener is no socket of the host, and a datagram that nobody gets is sent all the same: there, what
# arrived on the host decides.
_OWN = ("listens-for-the-host", "udp-to-loopback")


def _again(attack: Attack) -> Attack:
    expected = NOT_PASSED | PASSED if attack.name in _OWN else attack.expected
    return replace(
        attack, name=f"{attack.name}-with-a-loopback", expected=expected, loopback=True, real="unseen"
    )


def _row(name: str, leave: str, look: str) -> Attack:
    return _between(name, look, before=(source(leave),))


def _option(name: str, level: int, option: int, value: str) -> Attack:
    return _kernel(
        name,
        f"""
        import socket

        def attack():
            socket.socket().setsockopt({level}, {option}, {value})
            return "reached"
        """,
    )


def _serves(name: str, code: str) -> Attack:
    lines = "\n            ".join(source(code).strip().split("\n"))
    return _right(
        name,
        f"""
        import socket, threading

        def look():
            {lines}

        def solve(n):
            assert look() is not False
            return n * n + 7
        """,
    )


_COUNTERS = "''.join(open(f'/proc/self/net/{n}').read() for n in ('dev', 'snmp', 'netstat', 'sockstat'))"
_BETWEEN = (
    _row(
        "bytes-counted-at-the-loopback",
        """
        import socket
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            s.sendto(bytes(1000), s.getsockname())
        """,
        """
        def attack():
            counted = open("/proc/self/net/dev").read().split("lo:")[1].split()
            return "reached" if any(map(int, counted)) else "nothing"
        """,
    ),
    _row(
        "attempts-to-reach-nobody",
        """
        import socket
        for _ in range(7):
            with socket.socket(type=socket.SOCK_DGRAM) as s:
                try:
                    s.sendto(b"x", ("10.1.2.3", 9))
                except OSError:
                    pass
        """,
        """
        def attack():
            names, values = [l.split() for l in open("/proc/self/net/snmp") if l.startswith("Ip:")]
            return "reached" if int(dict(zip(names, values))["OutNoRoutes"]) else "nothing"
        """,
    ),
    _row(
        "connections-that-have-just-ended",
        """
        import socket
        with socket.create_server(("127.0.0.1", 0)) as s:
            c = socket.create_connection(s.getsockname())
            s.accept()[0].close()
            c.close()
        """,
        """
        def attack():
            return "reached" if len(open("/proc/self/net/tcp").readlines()) > 1 else "nothing"
        """,
    ),
    _row(
        "a-listener-left-in-a-daemon",
        """
        import os, socket, time
        s = socket.create_server(("127.0.0.1", 47611))
        if os.fork() == 0:
            os.setsid()
            time.sleep(300)
        """,
        """
        import socket

        def attack():
            socket.create_connection(("127.0.0.1", 47611), 0.5)
            return "reached"
        """,
    ),
)

ATTACKS = (
    *map(_again, network.NETWORK),
    _network(
        "an-address-outside",
        """
        import socket

        def attack():
            for address in (("1.1.1.1", 53), ("10.0.0.1", 80), ("169.254.169.254", 80), ("192.168.0.1", 80)):
                if socket.socket().connect_ex(address) == 0:
                    return "reached"
            return "nothing"
        """,
    ),
    _kernel(
        "other-protocols-of-the-internet",
        """
        import socket

        def attack():
            for kind in ((2, 1, 132), (2, 1, 262), (2, 2, 1), (2, 2, 136), (2, 3, 255), (10, 3, 58)):
                try:
                    socket.socket(*kind)
                    return "reached"
                except OSError:
                    pass
            return "nothing"
        """,
    ),
    _option("encryption-in-the-kernel", 6, 31, 'b"tls"'),
    _option("another-control-of-congestion", 6, 13, 'b"reno"'),
    _option("a-group-of-receivers", 0, 35, "bytes(8)"),
    _memory(
        "connections-that-nobody-accepts",
        """
        import socket

        def solve(n):
            kept = []
            while True:
                s = socket.create_server(("127.0.0.1", 0), backlog=1000)
                kept.append(s)
                for _ in range(16):
                    c = socket.create_connection(s.getsockname(), 0.1)
                    c.setblocking(False)
                    try:
                        while c.send(bytes(1 << 16)):
                            pass
                    except OSError:
                        pass
                    c.close()
        """,
    ),
    *_BETWEEN,
    _serves(
        "its-own-web-server",
        """
        import http.server, urllib.request
        server = http.server.HTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            return urllib.request.urlopen(f"http://localhost:{server.server_port}/").status == 200
        finally:
            server.shutdown()
            server.server_close()
        """,
    ),
    _serves(
        "its-own-datagrams",
        """
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            s.sendto(b"text", s.getsockname())
            return s.recv(10) == b"text"
        """,
    ),
    _serves(
        "its-own-server-in-a-child",
        """
        import os
        with socket.create_server(("", 0)) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if (child := os.fork()) == 0:
                s.accept()[0].sendall(b"text")
                os._exit(0)
            with socket.create_connection(("127.0.0.1", s.getsockname()[1])) as c:
                assert c.recv(10) == b"text"
            return os.waitpid(child, 0)[1] == 0
        """,
    ),
    _serves("a-port-is-closed", "return socket.socket().connect_ex(('127.0.0.1', 9)) == 111"),
)
