/*
 * Echoes of frames on a device without a protocol, in C: what the wire itself costs. Messages are in frames with room
 * for the headers of TCP, which are copied in and out. A program has take() and give() for its device.
 *
 * Options of the client beside those of load.h: --size BYTES (64), --connections MESSAGES_UNDER_WAY (1), and some that
 * others need and these do not.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include "load.h"

enum { FRAME = 2048, HEADERS = 66, PAYLOAD = 1448, MESSAGES = 4096, STRIDE = 1021, WINDOW_MAX = 256 };

/* Takes a frame, if there is one, and gives its room back; its length, or 0. */
static size_t take(unsigned char *frame);

/* Sends a frame. There is room: a client has no more under way than a ring has. */
static void give(const unsigned char *frame, size_t length);

static unsigned char *pattern, *reply;
static size_t size = 64;
/* An Ethernet header: to all, of a type for experiments. */
static unsigned char frame[FRAME] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, [12] = 0x88, 0xb5 };

/* Messages that were sent, and that came back; how many are under way, and when each of them was sent. */
static uint64_t sent, received;
static uint64_t window = 1, begins[WINDOW_MAX];

static const unsigned char *message(uint64_t number)
{
    return pattern + number * STRIDE % MESSAGES;
}

static void send_message(void)
{
    begins[sent % WINDOW_MAX] = now_ns();
    for (size_t done = 0, part; done < size; done += part) {
        part = size - done < PAYLOAD ? size - done : PAYLOAD;
        memcpy(frame + HEADERS, message(sent) + done, part);
        give(frame, HEADERS + part);
    }
    sent++;
}

/* Returns how long it was under way. */
static uint64_t receive_message(void)
{
    uint64_t begin = begins[received % WINDOW_MAX];
    for (size_t done = 0, length; done < size; done += length - HEADERS) {
        for (uint32_t turns = 1; (length = take(frame)) == 0; turns++)
            if (turns % (16 * TURNS_PER_CHECK) == 0 && now_ns() - begin > PATIENCE_NS)
                fail("no echo within 5 s");
        if (length - HEADERS > size - done)
            wrong_reply("more came back than was sent");
        memcpy(reply + done, frame + HEADERS, length - HEADERS);
    }
    uint64_t elapsed = now_ns() - begin;
    if (memcmp(message(received++), reply, size) != 0)
        wrong_reply("an echo came back wrong");
    return elapsed;
}

/* The measurement begins when none of the warm-up is under way any more. */
static uint64_t round_trip(uint64_t number)
{
    while (number == 0 && received < sent)
        receive_message();
    while (sent < received + window)
        send_message();
    return receive_message();
}

/* Reads the options; gives the device, if one is named. */
static const char *parse_frames(int argc, char **argv, long most)
{
    static const struct option known[] = { { "device", required_argument, NULL, 'd' },
                                           { "size", required_argument, NULL, 's' },
                                           { "connections", required_argument, NULL, 'c' },
                                           { "udp", no_argument, NULL, 'u' },
                                           { "hostname", required_argument, NULL, 'u' },
                                           { "libos", required_argument, NULL, 'u' },
                                           { "address", required_argument, NULL, 'u' },
                                           COMMON_OPTIONS,
                                           { 0 } };
    const char *device = getenv("DEVICE");
    for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (o) {
        case 'd': device = optarg; break;
        case 's': size = (size_t)number("size", optarg, 1, most); break;
        case 'c': window = (uint64_t)number("connections", optarg, 1, WINDOW_MAX); break;
        case 'u': break;
        default: parse_common(o);
        }
    }
    pattern = make_pattern(size + MESSAGES);
    reply = allocate(size, 1);
    return device;
}

#endif
