"""The system call filter: what a Python program needs is allowed, everything else fails with an error.

The list says what is allowed, not what is forbidden. So a call that a future kernel adds is refused, with
ENOSYS, and libraries fall back to what they did before. Plainly hostile calls get EPERM. Calls that may touch
another process of the same user (the zygote, which is the candidate's init) are allowed only on the caller
itself.

Each row below is `name:number on x86-64:number on arm64`; numbers from the kernel's own headers.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Iterable

_ALLOWED = """
    read:0:63 write:1:64 close:3:57 stat:4: fstat:5:80 lstat:6: lseek:8:62 pread64:17:67
    pwrite64:18:68 readv:19:65 writev:20:66 access:21: sendfile:40:71 truncate:76:45 ftruncate:77:46
    fsync:74:82 fdatasync:75:83 getdents:78: getdents64:217:61 getcwd:79:17 chdir:80:49 fchdir:81:50
    rename:82: mkdir:83: rmdir:84: creat:85: link:86: unlink:87: symlink:88: readlink:89: chmod:90:
    fchmod:91:52 chown:92: fchown:93:55 lchown:94: umask:95:166 utime:132: mknod:133: statfs:137:43
    fstatfs:138:44 getxattr:191:8 lgetxattr:192:9 fgetxattr:193:10 listxattr:194:11 llistxattr:195:12
    flistxattr:196:13 fadvise64:221:223 utimes:235: mkdirat:258:34 mknodat:259:33
    fchownat:260:54 futimesat:261: newfstatat:262:79 unlinkat:263:35 renameat:264:38 linkat:265:37
    symlinkat:266:36 readlinkat:267:78 fchmodat:268:53 faccessat:269:48 splice:275:76 tee:276:77
    sync_file_range:277:84 utimensat:280:88 fallocate:285:47 preadv:295:69 pwritev:296:70
    renameat2:316:276 copy_file_range:326:285 preadv2:327:286 pwritev2:328:287
    faccessat2:439:439 fchmodat2:452:452 readahead:187:213 flock:73:32
    dup:32:23 dup2:33: dup3:292:24 close_range:436:436 landlock_restrict_self:446:446 mmap:9:222
    mprotect:10:226 munmap:11:215 brk:12:214 mremap:25:216 msync:26:227 mincore:27:232 madvise:28:233
    mlock:149:228 mlock2:325:284 munlock:150:229 mlockall:151:230 munlockall:152:231 membarrier:324:283
    pkey_mprotect:329:288 pkey_alloc:330:289 pkey_free:331:290 rt_sigaction:13:134 rt_sigprocmask:14:135
    rt_sigreturn:15:139 rt_sigpending:127:136 rt_sigtimedwait:128:137 rt_sigqueueinfo:129:138
    rt_tgsigqueueinfo:297:240 rt_sigsuspend:130:133 sigaltstack:131:132 pause:34: alarm:37:
    getitimer:36:102 setitimer:38:103 nanosleep:35:101 clock_nanosleep:230:115 clock_gettime:228:113
    clock_getres:229:114 gettimeofday:96:169 time:201: times:100:153 timer_create:222:107
    timer_settime:223:110 timer_gettime:224:108 timer_getoverrun:225:109 timer_delete:226:111
    timerfd_create:283:85 timerfd_settime:286:86 timerfd_gettime:287:87 signalfd:282: signalfd4:289:74
    eventfd:284: eventfd2:290:19 fork:57: vfork:58: execve:59:221 execveat:322:281 exit:60:93
    exit_group:231:94 wait4:61:260 waitid:247:95 kill:62:129 tkill:200:130 tgkill:234:131
    restart_syscall:219:128 pidfd_send_signal:424:424 pidfd_open:434:434 sched_yield:24:124
    sched_getparam:143:121 sched_getscheduler:145:120 sched_get_priority_max:146:125
    sched_get_priority_min:147:126 sched_rr_get_interval:148:127 sched_getaffinity:204:123
    sched_getattr:315:275 getpid:39:172 gettid:186:178 getppid:110:173 getpgrp:111: getpgid:121:155
    setpgid:109:154 getsid:124:156 setsid:112:157 getuid:102:174 geteuid:107:175 getgid:104:176
    getegid:108:177 getresuid:118:148 getresgid:120:150 getgroups:115:158 capget:125:90
    getpriority:140:141 getrlimit:97:163 getrusage:98:165 sysinfo:99:179 uname:63:160
    getcpu:309:168 getrandom:318:278 futex:202:98 futex_waitv:449:449 set_robust_list:273:99
    get_robust_list:274:100 set_tid_address:218:96 rseq:334:293 arch_prctl:158: prctl:157:167 poll:7:
    ppoll:271:73 select:23: pselect6:270:72 epoll_create:213: epoll_create1:291:20 epoll_ctl:233:21
    epoll_wait:232: epoll_pwait:281:22 epoll_pwait2:441:441 pipe:22: pipe2:293:59 connect:42:203
    accept:43:202 accept4:288:242 sendto:44:206 recvfrom:45:207 sendmsg:46:211 recvmsg:47:212
    sendmmsg:307:269 recvmmsg:299:243 shutdown:48:210 bind:49:200 listen:50:201 getsockname:51:204
    getpeername:52:205
