// Sends Ditto events at a steady rate and measures, for each one, when its effects can be seen.
//
//   latency BROKERS TOPIC POSTGRES RATE SECONDS THINGS [--rest PORT] [--output TOPIC] [--floor] [--linger MS]
//
//   row      another Postgres connection sees a `task_offset` beyond the event: the same transaction holds its sample and twin
//   rest     GET /api/v1/twins/{id} answers with the event's revision or a later one (eight things of the THINGS, in turn)
//   output   a read_committed consumer has the dead letter of a broken record in TOPIC (one record in a hundred is broken then)
//   floor    a plain consumer of the same topic has the event: what broker and librdkafka cost alone
//
// All from the moment before the producer is given the event, so with its linger, by one clock, in one process. The looks at Postgres and
// REST are a millisecond apart, which is part of what is measured. The first three seconds do not count.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <netinet/tcp.h>
#include <postgresql/libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROBES = 8, WARM_UP = 3, BROKEN = 100 };
struct event { double sent; int partition, thing; long offset; };
struct look { double at; int place; long value; };
struct looks { struct look *all; long count, room; };

static const char *brokers, *topic, *postgres, *output, *linger = "0";
static long rate, seconds, things, total;
static int restPort;
static struct event *events;
static long *revisions, (*probeEvents), probeRoom;
static struct looks rows, answers;
static double *outputs, *floors;
static long outputCount, floorCount;
static atomic_int done;

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }

static void fail(const char *what, const char *why) { fprintf(stderr, "latency: %s: %s\n", what, why); exit(1); }

static void note(struct looks *l, double at, int place, long value) {
    if (l->count == l->room) l->all = realloc(l->all, (l->room = l->room ? l->room * 2 : 65536) * sizeof *l->all);
    l->all[l->count++] = (struct look){at, place, value};
}

static void until(double at) {
    double left = at - now();
    if (left <= 0) return;
    struct timespec t = {(time_t)left, (long)((left - (time_t)left) * 1e9)};
    nanosleep(&t, NULL);
}

// MARK: Who looks

static void *watchRows(void *unused) {
    (void)unused;
    PGconn *c = PQconnectdb(postgres);
    if (PQstatus(c) != CONNECTION_OK) fail("Postgres", PQerrorMessage(c));
    PQclear(PQprepare(c, "p", "select partition, next_offset from egiz.task_offset", 0, NULL));
    long *last = calloc(100000, sizeof *last);
    double next = now();
    while (!done) {
        PGresult *r = PQexecPrepared(c, "p", 0, NULL, NULL, NULL, 0);
        double at = now();
        if (PQresultStatus(r) != PGRES_TUPLES_OK) fail("Postgres", PQerrorMessage(c));
        for (int i = 0; i < PQntuples(r); i++) {
            int p = atoi(PQgetvalue(r, i, 0));
            long offset = atol(PQgetvalue(r, i, 1));
            if (offset > last[p]) { last[p] = offset; note(&rows, at, p, offset); }
        }
        PQclear(r);
        next += 0.001;
        if (next < now()) next = now(); else until(next);
    }
    PQfinish(c);
    return NULL;
}

static void *watchREST(void *unused) {
    (void)unused;
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(restPort), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(s, (struct sockaddr *)&a, sizeof a)) fail("REST", "no connection");
    static char buffer[1 << 20], request[300];
    long last[PROBES] = {0};
    double next = now();
    for (long n = 0; !done; n++) {
        int probe = n % PROBES, l = sprintf(request, "GET /api/v1/twins/org.acme.filling:filler-%06d HTTP/1.1\r\nHost: localhost\r\n\r\n", probe);
        if (write(s, request, l) != l) fail("REST", "write");
        long have = 0, want = -1;
        while (want < 0 || have < want) {
            long k = read(s, buffer + have, sizeof buffer - 1 - have);
            if (k <= 0) fail("REST", "the connection was closed");
            have += k;
            buffer[have] = 0;
            char *body = want < 0 ? strstr(buffer, "\r\n\r\n") : NULL;
            if (body) {
                char *length = strcasestr(buffer, "content-length:");
                if (!length || length > body) fail("REST", "no content-length");
                want = body + 4 - buffer + atol(length + 15);
            }
        }
        double at = now();
        char *revision = strstr(buffer, "\"_revision\":");
        if (!revision) fail("REST", buffer);
        long value = atol(revision + 12);
        if (value > last[probe]) { last[probe] = value; note(&answers, at, probe, value); }
        next += 0.001;
        if (next < now()) next = now(); else until(next);
    }
    close(s);
    return NULL;
}

static rd_kafka_t *consumer(const char *group, const char *what, int parts) {
    char e[512];
    rd_kafka_conf_t *f = rd_kafka_conf_new();
    const char *set[][2] = {{"bootstrap.servers", brokers}, {"group.id", group}, {"enable.auto.commit", "false"},
        {"isolation.level", "read_committed"}, {"fetch.wait.max.ms", "10"}, {"allow.auto.create.topics", "false"}};
    for (unsigned i = 0; i < sizeof set / sizeof *set; i++)
        if (rd_kafka_conf_set(f, set[i][0], set[i][1], e, sizeof e)) fail("librdkafka", e);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, f, e, sizeof e);
    if (!rk) fail("librdkafka", e);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(parts);
    for (int p = 0; p < parts; p++) rd_kafka_topic_partition_list_add(l, what, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, l);
    rd_kafka_topic_partition_list_destroy(l);
    return rk;
}

