/*
 * Load on a server over HTTP: GET / on a connection that is kept, one request after the other; every reply has to be
 * as long as the first one, and to say 200.
 *
 *     load_http --port P [--echo-port P] [the options of load.h]
 *
 * With --echo-port, messages of 64 bytes go to an echo server and back meanwhile, one at a time, without a pause. That
 * is done here, so that what is measured does not share its core with another program.
 */
#include "load.h"

enum { ECHO_SIZE = 64, MESSAGES = 4096 };

static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char OK[] = "HTTP/1.1 200 ";

static int http_fd, echo_fd = -1;
static char reply[65536];
static size_t reply_length;
static unsigned char *pattern, echoed[ECHO_SIZE];
static size_t echo_received = ECHO_SIZE;
static uint64_t echoes;

/* Receives the rest of a reply up to its length, which is not known of the first one before its head is here. */
static bool receive_reply(size_t *received)
{
    *received += receive_some(http_fd, reply + *received, sizeof reply - 1 - *received);
    reply[*received] = '\0';
    char *end = strstr(reply, "\r\n\r\n"), *length = strcasestr(reply, "\r\ncontent-length:");
    if (reply_length == 0 && end != NULL) {
        if (length == NULL || length > end)
            wrong_reply("a reply without its length");
        reply_length = (size_t)(end + 4 - reply) + strtoul(length + 17, NULL, 10);
    }
    if (reply_length == 0 || *received < reply_length)
        return false;
    if (*received > reply_length || strncmp(reply, OK, sizeof OK - 1) != 0)
        wrong_reply("a reply came back wrong");
    return true;
}

/* Takes what there is of the echo; when it is whole, sends the next message. */
static void echo(void)
{
    if (echo_received < ECHO_SIZE) {
        echo_received += receive_some(echo_fd, echoed + echo_received, ECHO_SIZE - echo_received);
        if (echo_received < ECHO_SIZE)
            return;
        if (memcmp(echoed, pattern + echoes % MESSAGES, ECHO_SIZE) != 0)
            wrong_reply("an echo came back wrong");
    }
    if (send_some(echo_fd, pattern + ++echoes % MESSAGES, ECHO_SIZE) != ECHO_SIZE)
        fail("cannot send a message at once");
    echo_received = 0;
}

static uint64_t request(uint64_t number)
{
    (void)number;
    size_t received = 0;
    uint64_t begin = now_ns();
    if (send_some(http_fd, REQUEST, sizeof REQUEST - 1) != sizeof REQUEST - 1)
        fail("cannot send a request at once");
    for (uint32_t turns = 1; !receive_reply(&received); turns++) {
        if (echo_fd >= 0)
            echo();
        if (turns % TURNS_PER_CHECK == 0 && now_ns() - begin > PATIENCE_NS)
            fail("no reply within 5 s");
    }
    return now_ns() - begin;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "echo-port", required_argument, NULL, 'e' },
                                             COMMON_OPTIONS,
                                             { 0 } };
    long echo_port = 0;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'e')
            echo_port = number("echo-port", optarg, 1, 65535);
        else
            parse_common(o);
    }
    check_common();
    pattern = make_pattern(ECHO_SIZE + MESSAGES);
    http_fd = connect_to(common.host, common.port);
    set_nonblocking(http_fd);
    if (echo_port > 0) {
        echo_fd = connect_to(common.host, (int)echo_port);
        set_nonblocking(echo_fd);
    }
    measure_each(request, sizeof REQUEST - 1);
    return 0;
}
