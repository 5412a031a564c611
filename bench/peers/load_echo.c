/*
 * Load on an echo server, over any number of connections; every byte that comes back is checked.
 *
 *     load_echo --port P [--udp | --reconnect] [--connections 1] [--active ALL] [--size 64]
 *               [--pipeline 1] [--rate REQUESTS_PER_SECOND [--seed 1]] [--cpu-of PID] [the options of load.h]
 *
 * Closed loop: each active connection has one request outstanding, and its latency counts from when it
 * was sent; with --pipeline several, whose latencies are not kept. Open loop (--rate): requests are due at random times (Poisson) that know nothing of the server, on the
 * connections in turn, and the latency counts from when a request was DUE; one that is due goes out
 * although earlier ones are outstanding, or waits, keeping its time, while its socket is full. So a
 * server that stalls is charged for all who would have come meanwhile. The warm-up is a closed loop.
 *
 * Connections beyond --active were echoed once and stay silent. Datagrams (--udp) are of one socket, in a closed loop.
 *
 * The output may have more fields. "unanswered": requests of an open loop still outstanding when the
 * time was up. "lost" (UDP): requests without a reply for 200 ms, each made up for by another one. Linux's TCP
 * would wait as long (its least retransmission timeout) before it sent again. With
 * --reconnect, for a server whose TCP is known to let connections stall: requests of a closed loop without
 * a reply for 1 s, for as many as were on a connection that was left for a new one. And with --cpu-of
 * "cpu": the nanoseconds of processor time that a process used meanwhile, in all its threads.
 */
#include "load.h"
#include <math.h>

#define LOSS_NS 200000000u

/* Two retransmissions of Linux's TCP, which waits 200 ms for the first, and 400 ms for the next. */
#define STALL_NS 1000000000u

/* Different messages of one connection; strides are odd, so that all of them take turns. */
enum { MESSAGES = 4096, STRIDE = 1021, CONNECTION_STRIDE = 977 };

/* Requests to send before looking for replies again. */
enum { BURST = 16 };

static struct {
    bool udp, reconnect;
    long connections, active, size, pipeline, cpu_of;
    double rate;
    uint64_t seed;
} options = { false, false, 1, 0, 64, 1, 0, 0, 1 };

/* Requests are numbered per connection, and counted: those before `received` are over. */
struct connection {
    int fd;
    bool blocked;                       /* its socket was full when it last tried to send */
    uint64_t due, sent, received;       /* requests that are due, went out whole, came back whole */
    size_t sent_bytes, received_bytes;  /* of the request that is the next to do so */
    uint64_t begin;                     /* closed loop: when the last request was made */
};

static struct connection *connections;
static unsigned char *pattern;
static unsigned char buffer[262144];

/* What an open loop knows beside its phase. */
static struct {
    bool open;
    double next_due;          /* when the next request is, in ns from the beginning */
    double *due_times;        /* the same by number */
    const uint64_t *first;    /* the number of each connection's first request */
} schedule;

