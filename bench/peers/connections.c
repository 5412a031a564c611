/*
 * Holds connections open: opens them, makes a few checked echoes on each, prints "ready", and keeps
 * them, silent, until its standard input ends; then closes all and exits.
 *
 *     connections --port P [--hostname 127.0.0.1] [--count 5000] [--echoes 4]
 */
#include "peer.h"

int main(int argc, char **argv)
{
    static const struct option options[] = { { "hostname", required_argument, NULL, 'h' },
                                             { "port", required_argument, NULL, 'p' },
                                             { "count", required_argument, NULL, 'n' },
                                             { "echoes", required_argument, NULL, 'e' },
                                             { 0 } };
    const char *hostname = "127.0.0.1";
    int port = 0;
    long count = 5000, echoes = 4;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'h': hostname = optarg; break;
        case 'p': port = (int)number("port", optarg, 1, 65535); break;
        case 'n': count = number("count", optarg, 1, 1000000); break;
        case 'e': echoes = number("echoes", optarg, 1, 1000000); break;
        default: return EXIT_FAILED;
        }
    }
    if (port == 0)
        fail("--port is needed");
    raise_descriptor_limit();
    int *fds = open_connections(hostname, port, count, echoes);
    puts("ready");
    fflush(stdout);
    char ignored[64];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        continue;
    /* A server that closed one of them meanwhile did not keep its connections, and is not measured. */
    for (long i = 0; i < count; i++) {
        if (recv(fds[i], ignored, sizeof ignored, MSG_DONTWAIT) != -1 || errno != EAGAIN)
            fail("connection %ld of %ld did not stay open and silent", i + 1, count);
        close(fds[i]);
    }
    free(fds);
    return 0;
}
