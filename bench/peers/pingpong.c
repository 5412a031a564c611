/*
 * The client that measures: sends a message, spins on recv() until all of it is back, checks every
 * byte, and keeps each round-trip time. Two clock reads of about 20 ns are within each figure.
 *
 *     pingpong --port P [--hostname 127.0.0.1] [--size 64] [--iterations 50000] [--warmup 5000]
 *              [--time-limit MS] [--idle-connections N] [--cpu N] [--json]
 *
 * --time-limit ends the warm-up, and then the measurement, early; `iterations` in the output is what
 * was really made. Exits with 1 when an echo came back wrong, with 2 on any other failure.
 */
#include "peer.h"

#define PATIENCE_NS 5000000000u

static struct {
    const char *hostname;
    int port, cpu;
    long size, iterations, warmup, time_limit_ms, idle_connections;
    bool json;
} options = { "127.0.0.1", 0, -1, 64, 50000, 5000, 0, 0, false };

static void parse(int argc, char **argv)
{
    static const struct option known[] = { { "hostname", required_argument, NULL, 'h' },
                                           { "port", required_argument, NULL, 'p' },
                                           { "size", required_argument, NULL, 's' },
                                           { "iterations", required_argument, NULL, 'i' },
                                           { "warmup", required_argument, NULL, 'w' },
                                           { "time-limit", required_argument, NULL, 't' },
                                           { "idle-connections", required_argument, NULL, 'n' },
                                           { "cpu", required_argument, NULL, 'c' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (o) {
        case 'h': options.hostname = optarg; break;
        case 'p': options.port = (int)number("port", optarg, 1, 65535); break;
        case 's': options.size = number("size", optarg, 1, 1 << 20); break;
        case 'i': options.iterations = number("iterations", optarg, 1, 100000000); break;
        case 'w': options.warmup = number("warmup", optarg, 0, 100000000); break;
        case 't': options.time_limit_ms = number("time-limit", optarg, 1, 3600000); break;
        case 'n': options.idle_connections = number("idle-connections", optarg, 0, 1000000); break;
        case 'c': options.cpu = (int)number("cpu", optarg, 0, CPU_SETSIZE - 1); break;
        case 'j': options.json = true; break;
        default: exit(EXIT_FAILED);
        }
    }
    if (options.port == 0)
        fail("--port is needed");
}

/* One echo. Sending and receiving take turns, so that a message larger than the socket buffers fits. */
static uint64_t round_trip(int fd, const unsigned char *message, unsigned char *reply, size_t size)
{
    size_t sent = 0, received = 0;
    uint32_t spins = 0;
    uint64_t begin = now_ns();
    while (received < size) {
        if (sent < size) {
            ssize_t n = send(fd, message + sent, size - sent, MSG_NOSIGNAL);
            if (n >= 0)
                sent += (size_t)n;
            else if (errno != EAGAIN)
                fail("cannot send: %s", strerror(errno));
        }
        ssize_t n = recv(fd, reply + received, size - received, 0);
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

/* Makes `count` echoes, or what the time limit allows, into `times` (may be NULL); returns how many. */
static long run(int fd, long count, uint64_t *times, long *mismatches)
{
    static uint32_t seed;
    size_t size = (size_t)options.size;
    unsigned char *message = malloc(size), *reply = malloc(size);
    if (message == NULL || reply == NULL)
        fail("out of memory");
    uint64_t limit = (uint64_t)options.time_limit_ms * 1000000u, begin = now_ns();
    long made = 0;
    for (; made < count && (limit == 0 || now_ns() - begin < limit); made++) {
        /* A new pattern each time, so that a late or repeated echo cannot pass for the right one. */
        seed = seed * 1664525u + 1013904223u;
        for (size_t i = 0; i < size; i++)
            message[i] = (unsigned char)((seed >> 24) + i * 31);
        uint64_t time = round_trip(fd, message, reply, size);
        if (memcmp(message, reply, size) != 0)
            (*mismatches)++;
        if (times != NULL)
            times[made] = time;
    }
    free(message);
    free(reply);
    return made;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print(uint64_t *times, long made, long mismatches)
{
    double sum = 0;
    for (long i = 0; i < made; i++)
        sum += (double)times[i];
    qsort(times, (size_t)made, sizeof *times, ascending);
#define QUANTILE(q) ((unsigned long long)times[(long)((double)(made - 1) * (q))])
    printf(options.json
               ? "{\"iterations\":%ld,\"size\":%ld,\"mismatches\":%ld,\"min\":%llu,\"p50\":%llu,"
                 "\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,\"max\":%llu,\"mean\":%.0f}\n"
               : "%ld echoes of %ld bytes, %ld wrong; ns: min %llu, p50 %llu, p90 %llu, p99 %llu, "
                 "p99.9 %llu, max %llu, mean %.0f\n",
           made, options.size, mismatches, QUANTILE(0), QUANTILE(0.5), QUANTILE(0.9), QUANTILE(0.99),
           QUANTILE(0.999), QUANTILE(1), sum / (double)made);
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    raise_descriptor_limit();
    pin_to(options.cpu);
    uint64_t *times = malloc((size_t)options.iterations * sizeof *times);
    if (times == NULL)
        fail("out of memory");
    /* Touched now: a page fault during the measurement would be counted as latency. */
    memset(times, 1, (size_t)options.iterations * sizeof *times);
    int *idle = open_connections(options.hostname, options.port, options.idle_connections, 1);
    int fd = connect_to(options.hostname, options.port);
    set_nonblocking(fd);
    long mismatches = 0;
    run(fd, options.warmup, NULL, &mismatches);
    long made = run(fd, options.iterations, times, &mismatches);
    print(times, made, mismatches);
    close(fd);
    for (long i = 0; i < options.idle_connections; i++)
        close(idle[i]);
    free(idle);
    free(times);
    return mismatches == 0 ? 0 : EXIT_WRONG_ECHO;
}
