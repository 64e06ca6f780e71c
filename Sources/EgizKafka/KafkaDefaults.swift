import EgizCore

/// Our own defaults of librdkafka's properties, and which of them nobody may change.
///
/// What the configuration's or the topology's `kafka:` says wins over every default here.
enum KafkaDefaults {
    /// What is the engine's to decide, with the reason that an error shows.
    private static let reserved: [String: String] = [
        "enable.auto.commit": "positions are committed to Postgres, not by the client",
        "enable.auto.offset.store": "positions are committed to Postgres, not by the client",
        "auto.offset.reset": "a position outside the log is an error here (`onGap` and `start` of the source)",
        "group.id": "the group is `<topology>.<source>`",
        "bootstrap.servers": "set EGIZ_KAFKA_BROKERS",
        "metadata.broker.list": "set EGIZ_KAFKA_BROKERS",
        "enable.partition.eof": "the client must tell where a partition ends",
        "transactional.id": "the engine names its transactions itself",
        "isolation.level": "what was published is read from committed transactions only",
        "delivery.report.only.error": "every delivery is counted",
    ]

    static func client(brokers: String) -> [String: String] {
        [
            "bootstrap.servers": brokers,
            "client.id": "egiz",
            "client.software.name": "digital-egiz",
            "statistics.interval.ms": "0",
            "log.connection.close": "false",
            "socket.keepalive.enable": "true",
            "socket.nagle.disable": "true",
            "broker.address.family": isLoopback(brokers) ? "v4" : "any",
            // A broker that comes back is found within two seconds (librdkafka's own maximum is ten).
            "reconnect.backoff.ms": "100",
            "reconnect.backoff.max.ms": "2000",
            // A subscribed topic that is created later is noticed within ten seconds (default: five minutes).
            "topic.metadata.refresh.interval.ms": "10000",
        ]
    }

    static func consumer(brokers: String, group: String) -> [String: String] {
        var all = client(brokers: brokers)
        all["group.id"] = group
        all["session.timeout.ms"] = "10000"
        // Eager: cooperative-sticky has bugs before librdkafka 2.10 and does not co-partition topics.
        all["partition.assignment.strategy"] = "range"
        all["enable.auto.commit"] = "false"
        all["enable.auto.offset.store"] = "false"
        all["auto.offset.reset"] = "error"
        // The end of a partition as a reader meets it, behind the marks of transactions, which the watermarks count.
        all["enable.partition.eof"] = "true"
        all["allow.auto.create.topics"] = "false"
        all["check.crcs"] = "true"
        // Also makes `committed()` wait for group offsets of open transactions (rule 10).
        all["isolation.level"] = "read_committed"
        // A real broker answers as soon as it has a byte; the embedded one sleeps the whole wait when it has none.
        all["fetch.wait.max.ms"] = isLoopback(brokers) ? "10" : "100"
        all["fetch.error.backoff.ms"] = "100"
        return all
    }

    /// The prefetch queue, for the librdkafka that runs.
    ///
    /// Before 2.2 fetching stops for a whole second when the queue is full, so it must hold a second of data at full speed
    /// (700,000 records of 280 bytes; measured: with 128 MiB a stage stands still 30% of the time while it catches up); later
    /// versions try again after 10 ms and need a sixth of it. Bounds a consumer's memory: this and about as much for
    /// librdkafka's own bookkeeping of each record.
    static func prefetch(hasShortBackoff: Bool) -> [String: String] {
        hasShortBackoff
            ? [
                "queued.min.messages": "100000", "queued.max.messages.kbytes": "32768", "fetch.queue.backoff.ms": "10",
            ]
            : ["queued.min.messages": "1000000", "queued.max.messages.kbytes": "196608"]
    }

    static func producer(brokers: String) -> [String: String] {
        var all = client(brokers: brokers)
        all["enable.idempotence"] = "true"
        // Java's default; librdkafka's own is CRC32 and would put a thing into another partition (rule 13).
        all["partitioner"] = "murmur2_random"
        all["compression.type"] = "lz4"
        all["linger.ms"] = "5"
        all["batch.size"] = "1000000"
        all["batch.num.messages"] = "10000"
        all["queue.buffering.max.messages"] = "500000"
        all["queue.buffering.max.kbytes"] = "262144"
        return all
    }

    /// A producer of outboxes; idempotent without a transactional id.
    static func output(brokers: String, transactionalID: String?) -> [String: String] {
        var all = producer(brokers: brokers)
        guard let transactionalID else { return all }
        all["transactional.id"] = transactionalID
        // Bounds how long a dead worker's transaction holds up read_committed readers. librdkafka fits
        // message.timeout.ms and socket.timeout.ms to it.
        all["transaction.timeout.ms"] = "10000"
        return all
    }

    /// The properties that a producer has a use for, of those that a topology sets for all its clients.
    static func withoutConsumerOnly(_ properties: [String: String]) -> [String: String] {
        properties.filter { !consumerOnly.contains($0.key) }
    }

    private static let consumerOnly: Set<String> = [
        "group.id", "group.instance.id", "group.protocol", "group.protocol.type", "group.remote.assignor",
        "partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms",
        "coordinator.query.interval.ms", "enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms",
        "enable.auto.offset.store", "auto.offset.reset", "offset.store.method", "queued.min.messages",
        "queued.max.messages.kbytes", "fetch.wait.max.ms", "fetch.queue.backoff.ms", "fetch.message.max.bytes",
        "max.partition.fetch.bytes", "fetch.max.bytes", "fetch.min.bytes", "fetch.error.backoff.ms", "isolation.level",
        "enable.partition.eof", "check.crcs", "allow.auto.create.topics", "consume.callback.max.messages",
    ]

    /// Our defaults with the user's properties over them. Errors: `.config`/`.stop` for one the engine owns.
    static func merge(
        _ defaults: [String: String], _ properties: [String: String]
    ) throws(EngineError) -> [String: String] {
        for name in properties.keys.sorted() {
            guard let reason = reserved[name], properties[name] != defaults[name] else { continue }
            throw EngineError(.config, .stop, "`kafka: {\(name): …}` cannot be set: \(reason); remove the line")
        }
        var all = defaults.merging(properties) { _, theirs in theirs }
        // librdkafka refuses a heartbeat that does not fit the session; keep Kafka's rule of a third.
        if properties["heartbeat.interval.ms"] == nil, let session = all["session.timeout.ms"].flatMap(Int.init) {
            all["heartbeat.interval.ms"] = "\(max(1, min(3000, session / 3)))"
        }
        return all
    }

    /// Whether all bootstrap addresses are on this machine, which is where the embedded broker listens.
    static func isLoopback(_ brokers: String) -> Bool {
        let list = brokers.split(separator: ",")
        return !list.isEmpty
            && list.allSatisfy { entry in
                let address = entry.split(separator: "/").last ?? entry
                return address.hasPrefix("127.") || address.hasPrefix("localhost:") || address == "localhost"
            }
    }
}
