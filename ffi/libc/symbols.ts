/**
 * The symbols of libc that the libOSes call.
 *
 * Addresses and sizes are 64-bit, so they cross as bigints; they are loaded from a `BigUint64Array`, which
 * makes none on the heap ({@linkcode Words}). Results of type `ssize_t` are declared `i32`: no call here
 * asks for 2 GiB or more, and the low half of the result register is the whole value then, without a bigint.
 * `memset` of no bytes gives the address of a buffer, also where the FFI permission is scoped to one path.
 *
 * @module
 */

/** The symbol table. */
export const SYMBOLS = {
  // int socket(int domain, int type, int protocol)
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int socketpair(int domain, int type, int protocol, int fds[2])
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // int bind(int fd, const struct sockaddr *addr, socklen_t len)
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int listen(int fd, int backlog)
  listen: { parameters: ["i32", "i32"], result: "i32" },
  // int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  // int connect(int fd, const struct sockaddr *addr, socklen_t len)
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
  // int shutdown(int fd, int how)
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  // int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // ssize_t recv(int fd, void *buf, size_t len, int flags)
  recv: { parameters: ["i32", "u64", "u64", "i32"], result: "i32" },
  // ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *len)
  recvfrom: { parameters: ["i32", "u64", "u64", "i32", "u64", "u64"], result: "i32" },
  // ssize_t send(int fd, const void *buf, size_t len, int flags)
  send: { parameters: ["i32", "u64", "u64", "i32"], result: "i32" },
  // ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, socklen_t len)
  sendto: { parameters: ["i32", "u64", "u64", "i32", "u64", "u32"], result: "i32" },
  // ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
  sendmsg: { parameters: ["i32", "u64", "i32"], result: "i32" },
  // ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
  recvmsg: { parameters: ["i32", "u64", "i32"], result: "i32" },
  // int statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *buf)
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  // int unlink(const char *path)
  unlink: { parameters: ["buffer"], result: "i32" },
  // int open(const char *path, int flags)
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int ioctl(int fd, unsigned long request, void *argument)
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  // void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
  mmap: { parameters: ["u64", "u64", "i32", "i32", "i32", "i64"], result: "i64" },
  // int madvise(void *addr, size_t len, int advice)
  madvise: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  // int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
  sendmmsg: { parameters: ["i32", "u64", "u32", "i32"], result: "i32" },
  // int epoll_create1(int flags)
  epoll_create1: { parameters: ["i32"], result: "i32" },
  // int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
  epoll_wait: { parameters: ["i32", "u64", "i32", "i32"], result: "i32" },
  // The same, on a thread of its own, for a sleep that leaves the event loop free.
  epoll_wait_aside: {
    name: "epoll_wait",
    parameters: ["i32", "u64", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  // long syscall(long number, ...): bpf(int command, union bpf_attr *attributes, unsigned int size)
  syscall: { parameters: ["i64", "i64", "buffer", "u64"], result: "i64" },
  // unsigned int if_nametoindex(const char *name)
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  // ssize_t readlink(const char *path, char *buf, size_t len)
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  // int eventfd(unsigned int initial, int flags)
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  // int timerfd_create(clockid_t clock, int flags)
  timerfd_create: { parameters: ["i32", "i32"], result: "i32" },
  // int timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *before)
  timerfd_settime: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  // int memfd_create(const char *name, unsigned int flags)
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  // int ftruncate(int fd, off_t length)
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  // off_t lseek(int fd, off_t offset, int whence)
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  // int fcntl(int fd, int command, int argument)
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // ssize_t read(int fd, void *buf, size_t len)
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // ssize_t write(int fd, const void *buf, size_t len)
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // The same two, from and to memory whose address is known.
  read_at: { name: "read", parameters: ["i32", "u64", "u64"], result: "i32" },
  write_at: { name: "write", parameters: ["i32", "u64", "u64"], result: "i32" },
  // int clock_gettime(clockid_t clock, struct timespec *time)
  clock_gettime: { parameters: ["i32", "u64"], result: "i32" },
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "usize" },
  // void *malloc(size_t size)
  malloc: { parameters: ["usize"], result: "usize" },
  // void free(void *memory)
  free: { parameters: ["u64"], result: "void" },
  // int setenv(const char *name, const char *value, int overwrite)
  setenv: { parameters: ["buffer", "buffer", "i32"], result: "i32" },
  // int malloc_trim(size_t pad)
  malloc_trim: { parameters: ["usize"], result: "i32" },
  // void *memcpy(void *dest, const void *src, size_t len)
  memcpy: { parameters: ["u64", "u64", "u64"], result: "void" },
  // void *memset(void *buf, int value, size_t len)
  address_of: { name: "memset", parameters: ["buffer", "i32", "usize"], result: "usize" },
} as const satisfies Deno.ForeignLibraryInterface;
