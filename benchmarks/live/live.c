// Many sockets of live push, and what they see.
//
//   live fill   BROKERS TOPIC THINGS                      one event for each thing, so that all exist
//   live fanout PORT BROKERS TOPIC SOCKETS THINGS EACH RATE SECONDS STATE
//   live idle   PORT SOCKETS SECONDS
//   live load   BROKERS TOPIC THINGS RATE SECONDS             RATE events/s, and nobody who looks
//
// fanout: SOCKETS sockets subscribe to EACH things each, evenly, with a snapshot; then RATE events/s go to TOPIC, each carrying the time
// at which the producer was given it. Every change that reaches a socket is counted, with its age. At the end the last value of each thing
// must be the same on all its sockets; it is written to STATE (thing and value a line), to be compared with REST.
// idle: SOCKETS connections, a third silent, a third that send a byte of a header a second, a third that have asked once and stay; in
// between others ask for /healthz, each on a connection of its own, and their times are told.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "\"thingId\":\"bench.live:m-"

struct socket {
    int fd, isLive, nextThing;
    unsigned char *bytes;
    size_t count, room;
    long *values; // by the place of the thing among the socket's
};

static int port, sockets, things, each;
static struct socket *all;
static rd_kafka_t *producer;
static const char *topic;
static long rate, seconds, produced;
static atomic_int stop;
static double *ages;
static long ageCount, ageRoom, changes, frames, bytesRead;

static double now(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static void fail(const char *what, const char *why) { fprintf(stderr, "live: %s: %s\n", what, why); exit(1); }
static void until(double at) {
    double left = at - now();
    if (left <= 0) return;
    struct timespec t = {(time_t)left, (long)((left - (time_t)left) * 1e9)};
    nanosleep(&t, NULL);
}
static int byValue(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return (x > y) - (x < y); }

// MARK: Producing

static void open_producer(const char *brokers) {
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why);
    rd_kafka_conf_set(conf, "partitioner", "murmur2_random", why, sizeof why);
    rd_kafka_conf_set(conf, "linger.ms", "1", why, sizeof why);
    if (!(producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why))) fail("Kafka", why);
}

static void produce(int thing) {
    char key[64], value[256];
    double at = now();
    int keyLength = snprintf(key, sizeof key, "bench.live:m-%d", thing);
    int length = snprintf(value, sizeof value, "{\"thingId\":\"%s\",\"timestamp\":%lld,\"features\":{\"f\":{\"sent\":%lld,\"n\":%ld}}}", key,
                          (long long)(at * 1e3), (long long)(at * 1e6), produced++);
    while (rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, keyLength), RD_KAFKA_V_VALUE(value, length),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(producer, 10);
    rd_kafka_poll(producer, 0);
}

static void *produce_steadily(void *unused) {
    (void)unused;
    double start = now();
    for (long n = 0; n < rate * seconds; n++) {
        until(start + (double)n / rate);
        produce((int)(n * 7919 % things));
    }
    rd_kafka_flush(producer, 10000);
    stop = 1;
    return NULL;
}

// MARK: Sockets

static int dial(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0) fail("socket", strerror(errno));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int attempt = 0; connect(fd, (struct sockaddr *)&to, sizeof to) != 0; attempt++) {
        if (attempt > 100) fail("connect", strerror(errno));
        usleep(10000);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void send_all(int fd, const void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t n = send(fd, (const char *)bytes + done, count - done, MSG_NOSIGNAL);
        if (n < 0) fail("send", strerror(errno));
        done += n;
    }
}

static void send_frame(int fd, int opcode, const char *text, size_t length) {
    unsigned char *frame = malloc(length + 16);
    size_t head = 0;
    frame[head++] = 0x80 | opcode;
    if (length < 126) {
        frame[head++] = 0x80 | length;
    } else {
        frame[head++] = 0x80 | 126;
        frame[head++] = length >> 8;
        frame[head++] = length & 255;
    }
    // A key of zeros masks nothing, which the protocol allows.
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, text, length);
    send_all(fd, frame, head + 4 + length);
    free(frame);
}

/// The things of a socket: every thing has SOCKETS * EACH / THINGS of them.
static int thing_of(int socket, int place) { return (int)((socket + (long)place * (things / each)) % things); }
static int place_of(int socket, int thing) {
    int step = things / each, difference = ((thing - socket) % things + things) % things;
    return difference % step == 0 && difference / step < each ? difference / step : -1;
}

