/*
 * Stands in for libdemikernel.so: every call succeeds and does nothing, but for demi_sgaalloc(), which gives a
 * struct laid out as LAYOUT says. 1513 and 2025 are the known layouts; 0 is one that nobody has.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#if LAYOUT == 2025
#pragma pack(push, 1)
struct segment { void *md; void *buf; uint32_t length; };
struct sga { uint32_t numsegs; struct segment segments[19]; struct sockaddr_in address; };
#pragma pack(pop)
#else
#if LAYOUT == 1513
#pragma pack(push, 1)
#endif
struct segment { void *buf; uint32_t length; };
struct sga { void *md; uint32_t numsegs; struct segment segments[1]; struct sockaddr_in address; };
#if LAYOUT == 1513
#pragma pack(pop)
#endif
#endif

static char data[65536];

struct sga demi_sgaalloc(size_t size)
{
    struct sga sga;
    memset(&sga, 0, sizeof sga);
    sga.numsegs = 1;
#if LAYOUT == 2025
    sga.segments[0].md = data;
#else
    sga.md = data;
#endif
    sga.segments[0].buf = data;
    sga.segments[0].length = (uint32_t)size;
    return sga;
}

#define STUB(name, ...) int name(__VA_ARGS__) { return 0; }
#pragma GCC diagnostic ignored "-Wunused-parameter"
STUB(demi_init, const void *args)
#if LAYOUT == 1513
STUB(demi_create_pipe, int *qd, const char *name)
STUB(demi_open_pipe, int *qd, const char *name)
#endif
STUB(demi_socket, int *qd, int domain, int type, int protocol)
STUB(demi_listen, int qd, int backlog)
STUB(demi_bind, int qd, const void *address, uint32_t size)
STUB(demi_accept, uint64_t *qt, int qd)
STUB(demi_connect, uint64_t *qt, int qd, const void *address, uint32_t size)
STUB(demi_close, int qd)
STUB(demi_push, uint64_t *qt, int qd, const struct sga *sga)
STUB(demi_pushto, uint64_t *qt, int qd, const struct sga *sga, const void *address, uint32_t size)
STUB(demi_pop, uint64_t *qt, int qd)
STUB(demi_setsockopt, int qd, int level, int name, const void *value, uint32_t size)
STUB(demi_getsockopt, int qd, int level, int name, void *value, uint32_t *size)
STUB(demi_getpeername, int qd, void *address, uint32_t *size)
STUB(demi_sgafree, struct sga *sga)
STUB(demi_wait, void *result, uint64_t qt, const void *timeout)
STUB(demi_wait_any, void *result, int *ready, const uint64_t *qts, int count, const void *timeout)
STUB(demi_wait_next_n, void *results, int size, int *written, const void *timeout)
