/*
 * An echo over memif's rings in C (libos/devices/memif/layout.ts): what the wire itself costs. Frames with room for
 * the headers of TCP are copied in and out; there is no protocol in them, and no messages by which memif's ends
 * meet: they meet by TCP, and share memory of the server's. One client at a time.
 *
 *     memif_echo [--hostname 127.0.0.1]
 *     memif_echo --port P [--iterations 50000] [--size 64] [--udp] [the options of load.h]
 */
#include "load.h"
#include <stddef.h>
#include <sys/mman.h>

enum { SLOTS = 1024, BUFFER = 2048, HEADERS = 66, PAYLOAD = 1448, MESSAGES = 4096, STRIDE = 1021 };

struct descriptor {
    uint16_t flags, region;
    uint32_t length, offset, metadata;
};
struct ring {
    uint32_t cookie;
    uint16_t flags, head;
    uint8_t unused[56];
    uint16_t tail;
    uint8_t unused_too[62];
    struct descriptor slots[SLOTS];
};
struct region {
    struct ring to_server, to_client;
    unsigned char buffers[2 * SLOTS][BUFFER];
};

static struct region *map(int fd)
{
    int flags = MAP_SHARED | MAP_POPULATE;
    void *memory = mmap(NULL, sizeof(struct region), PROT_READ | PROT_WRITE, flags, fd, 0);
    if (memory == MAP_FAILED)
        fail("cannot map memory: %s", strerror(errno));
    return memory;
}

static inline uint16_t look(const uint16_t *index) { return __atomic_load_n(index, __ATOMIC_ACQUIRE); }
static inline void publish(uint16_t *index, uint16_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static inline unsigned char *at(struct region *region, const struct descriptor *slot)
{
    return (unsigned char *)region + slot->offset;
}

/* Whether the other end is gone, asked now and then. */
static bool has_ended(int fd, uint32_t *turns)
{
    char byte;
    return ++*turns % (16 * TURNS_PER_CHECK) == 0 && recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void bounce(struct region *region, int fd)
{
    static unsigned char frame[BUFFER];
    struct ring *in = &region->to_server, *out = &region->to_client;
    for (uint16_t done = 0;;) {
        for (uint32_t turns = 0; look(&in->head) == done;)
            if (has_ended(fd, &turns))
                return;
        struct descriptor *from = &in->slots[done % SLOTS], *to = &out->slots[done % SLOTS];
        uint32_t length = from->length;
        memcpy(frame, at(region, from), length);
        publish(&in->tail, ++done);
        /* Its slot is free: the client has no more frames under way than there are. */
        memcpy(at(region, to), frame, length);
        to->length = length;
        publish(&out->tail, done);
    }
}

static void serve(const char *hostname)
{
    int file = memfd_create("memif", 0), listener = listen_on(hostname, 0);
    if (file < 0 || ftruncate(file, sizeof(struct region)) != 0)
        fail("cannot make memory: %s", strerror(errno));
    struct region *region = map(file);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            fail("cannot accept: %s", strerror(errno));
        memset(region, 0, offsetof(struct region, buffers));
        for (uint32_t i = 0, base = offsetof(struct region, buffers); i < SLOTS; i++) {
            region->to_server.slots[i].offset = base + i * BUFFER;
            region->to_client.slots[i].offset = base + (SLOTS + i) * BUFFER;
        }
        char path[64] = { 0 };
        snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), file);
        send(fd, path, sizeof path, MSG_NOSIGNAL);
        bounce(region, fd);
        close(fd);
    }
}

static struct region *region;
static int server;
static uint16_t sent, received;

static void put(const unsigned char *message, size_t size)
{
    for (size_t done = 0, part; done < size; done += part) {
        struct descriptor *slot = &region->to_server.slots[sent % SLOTS];
        part = size - done < PAYLOAD ? size - done : PAYLOAD;
        memcpy(at(region, slot) + HEADERS, message + done, part);
        slot->length = HEADERS + (uint32_t)part;
        publish(&region->to_server.head, ++sent);
    }
}

static double round_trip(const unsigned char *message, unsigned char *reply, size_t size)
{
    uint64_t begin = now_ns();
    put(message, size);
    for (size_t done = 0; done < size;) {
        for (uint32_t turns = 0; look(&region->to_client.tail) == received;)
            if (has_ended(server, &turns))
                fail("the server is gone");
        struct descriptor *slot = &region->to_client.slots[received % SLOTS];
        size_t part = slot->length - HEADERS;
        if (part > size - done)
            wrong_reply("more came back than was sent");
        memcpy(reply + done, at(region, slot) + HEADERS, part);
        publish(&region->to_client.head, (uint16_t)(++received + SLOTS));
        done += part;
    }
    uint64_t elapsed = now_ns() - begin;
    if (memcmp(message, reply, size) != 0)
        wrong_reply("an echo came back wrong");
    return (double)elapsed;
}

/* Returns how many were made. */
static long run(const unsigned char *pattern, unsigned char *reply, long count, size_t size)
{
    uint64_t deadline = deadline_from(now_ns());
    long made = 0;
    samples.count = 0;
    for (; made < count && now_ns() < deadline; made++)
        sample(round_trip(pattern + (uint64_t)made * STRIDE % MESSAGES, reply, size));
    return made;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        { "hostname", required_argument, NULL, 'H' }, { "iterations", required_argument, NULL, 'i' },
        { "size", required_argument, NULL, 's' }, { "udp", no_argument, NULL, 'u' }, COMMON_OPTIONS, { 0 }
    };
    const char *hostname = NULL;
    long iterations = 50000, size = 64;
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (o) {
        case 'H': hostname = optarg; break;
        case 'i': iterations = number("iterations", optarg, 1, 100000000); break;
        case 's': size = number("size", optarg, 1, SLOTS * PAYLOAD); break;
        case 'u': break; /* The frames are the same. */
        default: parse_common(o);
        }
    }
    if (common.port == 0)
        serve(hostname == NULL ? "127.0.0.1" : hostname);
    char path[64];
    server = connect_to(common.host, common.port);
    if (recv(server, path, sizeof path, MSG_WAITALL) != sizeof path)
        fail("the server does not say where its memory is");
    region = map(open(path, O_RDWR));
    unsigned char *pattern = make_pattern((size_t)size + MESSAGES), *reply = allocate((size_t)size, 1);
    prepare_samples(iterations > common.warmup ? iterations : common.warmup);
    run(pattern, reply, common.warmup, (size_t)size);
    uint64_t begin = now_ns();
    long made = run(pattern, reply, iterations, (size_t)size);
    report(made, now_ns() - begin, made * size);
    return 0;
}
