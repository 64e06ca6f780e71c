import ArgumentParser
import Foundation

/// When the first event happens.
enum StartTime: ExpressibleByArgument {
    case now
    /// Microseconds since 1970.
    case at(Int64)

    /// The years that the engine takes as event times.
    private static let bounds: Range<Double> = 0..<7_258_118_400

    init?(argument: String) {
        if argument == "now" {
            self = .now
            return
        }
        let fraction = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = (try? Date(argument, strategy: .iso8601)) ?? (try? Date(argument, strategy: fraction)),
            Self.bounds.contains(date.timeIntervalSince1970)
        else { return nil }
        self = .at(Int64((date.timeIntervalSince1970 * 1_000_000).rounded()))
    }
}
