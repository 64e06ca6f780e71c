import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// A line with one processor of rules, its settings written as JSON.
struct RuleLine {
    static let mark = SourceMark(line: 1, column: 1)

    let driver: TopologyDriver

    static func settings(_ json: String) throws -> [String: ConfigValue] {
        guard case .object(let object) = try JSONParser().parse(Array(json.utf8)) else { return [:] }
        var settings: [String: ConfigValue] = [:]
        for member in object { settings[member.key] = ConfigValue(json: member.value, at: mark) }
        return settings
    }

    static func definition(_ kind: String, _ json: String) throws -> ProcessorDefinition {
        ProcessorDefinition(name: "rules", kind: kind, from: "twins", settings: try settings(json), mark: mark)
    }

    init(
        _ kind: String, _ json: String, format: RecordFormat = .telemetry, epochs: TopologyDriver.Epochs = .eachRecord,
        cacheBytes: Int = .max, store: MemoryStore = MemoryStore()
    ) throws {
        driver = TopologyDriver(
            topology: .testing(format: format, further: [try Self.definition(kind, json)]), registry: .builtin,
            epochs: epochs, cacheBytes: cacheBytes, store: store)
    }

    /// One processor of a chain; settings as JSON, defaults as the kind has them.
    struct Link {
        var name: String
        var kind: String
        var from = "twins"
        var settings: String

        init(_ name: String, _ kind: String, from: String = "twins", _ settings: String) {
            (self.name, self.kind, self.from, self.settings) = (name, kind, from, settings)
        }

        func definition() throws -> ProcessorDefinition {
            var settings = try RuleLine.settings(settings)
            for field in ProcessorRegistry.builtin[kind]?.spec.fields ?? [] where settings[field.name] == nil {
                guard let text = field.defaultText, field.kind != .duration, field.kind != .size else { continue }
                let value = (try? JSONParser().parse(Array(text.utf8))) ?? .string(text)
                settings[field.name] = ConfigValue(json: value, at: RuleLine.mark)
            }
            return ProcessorDefinition(name: name, kind: kind, from: from, settings: settings, mark: RuleLine.mark)
        }
    }

    /// Several processors, in an order in which each stands behind the one it reads from.
    init(
        _ links: [Link], format: RecordFormat = .telemetry, epochs: TopologyDriver.Epochs = .eachRecord,
        store: MemoryStore = MemoryStore()
    ) throws {
        driver = TopologyDriver(
            topology: .testing(format: format, further: try links.map { try $0.definition() }), registry: .builtin,
            epochs: epochs, store: store)
    }

    /// A record of features of `f`, as JSON members, at a second.
    func send(_ second: Double, _ members: String, thing: String = "t:a") throws {
        let milliseconds = Int64(second * 1000)
        try driver.send(
            "events", key: thing,
            value: #"{"thingId":"\#(thing)","timestamp":\#(milliseconds),"features":{"f":{\#(members)}}}"#,
            at: EventTime(microseconds: milliseconds * 1000))
    }

    func event(
        _ second: Int64, _ revision: Int, _ action: String, _ path: String, _ value: String?, thing: String = "t:a"
    ) throws {
        let body = value.map { #","value":\#($0)"# } ?? ""
        let topic = thing.replacing(":", with: "/")
        try driver.send(
            "events", key: thing,
            value:
                #"{"topic":"\#(topic)/things/twin/events/\#(action)","path":"\#(path)"\#(body),"revision":\#(revision),"timestamp":"\#(EventTime(microseconds: second * 1_000_000).text)"}"#,
            at: EventTime(microseconds: second * 1_000_000))
    }

    func clock(_ second: Int64) throws {
        try driver.advanceStreamTime(to: EventTime(microseconds: second * 1_000_000))
    }

    /// `object target value`, by thing.
    var scene: [String] {
        driver.store.allScenes.map { "\($0.thing) \($0.object) \($0.target) \($0.value ?? "-")" }
    }

    /// `key rule severity state raised..cleared`, in seconds.
    var alerts: [String] {
        driver.store.allAlerts.map { row in
            let cleared = row.clearedAt.map { "\($0.microseconds / 1_000_000)" } ?? ""
            return
                "\(row.key) \(row.rule) \(row.severity.name) \(row.state.rawValue) \(row.raisedAt.microseconds / 1_000_000)..\(cleared)"
        }
    }

    func count(_ name: String) -> Int64 { driver.counters[name] ?? 0 }

    /// The records emitted to a topic, as JSON.
    func emitted(_ topic: String) -> [JSONObject] {
        checkMessages(driver)
        return driver.emitted.filter { $0.topic == topic }.compactMap { record in
            record.value.flatMap { try? JSONParser().parse($0).object }
        }
    }
}

/// The faults of a link that its kind refuses; empty where it takes it.
func faults(_ link: RuleLine.Link) throws -> [String] {
    let definition = try link.definition()
    do throws(TopologyFaults) {
        _ = try ProcessorRegistry.builtin[link.kind]?.make(definition)
        return []
    } catch {
        return error.faults.map(\.message)
    }
}

/// The faults of a definition that a kind refuses; empty where it takes it.
func faults(_ kind: String, _ json: String) throws -> [String] {
    let definition = try RuleLine.definition(kind, json)
    do throws(TopologyFaults) {
        _ = try ProcessorRegistry.builtin[kind]?.make(definition)
        return []
    } catch {
        return error.faults.map(\.message)
    }
}

/// Whatever a line emits is as its schema in `Schemas/` says.
func checkMessages(_ driver: TopologyDriver) {
    do {
        let faults = try MessageCheck(driver.topology, .builtin).faults(driver.emitted)
        if !faults.isEmpty { Issue.record("\(faults.joined(separator: "\n"))") }
    } catch { Issue.record(error) }
}
