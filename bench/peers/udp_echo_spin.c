/*
 * The plainest UDP echo server there is: a non-blocking recvfrom() tried again until it brings a
 * datagram, which goes back to where it came from.
 *
 *     udp_echo_spin [--hostname 127.0.0.1] [--port 0]
 */
#include "peer.h"

/* A bound socket, announced on stdout with the port the kernel chose when asked for port 0. */
static int bind_to(const char *hostname, int port)
{
    struct sockaddr_in address = address_of(hostname, port);
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        fail("cannot make a socket: %s", strerror(errno));
    if (bind(fd, (struct sockaddr *)&address, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        fail("cannot bind to %s:%d: %s", hostname, port, strerror(errno));
    printf("listening on %s:%d\n", hostname, ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    static char buffer[65536];
    const char *hostname = "127.0.0.1";
    int port = 0;
    parse_address(argc, argv, &hostname, &port);
    int fd = bind_to(hostname, port);
    set_nonblocking(fd);
    for (;;) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t received = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length);
        /* Any other error is about a datagram sent before, to a client that has gone. */
        if (received < 0)
            continue;
        while (sendto(fd, buffer, (size_t)received, 0, (struct sockaddr *)&from, length) < 0 &&
               errno == EAGAIN)
            continue;
    }
}
