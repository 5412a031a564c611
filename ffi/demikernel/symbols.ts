/**
 * The symbols of `libdemikernel.so`, crate 1.5.13, and the few of libc that are needed beside them. libc is
 * resolved through the library, which depends on it, so that `--allow-ffi` may be scoped to that one path.
 *
 * On the datapath an address is declared `u64`, and passed by loading it from a `BigUint64Array`. Calls off
 * the datapath take buffers. Nothing is `nonblocking`: that is another thread, and a libOS belongs to its own.
 *
 * @module
 */

/** The symbol table. */
export const SYMBOLS = {
  // int demi_init(const struct demi_args *args)
  demi_init: { parameters: ["buffer"], result: "i32" },
  // int demi_create_pipe(int *memqd_out, const char *name)
  demi_create_pipe: { parameters: ["buffer", "buffer"], result: "i32", optional: true },
  // int demi_open_pipe(int *memqd_out, const char *name)
  demi_open_pipe: { parameters: ["buffer", "buffer"], result: "i32", optional: true },
  // int demi_socket(int *sockqd_out, int domain, int type, int protocol)
  demi_socket: { parameters: ["buffer", "i32", "i32", "i32"], result: "i32" },
  // int demi_listen(int sockqd, int backlog)
  demi_listen: { parameters: ["i32", "i32"], result: "i32" },
  // int demi_bind(int sockqd, const struct sockaddr *addr, socklen_t size)
  demi_bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int demi_accept(demi_qtoken_t *qt_out, int sockqd)
  demi_accept: { parameters: ["u64", "i32"], result: "i32" },
  // int demi_connect(demi_qtoken_t *qt_out, int sockqd, const struct sockaddr *addr, socklen_t size)
  demi_connect: { parameters: ["u64", "i32", "buffer", "u32"], result: "i32" },
  // int demi_close(int qd)
  demi_close: { parameters: ["i32"], result: "i32" },
  // int demi_push(demi_qtoken_t *qt_out, int qd, const demi_sgarray_t *sga)
  demi_push: { parameters: ["u64", "i32", "u64"], result: "i32" },
  // int demi_pushto(demi_qtoken_t *qt_out, int sockqd, const demi_sgarray_t *sga, const struct sockaddr *dest, socklen_t size)
  demi_pushto: { parameters: ["u64", "i32", "u64", "u64", "u32"], result: "i32" },
  // int demi_pop(demi_qtoken_t *qt_out, int qd)
  demi_pop: { parameters: ["u64", "i32"], result: "i32" },
  // int demi_setsockopt(int qd, int level, int optname, const void *optval, socklen_t optlen)
  demi_setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // int demi_getsockopt(int qd, int level, int optname, void *optval, socklen_t *optlen)
  demi_getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // int demi_getpeername(int qd, struct sockaddr *addr, socklen_t *addrlen)
  demi_getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // int demi_getsockname(int qd, struct sockaddr *addr, socklen_t *addrlen)
  demi_getsockname: {
    parameters: ["i32", "buffer", "buffer"],
    result: "i32",
    // No header declares it, and in 1.5.13 it always answers ENOSYS.
    optional: true,
  },
  // demi_sgarray_t demi_sgaalloc(size_t size), as x86-64 does it: the caller passes where the struct goes as a
  // hidden first argument. Declared as that, it is a fast call.
  sgaalloc_into: { name: "demi_sgaalloc", parameters: ["u64", "usize"], result: "void" },
  // The same for any processor, and slow. 400 bytes are the larger of the two layouts; of a smaller struct
  // only the beginning is written.
  demi_sgaalloc: {
    parameters: ["usize"],
    result: { struct: Array.from({ length: 100 }, () => "u32" as const) },
  },
  // int demi_sgafree(demi_sgarray_t *sga)
  demi_sgafree: { parameters: ["u64"], result: "i32" },
  // int demi_wait(demi_qresult_t *qr_out, demi_qtoken_t qt, const struct timespec *timeout)
  demi_wait: { parameters: ["u64", "u64", "u64"], result: "i32" },
  // int demi_wait_any(demi_qresult_t *qr_out, int *ready_offset, const demi_qtoken_t qts[], int num_qts, const struct timespec *timeout)
  demi_wait_any: { parameters: ["u64", "u64", "u64", "i32", "u64"], result: "i32" },
  // int demi_wait_next_n(demi_qresult_t *qr_out, int qr_size, int *qr_written, const struct timespec *timeout)
  demi_wait_next_n: { parameters: ["u64", "i32", "u64", "u64"], result: "i32" },

  // void *memcpy(void *dest, const void *src, size_t len)
  memcpy: { parameters: ["u64", "u64", "u64"], result: "void" },
  // void *memset(void *buf, int value, size_t len): of no bytes, it gives the address of a buffer.
  address_of: { name: "memset", parameters: ["buffer", "i32", "usize"], result: "usize" },
  // int setenv(const char *name, const char *value, int overwrite)
  setenv: { parameters: ["buffer", "buffer", "i32"], result: "i32" },
  // int open(const char *path, int flags)
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int flock(int fd, int operation)
  flock: { parameters: ["i32", "i32"], result: "i32" },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of the library. */
export type DemikernelSymbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
