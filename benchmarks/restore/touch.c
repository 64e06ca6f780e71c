// Pushes one more event each of COUNT of the THINGS that benchmarks/yardstick/produce.c made, spread over all of them.
//
//   gcc -O2 touch.c -o touch -lrdkafka && ./touch BROKERS TOPIC COUNT THINGS ROUND
//
// ROUND counts from 1: the revision is ROUND + 2, the event time ROUND seconds later, so nothing is stale.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

static long failed;
static void report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *o) { (void)rk; (void)o; if (m->err) failed++; }

int main(int c, char **v) {
    if (c < 6) { fputs("usage: touch BROKERS TOPIC COUNT THINGS ROUND\n", stderr); return 2; }
    long count = atol(v[3]), things = atol(v[4]), round = atol(v[5]);
    char e[512], key[64], value[600];
    rd_kafka_conf_t *f = rd_kafka_conf_new();
    const char *set[][2] = {{"bootstrap.servers", v[1]}, {"partitioner", "murmur2_random"}, {"enable.idempotence", "true"}};
    for (unsigned i = 0; i < sizeof set / sizeof *set; i++)
        if (rd_kafka_conf_set(f, set[i][0], set[i][1], e, sizeof e)) { fprintf(stderr, "%s\n", e); return 1; }
    rd_kafka_conf_set_dr_msg_cb(f, report);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, f, e, sizeof e);
    if (!rk) { fprintf(stderr, "%s\n", e); return 1; }
    for (long n = 0; n < count; n++) {
        long thing = n * (things / count > 0 ? things / count : 1) % things;
        int k = sprintf(key, "org.acme.filling:filler-%06ld", thing);
        int l = sprintf(value, "{\"topic\":\"org.acme.filling/filler-%06ld/things/twin/events/modified\",\"headers\":{},\"path\":\"/features/f0/properties/temperature\",\"value\":%ld.5,\"revision\":%ld,\"timestamp\":\"2026-03-02T06:00:%02ld.500Z\"}",
            thing, 20 + n % 60, round + 2, round);
        while (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(v[2]), RD_KAFKA_V_KEY(key, k), RD_KAFKA_V_VALUE(value, l),
                   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 50);
    }
    while (rd_kafka_outq_len(rk)) rd_kafka_poll(rk, 100);
    rd_kafka_destroy(rk);
    return failed != 0;
}
