/*
 * The plainest TCP echo server there is: one thread, one connection at a time, and a non-blocking
 * recv() tried again until it brings something. It is the floor that kernel sockets allow, and so
 * the peer that "ours / C spin" is measured against.
 *
 *     echo_spin [--hostname 127.0.0.1] [--port 0]
 */
#include "peer.h"

static void echo_until_eof(int fd)
{
    static char buffer[65536];
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

int main(int argc, char **argv)
{
    const char *hostname = "127.0.0.1";
    int port = 0;
    parse_address(argc, argv, &hostname, &port);
    int listener = listen_on(hostname, port);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            fail("cannot accept: %s", strerror(errno));
        set_nodelay(fd);
        set_nonblocking(fd);
        echo_until_eof(fd);
        close(fd);
    }
}
