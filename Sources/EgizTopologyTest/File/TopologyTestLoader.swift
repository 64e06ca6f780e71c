import EgizCore
public import EgizTopologyFile
import Foundation

/// Finds and reads test files.
public struct TopologyTestLoader: Sendable {
    private let topologies: TopologyLoader

    /// - Parameter topologies: reads the topologies that the tests name.
    public init(topologies: TopologyLoader) { self.topologies = topologies }

    /// A test file that was found, or a topology that has none.
    public enum Found: Sendable, Equatable {
        case tests(String)
        case untested(topology: String)
        case missing(String)
    }

    /// The test files of a folder, or the one that is named itself or by its topology.
    public static func find(_ path: String) -> [Found] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return [.missing(path)] }
        guard isFolder.boolValue else {
            if isTest(path) { return [.tests(path)] }
            return [tests(of: path).map(Found.tests) ?? .untested(topology: path)]
        }
        let base = path.hasSuffix("/") ? String(path.dropLast()) : path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let files = names.filter { !$0.hasPrefix(".") && ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\(base)/\($0)" }
        let tests = files.filter(isTest)
        return tests.map(Found.tests)
            + files.filter { !isTest($0) && Self.tests(of: $0) == nil }.map { Found.untested(topology: $0) }
    }

    private static func isTest(_ path: String) -> Bool { path.hasSuffix(".test.yaml") || path.hasSuffix(".test.yml") }

    /// `x.test.yaml` beside `x.yaml`; nil where there is none.
    private static func tests(of topology: String) -> String? {
        let stem = (topology as NSString).deletingPathExtension
        return ["\(stem).test.yaml", "\(stem).test.yml"].first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Reads one test file and the topology it names.
    public func load(path: String) -> LoadedTopologyTest {
        switch TopologyLoader.text(path: path, noun: "topology test") {
        case .success(let text): load(text: text, file: path)
        case .failure(let refusal):
            LoadedTopologyTest(file: path, tests: nil, faults: refusal.faults, topologyReport: "")
        }
    }

    /// - Parameters:
    ///   - file: the name that reports give, and where the topology is looked for.
    ///   - topology: taken instead of the file that the text names.
    public func load(text: String, file: String, topology given: LoadedTopology? = nil) -> LoadedTopologyTest {
        let faults = FaultList()
        let value = YAMLDocument.read(text, into: faults, noun: "topology test", hasJSONNumbers: true)
        let reader = value.flatMap { TopologyTestReader($0, faults) }
        let loaded = given ?? reader.flatMap { load($0, file) }
        let report = given == nil ? loaded?.report ?? "" : ""
        let tests = reader.flatMap { reader in
            loaded?.topology.map { topology in reader.read(topology, file: file) }
        }
        return LoadedTopologyTest(
            file: file, tests: faults.hasErrors ? nil : tests, faults: faults.faults, topologyReport: report)
    }

    private func load(_ reader: TopologyTestReader, _ file: String) -> LoadedTopology? {
        let folder = (file as NSString).deletingLastPathComponent
        func beside(_ name: String) -> String {
            name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
        }
        if let name = reader.topology { return topologies.load(path: beside(name)) }
        let name = (file as NSString).lastPathComponent
        for suffix in [".test.yaml", ".test.yml"] where name.hasSuffix(suffix) {
            return topologies.load(path: beside("\(name.dropLast(suffix.count))\(suffix.dropFirst(".test".count))"))
        }
        reader.missesTopology()
        return nil
    }
}