static int partitions(rd_kafka_t *rk, const char *what) {
    const struct rd_kafka_metadata *all;
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, what, NULL);
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, t, &all, 10000);
    if (error || all->topic_cnt != 1 || all->topics[0].partition_cnt < 1) fail(what, "no such topic");
    int count = all->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(all);
    rd_kafka_topic_destroy(t);
    return count;
}

static int parts, outputParts;

static void *watchOutput(void *unused) {
    (void)unused;
    rd_kafka_t *rk = consumer("latency-output", output, outputParts);
    while (!done) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (!m) continue;
        double at = now();
        char *mark = m->err ? NULL : memmem(m->payload, m->len, "\"broken\":", 9);
        if (mark) {
            long n = atol(mark + 9);
            if (n >= 0 && n < total && outputs[n] == 0) { outputs[n] = at; outputCount++; }
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return NULL;
}

static void *watchFloor(void *unused) {
    (void)unused;
    rd_kafka_t *rk = consumer("latency-floor", topic, parts);
    while (!done) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (!m) continue;
        double at = now();
        char *mark = m->err ? NULL : memmem(m->payload, m->len, "\"c-", 3);
        if (mark) {
            long n = atol(mark + 3);
            if (n >= 0 && n < total && floors[n] == 0) { floors[n] = at; floorCount++; }
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return NULL;
}

// MARK: Who sends

static long failed;
static void report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *o) {
    (void)rk; (void)o;
    long n = (long)m->_private - 1;
    if (m->err) failed++;
    else if (n >= 0) { events[n].partition = m->partition; events[n].offset = m->offset; }
}

static void stamp(char *out) {
    struct timespec t;
    struct tm g;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &g);
    sprintf(out + strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &g), ".%06ldZ", t.tv_nsec / 1000);
}

static void produce(rd_kafka_t *rk, const char *key, int k, const char *value, int l, long n) {
    rd_kafka_resp_err_t error;
    while ((error = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, k), RD_KAFKA_V_VALUE((void *)value, l),
                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE((void *)(n + 1)), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 10);
    if (error) fail("produce", rd_kafka_err2str(error));
}

static void sendEvent(rd_kafka_t *rk, long n) {
    char key[64], value[600], at[48];
    long thing = n < 0 ? -n - 1 : n % things;
    int k = sprintf(key, "org.acme.filling:filler-%06ld", thing), l;
    stamp(at);
    if (n >= 0) { events[n].sent = now(); events[n].thing = thing; events[n].partition = -1; }
    if (n < 0) {
        l = sprintf(value, "{\"topic\":\"org.acme.filling/filler-%06ld/things/twin/events/created\",\"headers\":{},\"path\":\"/\",\"value\":{\"thingId\":\"%s\"},\"revision\":1,\"timestamp\":\"%s\"}", thing, key, at);
        revisions[thing] = 1;
    } else if (output && n % BROKEN == BROKEN - 1) {
        l = sprintf(value, "{\"broken\":%ld}", n);
    } else {
        long revision = ++revisions[thing];
        if (thing < PROBES && revision < probeRoom) probeEvents[thing * probeRoom + revision] = n;
        l = sprintf(value, "{\"topic\":\"org.acme.filling/filler-%06ld/things/twin/events/modified\",\"headers\":{\"correlation-id\":\"c-%ld\",\"content-type\":\"application/json\"},\"path\":\"/features/f%ld/properties/temperature\",\"value\":%ld.%02ld,\"revision\":%ld,\"timestamp\":\"%s\"}",
            thing, n, revision % 5, 20 + n % 60, n % 100, revision, at);
    }
    produce(rk, key, k, value, l, n);
}

// MARK: What came of it

static int ascending(const void *a, const void *b) { double d = *(double *)a - *(double *)b; return d < 0 ? -1 : d > 0; }

static void print(const char *name, double *values, long count, long missing) {
    if (!count) fail(name, "nothing was seen");
    qsort(values, count, sizeof *values, ascending);
    printf("%s count %ld missing %ld p50 %.3f p90 %.3f p99 %.3f max %.3f\n", name, count, missing, values[count / 2] * 1e3,
        values[count * 9 / 10] * 1e3, values[count * 99 / 100] * 1e3, values[count - 1] * 1e3);
}

// The first look at each place that shows the value or a later one; looks are in order of time.
static void seen(const char *name, struct looks *looks, int places, long first, int (*place)(long, long *)) {
    struct looks *of = calloc(places, sizeof *of);
    for (long i = 0; i < looks->count; i++) note(&of[looks->all[i].place], looks->all[i].at, 0, looks->all[i].value);
    double *values = malloc(total * sizeof *values);
    long count = 0, missing = 0;
    for (long n = first; n < total; n++) {
        long wanted;
        int p = place(n, &wanted);
        if (p < 0) continue;
        long low = 0, high = of[p].count;
        while (low < high) { long middle = (low + high) / 2; if (of[p].all[middle].value >= wanted) high = middle; else low = middle + 1; }
        if (low == of[p].count) { missing++; continue; }
        values[count++] = of[p].all[low].at - events[n].sent;
    }
    print(name, values, count, missing);
}

