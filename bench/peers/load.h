/*
 * What the load generators share: the options that all have, what they report, and sockets that are
 * polled. A generator spins, allocates nothing while it measures, and writes its output at the end.
 *
 * Options of all: --port P, --host ADDRESS (127.0.0.1), --warmup N, --iterations N (50000), --time-limit MS
 * (none: 0), which ends the warm-up and then the measurement early, and --samples FILE, for the latency of every
 * operation in order of completion, as little-endian 64-bit floats of nanoseconds. They print
 * {"operations":N,"elapsed":NS,"bytes":N} and exit with 1 when a reply was wrong, 2 when they failed.
 */
#ifndef LOAD_H
#define LOAD_H

#include "peer.h"
#include <sys/epoll.h>

/* A server that is silent for so long while it owes a reply has failed. */
#define PATIENCE_NS 5000000000u

enum { MAX_READY = 256, TURNS_PER_CHECK = 4096 };

static struct {
    const char *host, *samples;
    int port;
    long warmup, iterations, time_limit_ms;
} common = { "127.0.0.1", NULL, 0, 0, 50000, 0 };

#define COMMON_OPTIONS                                                                             \
    { "host", required_argument, NULL, 'h' }, { "port", required_argument, NULL, 'p' },            \
        { "samples", required_argument, NULL, 'o' }, { "warmup", required_argument, NULL, 'w' },   \
        { "iterations", required_argument, NULL, 'i' },                                            \
        { "time-limit", required_argument, NULL, 't' }

/* Takes one of the options of all; what is none of them is wrong, and getopt has said so. */
static inline void parse_common(int option)
{
    switch (option) {
    case 'h': common.host = optarg; break;
    case 'p': common.port = (int)number("port", optarg, 1, 65535); break;
    case 'o': common.samples = optarg; break;
    case 'w': common.warmup = number("warmup", optarg, 0, 10000000000); break;
    case 'i': common.iterations = number("iterations", optarg, 1, 100000000); break;
    case 't': common.time_limit_ms = number("time-limit", optarg, 0, 3600000); break;
    default: exit(EXIT_FAILED);
    }
}

static inline void check_common(void)
{
    if (common.port == 0)
        fail("--port is needed");
}

static inline double fraction(const char *name, const char *text, double low, double high)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= low && value <= high))
        fail("--%s takes a number from %g to %g, not \"%s\"", name, low, high, text);
    return value;
}

__attribute__((noreturn)) static inline void wrong_reply(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(EXIT_WRONG_ECHO);
}

static inline void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        fail("out of memory");
    /* Touched now: a page fault during the measurement would be counted as latency. */
    memset(memory, 1, count * size);
    memset(memory, 0, count * size);
    return memory;
}

/* ---- Latencies ---- */

static struct {
    double *times;
    long count;
} samples;

static inline void prepare_samples(long capacity)
{
    if (common.samples != NULL)
        samples.times = allocate((size_t)capacity, sizeof *samples.times);
}

static inline void sample(double ns)
{
    if (samples.times != NULL)
        samples.times[samples.count++] = ns;
}

static inline void write_samples(void)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the samples are written as they are in memory, and must be little-endian"
#endif
    if (samples.times == NULL)
        return;
    FILE *file = fopen(common.samples, "wb");
    size_t count = (size_t)samples.count;
    if (file == NULL || fwrite(samples.times, sizeof *samples.times, count, file) != count ||
        fclose(file) != 0)
        fail("cannot write %s: %s", common.samples, strerror(errno));
}

/* The end of a run: what was measured. */
static inline void report(long operations, uint64_t elapsed, long bytes)
{
    write_samples();
    printf("{\"operations\":%ld,\"elapsed\":%llu,\"bytes\":%ld}\n", operations,
           (unsigned long long)elapsed, bytes);
}

/* ---- Time ---- */

static inline uint64_t deadline_from(uint64_t begin)
{
    uint64_t limit = (uint64_t)common.time_limit_ms * 1000000u;
    return limit == 0 ? UINT64_MAX : begin + limit;
}

/* What is under way on several sockets: the warm-up, or the measurement, whose latencies are recorded. */
static struct {
    bool recorded;
    long target, issued, answered, lost;
    uint64_t begin, deadline, last_progress;
} phase;

