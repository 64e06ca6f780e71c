import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import TestSupport

@testable import EgizHTTP

/// What is true of a few things, and what the log is still to tell of it. The database has twins and alerts before the log tells of them,
/// and what models say after it.
struct LiveWorld {
    struct Alert {
        var raisedAt: String
        var revision: Int64
        var cause: Int64
    }

    struct Answer: Equatable {
        var offset: Int64
        /// Of the state that was asked about.
        var revision: Int64
    }

    static let things: [ByteText] = ["t:a", "t:b", "t:c", "t:d", "t:e"]
    static let predictions = TopicPartition("ml.output.v1.k", 0)

    private(set) var twins: [ByteText: TwinCopy] = [:]
    private var revisions: [ByteText: Int64] = [:]
    private var causes: [ByteText: Int64] = [:]
    /// Open ones, by key.
    private(set) var alerts: [ByteText: [String: Alert]] = [:]
    /// The last answer of each thing's model: as the log has it, and as the database has it.
    private(set) var answers: [ByteText: Answer] = [:]
    private(set) var stored: [ByteText: Answer] = [:]
    var projects: [ByteText: ProjectID] = [:]
    /// In the order in which they were written.
    var log: [TailBatch.Record] = []
    private var ends: [TopicPartition: Int64] = [:]
    private var input: Int64 = 0
    /// Never twice the same, whatever begins anew.
    private var clock: Int64 = 0

    // MARK: What happens

