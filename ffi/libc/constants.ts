/**
 * Constants of Linux, from its headers; the generic ones, which x86-64 and aarch64 share.
 *
 * @module
 */

/** `AF_*`, `<sys/socket.h>`. */
export const AF = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16, PACKET: 17, XDP: 44 } as const;

/** `SOCK_*`, `<sys/socket.h>`. */
export const SOCK = {
  STREAM: 1,
  DGRAM: 2,
  RAW: 3,
  SEQPACKET: 5,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const;

/** `MSG_*`, `<sys/socket.h>`. */
export const MSG = {
  PEEK: 0x2,
  TRUNC: 0x20,
  DONTWAIT: 0x40,
  NOSIGNAL: 0x4000,
  CMSG_CLOEXEC: 0x40000000,
} as const;

/** `SCM_RIGHTS`, `<sys/socket.h>`: a message brings descriptors. */
export const SCM_RIGHTS = 1;

/** `SHUT_*`, `<sys/socket.h>`. */
export const SHUT = { RD: 0, WR: 1, RDWR: 2 } as const;

/** `AT_*`, `<fcntl.h>`. */
export const AT = { FDCWD: -100, SYMLINK_NOFOLLOW: 0x100 } as const;

/** `O_*`, `<fcntl.h>`. */
export const O = { RDWR: 0o2, NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const;

/** `PROT_*` and `MAP_*`, `<sys/mman.h>`. */
export const PROT = { READ: 0x1, WRITE: 0x2 } as const;
export const MAP = {
  SHARED: 0x1,
  PRIVATE: 0x2,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  POPULATE: 0x8000,
} as const;

/** `MADV_*`, `<sys/mman.h>`. */
export const MADV = { DONTNEED: 4 } as const;

/** `S_*`, `<sys/stat.h>`. */
export const S = { IFMT: 0o170000, IFSOCK: 0o140000 } as const;

/** `EPOLL*`, `<sys/epoll.h>`. */
export const EPOLL = {
  CTL_ADD: 1,
  CTL_DEL: 2,
  CTL_MOD: 3,
  CLOEXEC: 0o2000000,
  IN: 0x1,
  OUT: 0x4,
  ERR: 0x8,
  HUP: 0x10,
  RDHUP: 0x2000,
  ET: 0x80000000,
} as const;

/** `EFD_*`, `<sys/eventfd.h>`. */
export const EFD = { NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const;

/** `TFD_*`, `<sys/timerfd.h>`. */
export const TFD = { NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const;

/** `MFD_*`, `<sys/mman.h>`. */
export const MFD = { CLOEXEC: 0x1, ALLOW_SEALING: 0x2 } as const;

/** `F_*`, `<fcntl.h>`: commands of `fcntl`, and seals of memory that is shared. */
export const F = {
  GETFL: 3,
  SETFL: 4,
  ADD_SEALS: 1033,
  GET_SEALS: 1034,
  SEAL_SEAL: 0x1,
  SEAL_SHRINK: 0x2,
  SEAL_GROW: 0x4,
} as const;

/** `SEEK_END`, `<unistd.h>`. */
export const SEEK_END = 2;

/** `CLOCK_MONOTONIC`, `<time.h>`. */
export const CLOCK_MONOTONIC = 1;

/** Levels and names of socket options: `<asm-generic/socket.h>`, `<netinet/in.h>`, `<netinet/tcp.h>`. */
export const SOL = { IP: 0, SOCKET: 1, TCP: 6, IPV6: 41, PACKET: 263, XDP: 283 } as const;

/** `SO_*`. */
export const SO = {
  REUSEADDR: 2,
  TYPE: 3,
  ERROR: 4,
  BROADCAST: 6,
  SNDBUF: 7,
  RCVBUF: 8,
  KEEPALIVE: 9,
  LINGER: 13,
  REUSEPORT: 15,
  ATTACH_FILTER: 26,
} as const;

/** `TCP_*`. */
export const TCP = { NODELAY: 1, MAXSEG: 2, KEEPIDLE: 4, KEEPINTVL: 5, KEEPCNT: 6 } as const;

/** `IP_*`. */
export const IP = {
  MULTICAST_TTL: 33,
  MULTICAST_LOOP: 34,
  ADD_MEMBERSHIP: 35,
  DROP_MEMBERSHIP: 36,
} as const;

/** `IPV6_*`. */
export const IPV6 = {
  MULTICAST_HOPS: 18,
  MULTICAST_LOOP: 19,
  JOIN_GROUP: 20,
  LEAVE_GROUP: 21,
} as const;

/** `EBADFD`, `<asm-generic/errno.h>`: what a device says that is gone. PDPIX has no use for it. */
export const EBADFD = 77;
