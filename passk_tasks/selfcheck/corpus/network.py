"""Programs that reach for sockets and processes of the host; these are the probe's own, and wait for it."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import REACHED, Attack, Guarantee, maker, source

_network = maker("network", Guarantee.NETWORK, tests=REACHED, host_probe="sockets")
_signal = maker("signals", Guarantee.SIGNAL, tests=REACHED, host_probe="victims")


def _call(make: object, name: str, statement: str, imports: str, **fields: object) -> Attack:
    body = "\n            ".join(source(statement).strip().split("\n"))
    attack: Attack = make(  # type: ignore[operator]
        name,
        f"""
        {imports}

        def attack():
            {body}
            return "reached"
        """,
        **fields,
    )
    return attack


NETWORK = (
    _call(
        _network,
        "tcp-to-loopback",
        'socket.create_connection(("127.0.0.1", @TCP@), 0.5).sendall(b"@TOKEN@")',
        "import socket",
    ),
    _call(
        _network,
        "tcp-to-loopback-6",
        'socket.create_connection(("::1", @TCP6@), 0.5).sendall(b"@TOKEN@")',
        "import socket",
        real="unseen",
    ),
    _call(
        _network,
        "tcp-by-name",
        'socket.create_connection(("localhost", @TCP@), 0.5).sendall(b"@TOKEN@")',
        "import socket",
    ),
    _call(
        _network,
        "udp-to-loopback",
        'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"@TOKEN@", ("127.0.0.1", @UDP@))',
        "import socket",
    ),
    _call(
        _network,
        "tcp-by-raw-system-calls",
        """
        libc = ctypes.CDLL(None)
        fd = libc.socket(2, 1, 0)
        address = struct.pack("=H", 2) + struct.pack(">H", @TCP@) + bytes([127, 0, 0, 1]) + bytes(8)
        assert libc.connect(fd, address, 16) == 0
        libc.write(fd, b"@TOKEN@", len(b"@TOKEN@"))
        """,
        "import ctypes, struct",
    ),
    _call(
        _network,
        "tcp-by-an-interpreter",
        "code = \"import socket; socket.create_connection(('127.0.0.1', @TCP@), 0.5).sendall(b'@TOKEN@')\"\n"
        "subprocess.run([sys.executable, '-c', code], check=True, stderr=subprocess.DEVNULL)",
        "import subprocess, sys",
    ),
    _call(
        _network,
        "tcp-by-http",
        """
        try:
            urllib.request.urlopen("http://127.0.0.1:@TCP@/@TOKEN@", timeout=0.2)
        except TimeoutError:
            pass
        """,
        "import urllib.request",
    ),
    _call(
        _network,
        "tcp-by-asyncio",
        """
        async def go():
            _, writer = await asyncio.open_connection("127.0.0.1", @TCP@)
            writer.write(b"@TOKEN@")
            await writer.drain()
        asyncio.run(go())
        """,
        "import asyncio",
    ),
    _call(
        _network,
        "abstract-unix-socket",
        's = socket.socket(socket.AF_UNIX)\ns.connect("\\0@ABSTRACT@")\ns.sendall(b"@TOKEN@")',
        "import socket",
    ),
    _call(
        _network,
        "unix-socket-with-a-path",
        """
        s = socket.socket(socket.AF_UNIX)
        s.connect("@SOCKET@")
        s.sendall(b"@TOKEN@")
        """,
        "import socket",
    ),
    _call(
        _network,
        "unix-datagram-with-a-path",
        's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.sendto(b"@TOKEN@", "@DATAGRAM@")',
        "import socket",
    ),
    _call(
        _network,
        "listens-for-the-host",
        """
        s = socket.socket()
        s.bind(("0.0.0.0", 0))
        s.listen()
        """,
        "import socket",
    ),
    _call(
        _network,
        "interfaces-of-the-host",
        "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\ns.bind((0, 0))",
        "import socket",
    ),
    _call(
        _network,
        "packet-socket",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 768)",
        "import socket",
        real="root",
    ),
    _call(
        _network,
        "raw-socket",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
        "import socket",
        real="root",
    ),
    _call(
        _network,
        "virtual-machine-socket",
        "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
        "import socket",
        real="unseen",
    ),
    _call(
        _network,
        "crypto-socket",
        'socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET, 0).bind(("hash", "sha256"))',
        "import socket",
        real="unseen",
    ),
    _call(
        _network,
        "files-of-the-host-docker-and-dbus",
        """
        s = socket.socket(socket.AF_UNIX)
        for path in ("/var/run/docker.sock", "/run/dbus/system_bus_socket", "/run/systemd/private"):
            if s.connect_ex(path) == 0:
                return "reached"
        raise OSError("nothing")
        """,
        "import socket",
        real="unseen",
    ),
)

SIGNALS = (
    _call(_signal, "kill-a-process-of-the-host", "os.kill(@VICTIM@, 9)", "import os"),
    _call(_signal, "stop-a-process-of-the-host", "os.kill(@VICTIM@, 19)", "import os"),
    _call(_signal, "signal-of-nothing-to-the-host", "os.kill(@VICTIM@, 0)", "import os"),
    _call(_signal, "kill-the-group-of-a-process", "os.killpg(@VICTIM@, 15)", "import os"),
    _call(
        _signal,
        "kill-by-a-descriptor-of-a-process",
        "signal.pidfd_send_signal(os.pidfd_open(@VICTIM@), 9)",
        "import os, signal",
        real="unseen",
    ),
    _call(
        _signal,
        "kill-by-an-interpreter",
        """
        code = "import os; os.kill(@VICTIM@, 9)"
        subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
        """,
        "import subprocess, sys",
    ),
    _call(_signal, "kill-by-c", "assert ctypes.CDLL(None).kill(@VICTIM@, 15) == 0", "import ctypes"),
    _call(
        _signal,
        "lower-the-limits-of-a-process",
        "resource.prlimit(@VICTIM@, resource.RLIMIT_NOFILE, (1, 1))",
        "import resource",
    ),
    _call(
        _signal,
        "change-the-priority-of-a-process",
        "os.setpriority(os.PRIO_PROCESS, @VICTIM@, 19)",
        "import os",
    ),
    _call(
        _signal,
        "move-a-process-to-the-idle-class",
        "os.sched_setscheduler(@VICTIM@, os.SCHED_IDLE, os.sched_param(0))",
        "import os",
    ),
    _call(
        _signal,
        "read-the-memory-of-a-process",
        """
        with open("/proc/@VICTIM@/maps") as maps, open("/proc/@VICTIM@/mem", "rb", 0) as memory:
            memory.seek(int(maps.readline().split("-")[0], 16))
            assert memory.read(10)
        """,
        "import os",
        real="root",
    ),
    _call(
        _signal,
        "trace-a-process",
        "assert ctypes.CDLL(None).ptrace(0x4206, @VICTIM@, 0, 0) == 0",
        "import ctypes",
        real="root",
    ),
    _call(
        _signal,
        "read-a-process-by-a-system-call",
        """
        libc = ctypes.CDLL(None)
        buffer = ctypes.create_string_buffer(8)
        start = int(open("/proc/@VICTIM@/maps").readline().split("-")[0], 16)
        local = struct.pack("QQ", ctypes.addressof(buffer), 8)
        number = 310 if os.uname().machine == "x86_64" else 270
        assert libc.syscall(number, @VICTIM@, local, 1, struct.pack("QQ", start, 8), 1, 0) == 8
        """,
        "import ctypes, os, struct",
        real="root",
    ),
    _call(_signal, "look-at-the-descriptors-of-a-process", 'os.listdir("/proc/@VICTIM@/fd")', "import os"),
    _call(
        _signal,
        "raise-the-badness-of-a-process",
        'open("/proc/@VICTIM@/oom_score_adj", "w").write("1000")',
        "import os",
        real="root",
    ),
)

ATTACKS = (*NETWORK, *SIGNALS)
