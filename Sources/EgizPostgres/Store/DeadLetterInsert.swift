import EgizCore
import EgizTwin
import Foundation

/// Writes dead letters, numbered in their order, which is the order of redriving. A record that is there already stays as it is.
enum DeadLetterInsert {
    private static let mostRows = 1000
    private static let mostBytes = 8 << 20

    static func write(_ letters: [DeadLetter], _ connection: PostgresConnection) throws(EngineError) {
        for range in batches(letters) { try insert(letters[range], connection) }
    }

    /// Runs of letters, each within the bounds of one statement but for a single letter that is larger by itself.
    static func batches(_ letters: [DeadLetter]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var bytes = 0
        for (index, letter) in letters.enumerated() {
            let more = size(letter)
            if index > start, index - start >= mostRows || bytes + more > mostBytes {
                ranges.append(start..<index)
                start = index
                bytes = 0
            }
            bytes += more
        }
        if start < letters.count { ranges.append(start..<letters.count) }
        return ranges
    }

    /// About the bytes that the letter takes in the statement. Headers count in base64.
    private static func size(_ letter: DeadLetter) -> Int {
        var bytes = (letter.value?.count ?? 0) + (letter.key?.count ?? 0) + letter.message.utf8.count
        for header in letter.headers { bytes += header.name.utf8.count + (header.value?.count ?? 0) / 3 * 4 + 16 }
        return bytes + 256
    }

    private static func insert(_ letters: ArraySlice<DeadLetter>, _ connection: PostgresConnection) throws(EngineError)
    {
        _ = try connection.query(
            """
            insert into egiz.dead_letter (
                stage, topic, partition, incarnation, "offset", record_time, key, value, headers, code, message, thing_id, processor,
                disposition, attempts, retry_at)
            select letter.stage, letter.topic, letter.partition, coalesce(task.incarnation, 1), letter."offset",
                letter.record_time, letter.key, letter.value, letter.headers::json, letter.code, letter.message,
                letter.thing_id, letter.processor, letter.disposition, letter.attempts, letter.retry_at
            from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) with ordinality as letter (
                stage, topic, partition, "offset", record_time, key, value, headers, code, message, thing_id, processor,
                disposition, attempts, retry_at, place)
            left join egiz.task on task.stage = letter.stage and task.partition = letter.partition
            order by letter.place
            on conflict do nothing
            """,
            [
                .textArray(letters.map(\.stage.text)), .textArray(letters.map(\.position.topic)),
                .int64Array(letters.map { Int64($0.position.partition) }), .int64Array(letters.map(\.position.offset)),
                .timestampArray(letters.map(\.recordTime.microseconds)), .bytesArray(letters.map(\.key)),
                .bytesArray(letters.map(\.value)), .textArray(letters.map { headers($0.headers) }),
                .textArray(letters.map { TextColumn.escapingNUL($0.code) }),
                .textArray(letters.map { TextColumn.escapingNUL($0.message) }),
                .textArray(letters.map { $0.thing.map { TextColumn.escapingNUL($0.text) } }),
                .textArray(letters.map { $0.processor.map(TextColumn.escapingNUL) }),
                .textArray(letters.map(\.disposition.rawValue)), .int64Array(letters.map { Int64($0.attempts) }),
                .timestampArray(letters.map { $0.retryAt?.microseconds }),
            ])
    }

    /// `[["name","base64"],["other",null]]`.
    static func headers(_ headers: [DeadLetter.Header]) -> String {
        let items = headers.map { header in
            let value = header.value.map { "\"\(Data($0).base64EncodedString())\"" } ?? "null"
            return "[\(quoted(header.name)),\(value)]"
        }
        return "[\(items.joined(separator: ","))]"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0..<0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