"""

# Allowed only for some arguments; see `_checks`.
_CHECKED = """
    socket:41:198 socketpair:53:199 clone:56:220 ioctl:16:29 fcntl:72:25 setsockopt:54:208
    open:2: openat:257:56 statx:332:291 getsockopt:55:209
    setrlimit:160:164 prlimit64:302:261 sched_setaffinity:203:122 setpriority:141:140 clone3:435:435
"""

_MEMFD = "memfd_create:319:279"

_REFUSED = """
    ptrace:101:117 process_vm_readv:310:270 process_vm_writev:311:271 pidfd_getfd:438:438 kcmp:312:272
    unshare:272:97 setns:308:268 mount:165:40 umount2:166:39 pivot_root:155:41 chroot:161:51
    open_tree:428:428 move_mount:429:429 fsopen:430:430 fsconfig:431:431 fsmount:432:432 fspick:433:433
    mount_setattr:442:442 bpf:321:280 perf_event_open:298:241 userfaultfd:323:282 io_uring_setup:425:425
    io_uring_enter:426:426 io_uring_register:427:427 keyctl:250:219 add_key:248:217 request_key:249:218
    init_module:175:105 finit_module:313:273 delete_module:176:106 kexec_load:246:104
    kexec_file_load:320:294 reboot:169:142 swapon:167:224 swapoff:168:225 open_by_handle_at:304:
    name_to_handle_at:303: setuid:105:146 setgid:106:144 setreuid:113:145 setregid:114:143
    setresuid:117:147 setresgid:119:149 setgroups:116:159 setfsuid:122:151 setfsgid:123:152
    capset:126:91 personality:135:92 sched_setscheduler:144:119 sched_setparam:142:118
    sched_setattr:314:274 ioprio_set:251:30 process_madvise:440:440 move_pages:279:239
    migrate_pages:256:238 fanotify_init:300:262 quotactl:179:60 acct:163:89 syslog:103:116
    sethostname:170:161 setdomainname:171:162 settimeofday:164:170 clock_settime:227:112
    adjtimex:159:171 clock_adjtime:305:266 modify_ldt:154: iopl:172: ioperm:173: setxattr:188:5
    lsetxattr:189:6 fsetxattr:190:7 removexattr:197:14 lremovexattr:198:15 fremovexattr:199:16
    inotify_init:253: inotify_init1:294:26 inotify_add_watch:254:27 inotify_rm_watch:255:28
