public import EgizCore
import EgizTwin

/// Moves the things of a stage to the partitions that a grown number of partitions gives them (rule 13). Works while no worker
/// runs the stage; everything happens in one transaction.
public struct StageRepartition {
    /// What a repartition found or did.
    public struct Report: Sendable, Equatable {
        public var stage: StageName
        public var from: Int32
        public var to: Int32
        /// Things that have another home now, of all things of the stage.
        public var moved: Int
        public var things: Int
        /// Rows of what models said that have another home now.
        public var predictions = 0
    }

    private let connection: PostgresConnection
    private static let batch = 10_000

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// The partition count the stage was set up with; nil where it never ran.
    public func storedPartitions(of stage: StageName) throws(EngineError) -> Int32? {
        let rows = try connection.query("select partitions from egiz.stage where stage = $1", [.text(stage.text)])
        return rows.first?.int64(0).map { Int32(clamping: $0) }
    }

    /// The stored positions of the stage.
    public func positions(of stage: StageName) throws(EngineError) -> [TopicPartition: NextOffset] {
        let rows = try connection.query(
            "select topic, partition, next_offset from egiz.task_offset where stage = $1", [.text(stage.text)])
        var positions: [TopicPartition: NextOffset] = [:]
        for row in rows {
            guard let topic = row.text(0), let partition = row.int64(1), let next = row.int64(2) else { continue }
            positions[TopicPartition(topic, Int32(clamping: partition))] = NextOffset(stored: next)
        }
        return positions
    }

    /// Gives every thing of the stage its place among `partitions`, and begins each new partition at `starts`.
    ///
    /// Errors: `.topology`/`.stop` where the number would shrink or a worker still owns a task, `.postgres` as always.
    public func run(_ stage: StageName, partitions: Int32, starts: [TopicPartition: NextOffset]) throws(EngineError)
        -> Report
    {
        try connection.transaction { connection throws(EngineError) in
            try connection.execute("set local lock_timeout = '2s'")
            guard let stored = try lock(stage, connection) else {
                throw EngineError(.topology, .stop, "stage \(stage) has never run; there is nothing to repartition")
            }
            guard partitions > stored else {
                throw EngineError(
                    .topology, .stop,
                    "stage \(stage) has \(stored) partitions and its topics \(partitions): a topic cannot shrink, so these are others; use another source name for them"
                )
            }
            try checkNothingWaits(stage, connection)
            var report = Report(stage: stage, from: stored, to: partitions, moved: 0, things: 0)
            try move(&report, connection)
            report.predictions = try movePredictions(stage, partitions, connection)
            try begin(starts.filter { $0.key.partition >= stored }, stage, connection)
            // A worker that lost its connection is not seen above; the fence keeps it from coming back with the old homes.
            _ = try connection.query(
                """
                update egiz.task
                set owner_epoch = owner_epoch + 1, worker_id = null, backend_pid = null, backend_start = null,
                    rules_fingerprint = null -- things that moved may not have been reviewed where they came from
                where stage = $1
                """, [.text(stage.text)])
            _ = try connection.query(
                "update egiz.stage set partitions = $2 where stage = $1",
                [.text(stage.text), .int64(Int64(partitions))])
            return report
        }
    }

    /// Locks the stage and its tasks; refuses while the backend of an owner is alive.
    private func lock(_ stage: StageName, _ connection: PostgresConnection) throws(EngineError) -> Int32? {
        let rows = try connection.query(
            "select partitions from egiz.stage where stage = $1 for update", [.text(stage.text)])
        guard let stored = rows.first?.int64(0) else { return nil }
        try StageOwners.refuseRunning(stage, connection)
        return Int32(clamping: stored)
    }

    /// What lies in the task of a thing and cannot go with it: its parked records are redriven where they were read, and what a
    /// task emitted must be published before its things emit elsewhere.
    private func checkNothingWaits(_ stage: StageName, _ connection: PostgresConnection) throws(EngineError) {
        let rows = try connection.query(
            """
            select (select count(*) from egiz.dead_letter where stage = $1 and disposition = 'parked'),
                (select count(*) from egiz.outbox where stage = $1)
            """, [.text(stage.text)])
        let parked = rows.first?.int64(0) ?? 0
        let outboxes = rows.first?.int64(1) ?? 0
        guard parked == 0 else {
            throw EngineError(
                .topology, .stop,
                "stage \(stage) has \(parked) parked records, which belong to the present partitions: retry or discard them first (egiz dlq list)"
            )
        }
        guard outboxes == 0 else {
            throw EngineError(
                .topology, .stop,
                "stage \(stage) has \(outboxes) outboxes that Kafka has not acknowledged: start its worker once more and stop it cleanly"
            )
        }
    }

