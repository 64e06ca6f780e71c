public import EgizCore
public import EgizRuntime
import EgizTwin

/// Reads dead letters. Confined to the thread of its connection; changes nothing.
public struct DeadLetterQueries {
    public struct Page: Sendable {
        /// The newest first.
        public var letters: [DeadLetterRow]
        public var hasMore: Bool
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static let columns = """
        letter.dead_letter_id, coalesce(stage.topology, letter.stage), coalesce(stage.source, ''), letter.topic, letter.partition,
        letter.incarnation, letter."offset", letter.record_time, letter.noted_at, letter.thing_id, letter.processor,
        letter.code, letter.message, letter.disposition, letter.attempts, letter.edited_at, letter.edited_by,
        octet_length(letter.value)::bigint,
        letter.disposition <> 'parked' or not exists (
            select from egiz.dead_letter earlier
            where earlier.stage = letter.stage and earlier.partition = letter.partition
                and earlier.thing_id = letter.thing_id and earlier.disposition = 'parked'
                and earlier.dead_letter_id < letter.dead_letter_id),
        letter.retry_at
        """
    private static let tables = "egiz.dead_letter letter left join egiz.stage on stage.stage = letter.stage"

    // MARK: Lists

    /// Up to `limit` letters with ids below `before`.
    public func page(_ filter: DeadLetterFilter, before: Int64? = nil, limit: Int) throws(EngineError) -> Page {
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1)]
        var conditions = filter.conditions(&parameters)
        if let before {
            parameters.append(.int64(before))
            conditions.append("letter.dead_letter_id < $\(parameters.count)")
        }
        let rows = try connection.query(
            """
            select \(Self.columns) from \(Self.tables) \(Self.where(conditions))
            order by letter.dead_letter_id desc limit $1
            """, parameters)
        return Page(letters: rows.prefix(limit).map(Self.row), hasMore: rows.count > limit)
    }

    public func count(_ filter: DeadLetterFilter) throws(EngineError) -> Int64 {
        var parameters: [PostgresValue] = []
        let conditions = filter.conditions(&parameters)
        return try connection.query(
            "select count(*) from \(Self.tables) \(Self.where(conditions))", parameters
        ).first?.int64(0) ?? 0
    }

    /// Things with parked records that fit the filter, those with the most first, and how many there are in all.
    public func parkedThings(_ filter: DeadLetterFilter, limit: Int) throws(EngineError) -> (
        things: [ParkedThing], found: Int64
    ) {
        var parameters: [PostgresValue] = [.int64(Int64(limit))]
        // The whole queue counts, also where only its first letter has the code that is asked for.
        var filter = filter
        filter.disposition = .parked
        let conditions = filter.conditions(&parameters)
        let rows = try connection.query(
            """
            select queue.thing_id, coalesce(stage.topology, queue.stage), coalesce(stage.source, ''), queue.partition,
                queue.waiting, queue.since, queue.first, head.code, head.message, count(*) over ()
            from (
                select thing_id, stage, partition, count(*) as waiting, min(noted_at) as since,
                    min(dead_letter_id) as first
                from egiz.dead_letter
                where disposition = 'parked' and (stage, partition, thing_id) in (
                    select letter.stage, letter.partition, letter.thing_id from \(Self.tables) \(Self.where(conditions)))
                group by thing_id, stage, partition
            ) queue
            join egiz.dead_letter head on head.dead_letter_id = queue.first
            left join egiz.stage on stage.stage = queue.stage
            order by queue.waiting desc, queue.first limit $1
            """, parameters)
        let things = rows.map { row in
            ParkedThing(
                thing: row.text(0) ?? "", stage: StageName(topology: row.text(1) ?? "", source: row.text(2) ?? ""),
                partition: Int32(clamping: row.int64(3) ?? 0), waiting: row.int64(4) ?? 0,
                since: EventTime(microseconds: row.timestamp(5) ?? 0), first: row.int64(6) ?? 0,
                code: row.text(7) ?? "", message: row.text(8) ?? "")
        }
        return (things, rows.first?.int64(9) ?? 0)
    }

    /// Things that have some of these letters parked, at most `limit`.
    public func parkedThings(among ids: [Int64], limit: Int) throws(EngineError) -> [String] {
        try connection.query(
            """
            select distinct thing_id from egiz.dead_letter
            where dead_letter_id = any ($1) and disposition = 'parked' and thing_id is not null order by 1 limit $2
            """, [.int64Array(ids), .int64(Int64(limit))]
        ).compactMap { $0.text(0) }
    }

    // MARK: Whole letters

    /// The letter; nil where there is none of that id. With `locked` nobody else changes or removes it until the transaction ends.
    public func letter(_ id: Int64, locked: Bool = false) throws(EngineError) -> WholeDeadLetter? {
        if locked {
            _ = try connection.query(
                "select from egiz.dead_letter where dead_letter_id = $1 for update", [.int64(id)])
        }
        return try letters([id]).first
    }

    /// The letters that are there, by rising id. The caller bounds their number: each is held whole.
    public func letters(_ ids: [Int64]) throws(EngineError) -> [WholeDeadLetter] {
        let rows = try connection.query(
            """
            select \(Self.columns), letter.key, letter.value, letter.edited_value, letter.headers
            from \(Self.tables) where letter.dead_letter_id = any ($1) order by letter.dead_letter_id
            """, [.int64Array(ids)])
        var letters: [WholeDeadLetter] = []
        for row in rows {
            guard let headers = row.bytes(23).flatMap(StoredHeaders.parse) else {
                throw EngineError(
                    .state, .stop,
                    "dead letter \(row.int64(0) ?? 0) has headers that are not of this version's making; correct egiz.dead_letter.headers or discard the letter"
                )
            }
            letters.append(
                WholeDeadLetter(
                    row: Self.row(row), key: row.bytes(20), original: row.bytes(21), edited: row.bytes(22),
                    headers: headers))
        }
        return letters
    }

    // MARK: What a rehearsal must know

    /// What is stored of the task; nil where nobody ever owned it.
    public func facts(of task: TaskID) throws(EngineError) -> LetterRehearsal.TaskFacts? {
        let rows = try connection.query(
            "select stream_time, incarnation from egiz.task where stage = $1 and partition = $2",
            [.text(task.stage.text), .int64(Int64(task.partition))])
        return rows.first.map { row in
            LetterRehearsal.TaskFacts(
                task: task, streamTime: row.timestamp(0).map(EventTime.init(microseconds:)),
                incarnation: Int32(clamping: row.int64(1) ?? 1))
        }
    }

    /// The text of the topology that workers run; where none runs, of the one that is wanted or was applied last.
    public func topologyText(_ name: String) throws(EngineError) -> String? {
        try connection.query(
            """
            select topology.text from egiz.topology left join egiz.deployment on deployment.topology = topology.name
            where topology.name = $1
            order by topology.version = coalesce(deployment.running_version, deployment.wanted_version) desc nulls last,
                topology.version desc limit 1
            """, [.text(name)]
        ).first?.text(0)
    }

    private static func `where`(_ conditions: [String]) -> String {
        conditions.isEmpty ? "" : "where \(conditions.joined(separator: " and "))"
    }

    private static func row(_ row: PostgresRow) -> DeadLetterRow {
        func time(_ column: Int) -> EventTime? { row.timestamp(column).map(EventTime.init(microseconds:)) }
        return DeadLetterRow(
            id: row.int64(0) ?? 0, stage: StageName(topology: row.text(1) ?? "", source: row.text(2) ?? ""),
            topic: row.text(3) ?? "", partition: Int32(clamping: row.int64(4) ?? 0),
            incarnation: Int32(clamping: row.int64(5) ?? 1), offset: row.int64(6) ?? 0,
            recordTime: time(7) ?? .earliest, notedAt: time(8) ?? .earliest,
            thing: row.text(9).flatMap { try? ThingID(validating: $0) }, processor: row.text(10),
            code: row.text(11) ?? "", message: row.text(12) ?? "",
            disposition: row.text(13).flatMap(DeadLetter.Disposition.init) ?? .dead,
            attempts: Int(clamping: row.int64(14) ?? 1), editedAt: time(15), editedBy: row.text(16),
            valueBytes: row.int64(17), isFirst: row.bool(18) ?? true, retryAt: time(19))
    }
}