static inline void begin_phase(long target, bool recorded)
{
    phase.recorded = recorded;
    phase.target = target;
    phase.issued = phase.answered = phase.lost = 0;
    phase.begin = phase.last_progress = now_ns();
    phase.deadline = deadline_from(phase.begin);
}

static inline void check_patience(uint64_t now)
{
    if (phase.answered + phase.lost < phase.issued && now > phase.last_progress + PATIENCE_NS)
        fail("no reply within 5 s");
}

/* Operations one after the other: each by its number, gives how long it took. `bytes` are in each. */
static inline void measure_each(uint64_t (*operation)(uint64_t number), long bytes)
{
    long most = common.iterations > common.warmup ? common.iterations : common.warmup, made = 0;
    uint64_t begin = 0;
    prepare_samples(most);
    for (int measured = 0; measured < 2; measured++) {
        long count = measured ? common.iterations : common.warmup;
        uint64_t deadline = deadline_from(begin = now_ns());
        samples.count = 0;
        for (made = 0; made < count && now_ns() < deadline; made++)
            sample((double)operation((uint64_t)made));
    }
    report(made, now_ns() - begin, made * bytes);
}

/* ---- Random numbers, the same ones for the same seed (Marsaglia's xorshift64*) ---- */

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

/* From 0 to 1, without 1. */
static inline double next_fraction(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

/*
 * Random bytes. What is sent is a window of them, and its place follows from what the receiver knows: so
 * each message is another one, and neither writing nor checking it needs memory of its own.
 */
static inline unsigned char *make_pattern(size_t length)
{
    uint64_t state = 88172645463325252u;
    unsigned char *pattern = allocate(length, 1);
    for (size_t i = 0; i < length; i++)
        pattern[i] = (unsigned char)(next_random(&state) >> 56);
    return pattern;
}

/* ---- Sockets ---- */

/* Sends what the socket takes; 0 when it is full. */
static inline size_t send_some(int fd, const void *data, size_t length)
{
    ssize_t n = send(fd, data, length, MSG_NOSIGNAL);
    if (n >= 0)
        return (size_t)n;
    if (errno != EAGAIN && errno != ENOBUFS)
        fail("cannot send: %s", strerror(errno));
    return 0;
}

/* Receives what a stream has; 0 when that is nothing. */
static inline size_t receive_some(int fd, void *buffer, size_t length)
{
    ssize_t n = recv(fd, buffer, length, 0);
    if (n > 0)
        return (size_t)n;
    if (n == 0)
        fail("the server closed a connection that was still needed");
    if (errno != EAGAIN)
        fail("cannot receive: %s", strerror(errno));
    return 0;
}

/*
 * Which of several sockets to look at. One alone is always looked at: a recv() in vain is the cheapest
 * way to wait for it. Several are in an epoll set, which is asked without ever sleeping.
 */
static int epoll_set = -1;

static inline void prepare_polling(long sockets)
{
    if (sockets > 1 && (epoll_set = epoll_create1(0)) < 0)
        fail("cannot make an epoll set: %s", strerror(errno));
}

/* Adds a socket (EPOLL_CTL_ADD) or changes what it is watched for (EPOLL_CTL_MOD). */
static inline void watch(int operation, int fd, uint32_t index, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.u32 = index };
    if (epoll_set >= 0 && epoll_ctl(epoll_set, operation, fd, &event) != 0)
        fail("cannot watch a socket: %s", strerror(errno));
}

/* Watches a socket for room only while it is full. */
static inline void watch_for_room(int fd, uint32_t index, bool *blocked, bool room)
{
    if (*blocked != room)
        watch(EPOLL_CTL_MOD, fd, index, room ? EPOLLIN | EPOLLOUT : EPOLLIN);
    *blocked = room;
}

/* The indices of the sockets to look at now; returns how many. */
static inline int ready_sockets(uint32_t indices[MAX_READY])
{
    if (epoll_set < 0) {
        indices[0] = 0;
        return 1;
    }
    struct epoll_event events[MAX_READY];
    int ready = epoll_wait(epoll_set, events, MAX_READY, 0);
    if (ready < 0 && errno != EINTR)
        fail("cannot wait: %s", strerror(errno));
    for (int i = 0; i < ready; i++)
        indices[i] = events[i].data.u32;
    return ready;
}

#endif