static void subscribe(struct socket *s, int number) {
    s->fd = dial();
    const char *request = "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: egiz.v1\r\n\r\n";
    send_all(s->fd, request, strlen(request));
    // Up to the empty line, a byte at a time: what follows is a frame.
    char head[4096];
    size_t count = 0;
    while (count < sizeof head - 1) {
        if (recv(s->fd, head + count, 1, 0) != 1) fail("handshake", "closed");
        count++;
        if (count >= 4 && memcmp(head + count - 4, "\r\n\r\n", 4) == 0) break;
    }
    head[count] = 0;
    if (!strstr(head, " 101 ")) fail("handshake", head);
    char *text = malloc(64 + (size_t)each * 32);
    int length = sprintf(text, "{\"type\":\"subscribe\",\"kinds\":[\"twin\"],\"things\":[");
    for (int place = 0; place < each; place++) length += sprintf(text + length, "%s\"bench.live:m-%d\"", place ? "," : "", thing_of(number, place));
    length += sprintf(text + length, "]}");
    send_frame(s->fd, 1, text, length);
    free(text);
    s->values = malloc(each * sizeof *s->values);
    for (int place = 0; place < each; place++) s->values[place] = -1;
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
}

static void look(struct socket *s, int number, const char *text, size_t length) {
    const char *end = text + length;
    int isChange = length > 17 && memcmp(text, "{\"type\":\"changes\"", 17) == 0;
    if (length > 14 && memcmp(text, "{\"type\":\"live\"", 14) == 0) s->isLive = 1;
    if (length > 16 && memcmp(text, "{\"type\":\"resync\"", 16) == 0) fail("resync", "a socket had to begin anew");
    double at = now();
    int place = -1;
    for (const char *c = text; c < end;) {
        c = memchr(c, '"', end - c);
        if (!c) break;
        if (end - c > (long)sizeof PREFIX && memcmp(c, PREFIX, sizeof PREFIX - 1) == 0) {
            place = place_of(number, atoi(c + sizeof PREFIX - 1));
            if (place < 0) fail("change", "of a thing that the socket did not ask for");
            c += sizeof PREFIX - 1;
            continue;
        }
        long sent = 0;
        // "sent":123 in a document, "/features/f/properties/sent","value":123 in a change.
        if (end - c > 7 && memcmp(c, "\"sent\":", 7) == 0) {
            sent = atol(c + 7);
        } else if (end - c > 40 && memcmp(c, "\"/features/f/properties/sent\",\"value\":", 38) == 0) {
            sent = atol(c + 38);
        }
        if (sent > 0 && place >= 0) {
            s->values[place] = sent;
            if (isChange) {
                changes++;
                if (ageCount == ageRoom) ages = realloc(ages, (ageRoom = ageRoom ? ageRoom * 2 : 1 << 20) * sizeof *ages);
                ages[ageCount++] = at - sent / 1e6;
            }
        }
        c++;
    }
}

static void receive(struct socket *s, int number) {
    while (1) {
        if (s->room - s->count < 65536) s->bytes = realloc(s->bytes, s->room = s->room ? s->room * 2 : 131072);
        ssize_t n = recv(s->fd, s->bytes + s->count, s->room - s->count, 0);
        if (n == 0) fail("socket", "closed by the server");
        if (n < 0) {
            if (errno == EAGAIN) break;
            fail("recv", strerror(errno));
        }
        s->count += n;
        bytesRead += n;
        if ((size_t)n < 65536) break;
    }
    size_t at = 0;
    while (s->count - at >= 2) {
        unsigned char *f = s->bytes + at;
        size_t head = 2, length = f[1] & 127;
        if (length == 126) { if (s->count - at < 4) break; length = f[2] << 8 | f[3]; head = 4; }
        else if (length == 127) {
            if (s->count - at < 10) break;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | f[i];
            head = 10;
        }
        if (s->count - at < head + length) break;
        int opcode = f[0] & 15;
        if (opcode == 1) { frames++; look(s, number, (char *)f + head, length); }
        if (opcode == 9) send_frame(s->fd, 10, (char *)f + head, length);
        if (opcode == 8) fail("socket", "the server hangs up");
        at += head + length;
    }
    memmove(s->bytes, s->bytes + at, s->count -= at);
}

static void run_for(int epoll, double end, int untilLive) {
    struct epoll_event ready[512];
    while (now() < end) {
        int n = epoll_wait(epoll, ready, 512, 50);
        for (int i = 0; i < n; i++) receive(&all[ready[i].data.u32], ready[i].data.u32);
        if (!untilLive) continue;
        int live = 0;
        for (int i = 0; i < sockets; i++) live += all[i].isLive;
        if (live == sockets) return;
    }
    if (untilLive) fail("sockets", "not all of them are live");
}

static double share(double *sorted, long count, double part) { return count ? sorted[(long)((count - 1) * part)] * 1e3 : 0; }

