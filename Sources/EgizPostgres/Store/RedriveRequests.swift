public import EgizCore
public import EgizRuntime
import EgizTwin

/// Asks the owners of tasks to try dead letters again or to drop them (rule 18), and edits letters. Confined to the thread of its
/// connection.
public struct RedriveRequests {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    // MARK: Planning

    /// What the selection comes to at this moment; changes nothing.
    ///
    /// Retrying by code takes the whole queue of a parked thing that has a letter of that code: what queues behind it could not go on
    /// alone.
    public func plan(_ selection: RedriveSelection, _ action: RedriveBatch.Action) throws(EngineError) -> RedrivePlan {
        var plan = RedrivePlan(action: action, parts: [], missing: [])
        switch selection {
        case .letters(let ids):
            let found = try letters("letter.dead_letter_id = any ($1)", [.int64Array(ids)])
            plan.parts = found.map { .init(task: $0.task, letters: $0.dead + $0.parked).sorted }
            let there = Set(plan.parts.flatMap(\.letters))
            plan.missing = Set(ids).subtracting(there).sorted()
        case .thing(let thing):
            for found in try letters("letter.thing_id = $1", [.text(thing.text)]) {
                if !found.dead.isEmpty { plan.parts.append(.init(task: found.task, letters: found.dead)) }
                if !found.parked.isEmpty {
                    plan.parts.append(.init(task: found.task, letters: found.parked, thing: thing.text))
                }
            }
        case .all(let topology, nil):
            plan.parts = try letters("stage.topology = $1", [.text(topology)]).map { found in
                var part = RedrivePlan.Part(task: found.task, letters: found.dead + found.parked).sorted
                part.upto = part.letters.last
                return part
            }
        case .all(let topology, let code?):
            let queues =
                action == .discard
                ? ""
                : """
                 or letter.disposition = 'parked' and (letter.stage, letter.partition, letter.thing_id) in (
                    select stage, partition, thing_id from egiz.dead_letter where disposition = 'parked' and code = $2)
                """
            plan.parts = try letters(
                "stage.topology = $1 and (letter.code = $2\(queues))", [.text(topology), .text(code)]
            ).map { .init(task: $0.task, letters: $0.dead + $0.parked).sorted }
        }
        return plan
    }

    private struct Found {
        var task: TaskID
        var dead: [Int64]
        var parked: [Int64]
    }

    private func letters(_ condition: String, _ parameters: [PostgresValue]) throws(EngineError) -> [Found] {
        let rows = try connection.query(
            """
            select stage.topology, stage.source, letter.partition,
                array_agg(letter.dead_letter_id order by letter.dead_letter_id) filter (where letter.disposition = 'dead'),
                array_agg(letter.dead_letter_id order by letter.dead_letter_id) filter (where letter.disposition = 'parked')
            from egiz.dead_letter letter join egiz.stage on stage.stage = letter.stage
            where \(condition) group by 1, 2, 3 order by 1, 2, 3
            """, parameters)
        return rows.map { row in
            Found(
                task: TaskID(
                    stage: StageName(topology: row.text(0) ?? "", source: row.text(1) ?? ""),
                    partition: Int32(clamping: row.int64(2) ?? 0)),
                dead: (row.int64Array(3) ?? []).compactMap(\.self),
                parked: (row.int64Array(4) ?? []).compactMap(\.self))
        }
    }

    // MARK: Requests

    /// Stores the requests of a plan; their ids.
    ///
    /// - Parameters:
    ///   - rate: letters a second over all tasks of the plan; nil: as fast as it goes.
    ///   - person: who asked for it; written down.
    ///   - note: called with the ids in the same transaction, for the audit log.
    public func store(
        _ plan: RedrivePlan, rate: Int?, by person: String?,
        note: ([Int64], PostgresConnection) throws(EngineError) -> Void = { _, _ throws(EngineError) in }
    ) throws(EngineError) -> [Int64] {
        try connection.transaction { connection throws(EngineError) in
            let ids = try insert(plan, rate: rate, by: person)
            try note(ids, connection)
            return ids
        }
    }

