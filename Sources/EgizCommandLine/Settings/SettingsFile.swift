import EgizCore
import EgizTopologyFile
import Foundation
import Yams

/// Refuses words of the configuration file that no setting has: a misspelt key must not silently mean its default.
enum SettingsFile {
    static let keys =
        [
            "kafka.brokers", "kafka.properties", "kafka.sessionTimeout", "database.url", "database.urlFile",
            "http.address",
            "worker.healthAddress", "dataDir", "logLevel", "shutdown.grace", "history.grace",
        ] + AccountSettings.keys + AuditSettings.keys + HTTPSettings.keys

    static func check(_ path: String) throws(EngineError) {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw EngineError(
                .config, .stop,
                "the configuration file \(path) cannot be read; name another with --config or EGIZ_CONFIG")
        }
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch {
            throw EngineError(.config, .stop, "\(path): \(error)")
        }
        guard let node else { return }
        guard case .mapping = node else {
            throw EngineError(.config, .stop, "\(path): found a list or a single value, expected a map of settings")
        }
        var faults: [String] = []
        collect(node, prefix: "", path: path, into: &faults)
        guard faults.isEmpty else { throw EngineError(.config, .stop, faults.joined(separator: "\n")) }
    }

    private static func collect(_ node: Node, prefix: String, path: String, into faults: inout [String]) {
        guard case .mapping(let mapping) = node else { return }
        for (key, value) in mapping {
            let name = prefix + (key.string ?? "?")
            if keys.contains(name) { continue }
            if keys.contains(where: { $0.hasPrefix(name + ".") }), value.mapping != nil {
                collect(value, prefix: name + ".", path: path, into: &faults)
                continue
            }
            let place = key.mark.map { "\(path):\($0.line):\($0.column)" } ?? path
            let near = NearestWord.find(name, among: keys).map { "; did you mean `\($0)`?" } ?? ""
            faults.append("\(place): error: unknown setting `\(name)`\(near)")
        }
    }
}
