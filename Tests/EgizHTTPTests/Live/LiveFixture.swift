import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin

@testable import EgizHTTP

/// Records, items and principals of tests of live push.
enum LiveFixture {
    static let prefix = "framework.notifications.v1."
    static let projectA = ProjectID("11111111-1111-1111-1111-111111111111")
    static let projectB = ProjectID("22222222-2222-2222-2222-222222222222")

    static let admin = Principal.localOperator

    static func member(_ projects: ProjectID?...) -> Principal {
        var principal = Principal(kind: .user, id: "u", name: "u@example.com", isAdmin: false)
        for project in projects { if let project { principal.roles[project] = .viewer } }
        return principal
    }

    static func record(
        _ topic: String, _ offset: Int64, _ value: String, key: String? = "t:a", partition: Int32 = 0
    ) -> TailBatch.Record {
        TailBatch.Record(
            partition: TopicPartition(prefix + topic, partition), offset: offset, key: key.map { Array($0.utf8) },
            value: Array(value.utf8), time: offset)
    }

    /// A change of a twin; `changes` are `path=value`, a value of nothing is a removal. Its input is the record of the same offset.
    static func twin(
        _ offset: Int64, _ changes: [String], thing: String = "t:a", change: String = "changed", revision: Int64? = nil,
        project: ProjectID? = nil
    ) -> LiveItem {
        let parts = changes.map { change -> String in
            let pair = change.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return pair[1].isEmpty
                ? #"{"path":"\#(pair[0])","removed":true}"# : #"{"path":"\#(pair[0])","value":\#(pair[1])}"#
        }
        let value =
            #"{"thingId":"\#(thing)","change":"\#(change)","revision":\#(revision ?? offset),"time":"1970-01-01T00:00:01Z","cause":{"topic":"events","partition":0,"offset":\#(offset)},"changes":[\#(parts.joined(separator: ","))]}"#
        return item(record("twin", offset, value, key: thing), project: project)
    }

    static func item(_ record: TailBatch.Record, project: ProjectID? = nil) -> LiveItem {
        LiveItem(record, project: project, parser: JSONParser())!
    }

    static func subscription(
        _ id: String = "s", things: [ByteText]? = nil, projects: [ProjectID?]? = nil,
        kinds: Set<LiveKind> = LiveKind.usual,
        paths: [String] = []
    ) -> LiveSubscription {
        LiveSubscription(
            id: id, things: things.map { Set($0) }, projects: projects.map { Set($0.compactMap(\.self)) }, kinds: kinds,
            patterns: paths.compactMap { PathPattern($0) })
    }

    /// The row of a snapshot, whose cause is the record of that offset of `topic`.
    static func row(
        _ thing: ByteText, _ offset: Int64, kind: LiveKind = .twin, key: ByteText = "", topic: String = "events",
        revision: Int64? = nil, json: String = "{}"
    ) -> LiveRow {
        LiveRow(
            key: .init(thing: thing, kind: kind, key: key),
            floor: .init(
                position: InputPosition(topic: topic, partition: 0, offset: offset), revision: revision ?? offset),
            json: Array(json.utf8))
    }

    /// The rows as all there is of a page, which is the last.
    static func page(_ rows: LiveRow...) -> LivePiece { LivePiece(rows: rows, isPageEnd: true) }

    static func session(_ principal: Principal = admin, mostBytes: Int = 1 << 20) -> LiveSession {
        LiveSession(principal: principal, mostBytes: mostBytes)
    }

    /// The items of frames, each as `kind thing revision change path=value…`.
    static func told(_ frames: [LiveFrame]) throws -> [String] {
        try frames.flatMap { frame in
            try (JSONParser().parse(frame.json)["items"]?.array ?? []).map { item in
                let value = item["value"]
                let parts = (value?["changes"]?.array ?? []).map { part in
                    "\(part["path"]?.string ?? "-")=\(part["value"]?.text ?? "")"
                }
                // Rows of the fixture say nothing of themselves.
                guard item["kind"] != nil else { return "row" }
                let words = [
                    item["kind"]?.string, item["thingId"]?.string, value?["revision"]?.text, value?["change"]?.string,
                ]
                return (words.compactMap(\.self) + parts).joined(separator: " ")
            }
        }
    }
}
