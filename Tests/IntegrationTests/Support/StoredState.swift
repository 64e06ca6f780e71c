import EgizPostgres
import EgizTwin
import Foundation

/// What the database holds, read through the public view and table, for comparison with a fold.
struct StoredState {
    var documents: [String: JSONValue] = [:]
    var times: [LogFold.Series: Int] = [:]
    /// Samples as they lie in the segments: the view shows one of two that have the same time.
    var written = 0
    var deadLetters = 0

    init(_ connection: PostgresConnection) throws {
        let parser = JSONParser()
        let twins = try connection.query("select thing_id, document::text from egiz.twin where not deleted")
        for row in 0..<twins.count {
            var text = twins.string(row, 1)
            let value = try text.withUTF8 { try parser.parse(UnsafeRawBufferPointer($0)) }
            documents[twins.string(row, 0)] = value
        }
        let history = try connection.query("select thing_id, path, count(*) from egiz.history group by 1, 2")
        for row in 0..<history.count {
            times[.init(thing: history.string(row, 0), path: history.string(row, 1))] = Int(history.int64(row, 2))
        }
        written = Int(
            try connection.query(
                """
                select ((select coalesce(sum(n), 0) from egiz.history_segment)
                    + (select coalesce(sum(n), 0) from egiz.history_block)
                    + (select coalesce(sum(n), 0) from egiz.history_packed))::bigint
                """
            ).int64(0, 0))
        let letters = try connection.query("select count(*) from egiz.dead_letter")
        deadLetters = Int(letters.int64(0, 0))
    }

    /// Differences from a fold, each a sentence; empty when equal.
    func differences(from fold: LogFold) -> [String] {
        var found: [String] = []
        for (thing, document) in fold.documents where documents[thing] != document {
            found.append("twin \(thing) differs: \(documents[thing]?.text ?? "missing") instead of \(document.text)")
        }
        for thing in documents.keys where fold.documents[thing] == nil {
            found.append("twin \(thing) should not exist")
        }
        for (series, expected) in fold.times where times[series] != expected.count {
            found.append("\(series): \(times[series] ?? 0) samples instead of \(expected.count)")
        }
        let samples = fold.times.values.reduce(0) { $0 + $1.count }
        if written != samples { found.append("\(written) samples lie in the segments instead of \(samples)") }
        for series in times.keys where fold.times[series] == nil { found.append("\(series) should not exist") }
        return found
    }
}
