/*
 * The plainest echo server there is: one thread, one connection at a time, or with --udp whoever sends a datagram, and a
 * non-blocking recv() tried again until it brings something. It is the floor that kernel sockets allow, and so the
 * peer that "ours / C spin" is measured against.
 *
 *     echo_spin [--hostname 127.0.0.1] [--port 0] [--udp]
 */
#include "peer.h"

static char buffer[65536];

static void echo_until_eof(int fd)
{
    for (;;) {
        ssize_t received = recv(fd, buffer, sizeof buffer, 0);
        if (received < 0) {
            if (errno == EAGAIN)
                continue;
            return;
        }
        if (received == 0)
            return;
        for (ssize_t sent = 0; sent < received;) {
            ssize_t n = send(fd, buffer + sent, (size_t)(received - sent), MSG_NOSIGNAL);
            if (n >= 0)
                sent += n;
            else if (errno != EAGAIN)
                return;
        }
    }
}

static void echo_datagrams(int fd)
{
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

int main(int argc, char **argv)
{
    const char *hostname = "127.0.0.1";
    int port = 0;
    bool udp = false;
    parse_server(argc, argv, &hostname, &port, "udp", &udp);
    int fd = listen_on(hostname, port, udp ? SOCK_DGRAM : SOCK_STREAM);
    if (udp) {
        set_nonblocking(fd);
        echo_datagrams(fd);
    }
    for (;;) {
        int connection = accept(fd, NULL, NULL);
        if (connection < 0)
            fail("cannot accept: %s", strerror(errno));
        set_nodelay(connection);
        set_nonblocking(connection);
        echo_until_eof(connection);
        close(connection);
    }
}