    /// Batch by batch in the order of the ids, so that a million things need little memory.
    private func move(_ report: inout Report, _ connection: PostgresConnection) throws(EngineError) {
        var last = ""
        while true {
            let rows = try connection.query(
                """
                select thing_id, partition from egiz.twin where stage = $1 and thing_id > $2
                order by thing_id limit \(Self.batch)
                """, [.text(report.stage.text), .text(last)])
            guard !rows.isEmpty else { return }
            var ids: [String] = []
            var homes: [Int64] = []
            for row in rows {
                guard let id = row.text(0), let home = row.int64(1) else { continue }
                last = id
                let new = Int64(Murmur2.partition(ofKey: id, partitions: report.to))
                if new != home {
                    ids.append(id)
                    homes.append(new)
                }
            }
            report.things += rows.count
            report.moved += ids.count
            _ = try connection.query(
                """
                update egiz.twin set partition = new.partition
                from unnest($1, $2) as new (thing_id, partition) where twin.thing_id = new.thing_id
                """, [.textArray(ids), .int64Array(homes)])
            // A thing's states, timers and windows go with its twin; every thing of the stage has one.
            for table in ["state", "timer", "rollup", "scene", "alert", "inbox"] where !ids.isEmpty {
                _ = try connection.query(
                    """
                    update egiz.\(table) as item set partition = new.partition
                    from unnest($1, $2) as new (thing_id, partition) where item.stage = $3 and item.thing_id = new.thing_id
                    """, [.textArray(ids), .int64Array(homes), .text(report.stage.text)])
            }
        }
    }

    /// What models said of things lies in the stage that reads the answers, which has no twins. How many rows have another home now.
    private func movePredictions(_ stage: StageName, _ partitions: Int32, _ connection: PostgresConnection)
        throws(EngineError) -> Int
    {
        var moved = 0
        var last = ""
        while true {
            let rows = try connection.query(
                """
                select distinct on (thing_id) thing_id from egiz.ml_prediction where stage = $1 and thing_id > $2
                order by thing_id limit \(Self.batch)
                """, [.text(stage.text), .text(last)])
            let ids = rows.compactMap { $0.text(0) }
            guard let newLast = ids.last else { return moved }
            last = newLast
            moved += try connection.query(
                """
                update egiz.ml_prediction as item set partition = new.partition
                from unnest($1, $2) as new (thing_id, partition)
                where item.stage = $3 and item.thing_id = new.thing_id and item.partition <> new.partition
                """,
                [
                    .textArray(ids),
                    .int64Array(ids.map { Int64(Murmur2.partition(ofKey: $0, partitions: partitions)) }),
                    .text(stage.text),
                ]
            ).affected
        }
    }

    /// The new partitions are read from their first record, whatever the source's `start` says: their things are known.
    private func begin(
        _ starts: [TopicPartition: NextOffset], _ stage: StageName, _ connection: PostgresConnection
    ) throws(EngineError) {
        let sorted = starts.sorted { $0.key < $1.key }
        _ = try connection.query(
            """
            insert into egiz.task (stage, partition)
            select distinct $1, partition from unnest($2) as new (partition) on conflict do nothing
            """, [.text(stage.text), .int64Array(sorted.map { Int64($0.key.partition) })])
        _ = try connection.query(
            """
            insert into egiz.task_offset (stage, partition, topic, next_offset)
            select $1, partition, topic, next_offset from unnest($2, $3, $4) as new (partition, topic, next_offset)
            on conflict do nothing
            """,
            [
                .text(stage.text), .int64Array(sorted.map { Int64($0.key.partition) }),
                .textArray(sorted.map(\.key.topic)), .int64Array(sorted.map(\.value.raw)),
            ])
    }
}
