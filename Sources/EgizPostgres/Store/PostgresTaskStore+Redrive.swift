public import EgizCore
public import EgizRuntime
public import EgizTwin

/// Dead letters on their way back (rule 18).
extension PostgresTaskStore {
    /// Letters beyond this many bytes come with the next call; one comes always.
    private static var mostBytes: Int64 { 8 << 20 }

    public func parked(of tasks: [TaskID]) throws(EngineError) -> [TaskID: [ThingID: Int]] {
        let (connection, _) = try session.connection()
        return try ParkedLetters.count(of: tasks, connection)
    }

    public func redrives(of leases: [TaskLease], limit: Int) throws(EngineError) -> [RedriveBatch] {
        guard !leases.isEmpty, limit > 0 else { return [] }
        let (connection, _) = try session.connection()
        let rows = try connection.query(
            """
            select mine.place, request.request_id, request.action, request.rate, coalesce(letter.found, 0),
                letter.dead_letter_id, letter.topic, letter.incarnation, letter."offset", letter.record_time, letter.key,
                letter.value, letter.headers, letter.code, letter.message, letter.thing_id, letter.processor,
                letter.disposition, letter.attempts, letter.is_first
            from unnest($1, $2, $3) with ordinality as mine (stage, partition, owner_epoch, place)
            join egiz.task on task.stage = mine.stage and task.partition = mine.partition
                and task.owner_epoch = mine.owner_epoch
            join lateral (
                select * from egiz.redrive
                where redrive.stage = mine.stage and redrive.partition = mine.partition and redrive.state = 'open'
                order by request_id limit 1
            ) request on true
            left join lateral (
                select * from (
                    select item.*, count(*) over () as found,
                        sum(coalesce(octet_length(value), 0)) over (order by dead_letter_id)
                            - coalesce(octet_length(value), 0) as before
                    from (
                        select dead_letter_id, topic, incarnation, "offset", record_time, key,
                            case when edited_at is null then value else edited_value end as value, headers, code, message,
                            thing_id, processor, disposition, attempts,
                            not exists (
                                select from egiz.dead_letter earlier
                                where earlier.stage = dead_letter.stage and earlier.partition = dead_letter.partition
                                    and earlier.thing_id = dead_letter.thing_id and earlier.disposition = 'parked'
                                    and earlier.dead_letter_id < dead_letter.dead_letter_id
                            ) as is_first
                        from egiz.dead_letter
                        where stage = request.stage and partition = request.partition
                            and dead_letter_id > request.through
                            and (request.upto is null or dead_letter_id <= request.upto or disposition = 'parked')
                            and (request.letters is null or dead_letter_id = any (request.letters))
                            and (request.thing_id is null
                                or (thing_id = request.thing_id and disposition = 'parked'))
                        order by dead_letter_id limit $4::bigint + 1
                    ) item
                ) sized
                where sized.before < $5 order by dead_letter_id limit $4
            ) letter on true
            order by mine.place, letter.dead_letter_id
            """,
            [
                .textArray(leases.map(\.task.stage.text)), .int64Array(leases.map { Int64($0.task.partition) }),
                .int64Array(leases.map(\.ownerEpoch)), .int64(Int64(limit)), .int64(Self.mostBytes),
            ])
        var batches: [RedriveBatch] = []
        for row in rows {
            guard let place = row.int64(0), let request = row.int64(1) else { continue }
            let task = leases[Int(place) - 1].task
            if batches.last?.request != request {
                batches.append(
                    RedriveBatch(
                        request: request, task: task, action: row.text(2).flatMap(RedriveBatch.Action.init) ?? .retry,
                        rate: row.int64(3).map { Int(clamping: $0) }, letters: [], isLast: true))
            }
            guard !row.isNull(5) else { continue }
            let last = batches.count - 1
            batches[last].letters.append(try letter(row, task))
            batches[last].isLast = row.int64(4) == Int64(batches[last].letters.count)
        }
        return batches
    }

    func letter(_ row: PostgresRow, _ task: TaskID) throws(EngineError) -> StoredDeadLetter {
        let id = row.int64(5) ?? 0
        guard let headers = row.bytes(12).flatMap(StoredHeaders.parse), let topic = row.text(6),
            let offset = row.int64(8), let time = row.timestamp(9)
        else {
            throw EngineError(
                .state, .stop,
                "dead letter \(id) of task \(task) has headers that are not of this version's making; correct egiz.dead_letter.headers or discard the letter"
            )
        }
        let record = RawRecord(
            topic: 0, partition: task.partition, offset: offset, timestamp: EventTime(microseconds: time), key: nil,
            value: nil)
        var letter = DeadLetter(
            stage: task.stage, topicName: topic, record: record, headers: headers, code: row.text(13) ?? "",
            message: row.text(14) ?? "", thing: row.text(15).flatMap { try? ThingID(validating: $0) },
            processor: row.text(16))
        letter.key = row.bytes(10)
        letter.value = row.bytes(11)
        letter.disposition = row.text(17).flatMap(DeadLetter.Disposition.init) ?? .dead
        letter.attempts = Int(clamping: row.int64(18) ?? 1)
        return StoredDeadLetter(
            id: id, letter: letter, incarnation: Int32(clamping: row.int64(7) ?? 1), isFirst: row.bool(19) ?? true)
    }
}
