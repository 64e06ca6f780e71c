import EgizTwin
import Testing

/// Folds records into twins, keeping what the engine keeps around it: outcomes, counters, and the leaves that a reader
/// who sees only the changes believes in.
final class Replay {
    let paths: PathTable
    let decoder: RecordDecoder
    let parser = JSONParser()
    var twins: [ThingID: Twin] = [:]
    var leaves: [ThingID: [PathID: LeafValue]] = [:]
    var counters: [String: Int64] = [:]
    var deadLetters: [Int] = []
    var ignored: [Int] = []
    var reasons: [String: String] = [:]
    /// The leaves of the last event.
    var last: [LeafChange] = []
    /// Applied events in order.
    var applied: [TwinEvent] = []
    private var index = 0

    init() {
        paths = PathTable()
        decoder = RecordDecoder(paths: paths)
    }

    func feed(_ text: String, _ format: RecordFormat = .ditto, at time: Int64 = 0) {
        feed(Array(text.utf8), format, at: time)
    }

    func feed(_ record: [UInt8]?, _ format: RecordFormat = .ditto, at time: Int64 = 0) {
        defer { index += 1 }
        last = []
        let time = EventTime(microseconds: time)
        let decoded: Decoded
        if let record {
            decoded = record.withUnsafeBytes { decoder.decode($0, format: format, recordTime: time) }
        } else {
            decoded = decoder.decode(nil, format: format, recordTime: time)
        }
        switch decoded {
        case .ignored(let reason): ignore(reason)
        case .rejected(let rejection): reject(rejection)
        case .event(let event): fold(event)
        }
    }

    private func fold(_ event: TwinEvent) {
        let twin = twins[event.thing] ?? Twin(thing: event.thing)
        let before = twin.document
        var change = ChangeBuffer()
        switch twin.apply(event, paths: paths, into: &change) {
        case .ignored(let reason):
            ignore(reason)
            #expect(twin.document == before && change.leaves.isEmpty)
        case .rejected(let rejection):
            reject(rejection)
            #expect(twin.document == before && change.leaves.isEmpty)
        case .applied(let missed, let reset):
            twins[event.thing] = twin
            applied.append(event)
            if missed > 0 {
                counters["gaps", default: 0] += 1
                counters["missed", default: 0] += missed
            }
            if reset { counters["resets", default: 0] += 1 }
            last = change.leaves
            absorb(change.leaves, of: twin)
        }
    }

    /// The believed leaves must be those of the document, and `changed` must be true exactly where they differ.
    private func absorb(_ changes: [LeafChange], of twin: Twin) {
        var known = leaves[twin.thing] ?? [:]
        let before = known
        for leaf in changes {
            if case .absent = leaf.value {
                #expect(
                    known.removeValue(forKey: leaf.path) != nil,
                    "absent, though it was not there: \(paths.text(of: leaf.path))")
                #expect(leaf.changed)
            } else {
                known[leaf.path] = leaf.value
                let same = before[leaf.path].map { Self.same($0, leaf.value) } ?? false
                #expect(leaf.changed == !same, "\(paths.text(of: leaf.path))")
            }
        }
        #expect(Set(changes.map(\.path)).count == changes.count, "a leaf is reported once")
        leaves[twin.thing] = known
        let real = Leaves.of(twin.document)
        var texts: [[UInt8]: LeafValue] = [:]
        for (path, value) in known { texts[Array(paths.text(of: path).utf8)] = value }
        #expect(texts.count == known.count)
        #expect(Set(texts.keys) == Set(real.keys))
        for (path, value) in real {
            #expect(texts[path].map { Self.same($0, value) } ?? false, "\(String(decoding: path, as: UTF8.self))")
        }
    }

    static func same(_ a: LeafValue, _ b: LeafValue) -> Bool {
        switch (a, b) {
        case (.number(let x), .integer(let y)), (.integer(let y), .number(let x)): Int64(exactly: x) == y
        case (.json(let x), .json(let y)):
            (try? JSONParser().parse(Array(x.utf8))) == (try? JSONParser().parse(Array(y.utf8)))
        default: a == b
        }
    }

    private func ignore(_ reason: IgnoreReason) {
        ignored.append(index)
        reasons["\(index)"] = reason.rawValue
        if reason == .duplicate || reason == .stale || reason == .orphan { counters[reason.rawValue, default: 0] += 1 }
    }

    private func reject(_ rejection: Rejection) {
        deadLetters.append(index)
        reasons["\(index)"] = rejection.code
        #expect(!rejection.message.isEmpty)
    }

    func twin(_ id: String) -> Twin? { (try? ThingID(validating: id)).flatMap { twins[$0] } }
}
