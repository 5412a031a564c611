/*
 * Load on a server that speaks the protocol of Redis (RESP); every reply is checked.
 *
 *     load_kv --port P [--connections 50] [--pipeline 1] [--get-share 0.5] [--keys 10000]
 *             [the options of load.h]
 *
 * First all keys are set. Then each connection sends --pipeline requests at once, GET or SET of a random
 * key, awaits all their replies, and begins again. The latency of a request is the time from before its
 * batch was sent until its reply was read; the replies that one recv() brings are read at one time. What
 * a key is set to follows from the key, so each GET is known in advance to the byte.
 *
 * "bytes" in the output is what the values amount to, one way.
 */
#include "load.h"

/* A key is "key:" and its number in so many digits; the longest number of one is 2^32. */
enum { DIGITS = 12, KEY = 4 + DIGITS, VALUE = 64, REST = VALUE - DIGITS };

/* Windows of the pattern that the rest of a value is: the number of the key chooses one. */
enum { VALUES = 65536, STRIDE = 1021 };

static struct {
    long connections, pipeline, keys;
    double get_share;
} options = { 50, 1, 10000, 0.5 };

struct request {
    uint32_t key;
    bool get;
};

struct connection {
    int fd;
    bool blocked;
    long size, replied;                     /* requests of the batch, and those of them replied to */
    struct request *batch;
    unsigned char *output, *input;
    size_t output_length, sent;             /* bytes */
    size_t input_length, parsed;            /* bytes */
    uint64_t begin;                         /* when the batch was sent */
};

static struct connection *connections;
static unsigned char *pattern;
static size_t input_capacity;
static uint64_t seed = 1;

/* What all requests and replies of a kind have in common. */
static struct {
    char get[64], set[64], after_key[32], bulk[32];
    size_t get_length, set_length, after_key_length, bulk_length;
} wire;

/* Whether all keys are being set. */
static bool fills;