    /// As `store`, in the caller's transaction.
    public func insert(_ plan: RedrivePlan, rate: Int?, by person: String?) throws(EngineError) -> [Int64] {
        let tasks = Set(plan.parts.map(\.task)).count
        let each = rate.map { max(1, $0 / max(1, tasks)) }
        var ids: [Int64] = []
        for part in plan.parts {
            let namesLetters = part.thing == nil && part.upto == nil
            let rows = try connection.query(
                """
                insert into egiz.redrive (stage, partition, action, thing_id, letters, upto, rate, requested_by)
                values ($1, $2::int, $3, $4, $5, $6, $7::int, $8) returning request_id
                """,
                [
                    .text(part.task.stage.text), .int64(Int64(part.task.partition)), .text(plan.action.rawValue),
                    .optional(part.thing), namesLetters ? .int64Array(part.letters) : .null, .optional(part.upto),
                    .optional(each.map(Int64.init)), .optional(person),
                ])
            if let id = rows.first?.int64(0) { ids.append(id) }
        }
        return ids
    }

    /// The requests of these ids; without ids those that are open and the latest others, the newest first.
    public func progress(_ ids: [Int64]?, limit: Int = 20) throws(EngineError) -> [RedriveProgress] {
        let rows = try connection.query(
            """
            select redrive.request_id, coalesce(stage.topology, redrive.stage), coalesce(stage.source, ''),
                redrive.partition, redrive.action, redrive.state = 'done', redrive.resolved, redrive.failed,
                redrive.requested_at, redrive.requested_by, redrive.finished_at, redrive.message,
                case when task.worker_id is not null
                    and coalesce(worker.seen_at > clock_timestamp() - interval '3 s', true) then task.worker_host end,
                coalesce(deployment.state <> 'running', false)
            from egiz.redrive
            left join egiz.stage on stage.stage = redrive.stage
            left join egiz.task on task.stage = redrive.stage and task.partition = redrive.partition
            left join egiz.worker on worker.worker_id = task.worker_id
            left join egiz.deployment on deployment.topology = stage.topology
            where $1::bigint[] is null or redrive.request_id = any ($1)
            order by redrive.state = 'open' desc, redrive.request_id desc limit $2
            """, [ids.map { .int64Array($0) } ?? .null, .int64(Int64(ids?.count ?? limit))])
        return rows.map { row in
            let host = row.text(12)
            return RedriveProgress(
                id: row.int64(0) ?? 0,
                task: TaskID(
                    stage: StageName(topology: row.text(1) ?? "", source: row.text(2) ?? ""),
                    partition: Int32(clamping: row.int64(3) ?? 0)),
                action: row.text(4).flatMap(RedriveBatch.Action.init) ?? .retry, isDone: row.bool(5) ?? false,
                resolved: row.int64(6) ?? 0, failed: row.int64(7) ?? 0,
                requestedAt: EventTime(microseconds: row.timestamp(8) ?? 0), requestedBy: row.text(9),
                finishedAt: row.timestamp(10).map(EventTime.init(microseconds:)), message: row.text(11),
                owner: host.map { .worker(host: $0) } ?? (row.bool(13) == true ? .paused : .nobody))
        }
    }

    // MARK: Edits

    /// Puts another value in the place of the letter's; the original stays. The caller has checked it (`LetterEdit`).
    ///
    /// - Returns: false where the letter is not there any more.
    public func edit(_ id: Int64, value: [UInt8], by person: String?) throws(EngineError) -> Bool {
        try connection.query(
            """
            update egiz.dead_letter set edited_value = $2, edited_at = clock_timestamp(), edited_by = $3
            where dead_letter_id = $1
            """, [.int64(id), .bytes(value), .optional(person)]
        ).affected == 1
    }

    /// Takes the edit back: the original value counts again.
    public func revert(_ id: Int64) throws(EngineError) -> Bool {
        try connection.query(
            """
            update egiz.dead_letter set edited_value = null, edited_at = null, edited_by = null where dead_letter_id = $1
            """, [.int64(id)]
        ).affected == 1
    }
}

extension RedrivePlan.Part {
    fileprivate var sorted: Self {
        var part = self
        part.letters.sort()
        return part
    }
}
