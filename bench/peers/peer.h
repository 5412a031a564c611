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

/* A bound socket, which listens if it is a stream's; announced with the port that was chosen when 0 was asked for. */
static inline int listen_on(const char *hostname, int port, int type)
{
    struct sockaddr_in address = address_of(hostname, port);
    socklen_t length = sizeof address;
    int one = 1, fd = socket(AF_INET, type, 0);
    if (fd < 0)
        fail("cannot make a socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, length) != 0 ||
        (type == SOCK_STREAM && listen(fd, SOMAXCONN) != 0) ||
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

/* The options of a server: its address, and a flag of its own, or none (NULL). */
static inline void parse_server(int argc, char **argv, const char **hostname, int *port, const char *own,
                                bool *flag)
{
    const struct option options[] = { { "hostname", required_argument, NULL, 'h' },
                                      { "port", required_argument, NULL, 'p' },
                                      { own, no_argument, NULL, 'f' },
                                      { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'h': *hostname = optarg; break;
        case 'p': *port = (int)number("port", optarg, 0, 65535); break;
        case 'f': *flag = true; break;
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

#endif
