import EgizCore
import EgizRuntime
import EgizTesting
import EgizTopologyFile
import EgizTwin

/// Reads a test file against its words and against the topology that it tests. Everything wrong becomes a fault.
struct TopologyTestReader {
    private static let start = SourceMark(line: 1, column: 1)

    let faults: FaultList
    private let root: MapReader
    /// The file that is tested, as written.
    let topology: String?

    init?(_ value: ConfigValue, _ faults: FaultList) {
        guard
            let root = MapReader(value, at: Self.start, "", TestVocabulary.root, faults, noun: "topology test")
        else { return nil }
        self.faults = faults
        self.root = root
        _ = root.value("apiVersion")
        _ = root.value("kind")
        topology = root.string("topology")
    }

    func missesTopology() {
        faults.error(
            at: Self.start, "the topology test has no `topology`, and the file is not called `x.test.yaml` after one")
    }

    func read(_ topology: Topology, file: String) -> TopologyTestFile {
        let epochs = root.choice("epochs", TopologyDriver.Epochs.self) ?? .eachRecord
        let partitions = Int32(root.int("partitions") ?? 1)
        let context = TestContext(
            topology: topology, partitions: partitions, faults: faults)
        var tests: [TopologyTestCase] = []
        var names: Set<String> = []
        for (index, item) in list(root.raw("tests"), "tests").enumerated() {
            let path = "tests[\(index)]"
            guard let reader = MapReader(item, at: item.mark, path, TestVocabulary.test, faults) else { continue }
            let name = reader.string("name") ?? ""
            if !name.isEmpty, !names.insert(name).inserted {
                faults.error(at: reader.mark(of: "name"), "a test called \"\(name.shortened)\" stands above already")
            }
            let steps = list(reader.raw("steps"), "\(path).steps").enumerated().compactMap {
                StepReader(context: context, path: "\(path).steps[\($0.offset)]").read($0.element)
            }
            tests.append(
                TopologyTestCase(
                    name: name, mark: item.mark,
                    epochs: reader.choice("epochs", TopologyDriver.Epochs.self) ?? epochs, steps: steps))
        }
        return TopologyTestFile(
            file: file, topology: topology, partitions: partitions, environment: environment,
            types: root.raw("types").flatMap { TypesReader(faults: faults, path: "types").read($0) }, tests: tests)
    }

    private var environment: [String: String] {
        guard case .map(let members)? = root.value("environment")?.content else { return [:] }
        var variables: [String: String] = [:]
        for member in members {
            guard case .string(let text) = member.value.content else {
                faults.error(
                    at: member.value.mark, "`environment.\(member.key)`: found \(member.value.found), expected a text")
                continue
            }
            variables[member.key] = text
        }
        return variables
    }

    private func list(_ value: ConfigValue?, _ path: String) -> [ConfigValue] {
        guard let value else { return [] }
        guard case .list(let items) = value.content, !items.isEmpty else {
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected a list that is not empty")
            return []
        }
        return items
    }
}

/// What steps are checked against.
struct TestContext {
    let topology: Topology
    let partitions: Int32
    let faults: FaultList

    var topics: [SourceDefinition.Topic] { topology.sources.flatMap(\.topics) }

    func partitions(of topic: String) -> Int32? {
        topics.first { $0.name == topic }.map { $0.partitions ?? partitions }
    }

    /// The topic, where some source reads it.
    func topic(_ name: String, at mark: SourceMark) -> String? {
        let known = topics.map(\.name)
        guard known.contains(name) else {
            faults.error(
                at: mark,
                "no source of the topology reads the topic \"\(name.shortened)\", expected \(Word.Shape.list(known))\(ValueCheck.hint(for: name, among: known))"
            )
            return nil
        }
        return name
    }

    func time(_ reader: MapReader, _ word: String) -> EventTime? {
        guard let text = reader.string(word) else { return nil }
        return time(text, at: reader.raw(word)?.mark ?? reader.mark, reader.path(of: word))
    }

    func time(_ text: String, at mark: SourceMark, _ path: String) -> EventTime? {
        guard let stamp = try? Timestamp(parsing: text) else {
            faults.error(
                at: mark,
                "`\(path)`: found \"\(text.shortened)\", expected a time such as 2026-01-01T10:00:00Z (RFC 3339, with its offset)"
            )
            return nil
        }
        return stamp.eventTime
    }

    func thing(_ text: String, at mark: SourceMark) -> ThingID? {
        do throws(ThingIDError) {
            return try ThingID(validating: text)
        } catch {
            faults.error(at: mark, error.message)
            return nil
        }
    }
}

extension ConfigValue {
    /// The value as JSON.
    var json: JSONValue {
        switch content {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .int(number)
        case .double(let number): return .double(number)
        case .string(let text): return .string(text)
        case .list(let items): return .array(items.map(\.json))
        case .map(let members):
            var object = JSONObject()
            for member in members { object[member.key] = member.value.json }
            return .object(object)
        }
    }
}
