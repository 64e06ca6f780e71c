import ArgumentParser

/// A span on the command line: `30s`, `5m`, `1h`, `500ms`; a number alone means seconds.
struct MachineTime: ExpressibleByArgument {
    let seconds: Double

    init?(argument: String) {
        let units: [(suffix: String, seconds: Double)] = [
            ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 1),
        ]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Double(argument.dropLast(unit.suffix.count)), number.isFinite, number >= 0
        else { return nil }
        seconds = number * unit.seconds
    }
}
