/*
 * An echo over UCX in C, on catmint's wire (libos/catmint/protocol.ts): a server of one client at a
 * time, or with --iterations a client that sends one message after the other, spins until all of it
 * is back, checks it, and prints the round trips in nanoseconds.
 *
 *     ucx_echo [--hostname 127.0.0.1] [--port 0] [--iterations N [--warmup N] [--size BYTES]]
 */
#include "peer.h"
#include <ucp/api/ucp.h>

enum { MAGIC = 0x31544d43, WINDOW = 1000000, LARGEST = 1 << 18, ID = 7 };
enum { DATA = 1, CREDIT, FINISH, CLOSE, RESET };
struct hello {
    uint32_t magic, id, window;
    uint16_t keep, length;
    uint8_t address[4096];
};

static ucp_worker_h worker;
static ucp_ep_h endpoint;
static struct hello mine, theirs;
static uint32_t credit, owed;
static unsigned char out[LARGEST], in[LARGEST];

static void finish(void *request)
{
    if (UCS_PTR_IS_ERR(request))
        fail("UCX: %s", ucs_status_string(UCS_PTR_STATUS(request)));
    while (request != NULL && ucp_request_check_status(request) == UCS_INPROGRESS)
        ucp_worker_progress(worker);
    if (request != NULL)
        ucp_request_free(request);
}

static void say(uint32_t type, uint32_t amount, const void *data, size_t length)
{
    static const ucp_request_param_t plain;
    uint64_t tag = (uint64_t)theirs.id << 32 | type << 28 | amount;
    finish(ucp_tag_send_nbx(endpoint, data, length, tag, &plain));
}

/* One message, if there is one: its type, and of data its length. */
static uint32_t hear(size_t *length)
{
    static const ucp_request_param_t plain;
    ucp_tag_recv_info_t info;
    ucp_worker_progress(worker);
    ucp_tag_message_h message = ucp_tag_probe_nb(worker, 0, 0, 1, &info);
    if (message == NULL)
        return 0;
    finish(ucp_tag_msg_recv_nbx(worker, in + *length, info.length, message, &plain));
    uint32_t type = (uint32_t)info.sender_tag >> 28;
    uint32_t cost = info.length < 64 ? 64 : (uint32_t)info.length;
    *length += info.length;
    if (type == CREDIT)
        credit += (uint32_t)info.sender_tag & 0xfffffff;
    if (type == DATA && (owed += cost) >= WINDOW / 4) {
        say(CREDIT, owed, NULL, 0);
        owed = 0;
    }
    return type;
}

/* Sends a message in as many parts as there is credit for; false when the other end is gone. */
static bool push(const unsigned char *data, size_t length)
{
    for (size_t none = 0, part; length > 0; data += part, length -= part) {
        while (credit < 64)
            if (hear(&none) > CREDIT)
                return false;
        part = length < credit ? length : credit;
        say(DATA, 0, data, part);
        credit -= part < 64 ? 64 : (uint32_t)part;
    }
    return true;
}

static void greet(int fd, bool is_server)
{
    if (!is_server)
        send(fd, &mine, 16 + mine.length, MSG_NOSIGNAL);
    if (recv(fd, &theirs, 16, MSG_WAITALL) != 16 ||
        recv(fd, theirs.address, theirs.length, MSG_WAITALL) != theirs.length)
        fail("the other end said no hello");
    if (is_server)
        send(fd, &mine, 16 + mine.length, MSG_NOSIGNAL);
    is_server ? recv(fd, in, 1, MSG_WAITALL) : send(fd, in, 1, MSG_NOSIGNAL);
    credit = theirs.window, owed = 0;
    ucp_ep_params_t params = {
        .field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE,
        .address = (void *)theirs.address,
        .err_mode = UCP_ERR_HANDLING_MODE_PEER,
    };
    if (ucp_ep_create(worker, &params, &endpoint) != UCS_OK)
        fail("UCX knows no way to the other end");
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void load(long warmup, long count, size_t size)
{
    uint64_t *times = calloc((size_t)(warmup + count), sizeof *times), *kept = times + warmup;
    for (long i = 0; i < warmup + count; i++) {
        memset(out, (int)i, 8);
        uint64_t begin = now_ns();
        push(out, size);
        for (size_t got = 0; got < size;)
            if (hear(&got) > CREDIT)
                fail("the server closed the connection");
        times[i] = now_ns() - begin;
        if (memcmp(out, in, size) != 0)
            exit(EXIT_WRONG_ECHO);
    }
    qsort(kept, (size_t)count, sizeof *kept, ascending);
    printf("{\"p50\":%llu,\"p90\":%llu,\"p99\":%llu}\n", (unsigned long long)kept[count / 2],
           (unsigned long long)kept[count * 9 / 10], (unsigned long long)kept[count * 99 / 100]);
    say(CLOSE, 0, NULL, 0);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "hostname", required_argument, NULL, 'h' }, { "port", required_argument, NULL, 'p' },
        { "iterations", required_argument, NULL, 'n' }, { "warmup", required_argument, NULL, 'w' },
        { "size", required_argument, NULL, 's' }, { 0 }
    };
    const char *hostname = "127.0.0.1";
    long port = 0, count = 0, warmup = 0, size = 64;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'h': hostname = optarg; break;
        case 'p': port = number("port", optarg, 0, 65535); break;
        case 'n': count = number("iterations", optarg, 1, 100000000); break;
        case 'w': warmup = number("warmup", optarg, 0, 100000000); break;
        case 's': size = number("size", optarg, 1, LARGEST); break;
        default: exit(EXIT_FAILED);
        }
    }
    setenv("UCX_MM_ERROR_HANDLING", "y", 0);
    ucp_params_t params = { .field_mask = UCP_PARAM_FIELD_FEATURES,
                            .features = UCP_FEATURE_TAG | UCP_FEATURE_WAKEUP };
    ucp_worker_params_t plain = { .field_mask = 0 };
    ucp_context_h context;
    ucp_address_t *address;
    size_t length;
    if (ucp_init(&params, NULL, &context) != UCS_OK ||
        ucp_worker_create(context, &plain, &worker) != UCS_OK ||
        ucp_worker_get_address(worker, &address, &length) != UCS_OK || length > sizeof mine.address)
        fail("UCX has no transport");
    mine = (struct hello){ MAGIC, ID, WINDOW, .keep = 1, .length = (uint16_t)length };
    memcpy(mine.address, address, length);
    if (count > 0) {
        greet(connect_to(hostname, (int)port), false);
        load(warmup, count, (size_t)size);
        /* To flush would wait for a server that accepts by now, and does not see to UCX. */
        for (uint64_t begin = now_ns(); now_ns() - begin < 10000000;)
            ucp_worker_progress(worker);
        return 0;
    }
    for (int listener = listen_on(hostname, (int)port);;) {
        int fd = accept(listener, NULL, NULL);
        greet(fd, true);
        for (size_t got = 0;; got = 0) {
            uint32_t type = hear(&got);
            if (type > CREDIT || (type == DATA && !push(in, got)))
                break;
        }
        say(CLOSE, 0, NULL, 0);
    }
}
