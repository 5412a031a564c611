/*
 * Connections made one after the other: connect, one checked echo of 64 bytes, close.
 *
 *     load_connect --port P [the options of load.h]
 *
 * The latency is the time from connect() until the whole echo is back. A connection is closed by a reset
 * (SO_LINGER 0): an orderly close would leave its port in TIME_WAIT for a minute, and the 28 000 ports there
 * are would be used up within seconds.
 */
#include "load.h"

enum { SIZE = 64, MESSAGES = 4096, STRIDE = 1021 };

static unsigned char *pattern;
static struct sockaddr_in address;

static void close_by_reset(int fd)
{
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0)
        fail("cannot set SO_LINGER: %s", strerror(errno));
    close(fd);
}

static uint64_t make_connection(uint64_t number)
{
    const unsigned char *message = pattern + number * STRIDE % MESSAGES;
    unsigned char reply[SIZE + 1];
    size_t sent = 0, received = 0;
    uint32_t turns = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        fail("cannot make a socket: %s", strerror(errno));
    set_nodelay(fd);
    uint64_t begin = now_ns();
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        fail("cannot connect to %s:%d: %s", common.host, common.port, strerror(errno));
    while (received < SIZE) {
        /* A socket that is not yet connected is full. */
        if (sent < SIZE)
            sent += send_some(fd, message + sent, SIZE - sent);
        size_t n = sent == 0 ? 0 : receive_some(fd, reply, sizeof reply - received);
        if (n > sent - received)
            wrong_reply("more came back than was sent");
        if (memcmp(message + received, reply, n) != 0)
            wrong_reply("an echo came back wrong");
        received += n;
        if (++turns % TURNS_PER_CHECK == 0 && now_ns() - begin > PATIENCE_NS)
            fail("no echo within 5 s");
    }
    uint64_t elapsed = now_ns() - begin;
    close_by_reset(fd);
    return elapsed;
}

int main(int argc, char **argv)
{
    static const struct option known[] = { COMMON_OPTIONS, { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;)
        parse_common(o);
    check_common();
    address = address_of(common.host, common.port);
    pattern = make_pattern(SIZE + MESSAGES);
    measure_each(make_connection, SIZE);
    return 0;
}
