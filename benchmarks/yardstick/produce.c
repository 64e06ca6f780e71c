// Fills a topic with the yardstick's events: THINGS things x PATHS paths, keyed by thing id, one value an event.
//
//   gcc -O2 produce.c -o produce -lrdkafka && ./produce BROKERS TOPIC EVENTS THINGS PATHS CODEC [ditto|telemetry [RATE [START]]]
//
// RATE events a second, 0 as fast as it goes; START leaves out as many events, which were sent before.
//
// Ditto (about 250 bytes): the first THINGS events create the things; the rest modify one property each, in turn, 10 ms of event
// time apart a thing. Telemetry (about 120 bytes): every event is a reading of one property.
//
// The last record of each partition is sent alone, in a batch of its own: the Tansu broker tells the end of a partition as the
// first offset of its last batch plus one, which is then right.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct last { char key[64], value[600]; int keyLength, length; };

static long failed;
static void report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *o) { (void)rk; (void)o; if (m->err) failed++; }

static void stamp(char *out, long ms) {
    time_t s = 1772431200 + ms / 1000;  // 2026-03-02T06:00:00Z
    struct tm t;
    gmtime_r(&s, &t);
    sprintf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, ms % 1000);
}

static void hand(rd_kafka_t *rk, const char *topic, int partition, const struct last *r) {
    rd_kafka_resp_err_t error;
    while ((error = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(r->key, r->keyLength),
                RD_KAFKA_V_VALUE((void *)r->value, r->length), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 50);
    if (error) { fprintf(stderr, "%s\n", rd_kafka_err2str(error)); exit(1); }
}

static int partitions(rd_kafka_t *rk, rd_kafka_topic_t *topic) {
    const struct rd_kafka_metadata *all;
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, topic, &all, 10000);
    if (error || all->topic_cnt != 1 || all->topics[0].partition_cnt < 1) {
        fprintf(stderr, "no such topic: %s\n", rd_kafka_err2str(error));
        exit(1);
    }
    int count = all->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(all);
    return count;
}

int main(int c, char **v) {
    if (c < 7) { fputs("usage: produce BROKERS TOPIC EVENTS THINGS PATHS CODEC [ditto|telemetry [RATE [START]]]\n", stderr); return 2; }
    long events = atol(v[3]), things = atol(v[4]), paths = atol(v[5]);
    int telemetry = c > 7 && !strcmp(v[7], "telemetry");
    long rate = c > 8 ? atol(v[8]) : 0, start = c > 9 ? atol(v[9]) : 0;
    char e[512], at[40];
    rd_kafka_conf_t *f = rd_kafka_conf_new();
    const char *set[][2] = {{"bootstrap.servers", v[1]}, {"compression.type", v[6]}, {"linger.ms", "20"},
        {"batch.num.messages", "10000"}, {"queue.buffering.max.messages", "1000000"}, {"enable.idempotence", "true"}};
    for (unsigned i = 0; i < sizeof set / sizeof *set; i++)
        if (rd_kafka_conf_set(f, set[i][0], set[i][1], e, sizeof e)) { fprintf(stderr, "%s\n", e); return 1; }
    rd_kafka_conf_set_dr_msg_cb(f, report);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, f, e, sizeof e);
    if (!rk) { fprintf(stderr, "%s\n", e); return 1; }
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, v[2], NULL);
    int parts = partitions(rk, topic);
    struct last *held = calloc(parts, sizeof *held), next;
    unsigned seed = 1;
    struct timespec tick;
    clock_gettime(CLOCK_MONOTONIC, &tick);
    for (long n = start; n < start + events; n++) {
        // In steps of ten milliseconds.
        if (rate && (n - start) % (rate < 100 ? 1 : rate / 100) == 0) {
            rd_kafka_poll(rk, 0);
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &tick, NULL);
            tick.tv_nsec += rate < 100 ? 1000000000 / rate : 10000000;
            if (tick.tv_nsec >= 1000000000) { tick.tv_nsec -= 1000000000; tick.tv_sec++; }
        }
        long thing = n % things, round = n / things;
        next.keyLength = sprintf(next.key, "org.acme.filling:filler-%06ld", thing);
        stamp(at, round * 10);
        seed = seed * 1103515245u + 12345u;
        unsigned whole = 20 + (seed >> 16) % 60, part = (seed >> 8) % 100;
        if (telemetry)
            next.length = sprintf(next.value, "{\"thingId\":\"%s\",\"timestamp\":\"%s\",\"features\":{\"f%ld\":{\"temperature\":%u.%02u}}}",
                next.key, at, round % paths, whole, part);
        else if (round == 0)
            next.length = sprintf(next.value, "{\"topic\":\"org.acme.filling/filler-%06ld/things/twin/events/created\",\"headers\":{},\"path\":\"/\",\"value\":{\"thingId\":\"%s\"},\"revision\":1,\"timestamp\":\"%s\"}", thing, next.key, at);
        else
            next.length = sprintf(next.value, "{\"topic\":\"org.acme.filling/filler-%06ld/things/twin/events/modified\",\"headers\":{\"correlation-id\":\"c-%ld\",\"content-type\":\"application/json\"},\"path\":\"/features/f%ld/properties/temperature\",\"value\":%u.%02u,\"revision\":%ld,\"timestamp\":\"%s\"}",
                thing, n, round % paths, whole, part, round + 1, at);
        // Java's default, the one of the engine's own producers (rule 13).
        int p = rd_kafka_msg_partitioner_murmur2(topic, next.key, next.keyLength, parts, NULL, NULL);
        if (held[p].length) hand(rk, v[2], p, &held[p]);
        held[p] = next;
        if (n % 1000 == 0) rd_kafka_poll(rk, 0);
    }
    while (rd_kafka_outq_len(rk)) rd_kafka_poll(rk, 100);
    for (int p = 0; p < parts; p++)
        if (held[p].length) hand(rk, v[2], p, &held[p]);
    while (rd_kafka_outq_len(rk)) rd_kafka_poll(rk, 100);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    fprintf(stderr, "%ld events to %s, %ld failed\n", events, v[2], failed);
    return failed != 0;
}
