import Foundation

@testable import ZonesunMachine

/// What a reader of the simulator's Ditto events would hold: the few actions the simulator uses, folded naively.
struct DittoFold {
    struct Unexpected: Error { let what: String }

    var thing: [String: Any]?
    var revision: Int64 = 0
    var actions: [String: Int] = [:]

    func value(_ path: String) -> Any? {
        path.split(separator: "/").reduce(thing as Any?) { ($0 as? [String: Any])?[String($1)] }
    }

    mutating func apply(_ record: MemorySink.Record) throws {
        let parsed = try JSONSerialization.jsonObject(with: Data(record.value), options: .fragmentsAllowed)
        guard let event = parsed as? [String: Any], let topic = event["topic"] as? String,
            let path = event["path"] as? String, let next = event["revision"] as? Int64
        else { throw Unexpected(what: record.text) }
        guard next == revision + 1 else { throw Unexpected(what: "revision \(next) after \(revision)") }
        revision = next
        let action = String(topic.split(separator: "/").last ?? "")
        actions[action, default: 0] += 1
        let keys = path.split(separator: "/").map(String.init)
        switch action {
        case "created": thing = event["value"] as? [String: Any]
        case "modified": thing = Self.set(event["value"], at: keys[...], in: thing) as? [String: Any]
        case "deleted": thing = Self.set(nil, at: keys[...], in: thing) as? [String: Any]
        case "merged":
            let patch = keys.reversed().reduce(event["value"]) { [$1: $0 as Any] }
            thing = Self.merge(patch, into: thing) as? [String: Any]
        default: throw Unexpected(what: topic)
        }
    }

    private static func set(_ value: Any?, at keys: ArraySlice<String>, in target: Any?) -> Any? {
        guard let key = keys.first else { return value }
        var object = target as? [String: Any] ?? [:]
        object[key] = set(value, at: keys.dropFirst(), in: object[key])
        return object
    }

    private static func merge(_ patch: Any?, into target: Any?) -> Any? {
        guard let patch = patch as? [String: Any] else { return patch }
        var object = target as? [String: Any] ?? [:]
        for (key, value) in patch { object[key] = value is NSNull ? nil : merge(value, into: object[key]) }
        return object
    }
}
