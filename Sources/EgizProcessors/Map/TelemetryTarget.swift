import EgizCore

/// A place that a telemetry record can write: a property of a feature.
struct TelemetryTarget {
    let path: [String]
    private let mark: SourceMark

    init(_ reader: SettingsReader, _ word: String) throws(TopologyFaults) {
        guard let path = try reader.path(word)?.paths.first, Self.isProperty(path) else {
            throw reader.fault(word, "a property of a feature such as features.filler.temperature")
        }
        self.path = path
        mark = reader.value(word)?.mark ?? reader.mark
    }

    /// Telemetry has no attributes and no desired properties.
    static func isProperty(_ path: [String]) -> Bool {
        path.count > 3 && path[0] == "features" && path[2] == "properties"
    }

    /// Two values for one place, or for a place within another, would fight.
    static func checkDistinct(_ targets: [TelemetryTarget], _ reader: SettingsReader) throws(TopologyFaults) {
        for (place, target) in targets.enumerated() {
            for other in targets[..<place]
            where zip(target.path, other.path).allSatisfy({ $0.utf8.elementsEqual($1.utf8) }) {
                throw reader.fault(
                    at: target.mark,
                    "\(reader.path): two values are written to /\(target.path.joined(separator: "/")) (also line \(other.mark.line)); each needs a place of its own"
                )
            }
        }
    }
}