"""

# Offsets in `struct seccomp_data`: nr, arch, instruction pointer, then six 64-bit arguments.
_NR, _ARCH, _ARGS = 0, 4, 16
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 1, "aarch64": 2}

_LD_W_ABS, _JEQ, _JGT, _JGE, _JSET, _RET, _AND = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06, 0x54
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _EINVAL, _ENOTTY, _ENOSYS = 1, 22, 25, 38
_ENOPROTOOPT, _EPROTONOSUPPORT, _EOPNOTSUPP, _EAFNOSUPPORT = 92, 93, 95, 97

_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_IPPROTO_TCP, _IPPROTO_UDP, _IPPROTO_IPV6, _IPV6_V6ONLY = 6, 17, 41, 26
_TCP_OPTIONS = (1, 3, 4, 5, 6, 12, 18)  # NODELAY, CORK, three of KEEPALIVE's, QUICKACK, USER_TIMEOUT
# Every CLONE_NEW* flag; CLONE_NEWTIME cannot be given to clone(2).
_NEW_NAMESPACES = 0x7E020000
# O_TMPFILE: the only trace of a file that never has a name is the number of the next one.
_NAMELESS = 0x400000
# Numbers of mounts and sockets that the whole kernel counts up.
_STATX_MNT_ID_UNIQUE, _SO_COOKIE, _SO_NETNS_COOKIE = 0x4000, 57, 71
# The kernel counts pipe buffers for the whole user, so no pipe may grow.
_F_SETPIPE_SZ, _PIPE_BYTES = 1031, 1 << 16
_SOCK_STREAM, _SOCK_DGRAM, _SOCK_SEQPACKET, _SOCK_TYPE = 1, 2, 5, 0xF
_SIGNALLING_FCNTL = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX
# F_SETLEASE makes whoever opens the file on the host wait for the holder; F_NOTIFY watches a folder.
_HOLDING_FCNTL = (1024, 1026)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # typing into the terminal of whoever started the run
# Python asks whether a descriptor is a terminal, its size, and how much there is to read, and sets the
# descriptor's own switches. Every other request talks to a driver, a file system or the network.
_IOCTLS = (
    0x5401, 0x540F, 0x5411, 0x5413, 0x541B,  # TCGETS, TIOCGPGRP, TIOCOUTQ, TIOCGWINSZ, FIONREAD
    0x5421, 0x5450, 0x5451, 0x5452, 0x40049409,  # FIONBIO, FIONCLEX, FIOCLEX, FIOASYNC, FICLONE
)  # fmt: skip
_SOL_SOCKET, _SO_SNDBUF, _SO_SNDBUFFORCE, _SO_RCVBUF, _SO_RCVBUFFORCE = 1, 7, 32, 8, 33
_RLIMIT_CORE, _RLIMIT_NPROC = 4, 6

_Instruction = tuple[int, int, int, int]
_PASS, _REFUSE = (_RET, 0, 0, _ALLOW), (_RET, 0, 0, _ERRNO | _EPERM)
_NOTHING = (_RET, 0, 0, _ERRNO)  # success is reported


def program(*, sockets: bool = True, memfd: bool = False, loopback: bool = False) -> bytes:
    """Return the filter for this machine as an array of `struct sock_filter`.

    Args:
        sockets: allow local sockets by name. Where there is no private root, their names are the host's:
            only pairs of sockets are allowed, of kinds that stay connected to each other, and no address.
        memfd: allow files in memory, which count against no limit: for the tests' side alone.
        loopback: allow TCP and UDP, where the network namespace ends in itself.

    Raises:
        OSError: the machine is neither x86-64 nor arm64.
    """
    machine = platform.machine()
    if machine not in _AUDIT_ARCH:
        raise OSError(_ENOSYS, f"no system call table for {machine}")
    code: list[_Instruction] = [
        (_LD_W_ABS, 0, 0, _ARCH),
        # Another architecture's calls have other numbers: 32-bit code on a 64-bit kernel ends here.
        (_JEQ, 1, 0, _AUDIT_ARCH[machine]),
        (_RET, 0, 0, _KILL_PROCESS),
        (_LD_W_ABS, 0, 0, _NR),
    ]
    checks = _checks()
    if loopback:
        checks.update(_with_loopback())
    if not sockets:
        checks.update(_without_addresses())
    allowed = _numbers(_ALLOWED + (_MEMFD if memfd else ""), machine)
    numbers = _numbers(_CHECKED, machine) | {name: n for name, n in allowed.items() if name in checks}
    code += _answered((n for name, n in allowed.items() if name not in checks), _PASS)
    for name, number in numbers.items():
        body = checks[name]
        code += [(_JEQ, 0, len(body), number), *body]
    code += _answered(_numbers(_REFUSED, machine).values(), _REFUSE)
    # x32 calls on x86-64 carry bit 30 and match nothing above.
    code.append(_failure(_ENOSYS))
    return _assemble(code)


def signals_program(pid: int) -> bytes:
    """Return a second filter, which lets a process signal only itself and its group.

    It is for hosts without pid namespaces where Landlock does not do that (before ABI 6). It also refuses
    truncate(2), which Landlock knows since ABI 3.
    """
    machine = platform.machine()
    numbers = _numbers(_ALLOWED + _CHECKED, machine)
    code: list[_Instruction] = [(_LD_W_ABS, 0, 0, _NR)]
    for name in ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
        allowed = [(_JEQ, 1, 0, pid), (_JEQ, 0, 1, 0), _PASS]
        body = [_load(0), *allowed, _REFUSE]
        code += [(_JEQ, 0, len(body), numbers[name]), *body]
    for name in ("pidfd_send_signal", "truncate"):
        code += [(_JEQ, 0, 1, numbers[name]), _REFUSE]
    body = [_load(1)]
    for command in _SIGNALLING_FCNTL:
        body += [(_JEQ, 0, 1, command), _REFUSE]
    code += [(_JEQ, 0, len(body) + 1, numbers["fcntl"]), *body, _PASS]
    code.append(_PASS)
    return _assemble(code)


_ATTRIBUTES = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
    "utime", "utimes", "futimesat", "utimensat",
)  # fmt: skip
_EXTENDED = ("getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr")


def attributes_program() -> bytes:
    """Return a further filter, under which no program changes a file's mode, owner or times.

    Nor can it change the limit on processes, which is a soft limit where all of a user's processes count. No
    file has extended attributes, and none gets disk before it is written to: libraries then write, which is
    counted.

    Landlock does not control these. Without a private root, a program that runs as the owner of the host's
    files could lock them or read their attributes. The calls seem to succeed, or to find a file system
    without such attributes, so that programs that copy files or unpack archives go on.
    """
    numbers = _numbers(_ALLOWED, platform.machine())
    code: list[_Instruction] = [(_LD_W_ABS, 0, 0, _NR)]
    code += _answered((numbers[name] for name in _ATTRIBUTES if name in numbers), _NOTHING)
    code += _answered((numbers[name] for name in (*_EXTENDED, "fallocate")), _failure(_EOPNOTSUPP))
    checked = _numbers(_CHECKED, platform.machine())
    setrlimit = [_load(0), (_JEQ, 0, 1, _RLIMIT_NPROC), _NOTHING, _PASS]
    prlimit64 = [_load(1), (_JEQ, 1, 0, _RLIMIT_NPROC), _PASS, *_where_new(_NOTHING), _PASS]
    for name, body in (("setrlimit", setrlimit), ("prlimit64", prlimit64)):
        code += [(_JEQ, 0, len(body), checked[name]), *body]
    code.append(_PASS)
    return _assemble(code)


def _assemble(code: list[_Instruction]) -> bytes:
    return b"".join(struct.pack("HBBI", op, jt, jf, k) for op, jt, jf, k in code)


def _numbers(table: str, machine: str) -> dict[str, int]:
    column = _COLUMN[machine]
    rows = (row.split(":") for row in table.split())
    return {row[0]: int(row[column]) for row in rows if row[column]}


def _answered(numbers: Iterable[int], answer: _Instruction) -> list[_Instruction]:
    """Return instructions that give an answer to calls: three for a range of numbers, not two for each."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return [line for low, high in ranges for line in ((_JGT, 2, 0, high), (_JGE, 0, 1, low), answer)]