static void parse(int argc, char **argv)
{
    static const struct option known[] = { { "connections", required_argument, NULL, 'c' },
                                           { "pipeline", required_argument, NULL, 'P' },
                                           { "get-share", required_argument, NULL, 'g' },
                                           { "keys", required_argument, NULL, 'k' },
                                           COMMON_OPTIONS,
                                           { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (o) {
        case 'c': options.connections = number("connections", optarg, 1, 1000000); break;
        case 'P': options.pipeline = number("pipeline", optarg, 1, 10000); break;
        case 'g': options.get_share = fraction("get-share", optarg, 0, 1); break;
        case 'k': options.keys = number("keys", optarg, 1, UINT32_MAX); break;
        default: parse_common(o);
        }
    }
    check_common();
}

/* ---- The wire ---- */

static void prepare_wire(void)
{
    wire.get_length = (size_t)sprintf(wire.get, "*2\r\n$3\r\nGET\r\n$%d\r\nkey:", KEY);
    wire.set_length = (size_t)sprintf(wire.set, "*3\r\n$3\r\nSET\r\n$%d\r\nkey:", KEY);
    wire.bulk_length = (size_t)sprintf(wire.bulk, "$%d\r\n", VALUE);
    wire.after_key_length = (size_t)sprintf(wire.after_key, "\r\n$%d\r\n", VALUE);
}

/* A value is the number of its key, which tells all of them apart, and random bytes after it. */
static const unsigned char *rest_of_value(uint32_t key)
{
    return pattern + (size_t)(key * STRIDE) % VALUES;
}

static void write_digits(unsigned char to[DIGITS], uint32_t key)
{
    for (int i = DIGITS - 1; i >= 0; i--, key /= 10)
        to[i] = (unsigned char)('0' + key % 10);
}

static unsigned char *append(unsigned char *to, const void *data, size_t length)
{
    memcpy(to, data, length);
    return to + length;
}

static unsigned char *append_request(unsigned char *to, struct request request)
{
    unsigned char digits[DIGITS];
    write_digits(digits, request.key);
    to = request.get ? append(to, wire.get, wire.get_length) : append(to, wire.set, wire.set_length);
    to = append(to, digits, DIGITS);
    if (!request.get) {
        to = append(to, wire.after_key, wire.after_key_length);
        to = append(to, digits, DIGITS);
        to = append(to, rest_of_value(request.key), REST);
    }
    return append(to, "\r\n", 2);
}

/* Compares as much of `expected` as there is at `*at`, which moves behind it; false if not all is there. */
static bool expect(const struct connection *connection, size_t *at, const void *expected,
                   size_t length)
{
    size_t available = connection->input_length - *at;
    size_t part = available < length ? available : length;
    const unsigned char *input = connection->input + *at;
    if (memcmp(input, expected, part) != 0) {
        size_t shown = 0;
        while (shown < available && shown < 80 && input[shown] >= ' ' && input[shown] <= '~')
            shown++;
        fprintf(stderr, "a reply came back wrong: \"%.*s\"\n", (int)shown, (const char *)input);
        exit(EXIT_WRONG_ECHO);
    }
    *at += part;
    return part == length;
}

static bool expect_bulk(const struct connection *connection, size_t *at, uint32_t key)
{
    unsigned char digits[DIGITS];
    write_digits(digits, key);
    return expect(connection, at, wire.bulk, wire.bulk_length) &&
           expect(connection, at, digits, DIGITS) &&
           expect(connection, at, rest_of_value(key), REST) &&
           expect(connection, at, "\r\n", 2);
}

/* Reads one reply; false if not all of it is there. */
static bool parse_reply(struct connection *connection, struct request request)
{
    size_t at = connection->parsed;
    bool whole = request.get ? expect_bulk(connection, &at, request.key)
                             : expect(connection, &at, "+OK\r\n", 5);
    if (whole)
        connection->parsed = at;
    return whole;
}

/* ---- Batches ---- */

static void flush(struct connection *connection)
{
    uint32_t index = (uint32_t)(connection - connections);
    while (connection->sent < connection->output_length) {
        size_t n = send_some(connection->fd, connection->output + connection->sent,
                             connection->output_length - connection->sent);
        connection->sent += n;
        if (n == 0)
            return watch_for_room(connection->fd, index, &connection->blocked, true);
    }
    watch_for_room(connection->fd, index, &connection->blocked, false);
}

/* Sends the next batch, unless there have been enough. */
static void send_batch(struct connection *connection)
{
    long left = phase.target - phase.issued;
    long size = left < options.pipeline ? left : options.pipeline;
    connection->size = connection->replied = 0;
    if (size == 0 || now_ns() >= phase.deadline)
        return;
    unsigned char *end = connection->output;
    for (long i = 0; i < size; i++) {
        struct request request = { .key = (uint32_t)(phase.issued + i), .get = false };
        if (!fills) {
            request.key = (uint32_t)(next_random(&seed) % (uint64_t)options.keys);
            request.get = next_fraction(&seed) < options.get_share;
        }
        connection->batch[i] = request;
        end = append_request(end, request);
    }
    phase.issued += size;
    connection->size = size;
    connection->output_length = (size_t)(end - connection->output);
    connection->sent = connection->input_length = connection->parsed = 0;
    connection->begin = now_ns();
    flush(connection);
}

static void receive_replies(struct connection *connection)
{
    size_t received = receive_some(connection->fd, connection->input + connection->input_length,
                                   input_capacity - connection->input_length);
    if (received == 0)
        return;
    uint64_t now = now_ns();
    phase.last_progress = now;
    connection->input_length += received;
    while (connection->replied < connection->size &&
           parse_reply(connection, connection->batch[connection->replied])) {
        connection->replied++;
        phase.answered++;
        if (phase.recorded)
            sample((double)(now - connection->begin));
    }
    if (connection->replied < connection->size)
        return;
    if (connection->parsed < connection->input_length)
        wrong_reply("more replies came back than there were requests");
    send_batch(connection);
}

static void run(long target, bool fill, bool recorded)
{
    fills = fill;
    begin_phase(target, recorded);
    /* Without all the keys there is nothing to measure. */
    if (fill)
        phase.deadline = UINT64_MAX;
    for (long i = 0; i < options.connections; i++)
        send_batch(&connections[i]);
    for (uint32_t turns = 1; phase.answered < phase.issued; turns++) {
        uint32_t indices[MAX_READY];
        int ready = ready_sockets(indices);
        for (int i = 0; i < ready; i++) {
            struct connection *connection = &connections[indices[i]];
            if (connection->blocked)
                flush(connection);
            receive_replies(connection);
        }
        if (turns % TURNS_PER_CHECK == 0)
            check_patience(now_ns());
    }
}

/* The buffers of a connection have room for the largest batch there can be, and its replies. */
static void open_all(void)
{
    size_t pipeline = (size_t)options.pipeline;
    size_t request = wire.set_length + DIGITS + wire.after_key_length + VALUE + 2;
    size_t output_capacity = pipeline * request;
    /* A byte more than any right reply has, so that what is too long is seen. */
    input_capacity = pipeline * (wire.bulk_length + VALUE + sizeof "+OK\r\n") + 1;
    connections = allocate((size_t)options.connections, sizeof *connections);
    prepare_polling(options.connections);
    for (long i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        connection->fd = connect_to(common.host, common.port);
        connection->batch = allocate(pipeline, sizeof *connection->batch);
        connection->output = allocate(output_capacity, 1);
        connection->input = allocate(input_capacity, 1);
        set_nonblocking(connection->fd);
        watch(EPOLL_CTL_ADD, connection->fd, (uint32_t)i, EPOLLIN);
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    raise_descriptor_limit();
    prepare_samples(common.iterations);
    prepare_wire();
    pattern = make_pattern(VALUE + VALUES);
    open_all();
    run(options.keys, true, false);
    if (common.warmup > 0)
        run(common.warmup, false, false);
    run(common.iterations, false, true);
    report(phase.answered, phase.last_progress - phase.begin, phase.answered * VALUE);
    return 0;
}
