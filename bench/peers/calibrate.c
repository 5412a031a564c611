/*
 * The calibration: two threads, each pinned to a core, hand one cache line back and forth, and then 64 bytes
 * over a TCP connection on loopback; prints both median round trips in ns. On a virtual machine the first one
 * tells where the host has put the two cores (about 48 on one core, 105 when near, 490 when far), and the
 * second one how fast the kernel's path is there just now. Figures of different phases must not be compared.
 *
 *     calibrate [A B]
 */
#include "peer.h"
#include <pthread.h>

enum { BATCHES = 100, TRIPS_PER_BATCH = 100, WARMUP = 200, ECHOES = 600, SIZE = 64 };

/* On cache lines (and prefetched pairs of them) of their own. */
static struct {
    uint64_t ping __attribute__((aligned(128)));
    uint64_t pong __attribute__((aligned(128)));
} line;

static int cpu_a = -1, cpu_b = -1;
/* The two ends of the connection. */
static int fd_a, fd_b;

static void receive(int fd, unsigned char *message)
{
    for (ssize_t got = 0, n; got < SIZE; got += n > 0 ? n : 0) {
        n = recv(fd, message + got, (size_t)(SIZE - got), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            fail("cannot receive: %s", n == 0 ? "closed" : strerror(errno));
    }
}

static void give(int fd, const unsigned char *message)
{
    if (send(fd, message, SIZE, MSG_NOSIGNAL) != SIZE)
        fail("cannot send: %s", strerror(errno));
}

static void *answer(void *unused)
{
    unsigned char message[SIZE];
    pin_to(cpu_b);
    for (uint64_t i = 1; i <= (uint64_t)BATCHES * TRIPS_PER_BATCH; i++) {
        while (__atomic_load_n(&line.ping, __ATOMIC_ACQUIRE) != i)
            continue;
        __atomic_store_n(&line.pong, i, __ATOMIC_RELEASE);
    }
    for (int i = 0; i < WARMUP + ECHOES; i++) {
        receive(fd_b, message);
        give(fd_b, message);
    }
    return unused;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

static void make_connection(void)
{
    struct sockaddr_in address = address_of("127.0.0.1", 0);
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        fail("cannot listen: %s", strerror(errno));
    fd_a = connect_to("127.0.0.1", ntohs(address.sin_port));
    fd_b = accept(listener, NULL, NULL);
    if (fd_b < 0)
        fail("cannot accept: %s", strerror(errno));
    set_nodelay(fd_b);
    close(listener);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        cpu_a = (int)number("A", argv[1], 0, INT32_MAX);
        cpu_b = (int)number("B", argv[2], 0, INT32_MAX);
    }
    /* With both threads on one core a hand-over takes a time slice: give up rather than hang. */
    alarm(10);
    make_connection();
    pin_to(cpu_a);
    pthread_t thread;
    if (pthread_create(&thread, NULL, answer, NULL) != 0)
        fail("cannot start a thread");
    /* The clock is read once per batch: read at each trip, it would be a fifth of what it measures. */
    static double lines[BATCHES], echoes[ECHOES];
    uint64_t trip = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t begin = now_ns();
        for (int i = 0; i < TRIPS_PER_BATCH; i++) {
            __atomic_store_n(&line.ping, ++trip, __ATOMIC_RELEASE);
            while (__atomic_load_n(&line.pong, __ATOMIC_ACQUIRE) != trip)
                continue;
        }
        lines[batch] = (double)(now_ns() - begin) / TRIPS_PER_BATCH;
    }
    unsigned char message[SIZE] = { 0 };
    for (int i = 0; i < WARMUP + ECHOES; i++) {
        uint64_t begin = now_ns();
        give(fd_a, message);
        receive(fd_a, message);
        if (i >= WARMUP)
            echoes[i - WARMUP] = (double)(now_ns() - begin);
    }
    pthread_join(thread, NULL);
    printf("%.0f %.0f\n", median(lines, BATCHES), median(echoes, ECHOES));
    return 0;
}
