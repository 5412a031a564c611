/*
 * A TCP echo server on libdemikernel.so, busy polling: what the library costs a C program, and so the peer that
 * "Deno on the library / C on the library" is measured against. Any number of connections; the messages are
 * pushed as they were popped.
 *
 *     LIBRARY=PATH LIBOS=catnap CONFIG_PATH=catnap.yaml demikernel_echo --port N [--hostname 127.0.0.1]
 *
 * The library is opened by path at run time, so that this compiles without it. It has no way to tell which
 * port the kernel chose, so 0 is none to ask for. Build with -ldl where the C library is older than glibc 2.34.
 */
#include "peer.h"

#include <dlfcn.h>

/* The layouts of crate 1.5.13. A result is aligned, although it is packed. */
#pragma pack(push, 1)
struct sga {
    void *buf;
    uint32_t numsegs;
    void *segment;
    uint32_t length;
    struct sockaddr_in address;
};
struct result {
    uint32_t opcode;
    int32_t qd;
    uint64_t qt;
    int64_t ret;
    union {
        struct sga sga;
        int32_t accepted;
    } value;
};
#pragma pack(pop)

enum { PUSH = 1, POP, ACCEPT, FAILED = 6 };
enum { BACKLOG = 64, TOKENS_MAX = 4096 };

static int (*demi_init)(const void *arguments);
static int (*demi_socket)(int *qd, int domain, int type, int protocol);
static int (*demi_bind)(int qd, const struct sockaddr *address, socklen_t size);
static int (*demi_listen)(int qd, int backlog);
static int (*demi_accept)(uint64_t *qt, int qd);
static int (*demi_push)(uint64_t *qt, int qd, const struct sga *sga);
static int (*demi_pop)(uint64_t *qt, int qd);
static int (*demi_close)(int qd);
static int (*demi_sgafree)(struct sga *sga);
static int (*demi_wait_any)(struct result *result, int *ready, const uint64_t *qts, int count,
                            const struct timespec *timeout);

static void load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL)
        fail("cannot load the library: %s", dlerror());
#define LOAD(name)                                                                                  \
    if ((*(void **)&name = dlsym(library, #name)) == NULL)                                          \
        fail("%s is no libdemikernel: %s", path, dlerror());
    LOAD(demi_init)
    LOAD(demi_socket)
    LOAD(demi_bind)
    LOAD(demi_listen)
    LOAD(demi_accept)
    LOAD(demi_push)
    LOAD(demi_pop)
    LOAD(demi_close)
    LOAD(demi_sgafree)
    LOAD(demi_wait_any)
#undef LOAD
}

static void check(const char *call, int error)
{
    /* Some answers are negative. */
    if (error != 0)
        fail("%s failed: %s", call, strerror(abs(error)));
}

/* The tokens of what is under way. A connection has one at a time: its pop, or its push. */
static uint64_t tokens[TOKENS_MAX];
static int count;

static void drop(int token)
{
    tokens[token] = tokens[--count];
}

static void close_connection(int token, int qd)
{
    drop(token);
    demi_close(qd);
}

static void pop_into(int token, int qd)
{
    if (demi_pop(&tokens[token], qd) != 0)
        close_connection(token, qd);
}

/* A popped message is pushed as it is, and may be freed while it is on its way; an empty one is the end. */
static void echo(int token, struct result *result)
{
    /* A copy, since the one in the result is not aligned. */
    struct sga sga = result->value.sga;
    bool pushed = sga.length > 0 && demi_push(&tokens[token], result->qd, &sga) == 0;
    demi_sgafree(&sga);
    if (!pushed)
        close_connection(token, result->qd);
}

static void take_connection(int token, int listener, int qd)
{
    check("demi_accept", demi_accept(&tokens[token], listener));
    if (count == TOKENS_MAX)
        demi_close(qd);
    else
        pop_into(count++, qd);
}

int main(int argc, char **argv)
{
    const char *library = getenv("LIBRARY"), *hostname = "127.0.0.1";
    int port = 0, listener;
    parse_server(argc, argv, &hostname, &port, NULL, NULL);
    if (port == 0)
        fail("--port is needed: the library cannot tell which one was chosen");
    if (library == NULL || getenv("LIBOS") == NULL || getenv("CONFIG_PATH") == NULL)
        fail("LIBRARY, LIBOS and CONFIG_PATH have to be set");
    load(library);

    struct sockaddr_in address = address_of(hostname, port);
    static const char arguments[64];
    check("demi_init", demi_init(arguments));
    check("demi_socket", demi_socket(&listener, AF_INET, SOCK_STREAM, 0));
    check("demi_bind", demi_bind(listener, (struct sockaddr *)&address, sizeof address));
    check("demi_listen", demi_listen(listener, BACKLOG));
    check("demi_accept", demi_accept(&tokens[0], listener));
    count = 1;
    printf("listening on %s:%d\n", hostname, port);
    fflush(stdout);

    static const struct timespec none;
    static struct result result __attribute__((aligned(8)));
    for (;;) {
        int ready, error = demi_wait_any(&result, &ready, tokens, count, &none);
        if (error == ETIMEDOUT)
            continue;
        check("demi_wait_any", error);
        switch (result.opcode) {
        case POP: echo(ready, &result); break;
        case PUSH: pop_into(ready, result.qd); break;
        case ACCEPT: take_connection(ready, listener, result.value.accepted); break;
        default:
            if (ready == 0 && result.qd == listener)
                check("demi_accept", demi_accept(&tokens[0], listener));
            else
                close_connection(ready, result.qd);
        }
    }
}
