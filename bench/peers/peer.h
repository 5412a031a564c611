/*
 * What the C peers of the benchmarks share: options, pinning, sockets, the clock. Linux only.
 * Include it first: it asks the C library for its GNU extensions.
 */
#ifndef PEER_H
#define PEER_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Exit codes: 1 is kept for "an echo came back wrong", so that a caller can tell the two apart. */
enum { EXIT_WRONG_ECHO = 1, EXIT_FAILED = 2 };

__attribute__((format(printf, 1, 2), noreturn)) static inline void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_FAILED);
}

/* The value of a numeric option, checked: a benchmark run with a mistyped number is worse than none. */
static inline long number(const char *name, const char *text, long low, long high)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high)
        fail("--%s takes a number from %ld to %ld, not \"%s\"", name, low, high, text);
    return value;
}

/* Pins the calling thread; a negative cpu leaves it where it is. */
static inline void pin_to(int cpu)
{
    if (cpu < 0)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fail("cannot pin to core %d: %s", cpu, strerror(errno));
}

static inline uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void set_nonblocking(int fd)
{
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        fail("cannot make a socket non-blocking: %s", strerror(errno));
}

static inline void set_nodelay(int fd)
{
    int one = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        fail("cannot set TCP_NODELAY: %s", strerror(errno));
}

static inline struct sockaddr_in address_of(const char *hostname, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, hostname, &address.sin_addr) != 1)
        fail("\"%s\" is not an IPv4 address", hostname);
    return address;
}

/* A listening socket, announced on stdout with the port the kernel chose when asked for port 0. */
static inline int listen_on(const char *hostname, int port)
{
    struct sockaddr_in address = address_of(hostname, port);
    socklen_t length = sizeof address;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        fail("cannot make a socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        fail("cannot listen on %s:%d: %s", hostname, port, strerror(errno));
    printf("listening on %s:%d\n", hostname, ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static inline int connect_to(const char *hostname, int port)
{
    struct sockaddr_in address = address_of(hostname, port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        fail("cannot make a socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("cannot connect to %s:%d: %s", hostname, port, strerror(errno));
    set_nodelay(fd);
    return fd;
}

/* The options of a server that has no others. */
static inline void parse_address(int argc, char **argv, const char **hostname, int *port)
{
    static const struct option options[] = { { "hostname", required_argument, NULL, 'h' },
                                             { "port", required_argument, NULL, 'p' },
                                             { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'h': *hostname = optarg; break;
        case 'p': *port = (int)number("port", optarg, 0, 65535); break;
        default: exit(EXIT_FAILED);
        }
    }
}

/* Thousands of connections need more descriptors than the usual soft limit of 1 024. */
static inline void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* A blocking echo of one message, checked; for connections that are opened, tried and then left. */
static inline void echo_once(int fd, unsigned char *message, unsigned char *reply, size_t size)
{
    if (send(fd, message, size, MSG_NOSIGNAL) != (ssize_t)size)
        fail("cannot send: %s", strerror(errno));
    ssize_t got = recv(fd, reply, size, MSG_WAITALL);
    if (got < 0)
        fail("cannot receive: %s", errno == EAGAIN ? "no echo within 5 s" : strerror(errno));
    if (got < (ssize_t)size)
        fail("the server closed a connection that was still open here");
    if (memcmp(message, reply, size) != 0) {
        fprintf(stderr, "an echo came back wrong\n");
        exit(EXIT_WRONG_ECHO);
    }
}

/* Opens `count` connections and echoes on each one, so that all have been accepted and served. */
static inline int *open_connections(const char *hostname, int port, long count, long echoes)
{
    unsigned char message[64], reply[sizeof message];
    struct timeval patience = { .tv_sec = 5 };
    int *fds = calloc((size_t)count + 1, sizeof *fds);
    if (fds == NULL)
        fail("out of memory");
    for (long i = 0; i < count; i++) {
        fds[i] = connect_to(hostname, port);
        setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        for (long j = 0; j < echoes; j++) {
            memset(message, (int)(i + j), sizeof message);
            echo_once(fds[i], message, reply, sizeof message);
        }
    }
    return fds;
}

#endif
