import EgizCore
import EgizProcessors
import EgizTopologyFile
import Foundation

/// A small good topology in pieces, so that a test says only what it is about.
struct Fixture {
    var metadata = "metadata: { name: line }"
    var spec = ""
    var sources = """
            events:
              topics: [{ name: events.v1, partitions: 4 }]
              format: ditto
        """
    var processors = """
            twins: { kind: twin-projector, from: events }
        """

    var text: String {
        "apiVersion: egiz/v1\nkind: Topology\n\(metadata)\nspec:\n\(spec)  sources:\n\(sources)\n  processors:\n\(processors)\n"
    }

    var loaded: LoadedTopology { load(text) }
}

func load(_ text: String, environment: [String: String] = [:]) -> LoadedTopology {
    TopologyLoader(registry: .builtin, environment: environment).load(text: text, file: "x.yaml")
}

/// A topology whose only source has these words.
func source(_ words: String) -> LoadedTopology {
    Fixture(sources: "    events: { \(words) }").loaded
}

/// A topology with these words directly below `spec`.
func spec(_ words: String, environment: [String: String] = [:]) -> LoadedTopology {
    load(Fixture(spec: "  \(words)\n").text, environment: environment)
}

extension LoadedTopology {
    var messages: [String] { faults.map(\.message) }

    /// `line:column` of each fault.
    var places: [String] { faults.map { "\($0.mark.line):\($0.mark.column)" } }
}

/// The repository's root; the folder of tests may be a symbolic link into it.
let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A folder of its own for one test, removed afterwards.
func withTemporaryFolder<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("egiz-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
