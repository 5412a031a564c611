/*
 * A TCP echo server for many connections: one thread, one epoll set. It spins on epoll_wait(0), as
 * a server that polls does, or with --block sleeps in it, as most servers do.
 *
 *     echo_epoll [--hostname 127.0.0.1] [--port 0] [--block]
 */
#include "peer.h"
#include <sys/epoll.h>

enum { MAX_EVENTS = 256 };

static void watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("cannot watch a socket: %s", strerror(errno));
}

static void accept_all(int epoll, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EAGAIN || errno == ECONNABORTED)
                return;
            fail("cannot accept: %s", strerror(errno));
        }
        set_nodelay(fd);
        watch(epoll, fd);
    }
}

/* Echoes what has arrived; closes the connection, and so leaves the set, at its end. */
static void echo(int fd)
{
    static char buffer[65536];
    ssize_t received = recv(fd, buffer, sizeof buffer, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    for (ssize_t sent = 0; sent < received;) {
        ssize_t n = send(fd, buffer + sent, (size_t)(received - sent), MSG_NOSIGNAL);
        if (n >= 0)
            sent += n;
        /* A full socket is waited for here: the clients of these benchmarks always read. */
        else if (errno != EAGAIN) {
            received = -1;
            break;
        }
    }
    if (received <= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    const char *hostname = "127.0.0.1";
    int port = 0;
    bool block = false;
    parse_server(argc, argv, &hostname, &port, "block", &block);
    raise_descriptor_limit();
    int epoll = epoll_create1(0);
    if (epoll < 0)
        fail("cannot make an epoll set: %s", strerror(errno));
    int listener = listen_on(hostname, port, SOCK_STREAM);
    set_nonblocking(listener);
    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[MAX_EVENTS];
        int ready = epoll_wait(epoll, events, MAX_EVENTS, block ? -1 : 0);
        if (ready < 0 && errno != EINTR)
            fail("cannot wait: %s", strerror(errno));
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                echo(events[i].data.fd);
        }
    }
}
