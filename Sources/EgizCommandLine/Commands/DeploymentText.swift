import EgizCore
import EgizRuntime
import EgizTwin
import Foundation

/// Deployments for people.
enum DeploymentText {
    static func rollout(_ rollout: Rollout, _ deployment: Deployment) -> String {
        let wanted = "version \(deployment.wantedVersion)"
        let old = deployment.runningVersion.map { "version \($0) goes on" } ?? "nothing runs"
        return switch rollout {
        case .done:
            switch deployment.state {
            case .running: "\(wanted) runs"
            case .paused: "paused"
            case .deleted: "deleted"
            }
        case .noWorker: "no worker lives; the next one that starts runs \(wanted)"
        case .refused(let refusals):
            "\(wanted) is refused, \(deployment.isPending ? old : "others run it"): "
                + refusals.map { "\($0.worker): \($0.reason)" }.joined(separator: "; ")
        case .preparing(let workers): "\(wanted) is being prepared by \(list(workers)); \(old)"
        case .prepared: "\(wanted) is prepared"
        case .starting(let workers): "\(wanted) starts in \(list(workers))"
        case .failed(let refusals):
            "\(wanted) failed: " + refusals.map { "\($0.worker): \($0.reason)" }.joined(separator: "; ")
        case .stopping(let workers): "stops in \(list(workers))"
        }
    }

    private static func list(_ workers: [String]) -> String { workers.map { "(\($0))" }.joined(separator: ", ") }

    static func time(_ microseconds: Int64) -> String { EventTime(microseconds: microseconds).text }

    /// Columns padded to their widest cell.
    static func table(_ rows: [[String]]) -> String {
        var widths: [Int] = []
        for row in rows {
            for (index, cell) in row.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], cell.count)
            }
        }
        return rows.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line +=
                    index == row.count - 1
                    ? cell : cell.padding(toLength: widths[index] + 2, withPad: " ", startingAt: 0)
            }
            return line
        }.joined(separator: "\n")
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
