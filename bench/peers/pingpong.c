/*
 * The plain client: sends 64 bytes, spins on recv() until all of them are back, checks every byte, and keeps each
 * round-trip time. Two clock reads of about 20 ns are within each figure. It shares no code with the load generators
 * but the sockets, and tells whether those measure what such a client does.
 *
 *     pingpong PORT ITERATIONS WARMUP
 *
 * Exits with 1 when an echo came back wrong, with 2 on any other failure.
 */
#include "peer.h"

enum { SIZE = 64 };
#define PATIENCE_NS 5000000000u

static uint64_t round_trip(int fd, const unsigned char *message, unsigned char *reply)
{
    size_t received = 0;
    uint32_t spins = 0;
    uint64_t begin = now_ns();
    if (send(fd, message, SIZE, MSG_NOSIGNAL) != SIZE)
        fail("cannot send: %s", strerror(errno));
    while (received < SIZE) {
        ssize_t n = recv(fd, reply + received, SIZE - received, 0);
        if (n > 0)
            received += (size_t)n;
        else if (n == 0)
            fail("the server closed the connection before the echo was complete");
        else if (errno != EAGAIN)
            fail("cannot receive: %s", strerror(errno));
        else if (++spins % 65536 == 0 && now_ns() - begin > PATIENCE_NS)
            fail("no echo within 5 s");
    }
    return now_ns() - begin;
}

static void run(int fd, long count, uint64_t *times)
{
    static uint32_t seed;
    unsigned char message[SIZE], reply[SIZE];
    for (long made = 0; made < count; made++) {
        /* A new pattern each time, so that a late or repeated echo cannot pass for the right one. */
        seed = seed * 1664525u + 1013904223u;
        for (size_t i = 0; i < SIZE; i++)
            message[i] = (unsigned char)((seed >> 24) + i * 31);
        times[made] = round_trip(fd, message, reply);
        if (memcmp(message, reply, SIZE) != 0) {
            fprintf(stderr, "an echo came back wrong\n");
            exit(EXIT_WRONG_ECHO);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        fail("usage: pingpong PORT ITERATIONS WARMUP");
    int fd = connect_to("127.0.0.1", (int)number("PORT", argv[1], 1, 65535));
    long count = number("ITERATIONS", argv[2], 1, 100000000);
    long warmup = number("WARMUP", argv[3], 0, count);
    set_nonblocking(fd);
    uint64_t *times = malloc((size_t)count * sizeof *times);
    if (times == NULL)
        fail("out of memory");
    /* Touched now: a page fault during the measurement would be counted as latency. */
    memset(times, 1, (size_t)count * sizeof *times);
    run(fd, warmup, times);
    run(fd, count, times);
    double sum = 0;
    for (long i = 0; i < count; i++)
        sum += (double)times[i];
    qsort(times, (size_t)count, sizeof *times, ascending);
#define QUANTILE(q) ((unsigned long long)times[(long)((double)(count - 1) * (q))])
    printf("{\"count\":%ld,\"min\":%llu,\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,"
           "\"max\":%llu,\"mean\":%.0f}\n",
           count, QUANTILE(0), QUANTILE(0.5), QUANTILE(0.9), QUANTILE(0.99), QUANTILE(0.999),
           QUANTILE(1), sum / (double)count);
    return 0;
}
