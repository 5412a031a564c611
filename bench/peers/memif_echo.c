/*
 * An echo of frames over memif's rings (libos/devices/memif/layout.ts), without the messages by which memif's ends meet:
 * they meet by TCP, and share memory of the server's. One client at a time.
 *
 *     memif_echo [--hostname 127.0.0.1]
 *     memif_echo --port P [the options of frames.h]
 */
#include "frames.h"
#include <stddef.h>
#include <sys/mman.h>

enum { SLOTS = 1024 };

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
    unsigned char buffers[2 * SLOTS][FRAME];
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

static struct region *region;
static bool serves;
/* Frames that were taken, and given. */
static uint16_t taken, given;

static size_t take(unsigned char *frame)
{
    struct ring *ring = serves ? &region->to_server : &region->to_client;
    if (look(serves ? &ring->head : &ring->tail) == taken)
        return 0;
    struct descriptor *slot = &ring->slots[taken++ % SLOTS];
    size_t length = slot->length;
    memcpy(frame, (unsigned char *)region + slot->offset, length);
    publish(serves ? &ring->tail : &ring->head, serves ? taken : (uint16_t)(taken + SLOTS));
    return length;
}

static void give(const unsigned char *frame, size_t length)
{
    struct ring *ring = serves ? &region->to_client : &region->to_server;
    struct descriptor *slot = &ring->slots[given++ % SLOTS];
    memcpy((unsigned char *)region + slot->offset, frame, length);
    slot->length = (uint32_t)length;
    publish(serves ? &ring->tail : &ring->head, given);
}

/* Until the client is gone, which is asked now and then. */
static void bounce(int fd)
{
    char byte;
    size_t length;
    taken = given = 0;
    for (uint32_t turns = 1;; turns++) {
        if ((length = take(frame)) > 0)
            give(frame, length);
        else if (turns % (16 * TURNS_PER_CHECK) == 0 && recv(fd, &byte, 1, MSG_DONTWAIT) == 0)
            return;
    }
}

static void serve(void)
{
    int file = memfd_create("memif", 0), listener = listen_on("127.0.0.1", 0, SOCK_STREAM);
    if (file < 0 || ftruncate(file, sizeof(struct region)) != 0)
        fail("cannot make memory: %s", strerror(errno));
    region = map(file);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            fail("cannot accept: %s", strerror(errno));
        memset(region, 0, offsetof(struct region, buffers));
        for (uint32_t i = 0, base = offsetof(struct region, buffers); i < SLOTS; i++) {
            region->to_server.slots[i].offset = base + i * FRAME;
            region->to_client.slots[i].offset = base + (SLOTS + i) * FRAME;
        }
        char path[64] = { 0 };
        snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), file);
        send(fd, path, sizeof path, MSG_NOSIGNAL);
        bounce(fd);
        close(fd);
    }
}

int main(int argc, char **argv)
{
    char path[64];
    parse_frames(argc, argv, SLOTS * PAYLOAD);
    serves = common.port == 0;
    if (serves)
        serve();
    int server = connect_to(common.host, common.port);
    if (recv(server, path, sizeof path, MSG_WAITALL) != sizeof path)
        fail("the server does not say where its memory is");
    region = map(open(path, O_RDWR));
    measure_each(round_trip, (long)size);
    return 0;
}
