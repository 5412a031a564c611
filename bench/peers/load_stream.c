/*
 * A stream to an echo server and back, as fast as the two take it; every byte that returns is checked.
 *
 *     load_stream --port P [--connections 1] [--bytes 1000000000] [--chunk 65536] [--window 1048576]
 *                 [the options of load.h]
 *
 * --bytes and --warmup are of all connections together; --chunk is how much a write offers, and at most
 * --window bytes of a connection are under way. There are no latencies: --samples is not taken.
 * "operations" in the output counts the writes.
 */
#include "load.h"

/* The pattern repeats after a prime number of bytes, so never in step with writes or segments. */
enum { PERIOD = 65521, CONNECTION_STRIDE = 977, MAX_CHUNK = 1 << 20 };

static struct {
    long connections, bytes, chunk, window;
} options = { 1, 1000000000, 65536, 1 << 20 };

struct connection {
    int fd;
    long target, sent, received; /* of the phase that is under way */
    size_t start;                /* where in the pattern the phase began */
};

static struct connection *connections;
static unsigned char *pattern;
static unsigned char buffer[262144];

static void parse(int argc, char **argv)
{
    static const struct option known[] = { { "connections", required_argument, NULL, 'c' },
                                           { "bytes", required_argument, NULL, 'b' },
                                           { "chunk", required_argument, NULL, 'k' },
                                           { "window", required_argument, NULL, 'n' },
                                           COMMON_OPTIONS,
                                           { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (o) {
        case 'c': options.connections = number("connections", optarg, 1, 1000); break;
        case 'b': options.bytes = number("bytes", optarg, 1, 1000000000000); break;
        case 'k': options.chunk = number("chunk", optarg, 1, MAX_CHUNK); break;
        case 'n': options.window = number("window", optarg, 1, 1 << 30); break;
        case 'o': fail("--samples is not taken: a stream has no latencies");
        default: parse_common(o);
        }
    }
    check_common();
}

static const unsigned char *data_at(const struct connection *connection, long position)
{
    return pattern + (connection->start + (size_t)position) % PERIOD;
}

/* Returns whether a write was made. */
static bool send_chunk(struct connection *connection)
{
    long room = options.window - (connection->sent - connection->received);
    long left = connection->target - connection->sent;
    long length = left < options.chunk ? left : options.chunk;
    length = room < length ? room : length;
    if (length <= 0)
        return false;
    size_t n = send_some(connection->fd, data_at(connection, connection->sent), (size_t)length);
    connection->sent += (long)n;
    return n > 0;
}

/* Returns how many bytes came back. */
static long receive_chunk(struct connection *connection)
{
    size_t n = receive_some(connection->fd, buffer, sizeof buffer);
    if (n > (size_t)(connection->sent - connection->received))
        wrong_reply("more came back than was sent");
    if (memcmp(data_at(connection, connection->received), buffer, n) != 0)
        wrong_reply("an echo came back wrong");
    connection->received += (long)n;
    return (long)n;
}

/* Streams `bytes` there and back, or what the time limit allows; returns the number of writes. */
static long run(long bytes, long *returned, uint64_t *elapsed)
{
    long operations = 0;
    uint64_t begin = now_ns(), deadline = deadline_from(begin), last_progress = begin;
    bool over = false;
    *returned = 0;
    for (long i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        connection->start = (connection->start + (size_t)connection->received) % PERIOD;
        connection->sent = connection->received = 0;
        connection->target = bytes / options.connections + (i < bytes % options.connections);
    }
    while (!over) {
        uint64_t now = now_ns();
        bool late = now >= deadline;
        over = true;
        for (long i = 0; i < options.connections; i++) {
            struct connection *connection = &connections[i];
            if (late)
                connection->target = connection->sent;
            operations += send_chunk(connection);
            if (connection->received < connection->sent) {
                long n = receive_chunk(connection);
                *returned += n;
                last_progress = n > 0 ? now : last_progress;
            }
            over = over && connection->received == connection->target;
        }
        if (now > last_progress + PATIENCE_NS)
            fail("no echo within 5 s");
    }
    *elapsed = now_ns() - begin;
    return operations;
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    raise_descriptor_limit();
    /* Whatever is sent or received at once lies in one piece, wherever in the period it begins. */
    pattern = make_pattern(PERIOD + MAX_CHUNK);
    for (size_t i = PERIOD; i < PERIOD + MAX_CHUNK; i++)
        pattern[i] = pattern[i - PERIOD];
    connections = allocate((size_t)options.connections, sizeof *connections);
    for (long i = 0; i < options.connections; i++) {
        connections[i].fd = connect_to(common.host, common.port);
        connections[i].start = (size_t)(i * CONNECTION_STRIDE) % PERIOD;
        set_nonblocking(connections[i].fd);
    }
    uint64_t elapsed;
    long bytes;
    if (common.warmup > 0)
        run(common.warmup, &bytes, &elapsed);
    long operations = run(options.bytes, &bytes, &elapsed);
    printf("{\"operations\":%ld,\"elapsed\":%llu,\"bytes\":%ld}\n", operations,
           (unsigned long long)elapsed, bytes);
    return 0;
}
