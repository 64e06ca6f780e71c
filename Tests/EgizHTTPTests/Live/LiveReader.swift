import EgizPostgres
import EgizTwin
import TestSupport
import Testing

@testable import EgizHTTP

/// A client as docs/live.md says it should be: for each subscription a copy of what it was told, and the last token.
struct LiveReader {
    struct Copy {
        var twin = TwinCopy()
        /// Revisions of open alerts, by key and time of raising.
        var alerts: [String: Int64] = [:]
        /// The state of the thing that the model was last asked about.
        var answer: Int64?
    }

    var subscriptions: [String: LiveSubscription] = [:]
    /// Subscriptions whose copies are complete: they can go on from the token.
    private(set) var complete: Set<String> = []
    private(set) var copies: [String: [ByteText: Copy]] = [:]
    private(set) var token: String?
    /// What is on its way.
    var wire: [LiveFrame] = []

    mutating func forget(_ id: String) {
        copies[id] = nil
        complete.remove(id)
    }

    /// Reads what is on its way, `most` frames of it.
    ///
    /// - Parameter mayKeep: whether the client may still see a thing, where it is told that its rights have changed.
    mutating func read(_ most: Int = .max, mayKeep: (ByteText) -> Bool) throws {
        for _ in 0..<min(most, wire.count) {
            let frame = wire.removeFirst()
            let message = try JSONParser().parse(frame.json)
            let id = message["id"]?.string ?? ""
            switch frame.type {
            case "resync", "unsubscribed", "error": forget(id)
            case "access":
                for id in copies.keys { copies[id] = copies[id]?.filter { mayKeep($0.key) } }
            case "live": complete.insert(id)
            case "snapshot": for item in message["items"]?.array ?? [] { try show(item, id, isRow: true) }
            case "changes":
                for item in message["items"]?.array ?? [] {
                    for id in subscriptions.keys { try show(item, id, isRow: false) }
                }
            default: Issue.record("what is \(frame.type)?")
            }
            if let resume = frame.resume { token = resume }
        }
    }

    private mutating func show(_ item: JSONValue, _ id: String, isRow: Bool) throws {
        guard let subscription = subscriptions[id], let thing = item["thingId"]?.string.map({ ByteText($0) }),
            let kind = item["kind"]?.string.flatMap({ LiveKind(rawValue: $0) }), subscription.kinds.contains(kind),
            subscription.things?.contains(thing) ?? true
        else { return }
        let value = try #require(item["value"]?.object)
        var copy = copies[id]?[thing] ?? Copy()
        switch kind {
        case .twin: if isRow { copy.twin.document = value } else { try copy.twin.apply(value) }
        case .alert:
            let key = "\(value["key"]?.string ?? "") \(value["raisedAt"]?.string ?? "")"
            guard case .int(let revision) = value["revision"] else { return }
            copy.alerts[key] = value["state"]?.string == "cleared" ? nil : revision
        case .prediction:
            guard case .int(let revision) = value["metadata"]?.object?["revision"] else { return }
            copy.answer = revision
        case .binding, .notification, .topology: return
        }
        copies[id, default: [:]][thing] = copy
    }
}
