import EgizTwin
import Foundation
import Testing

/// One file of the corpus: events, and the twin that must come out.
struct DittoCase: CustomTestStringConvertible, Sendable {
    var name: String
    var thing: String
    /// Record values; nil is a tombstone.
    var records: [[UInt8]?]
    var expected: JSONValue
    var deadLetters: [Int]
    var ignored: [Int]
    var reasons: [String: String]
    var counters: [String: Int64]

    var testDescription: String { name }

    static let all: [DittoCase] = load()

    private static func load() -> [DittoCase] {
        guard let folder = Bundle.module.resourceURL?.appendingPathComponent("Cases"),
            let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        else { return [] }
        let parser = JSONParser()
        return files.filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }.compactMap { file in
            guard let data = try? Data(contentsOf: file), case .object(let object) = try? parser.parse([UInt8](data))
            else { return nil }
            return DittoCase(object)
        }
    }

    init?(_ object: JSONObject) {
        guard let name = object["name"]?.string, let thing = object["thingId"]?.string,
            case .array(let events) = object["events"], let expected = object["expected"],
            case .array(let deadLetters) = object["deadLetters"], case .array(let ignored) = object["ignored"]
        else { return nil }
        self.name = name
        self.thing = thing
        self.expected = expected
        records = events.map { event in
            switch event {
            case .null: nil
            case .string(let text): Array(text.utf8)
            default: Array(event.text.utf8)
            }
        }
        func indexes(_ values: [JSONValue]) -> [Int] {
            values.compactMap { if case .int(let index) = $0 { Int(index) } else { nil } }
        }
        self.deadLetters = indexes(deadLetters)
        self.ignored = indexes(ignored)
        reasons = [:]
        for (key, value) in object["reasons"]?.object ?? JSONObject() { reasons[key] = value.string }
        counters = [:]
        for (key, value) in object["counters"]?.object ?? JSONObject() {
            if case .int(let count) = value { counters[key] = count }
        }
    }
}