static int rowPlace(long n, long *wanted) { *wanted = events[n].offset + 1; return events[n].partition; }
static int restPlace(long n, long *wanted) {
    int thing = events[n].thing;
    if (thing >= PROBES) return -1;
    for (long r = 2; r < probeRoom && probeEvents[thing * probeRoom + r] <= n; r++)
        if (probeEvents[thing * probeRoom + r] == n) { *wanted = r; return thing; }
    return -1;
}

int main(int c, char **v) {
    int floor = 0;
    if (c < 7) { fputs("usage: latency BROKERS TOPIC POSTGRES RATE SECONDS THINGS [--rest PORT] [--output TOPIC] [--floor] [--linger MS]\n", stderr); return 2; }
    brokers = v[1]; topic = v[2]; postgres = v[3]; rate = atol(v[4]); seconds = atol(v[5]); things = atol(v[6]);
    for (int i = 7; i < c; i++) {
        if (!strcmp(v[i], "--rest") && i + 1 < c) restPort = atoi(v[++i]);
        else if (!strcmp(v[i], "--output") && i + 1 < c) output = v[++i];
        else if (!strcmp(v[i], "--linger") && i + 1 < c) linger = v[++i];
        else if (!strcmp(v[i], "--floor")) floor = 1;
    }
    if (things < PROBES) fail("THINGS", "at least 8");
    total = rate * (seconds + WARM_UP);
    events = calloc(total, sizeof *events);
    outputs = calloc(total, sizeof *outputs);
    floors = calloc(total, sizeof *floors);
    revisions = calloc(things, sizeof *revisions);
    probeRoom = total / things + 3;
    probeEvents = malloc(PROBES * probeRoom * sizeof *probeEvents);
    for (long i = 0; i < PROBES * probeRoom; i++) probeEvents[i] = total;
    char e[512];
    rd_kafka_conf_t *f = rd_kafka_conf_new();
    const char *set[][2] = {{"bootstrap.servers", brokers}, {"partitioner", "murmur2_random"}, {"linger.ms", linger}, {"compression.type", "lz4"}};
    for (unsigned i = 0; i < sizeof set / sizeof *set; i++)
        if (rd_kafka_conf_set(f, set[i][0], set[i][1], e, sizeof e)) fail("librdkafka", e);
    rd_kafka_conf_set_dr_msg_cb(f, report);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, f, e, sizeof e);
    if (!rk) fail("librdkafka", e);
    parts = partitions(rk, topic);
    if (output) outputParts = partitions(rk, output);
    for (long i = 0; i < things; i++) sendEvent(rk, -i - 1);
    while (rd_kafka_outq_len(rk)) rd_kafka_poll(rk, 10);
    sleep(2);
    pthread_t row, rest, out, plain;
    pthread_create(&row, NULL, watchRows, NULL);
    if (restPort) pthread_create(&rest, NULL, watchREST, NULL);
    if (output) pthread_create(&out, NULL, watchOutput, NULL);
    if (floor) pthread_create(&plain, NULL, watchFloor, NULL);
    // In steps of a millisecond; a step that comes late sends what it missed.
    double start = now(), late = 0;
    for (long n = 0, tick = 1; n < total; tick++) {
        for (long due = rate * tick / 1000; n < due && n < total; n++) sendEvent(rk, n);
        rd_kafka_poll(rk, 0);
        double over = now() - (start + tick * 0.001);
        if (over > late) late = over;
        until(start + tick * 0.001);
    }
    while (rd_kafka_outq_len(rk)) rd_kafka_poll(rk, 10);
    double took = now() - start;
    sleep(2);
    done = 1;
    pthread_join(row, NULL);
    if (restPort) pthread_join(rest, NULL);
    if (output) pthread_join(out, NULL);
    if (floor) pthread_join(plain, NULL);
    rd_kafka_destroy(rk);
    long first = rate * WARM_UP;
    printf("sent count %ld failed %ld seconds %.2f late %.1f\n", total, failed, took, late * 1e3);
    seen("row", &rows, 100000, first, rowPlace);
    if (restPort) seen("rest", &answers, PROBES, first, restPlace);
    double *values = malloc(total * sizeof *values);
    if (output) {
        long count = 0, missing = 0;
        for (long n = first; n < total; n++)
            if (n % BROKEN == BROKEN - 1) { if (outputs[n]) values[count++] = outputs[n] - events[n].sent; else missing++; }
        print("output", values, count, missing);
    }
    if (floor) {
        long count = 0, missing = 0;
        for (long n = first; n < total; n++)
            if (!(output && n % BROKEN == BROKEN - 1)) { if (floors[n]) values[count++] = floors[n] - events[n].sent; else missing++; }
        print("floor", values, count, missing);
    }
    return failed != 0;
}
