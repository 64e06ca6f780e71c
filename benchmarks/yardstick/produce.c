// Fills a topic with the yardstick's events: Ditto events of about 250 bytes, THINGS things x PATHS paths, keyed by thing id.
//
//   gcc -O2 produce.c -o produce -lrdkafka && ./produce BROKERS TOPIC EVENTS THINGS PATHS CODEC
//
// The first THINGS events create the things; the rest modify one property each, in turn, 10 ms of event time apart a thing.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long failed;
static void report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *o) { (void)rk; (void)o; if (m->err) failed++; }

static void stamp(char *out, long ms) {
    time_t s = 1772431200 + ms / 1000;  // 2026-03-02T06:00:00Z
    struct tm t;
    gmtime_r(&s, &t);
    sprintf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, ms % 1000);
}

int main(int c, char **v) {
    if (c < 7) { fputs("usage: produce BROKERS TOPIC EVENTS THINGS PATHS CODEC\n", stderr); return 2; }
    long events = atol(v[3]), things = atol(v[4]), paths = atol(v[5]);
    char e[512], key[64], at[40], value[600];
    rd_kafka_conf_t *f = rd_kafka_conf_new();
    const char *set[][2] = {{"bootstrap.servers", v[1]}, {"partitioner", "murmur2_random"}, {"compression.type", v[6]},
        {"linger.ms", "20"}, {"batch.num.messages", "10000"}, {"queue.buffering.max.messages", "1000000"}, {"enable.idempotence", "true"}};
    for (unsigned i = 0; i < sizeof set / sizeof *set; i++)
        if (rd_kafka_conf_set(f, set[i][0], set[i][1], e, sizeof e)) { fprintf(stderr, "%s\n", e); return 1; }
    rd_kafka_conf_set_dr_msg_cb(f, report);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, f, e, sizeof e);
    if (!rk) { fprintf(stderr, "%s\n", e); return 1; }
    unsigned seed = 1;
    for (long n = 0; n < events; n++) {
        long thing = n % things, round = n / things;
        int k = sprintf(key, "org.acme.filling:filler-%06ld", thing), l;
        stamp(at, round * 10);
        if (round == 0) {
            l = sprintf(value, "{\"topic\":\"org.acme.filling/filler-%06ld/things/twin/events/created\",\"headers\":{},\"path\":\"/\",\"value\":{\"thingId\":\"%s\"},\"revision\":1,\"timestamp\":\"%s\"}", thing, key, at);
        } else {
            seed = seed * 1103515245u + 12345u;
            l = sprintf(value, "{\"topic\":\"org.acme.filling/filler-%06ld/things/twin/events/modified\",\"headers\":{\"correlation-id\":\"c-%ld\",\"content-type\":\"application/json\"},\"path\":\"/features/f%ld/properties/temperature\",\"value\":%u.%02u,\"revision\":%ld,\"timestamp\":\"%s\"}",
                thing, n, round % paths, 20 + (seed >> 16) % 60, (seed >> 8) % 100, round + 1, at);
        }
        while (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(v[2]), RD_KAFKA_V_KEY(key, k), RD_KAFKA_V_VALUE(value, l),
                   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 50);
        if (n % 1000 == 0) rd_kafka_poll(rk, 0);
    }
    while (rd_kafka_outq_len(rk)) rd_kafka_poll(rk, 100);
    rd_kafka_destroy(rk);
    fprintf(stderr, "%ld events to %s, %ld failed\n", events, v[2], failed);
    return failed != 0;
}
