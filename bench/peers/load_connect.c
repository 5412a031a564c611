/*
 * Connections made one after the other: connect, one checked echo of 64 bytes, close.
 *
 *     load_connect --port P [--iterations 5000] [--concurrency 1] [the options of load.h]
 *
 * The latency is the time from connect() until the whole echo is back. --concurrency connections are
 * being made at any time. A connection is closed by a reset (SO_LINGER 0): an orderly close would leave
 * its port in TIME_WAIT for a minute, and the 28 000 ports there are would be used up within seconds.
 */
#include "load.h"

enum { SIZE = 64, MESSAGES = 4096, STRIDE = 1021 };

static struct {
    long iterations, concurrency;
} options = { 5000, 1 };

/* A connection that is being made, and tried. */
struct attempt {
    int fd; /* negative when there is none */
    const unsigned char *message;
    size_t sent, received;
    uint64_t begin;
};

static struct attempt *attempts;
static unsigned char *pattern;
static struct sockaddr_in address;

static struct {
    bool recorded;
    long target, issued, answered;
    uint64_t begin, deadline, last_progress;
} phase;

static void parse(int argc, char **argv)
{
    static const struct option known[] = { { "iterations", required_argument, NULL, 'i' },
                                           { "concurrency", required_argument, NULL, 'c' },
                                           COMMON_OPTIONS,
                                           { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (o) {
        case 'i': options.iterations = number("iterations", optarg, 1, 100000000); break;
        case 'c': options.concurrency = number("concurrency", optarg, 1, 10000); break;
        default: parse_common(o);
        }
    }
    check_common();
}

static void close_by_reset(int fd)
{
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0)
        fail("cannot set SO_LINGER: %s", strerror(errno));
    close(fd);
}

/* Does what can be done now; returns whether the echo is back. A socket not yet connected is full. */
static bool advance(struct attempt *attempt)
{
    unsigned char reply[SIZE + 1];
    if (attempt->sent < SIZE)
        attempt->sent += send_some(attempt->fd, attempt->message + attempt->sent,
                                   SIZE - attempt->sent);
    if (attempt->sent == 0)
        return false;
    size_t n = receive_some(attempt->fd, reply, sizeof reply - attempt->received);
    if (n > attempt->sent - attempt->received)
        wrong_reply("more came back than was sent");
    if (memcmp(attempt->message + attempt->received, reply, n) != 0)
        wrong_reply("an echo came back wrong");
    attempt->received += n;
    return attempt->received == SIZE;
}

/* Begins the next connection, unless there have been enough. */
static void begin_attempt(struct attempt *attempt)
{
    attempt->fd = -1;
    if (phase.issued == phase.target || now_ns() >= phase.deadline)
        return;
    attempt->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (attempt->fd < 0)
        fail("cannot make a socket: %s", strerror(errno));
    set_nodelay(attempt->fd);
    attempt->message = pattern + (uint64_t)phase.issued++ * STRIDE % MESSAGES;
    attempt->sent = attempt->received = 0;
    attempt->begin = now_ns();
    if (connect(attempt->fd, (struct sockaddr *)&address, sizeof address) != 0 &&
        errno != EINPROGRESS)
        fail("cannot connect to %s:%d: %s", common.host, common.port, strerror(errno));
    attempt->sent = send_some(attempt->fd, attempt->message, SIZE);
    /* Each change is told once: that there is room when it has connected, and then what comes. */
    watch(EPOLL_CTL_ADD, attempt->fd, (uint32_t)(attempt - attempts), EPOLLIN | EPOLLOUT | EPOLLET);
}

static void look_at(struct attempt *attempt)
{
    if (attempt->fd < 0 || !advance(attempt))
        return;
    phase.last_progress = now_ns();
    phase.answered++;
    if (phase.recorded)
        sample((double)(phase.last_progress - attempt->begin));
    close_by_reset(attempt->fd);
    begin_attempt(attempt);
}

static void run(long target, bool recorded)
{
    phase.recorded = recorded;
    phase.target = target;
    phase.issued = phase.answered = 0;
    phase.begin = phase.last_progress = now_ns();
    phase.deadline = deadline_from(phase.begin);
    for (long i = 0; i < options.concurrency; i++)
        begin_attempt(&attempts[i]);
    for (uint32_t turns = 1; phase.answered < phase.issued; turns++) {
        uint32_t indices[MAX_READY];
        int ready = ready_sockets(indices);
        for (int i = 0; i < ready; i++)
            look_at(&attempts[indices[i]]);
        if (turns % TURNS_PER_CHECK == 0 && now_ns() > phase.last_progress + PATIENCE_NS)
            fail("no echo within 5 s");
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    raise_descriptor_limit();
    prepare_samples(options.iterations);
    address = address_of(common.host, common.port);
    pattern = make_pattern(SIZE + MESSAGES);
    attempts = allocate((size_t)options.concurrency, sizeof *attempts);
    prepare_polling(options.concurrency);
    if (common.warmup > 0)
        run(common.warmup, false);
    run(options.iterations, true);
    write_samples();
    printf("{\"operations\":%ld,\"elapsed\":%llu,\"bytes\":%lld}\n", phase.answered,
           (unsigned long long)(phase.last_progress - phase.begin),
           (long long)phase.answered * SIZE);
    return 0;
}