    /// An event of some thing, and what comes of it.
    mutating func happen(_ random: inout SeededGenerator) throws {
        let thing = Self.things.randomElement(using: &random) ?? "t:a"
        (input, clock) = (input + 1, clock + 1)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<6: try change(thing, &random)
        case 6..<9: alert(thing, &random)
        default: answer(thing)
        }
    }

    private mutating func change(_ thing: ByteText, _ random: inout SeededGenerator) throws {
        var change = "changed"
        var parts: [String] = []
        let leaves = ["/attributes/x", "/attributes/y", "/features/f/properties/p", "/features/g/properties/p"]
        let number = clock
        func value(_ path: String) -> String { #"{"path":"\#(path)","value":\#(number)}"# }
        if twins[thing]?.document == nil {
            (change, parts) = ("created", leaves.filter { _ in Bool.random(using: &random) }.map(value))
            // Who was deleted and is made again begins at 1.
            revisions[thing] = 0
        } else {
            let leaf = leaves.randomElement(using: &random) ?? ""
            switch Int.random(in: 0..<10, using: &random) {
            case 0: change = "deleted"
            case 1: parts = [#"{"path":"/features","removed":true}"#, value(leaf)]
            case 2: parts = [#"{"path":"/attributes","removed":true}"#]
            case 3: parts = [#"{"path":"\#(leaf)","removed":true}"#]
            default: parts = [value(leaf), value("/attributes/x")]
            }
        }
        let revision = revisions[thing, default: 0] + 1
        revisions[thing] = revision
        causes[thing] = input
        let text =
            #"{"thingId":"\#(thing.text)","change":"\#(change)","revision":\#(revision),\#(cause),"changes":[\#(parts.joined(separator: ","))]}"#
        write(LiveFixture.prefix + "twin", thing, text)
        guard let record = try JSONParser().parse(Array(text.utf8)).object else { return }
        try twins[thing, default: TwinCopy()].apply(record)
    }

    private mutating func alert(_ thing: ByteText, _ random: inout SeededGenerator) {
        let key = Bool.random(using: &random) ? "hot" : "cold"
        var alert = alerts[thing]?[key] ?? Alert(raisedAt: "\(clock)", revision: 0, cause: 0)
        (alert.revision, alert.cause) = (alert.revision + 1, input)
        let isCleared = alert.revision > 1 && Bool.random(using: &random)
        alerts[thing, default: [:]][key] = isCleared ? nil : alert
        let state = isCleared ? "cleared" : alert.revision == 1 ? "raised" : "acknowledged"
        write(
            LiveFixture.prefix + "alert", thing,
            #"{"thingId":"\#(thing.text)","key":"\#(key)","raisedAt":"\#(alert.raisedAt)","state":"\#(state)","revision":\#(alert.revision),\#(cause)}"#
        )
    }

    private mutating func answer(_ thing: ByteText) {
        // A model is asked about states in their order.
        let text =
            #"{"thingId":"\#(thing.text)","task":"k","model":"m","shadow":false,"metadata":{"revision":\#(clock),"time":"1970-01-01T00:00:00Z"}}"#
        answers[thing] = Answer(offset: ends[Self.predictions, default: 0], revision: clock)
        write(Self.predictions.topic, thing, text)
    }

    private var cause: String { #""cause":{"topic":"events","partition":0,"offset":\#(input)}"# }

    private mutating func write(_ topic: String, _ thing: ByteText, _ value: String) {
        let partition = TopicPartition(topic, 0)
        let offset = ends[partition, default: 0]
        ends[partition] = offset + 1
        log.append(
            TailBatch.Record(
                partition: partition, offset: offset, key: Array(thing.text.utf8), value: Array(value.utf8),
                time: clock))
    }

    /// What models said of a thing gets into the database.
    mutating func store(_ thing: ByteText) { stored[thing] = answers[thing] }

    /// The broker begins with an empty log: what was not read is lost, and offsets begin at 0.
    mutating func restartLog() {
        (log, ends, input, answers) = ([], [:], 0, stored)
    }

    // MARK: The database

    /// Rows of a thing in a snapshot.
    func rows(of thing: ByteText, for subscription: LiveSubscription) -> [LiveRow] {
        var rows: [LiveRow] = []
        if subscription.kinds.contains(.twin), let document = twins[thing]?.document {
            let value = LiveWorld.shown(.object(document), to: subscription)
            rows.append(
                LiveRow(
                    key: .init(thing: thing, kind: .twin, key: LiveItem.key()),
                    floor: floor("events", causes[thing] ?? 0, revisions[thing] ?? 0),
                    json: json("twin", thing, value?.text ?? "{}")))
        }
        if subscription.kinds.contains(.alert) {
            for (key, alert) in (alerts[thing] ?? [:]).sorted(by: { $0.key < $1.key }) {
                rows.append(
                    LiveRow(
                        key: .init(thing: thing, kind: .alert, key: LiveItem.key(key, alert.raisedAt)),
                        floor: floor("events", alert.cause, alert.revision),
                        json: json(
                            "alert", thing,
                            #"{"key":"\#(key)","raisedAt":"\#(alert.raisedAt)","state":"raised","revision":\#(alert.revision)}"#
                        )))
            }
        }
        if subscription.kinds.contains(.prediction), let answer = stored[thing] {
            rows.append(
                LiveRow(
                    key: .init(thing: thing, kind: .prediction, key: LiveItem.key("k", "m", "false")),
                    floor: floor(Self.predictions.topic, answer.offset, answer.revision),
                    json: json("prediction", thing, #"{"metadata":{"revision":\#(answer.revision)}}"#)))
        }
        return rows
    }

    /// What a subscription shows of a thing.
    static func shown(_ document: JSONValue, to subscription: LiveSubscription) -> JSONValue? {
        subscription.patterns.isEmpty ? document : LivePathFilter.select(subscription.patterns, from: document)
    }

    private func floor(_ topic: String, _ offset: Int64, _ revision: Int64) -> LiveSession.Floor {
        .init(position: InputPosition(topic: topic, partition: 0, offset: offset), revision: revision)
    }

    private func json(_ kind: String, _ thing: ByteText, _ value: String) -> [UInt8] {
        Array(#"{"kind":"\#(kind)","thingId":"\#(thing.text)","value":\#(value)}"#.utf8)
    }
}