def _one_of(values: tuple[int, ...], answer: _Instruction) -> list[_Instruction]:
    """Return instructions that give an answer if the accumulator is one of the values, and else go on."""
    return [line for value in values for line in ((_JEQ, 0, 1, value), answer)]


def _where_new(answer: _Instruction) -> list[_Instruction]:
    """Return instructions that give an answer if prlimit64's third argument has a new value; else go on."""
    low, high = _load(2), _load(2, high=True)
    return [low, (_JEQ, 0, 2, 0), high, (_JEQ, 1, 0, 0), answer]


def _load(index: int, *, high: bool = False) -> _Instruction:
    """Return what loads one half of an argument; both machines are little-endian."""
    return _LD_W_ABS, 0, 0, _ARGS + 8 * index + 4 * high


def _failure(number: int) -> _Instruction:
    return _RET, 0, 0, _ERRNO | number


def _without_addresses() -> dict[str, list[_Instruction]]:
    """Return instructions for calls on sockets where all addresses are the host's: none may be named.

    Even one of a pair of datagram sockets can connect again, and send to an address that comes with a
    message, which a filter cannot see in sendmsg(2). So such pairs are refused.
    """
    no_family = _failure(_EAFNOSUPPORT)
    return {
        "socket": [no_family],
        "socketpair": [
            _load(0),
            (_JEQ, 1, 0, _AF_UNIX),
            no_family,
            _load(1),
            (_AND, 0, 0, _SOCK_TYPE),
            *_one_of((_SOCK_STREAM, _SOCK_SEQPACKET), _PASS),
            _REFUSE,
        ],
        "connect": [_REFUSE],
        "bind": [_REFUSE],
        "listen": [_REFUSE],
        "sendto": [_load(4), (_JEQ, 0, 2, 0), _load(4, high=True), (_JEQ, 1, 0, 0), _REFUSE, _PASS],
    }


