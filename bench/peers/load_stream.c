/*
 * A stream to an echo server and back, as fast as the two take it; every byte that returns is checked.
 *
 *     load_stream --port P [--bytes 1000000000] [the options of load.h]
 *
 * --warmup is in bytes, too. A write offers 64 KiB, and at most 1 MiB is under way. There are no latencies.
 * "operations" in the output counts the writes.
 */
#include "load.h"

/* The pattern repeats after a prime number of bytes, so never in step with writes or segments. */
enum { PERIOD = 65521, CHUNK = 65536, WINDOW = 1 << 20 };

static int fd;
static unsigned char *pattern;
static unsigned char buffer[262144];
/* Bytes, of all phases. */
static long sent, received;

static const unsigned char *data_at(long position)
{
    return pattern + (size_t)position % PERIOD;
}

/* Streams up to some position, there and back, or until the time is up; returns the number of writes. */
static long run(long target)
{
    long operations = 0;
    uint64_t begin = now_ns(), deadline = deadline_from(begin), last_progress = begin;
    while (received < target) {
        uint64_t now = now_ns();
        if (now >= deadline)
            target = sent;
        long room = WINDOW - (sent - received), left = target - sent;
        long length = left < CHUNK ? left : CHUNK;
        length = room < length ? room : length;
        size_t n = length <= 0 ? 0 : send_some(fd, data_at(sent), (size_t)length);
        sent += (long)n;
        operations += n > 0;
        n = received == sent ? 0 : receive_some(fd, buffer, sizeof buffer);
        if ((long)n > sent - received)
            wrong_reply("more came back than was sent");
        /* Whatever comes at once lies in one piece, wherever in the period it begins. */
        if (memcmp(data_at(received), buffer, n) != 0)
            wrong_reply("an echo came back wrong");
        received += (long)n;
        last_progress = n > 0 ? now : last_progress;
        if (now > last_progress + PATIENCE_NS)
            fail("no echo within 5 s");
    }
    return operations;
}

int main(int argc, char **argv)
{
    static const struct option known[] = { { "bytes", required_argument, NULL, 'b' },
                                           COMMON_OPTIONS,
                                           { 0 } };
    long bytes = 1000000000;
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (o == 'b')
            bytes = number("bytes", optarg, 1, 1000000000000);
        else
            parse_common(o);
    }
    check_common();
    pattern = make_pattern(PERIOD + sizeof buffer);
    for (size_t i = PERIOD; i < PERIOD + sizeof buffer; i++)
        pattern[i] = pattern[i - PERIOD];
    fd = connect_to(common.host, common.port);
    set_nonblocking(fd);
    run(common.warmup);
    long before = received;
    uint64_t begin = now_ns();
    long operations = run(before + bytes);
    report(operations, now_ns() - begin, received - before);
    return 0;
}
