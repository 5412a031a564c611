/*
 * An echo of frames over AF_XDP, on one end of a link each. All that comes to the interface comes to the socket.
 *
 *     DEVICE=xdp:INTERFACE xdp_echo
 *     xdp_echo --port 1 --device xdp:INTERFACE [the options of frames.h]
 */
#include "frames.h"
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { SIZE = 2048 };

struct ring {
    uint32_t *producer, *consumer, *flags;
    union {
        struct xdp_desc *frames;
        uint64_t *addresses;
    };
};

static int fd;
static struct ring rx, tx, fill, completion;
/* Frames to receive, and as many to send. */
static unsigned char *chunks;

static long bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
    long result = syscall(SYS_bpf, command, attributes, sizeof *attributes);
    if (result < 0)
        fail("bpf: %s", strerror(errno));
    return result;
}

/* Has all that comes to an interface redirected to the socket, as long as this process lives. */
static void attach(uint32_t interface)
{
    union bpf_attr map = { .map_type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4, .max_entries = 1 };
    int key = 0, sockets = (int)bpf(BPF_MAP_CREATE, &map);
    const struct bpf_insn program[] = {
        { .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1, .off = 16 },
        { .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = sockets },
        { 0 },
        { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_PASS },
        { .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
        { .code = BPF_JMP | BPF_EXIT },
    };
    union bpf_attr entry = { .map_fd = (uint32_t)sockets, .key = (uintptr_t)&key, .value = (uintptr_t)&fd };
    union bpf_attr load = { .prog_type = BPF_PROG_TYPE_XDP,
                            .insns = (uintptr_t)program,
                            .insn_cnt = sizeof program / sizeof *program,
                            .license = (uintptr_t)"GPL" };
    bpf(BPF_MAP_UPDATE_ELEM, &entry);
    union bpf_attr link = { .link_create = { .prog_fd = (uint32_t)bpf(BPF_PROG_LOAD, &load),
                                             .target_ifindex = interface,
                                             .attach_type = BPF_XDP,
                                             .flags = XDP_FLAGS_SKB_MODE } };
    bpf(BPF_LINK_CREATE, &link);
}

static void set(int option, const void *value, socklen_t length)
{
    if (setsockopt(fd, SOL_XDP, option, value, length) != 0)
        fail("cannot set up AF_XDP: %s", strerror(errno));
}

static struct ring map(int option, uint64_t at, const struct xdp_ring_offset *offset, size_t entry)
{
    int size = SIZE, flags = MAP_SHARED | MAP_POPULATE;
    set(option, &size, sizeof size);
    char *ring = mmap(NULL, offset->desc + SIZE * entry, PROT_READ | PROT_WRITE, flags, fd, (off_t)at);
    if (ring == MAP_FAILED)
        fail("cannot map a ring: %s", strerror(errno));
    return (struct ring){ (uint32_t *)(ring + offset->producer), (uint32_t *)(ring + offset->consumer),
                          (uint32_t *)(ring + offset->flags), { (void *)(ring + offset->desc) } };
}

static void open_device(const char *device)
{
    const char *name = device == NULL || strncmp(device, "xdp:", 4) != 0 ? "" : device + 4;
    struct sockaddr_xdp address = { .sxdp_family = AF_XDP,
                                    .sxdp_ifindex = if_nametoindex(name),
                                    .sxdp_flags = XDP_COPY | XDP_USE_NEED_WAKEUP };
    struct xdp_mmap_offsets at;
    socklen_t length = sizeof at;
    chunks = aligned_alloc(4096, 2 * SIZE * FRAME);
    struct xdp_umem_reg memory = { .addr = (uintptr_t)chunks, .len = 2 * SIZE * FRAME, .chunk_size = FRAME };
    fd = socket(AF_XDP, SOCK_RAW, 0);
    if (address.sxdp_ifindex == 0 || fd < 0 || getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &length) != 0)
        fail("cannot open %s: %s", device, strerror(errno));
    set(XDP_UMEM_REG, &memory, sizeof memory);
    rx = map(XDP_RX_RING, XDP_PGOFF_RX_RING, &at.rx, sizeof *rx.frames);
    tx = map(XDP_TX_RING, XDP_PGOFF_TX_RING, &at.tx, sizeof *tx.frames);
    fill = map(XDP_UMEM_FILL_RING, XDP_UMEM_PGOFF_FILL_RING, &at.fr, sizeof *fill.addresses);
    completion = map(XDP_UMEM_COMPLETION_RING, XDP_UMEM_PGOFF_COMPLETION_RING, &at.cr, sizeof *fill.addresses);
    /* The kernel lets go of a queue some time after the last one on it has ended. */
    for (int i = 0; bind(fd, (struct sockaddr *)&address, sizeof address) != 0; i++) {
        if (errno != EBUSY || i == 100)
            fail("cannot bind to %s: %s", device, strerror(errno));
        usleep(5000);
    }
    attach(address.sxdp_ifindex);
    for (uint64_t i = 0; i < SIZE; i++)
        fill.addresses[i] = i * FRAME;
    __atomic_store_n(fill.producer, SIZE, __ATOMIC_RELEASE);
}

static size_t take(unsigned char *frame)
{
    uint32_t done = *rx.consumer, given = *fill.producer;
    if (__atomic_load_n(rx.producer, __ATOMIC_ACQUIRE) == done)
        return 0;
    struct xdp_desc from = rx.frames[done % SIZE];
    memcpy(frame, chunks + from.addr, from.len);
    __atomic_store_n(rx.consumer, done + 1, __ATOMIC_RELEASE);
    fill.addresses[given % SIZE] = from.addr;
    __atomic_store_n(fill.producer, given + 1, __ATOMIC_RELEASE);
    return from.len;
}

static void give(const unsigned char *frame, size_t length)
{
    uint32_t next = *tx.producer;
    uint64_t at = (SIZE + next % SIZE) * (uint64_t)FRAME;
    __atomic_store_n(completion.consumer, *completion.producer, __ATOMIC_RELEASE);
    memcpy(chunks + at, frame, length);
    tx.frames[next % SIZE] = (struct xdp_desc){ .addr = at, .len = (uint32_t)length };
    __atomic_store_n(tx.producer, next + 1, __ATOMIC_RELEASE);
    if (__atomic_load_n(tx.flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP)
        sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
}

int main(int argc, char **argv)
{
    const char *device = parse_frames(argc, argv, SIZE * PAYLOAD);
    open_device(device);
    if (common.port > 0) {
        measure_each(round_trip, (long)size);
        return 0;
    }
    printf("listening on %s:1\n", device);
    fflush(stdout);
    for (size_t length;;)
        if ((length = take(frame)) > 0)
            give(frame, length);
}