static void parse(int argc, char **argv)
{
    static const struct option known[] = { { "udp", no_argument, NULL, 'u' },
                                           { "reconnect", no_argument, NULL, 'n' },
                                           { "connections", required_argument, NULL, 'c' },
                                           { "active", required_argument, NULL, 'a' },
                                           { "size", required_argument, NULL, 's' },
                                           { "pipeline", required_argument, NULL, 'l' },
                                           { "rate", required_argument, NULL, 'r' },
                                           { "seed", required_argument, NULL, 'e' },
                                           { "cpu-of", required_argument, NULL, 'P' },
                                           COMMON_OPTIONS,
                                           { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (o) {
        case 'u': options.udp = true; break;
        case 'n': options.reconnect = true; break;
        case 'c': options.connections = number("connections", optarg, 1, 1000000); break;
        case 'a': options.active = number("active", optarg, 1, 1000000); break;
        case 's': options.size = number("size", optarg, 1, 1 << 20); break;
        case 'l': options.pipeline = number("pipeline", optarg, 1, 1000); break;
        case 'r': options.rate = fraction("rate", optarg, 0.001, 1e9); break;
        case 'e': options.seed = (uint64_t)number("seed", optarg, 1, INT32_MAX); break;
        case 'P': options.cpu_of = number("cpu-of", optarg, 1, INT32_MAX); break;
        default: parse_common(o);
        }
    }
    check_common();
    if (options.active == 0)
        options.active = options.connections;
    if (options.active > options.connections)
        fail("--active cannot be more than --connections");
    if (options.udp && (options.connections > 1 || options.rate > 0))
        fail("--udp is for one socket in a closed loop");
    if (options.reconnect && (options.udp || options.rate > 0))
        fail("--reconnect needs a closed loop over TCP");
    if (options.pipeline > 1 && (options.udp || options.reconnect || options.rate > 0))
        fail("--pipeline needs a plain closed loop over TCP");
    if (options.udp && options.size > 65507)
        fail("--size is at most 65507 with --udp");
}

static const unsigned char *message(const struct connection *connection, uint64_t request)
{
    uint64_t index = (uint64_t)(connection - connections);
    return pattern + (request * STRIDE + index * CONNECTION_STRIDE) % MESSAGES;
}

/* ---- Sending ---- */

/* Sends what is due, as far as the socket takes it. */
static void flush(struct connection *connection)
{
    size_t size = (size_t)options.size;
    uint32_t index = (uint32_t)(connection - connections);
    while (connection->sent < connection->due) {
        size_t done = connection->sent_bytes;
        const unsigned char *rest = message(connection, connection->sent) + done;
        size_t n = send_some(connection->fd, rest, size - done);
        if (n == 0)
            return watch_for_room(connection->fd, index, &connection->blocked, true);
        connection->sent_bytes += n;
        if (connection->sent_bytes == size) {
            connection->sent_bytes = 0;
            connection->sent++;
        }
    }
    watch_for_room(connection->fd, index, &connection->blocked, false);
}

/* Makes the next requests of a closed loop, unless there have been enough. */
static void request(struct connection *connection)
{
    while (connection->due - connection->received < (uint64_t)options.pipeline) {
        uint64_t now = now_ns();
        if (phase.issued == phase.target || now >= phase.deadline)
            return;
        phase.issued++;
        connection->due++;
        connection->begin = now;
        flush(connection);
    }
}

/* ---- Receiving ---- */

/* When a request of an open loop was due. */
static double *due_time(const struct connection *connection, uint64_t request)
{
    uint64_t index = (uint64_t)(connection - connections);
    uint64_t turn = request - schedule.first[index];
    return &schedule.due_times[turn * (uint64_t)options.active + index];
}

static void answered(const struct connection *connection, uint64_t request, uint64_t now)
{
    phase.answered++;
    phase.last_progress = now;
    double latency = (double)(now - connection->begin);
    if (schedule.open)
        latency = (double)(now - phase.begin) - *due_time(connection, request);
    if (phase.recorded && options.pipeline == 1)
        sample(latency);
}

static void receive_stream(struct connection *connection)
{
    size_t size = (size_t)options.size;
    size_t received = receive_some(connection->fd, buffer, sizeof buffer);
    uint64_t now = received == 0 ? 0 : now_ns();
    for (size_t done = 0; done < received;) {
        if (connection->received == connection->due)
            wrong_reply("more came back than was sent");
        size_t left = size - connection->received_bytes;
        size_t part = received - done < left ? received - done : left;
        const unsigned char *expected = message(connection, connection->received);
        if (memcmp(expected + connection->received_bytes, buffer + done, part) != 0)
            wrong_reply("an echo came back wrong");
        done += part;
        connection->received_bytes += part;
        if (connection->received_bytes == size) {
            connection->received_bytes = 0;
            answered(connection, connection->received++, now);
        }
    }
    if (received > 0)
        phase.last_progress = now;
}

/* A datagram may also be late, for a request that was given up, or come twice. */
static void receive_datagram(struct connection *connection)
{
    size_t size = (size_t)options.size;
    ssize_t received = recv(connection->fd, buffer, sizeof buffer, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received < 0)
        fail("cannot receive: %s", strerror(errno));
    uint64_t now = now_ns();
    if ((size_t)received != size)
        wrong_reply("an echo came back with another length");
    for (uint64_t back = 1; back <= MESSAGES && back <= connection->sent; back++) {
        if (memcmp(message(connection, connection->sent - back), buffer, size) != 0)
            continue;
        if (back == 1 && connection->received < connection->sent)
            answered(connection, connection->received++, now);
        return;
    }
    wrong_reply("an echo came back wrong");
}

/* One look at each socket that may have something, or room. */
static void turn(void)
{
    uint32_t indices[MAX_READY];
    int ready = ready_sockets(indices);
    for (int i = 0; i < ready; i++) {
        struct connection *connection = &connections[indices[i]];
        if (connection->blocked)
            flush(connection);
        if (options.udp)
            receive_datagram(connection);
        else
            receive_stream(connection);
        if (!schedule.open)
            request(connection);
    }
}

/* ---- The two loops ---- */

/* Leaves a connection for a new one, which goes on where that was. */
static void reconnect(struct connection *connection)
{
    close(connection->fd);
    connection->fd = connect_to(common.host, common.port);
    set_nonblocking(connection->fd);
    connection->sent = connection->due;
    connection->sent_bytes = connection->received_bytes = 0;
    connection->blocked = false;
    watch(EPOLL_CTL_ADD, connection->fd, (uint32_t)(connection - connections), EPOLLIN);
}

/* Gives up requests whose datagrams were lost, or whose connections stall, and makes others in their place. */
static void replace_lost(uint64_t now)
{
    uint64_t patience = options.udp ? LOSS_NS : STALL_NS;
    for (long i = 0; i < options.active; i++) {
        struct connection *connection = &connections[i];
        bool waiting = connection->received < connection->due;
        if (!waiting || now < connection->begin + patience)
            continue;
        if (options.reconnect)
            reconnect(connection);
        connection->received = connection->sent;
        phase.lost++;
        phase.target++;
        request(connection);
    }
}

static void run_closed(long target, bool recorded)
{
    begin_phase(target, recorded);
    for (long i = 0; i < options.active; i++)
        request(&connections[i]);
    for (uint32_t turns = 1; phase.answered + phase.lost < phase.issued; turns++) {
        turn();
        if (turns % TURNS_PER_CHECK == 0) {
            uint64_t now = now_ns();
            check_patience(now);
            if (options.udp || options.reconnect)
                replace_lost(now);
        }
    }
}

/* Nanoseconds from one request to the next; with Poisson arrivals they are exponentially distributed. */
static double next_gap(void)
{
    return -log(1 - next_fraction(&options.seed)) * 1e9 / options.rate;
}

/* Puts requests that are due by `now` on their connections. */
static void issue_due(double now)
{
    for (int i = 0; i < BURST && phase.issued < phase.target && schedule.next_due <= now; i++) {
        struct connection *connection = &connections[phase.issued % options.active];
        schedule.due_times[phase.issued++] = schedule.next_due;
        connection->due++;
        if (!connection->blocked)
            flush(connection);
        schedule.next_due += next_gap();
    }
}

/* What is outstanding at the end. What was due by then and could not even be sent is unanswered as well. */
static long count_unanswered(double end)
{
    long unanswered = phase.issued - phase.answered;
    for (long i = phase.issued; i < phase.target && schedule.next_due <= end; i++) {
        unanswered++;
        schedule.next_due += next_gap();
    }
    return unanswered;
}

/* Returns how many requests were unanswered at the end. */
static long run_open(void)
{
    uint64_t *first = allocate((size_t)options.active, sizeof *first);
    for (long i = 0; i < options.active; i++)
        first[i] = connections[i].due;
    schedule.first = first;
    schedule.due_times = allocate((size_t)common.iterations, sizeof *schedule.due_times);
    begin_phase(common.iterations, true);
    schedule.open = true;
    schedule.next_due = next_gap();
    uint64_t now;
    while ((now = now_ns()) < phase.deadline && phase.answered < phase.target) {
        if (phase.answered == phase.issued)
            phase.last_progress = now;
        issue_due((double)(now - phase.begin));
        turn();
        check_patience(now);
    }
    return count_unanswered((double)(now - phase.begin));
}

/* ---- Connections ---- */

static int connect_datagrams(void)
{
    struct sockaddr_in address = address_of(common.host, common.port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("cannot make a UDP socket: %s", strerror(errno));
    return fd;
}

/* A connection that was echoed once, so that the server has accepted it. */
static int open_connection(void)
{
    struct timeval patience = { .tv_sec = 5 };
    int fd = connect_to(common.host, common.port);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (send_some(fd, pattern, 64) != 64 || recv(fd, buffer, 64, MSG_WAITALL) != 64)
        fail("no echo within 5 s, or the server closed a connection that was still needed");
    if (memcmp(pattern, buffer, 64) != 0)
        wrong_reply("an echo came back wrong");
    return fd;
}

static void open_all(void)
{
    connections = allocate((size_t)options.connections, sizeof *connections);
    prepare_polling(options.active);
    for (long i = 0; i < options.connections; i++) {
        connections[i].fd = options.udp ? connect_datagrams() : open_connection();
        set_nonblocking(connections[i].fd);
        if (i < options.active)
            watch(EPOLL_CTL_ADD, connections[i].fd, (uint32_t)i, EPOLLIN);
    }
}

/* The silent connections must have lasted, and brought nothing. */
static void check_silent(void)
{
    for (long i = options.active; i < options.connections; i++) {
        if (receive_some(connections[i].fd, buffer, sizeof buffer) > 0)
            wrong_reply("something came on a connection that was silent");
    }
}

/* The processor time of the process that is watched, by the clock that the kernel has for each. */
static uint64_t cpu_ns(void)
{
    struct timespec time;
    clockid_t clock;
    if (options.cpu_of == 0)
        return 0;
    int error = clock_getcpuclockid((pid_t)options.cpu_of, &clock);
    if (error != 0 || clock_gettime(clock, &time) != 0)
        fail("cannot read the processor time of %ld: %s", options.cpu_of, strerror(error ? error : errno));
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    raise_descriptor_limit();
    prepare_samples(common.iterations);
    pattern = make_pattern((size_t)options.size + MESSAGES);
    open_all();
    if (common.warmup > 0)
        run_closed(common.warmup, false);
    long unanswered = 0;
    uint64_t cpu = cpu_ns();
    if (options.rate > 0)
        unanswered = run_open();
    else
        run_closed(common.iterations, true);
    cpu = cpu_ns() - cpu;
    /* The wait for datagrams that were lost is no part of it. */
    uint64_t elapsed = (unanswered > 0 ? now_ns() : phase.last_progress) - phase.begin;
    check_silent();
    write_samples();
    printf("{\"operations\":%ld,\"elapsed\":%llu,\"bytes\":%lld", phase.answered,
           (unsigned long long)elapsed, (long long)phase.answered * options.size);
    if (options.udp || options.reconnect)
        printf(",\"lost\":%ld", phase.lost);
    if (options.rate > 0)
        printf(",\"unanswered\":%ld", unanswered);
    if (options.cpu_of > 0)
        printf(",\"cpu\":%llu", (unsigned long long)cpu);
    puts("}");
    return 0;
}
