import EgizCore

/// One renaming of a map: a path, and all beneath it.
struct PathMove {
    static let fields: [KindField] = [
        .init("from", .path, required: true, "The path in the thing; what lies beneath it goes with it."),
        .init(
            "to", .path, required: true, "Where it goes: a property, such as `features.tank.level`."),
    ]

    let source: [String]
    let target: TelemetryTarget

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        guard let path = try reader.path("from")?.paths.first else { throw reader.fault("from", "a path") }
        source = path
        target = try TelemetryTarget(reader, "to")
    }

    /// Where a path of the thing goes; nil where this is not about it.
    func move(_ path: [String]) -> [String]? {
        guard path.count >= source.count, zip(source, path).allSatisfy({ $0.utf8.elementsEqual($1.utf8) }) else {
            return nil
        }
        return target.path + path.dropFirst(source.count)
    }
}