static void fanout(const char *brokers, const char *state) {
    open_producer(brokers);
    int epoll = epoll_create1(0);
    all = calloc(sockets, sizeof *all);
    double start = now();
    for (int i = 0; i < sockets; i++) {
        subscribe(&all[i], i);
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e);
        // What is there is taken meanwhile: nobody is slow.
        if (i % 50 == 0) run_for(epoll, now() + 0.001, 0);
    }
    run_for(epoll, now() + 120, 1);
    printf("%d sockets live, with %d things each, after %.1f s\n", sockets, each, now() - start);
    changes = frames = bytesRead = ageCount = 0;
    pthread_t thread;
    start = now();
    pthread_create(&thread, NULL, produce_steadily, NULL);
    while (!stop) run_for(epoll, now() + 0.2, 0);
    double took = now() - start;
    pthread_join(thread, NULL);
    long during = changes;
    run_for(epoll, now() + 3, 0);
    qsort(ages, ageCount, sizeof *ages, byValue);
    long expected = produced * ((long)sockets * each / things);
    printf("events %ld, changes to sockets %ld of %ld expected (%.0f/s), frames %ld, %.1f MB\n", produced, changes, expected, during / took, frames,
           bytesRead / 1e6);
    printf("age of a change at its socket, from the producer: p50 %.0f ms, p99 %.0f ms, p99.9 %.0f ms, max %.0f ms\n", share(ages, ageCount, .5),
           share(ages, ageCount, .99), share(ages, ageCount, .999), share(ages, ageCount, 1));
    FILE *out = fopen(state, "w");
    int differing = 0;
    for (int thing = 0; thing < things; thing++) {
        long value = -1;
        for (int i = 0; i < sockets; i++) {
            int place = place_of(i, thing);
            if (place < 0) continue;
            if (value < 0) value = all[i].values[place];
            if (all[i].values[place] != value) differing++;
        }
        fprintf(out, "%d %ld\n", thing, value);
    }
    fclose(out);
    printf("sockets whose last value of a thing differs from the others': %d\n", differing);
    if (differing) exit(1);
}

// MARK: Idle

static double ask(void) {
    double start = now();
    int fd = dial();
    const char *request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    send_all(fd, request, strlen(request));
    char answer[4096];
    size_t count = 0;
    ssize_t n;
    struct timeval limit = {30, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    while (count < sizeof answer - 1 && (n = recv(fd, answer + count, sizeof answer - 1 - count, 0)) > 0) count += n;
    answer[count] = 0;
    close(fd);
    if (!strstr(answer, "200 OK")) fail("healthz", count ? answer : "no answer within 30 s");
    return now() - start;
}

static void idle(void) {
    int *fds = malloc(sockets * sizeof *fds);
    double start = now();
    for (int i = 0; i < sockets; i++) {
        fds[i] = dial();
        if (i % 3 == 1) send_all(fds[i], "GET /healthz HTTP/1.1\r\n", 23);
        if (i % 3 == 2) send_all(fds[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 42);
    }
    printf("%d connections opened in %.1f s: a third silent, a third slow, a third that asked once\n", sockets, now() - start);
    double *times = malloc(1000000 * sizeof *times);
    long count = 0;
    double begin = now(), trickle = begin + 1;
    int most = 0;
    while (now() < begin + seconds && count < 1000000) {
        times[count++] = ask();
        if (now() >= trickle) {
            trickle += 1;
            int open = 0;
            for (int i = 0; i < sockets; i++) {
                if (i % 3 == 1) send(fds[i], "x: a\r\n", 6, MSG_NOSIGNAL);
                char byte[256];
                while (recv(fds[i], byte, sizeof byte, MSG_DONTWAIT) > 0) {}
                struct tcp_info info;
                socklen_t size = sizeof info;
                if (getsockopt(fds[i], IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_ESTABLISHED) open++;
            }
            if (open > most) most = open;
            printf("  %2.0f s: %d connections open\n", now() - begin, open);
            fflush(stdout);
        }
        usleep(2000);
    }
    qsort(times, count, sizeof *times, byValue);
    printf("others meanwhile: %ld requests on connections of their own, p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", count, share(times, count, .5),
           share(times, count, .99), share(times, count, 1));
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 5 && !strcmp(argv[1], "fill")) {
        topic = argv[3];
        things = atoi(argv[4]);
        open_producer(argv[2]);
        for (int thing = 0; thing < things; thing++) produce(thing);
        if (rd_kafka_flush(producer, 30000)) fail("Kafka", "not everything was delivered");
    } else if (argc == 7 && !strcmp(argv[1], "load")) {
        topic = argv[3];
        things = atoi(argv[4]);
        rate = atol(argv[5]);
        seconds = atol(argv[6]);
        open_producer(argv[2]);
        produce_steadily(NULL);
    } else if (argc == 11 && !strcmp(argv[1], "fanout")) {
        port = atoi(argv[2]);
        topic = argv[4];
        sockets = atoi(argv[5]);
        things = atoi(argv[6]);
        each = atoi(argv[7]);
        rate = atol(argv[8]);
        seconds = atol(argv[9]);
        if (each < 1 || things % each) fail("arguments", "THINGS must be a multiple of EACH");
        fanout(argv[3], argv[10]);
    } else if (argc == 5 && !strcmp(argv[1], "idle")) {
        port = atoi(argv[2]);
        sockets = atoi(argv[3]);
        seconds = atol(argv[4]);
        idle();
    } else {
        fail("arguments", "see the head of live.c");
    }
    return 0;
}