def _with_loopback() -> dict[str, list[_Instruction]]:
    """Return instructions for calls on sockets where the only network is the candidate's own.

    TCP and UDP alone: no raw packets, and no option that takes the kernel to other protocols (multicast, TLS,
    the choice of how congestion is handled).
    """
    on_tcp = [_load(2), *_one_of(_TCP_OPTIONS, _PASS), _failure(_ENOPROTOOPT)]
    on_ipv6 = [_load(2), *_one_of((_IPV6_V6ONLY,), _PASS), _failure(_ENOPROTOOPT)]
    others = [(_JEQ, 0, len(on_tcp), _IPPROTO_TCP), *on_tcp]
    others += [(_JEQ, 0, len(on_ipv6), _IPPROTO_IPV6), *on_ipv6, _failure(_ENOPROTOOPT)]
    return {
        "socket": [
            _load(0),
            *_one_of((_AF_UNIX,), _PASS),
            (_JEQ, 2, 0, _AF_INET),
            (_JEQ, 1, 0, _AF_INET6),
            _failure(_EAFNOSUPPORT),
            _load(1),
            (_AND, 0, 0, _SOCK_TYPE),
            (_JEQ, 2, 0, _SOCK_STREAM),
            (_JEQ, 1, 0, _SOCK_DGRAM),
            _REFUSE,
            _load(2),
            *_one_of((0, _IPPROTO_TCP, _IPPROTO_UDP), _PASS),
            _failure(_EPROTONOSUPPORT),
        ],
        "setsockopt": [
            _load(1),
            (_JEQ, len(others), 0, _SOL_SOCKET),
            *others,
            _load(2),
            *_one_of((_SO_SNDBUF, _SO_SNDBUFFORCE, _SO_RCVBUF, _SO_RCVBUFFORCE), _NOTHING),
            _PASS,
        ],
    }


def _socket_checks() -> dict[str, list[_Instruction]]:
    unix_only = [_load(0), (_JEQ, 0, 1, _AF_UNIX), _PASS, _failure(_EAFNOSUPPORT)]
    return {
        "socket": unix_only,
        "socketpair": unix_only,
        "getsockopt": [_load(2), *_one_of((_SO_COOKIE, _SO_NETNS_COOKIE), _failure(_ENOPROTOOPT)), _PASS],
        # A socket's buffer is the kernel's memory, which no limit of a process counts.
        "setsockopt": [
            _load(1),
            (_JEQ, 1, 0, _SOL_SOCKET),
            _PASS,
            _load(2),
            *_one_of((_SO_SNDBUF, _SO_SNDBUFFORCE), _NOTHING),
            _PASS,
        ],
    }


def _checks() -> dict[str, list[_Instruction]]:
    """Return instructions for calls that depend on an argument; every path of each list ends in a return."""
    # Libraries take this error for a file system without such files.
    nameless = [(_JSET, 0, 1, _NAMELESS), _failure(_EOPNOTSUPP), _PASS]
    keeps_core = [(_JEQ, 0, 1, _RLIMIT_CORE), _NOTHING, _PASS]
    return {
        **_socket_checks(),
        "clone": [_load(0), (_JSET, 0, 1, _NEW_NAMESPACES), _REFUSE, _PASS],
        # A filter cannot see its flags, which lie in memory; without it, libraries use clone.
        "clone3": [_failure(_ENOSYS)],
        "ioctl": [
            _load(1),
            (_JEQ, 1, 0, _TIOCSTI),
            (_JEQ, 0, 1, _TIOCLINUX),
            _REFUSE,
            *_one_of(_IOCTLS, _PASS),
            _failure(_ENOTTY),
        ],
        "fcntl": [
            _load(1),
            *_one_of(_HOLDING_FCNTL, _REFUSE),
            (_JEQ, 1, 0, _F_SETPIPE_SZ),
            _PASS,
            _load(2),
            (_JGT, 0, 1, _PIPE_BYTES),
            _REFUSE,
            _PASS,
        ],
        "open": [_load(1), *nameless],
        "openat": [_load(2), *nameless],
        "statx": [_load(3), (_JSET, 0, 1, _STATX_MNT_ID_UNIQUE), _failure(_EINVAL), _PASS],
        "setrlimit": [_load(0), *keeps_core],
        "prlimit64": [
            _load(0),
            (_JEQ, 1, 0, 0),
            _REFUSE,
            _load(1),
            (_JEQ, 1, 0, _RLIMIT_CORE),
            _PASS,
            *_where_new(_NOTHING),
            _PASS,
        ],
        # A worker has its own CPU; other workers may be judging on the rest.
        "sched_setaffinity": [_load(0), (_JEQ, 0, 1, 0), _NOTHING, _REFUSE],
        "setpriority": [_load(0), (_JEQ, 0, 3, 0), _load(1), (_JEQ, 0, 1, 0), _PASS, _REFUSE],
    }
