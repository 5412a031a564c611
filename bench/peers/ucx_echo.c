/*
 * An echo over UCX in C, on catmint's wire (libos/catmint/protocol.ts), for one client at a time.
 *
 *     ucx_echo [--hostname 127.0.0.1]
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
static unsigned char in[LARGEST];

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

static void greet(int fd)
{
    if (recv(fd, &theirs, 16, MSG_WAITALL) != 16 ||
        recv(fd, theirs.address, theirs.length, MSG_WAITALL) != theirs.length)
        fail("the other end said no hello");
    send(fd, &mine, 16 + mine.length, MSG_NOSIGNAL);
    recv(fd, in, 1, MSG_WAITALL);
    credit = theirs.window, owed = 0;
    ucp_ep_params_t params = {
        .field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE,
        .address = (void *)theirs.address,
        .err_mode = UCP_ERR_HANDLING_MODE_PEER,
    };
    if (ucp_ep_create(worker, &params, &endpoint) != UCS_OK)
        fail("UCX knows no way to the other end");
}

int main(int argc, char **argv)
{
    const char *hostname = "127.0.0.1";
    int port = 0;
    parse_server(argc, argv, &hostname, &port, NULL, NULL);
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
    for (int listener = listen_on(hostname, port, SOCK_STREAM);;) {
        int fd = accept(listener, NULL, NULL);
        greet(fd);
        for (size_t got = 0;; got = 0) {
            uint32_t type = hear(&got);
            if (type > CREDIT || (type == DATA && !push(in, got)))
                break;
        }
        say(CLOSE, 0, NULL, 0);
    }
}
