/*
 * The calibration: two threads, each pinned to a core, hand one cache line back and forth; prints the
 * median round trip in ns. On a virtual machine it tells where the host has put the two cores: about
 * 110-130 when near, 510-570 when far, and figures of different phases must not be compared.
 *
 *     cacheline [--cpus A,B]
 */
#include "peer.h"
#include <pthread.h>

enum { BATCHES = 400, TRIPS_PER_BATCH = 100 };

/* On cache lines (and prefetched pairs of them) of their own. */
static struct {
    uint64_t ping __attribute__((aligned(128)));
    uint64_t pong __attribute__((aligned(128)));
} line;

static int cpu_a = -1, cpu_b = -1;

static void *answer(void *unused)
{
    pin_to(cpu_b);
    for (uint64_t i = 1; i <= (uint64_t)BATCHES * TRIPS_PER_BATCH; i++) {
        while (__atomic_load_n(&line.ping, __ATOMIC_ACQUIRE) != i)
            continue;
        __atomic_store_n(&line.pong, i, __ATOMIC_RELEASE);
    }
    return unused;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "cpus", required_argument, NULL, 'c' }, { 0 } };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o != 'c' || sscanf(optarg, "%d,%d", &cpu_a, &cpu_b) != 2 || cpu_a < 0 || cpu_b < 0)
            fail("usage: cacheline [--cpus A,B]");
    }
    /* With both threads on one core a hand-over takes a time slice: give up rather than hang. */
    alarm(10);
    pin_to(cpu_a);
    pthread_t thread;
    if (pthread_create(&thread, NULL, answer, NULL) != 0)
        fail("cannot start a thread");
    /* The clock is read once per batch: read at each trip, it would be a fifth of what it measures. */
    static double ns[BATCHES];
    uint64_t trip = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t begin = now_ns();
        for (int i = 0; i < TRIPS_PER_BATCH; i++) {
            __atomic_store_n(&line.ping, ++trip, __ATOMIC_RELEASE);
            while (__atomic_load_n(&line.pong, __ATOMIC_ACQUIRE) != trip)
                continue;
        }
        ns[batch] = (double)(now_ns() - begin) / TRIPS_PER_BATCH;
    }
    pthread_join(thread, NULL);
    qsort(ns, BATCHES, sizeof *ns, ascending);
    printf("%.0f\n", ns[BATCHES / 2]);
    return 0;
}
