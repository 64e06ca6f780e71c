import EgizRuntime
import Foundation
import ServiceLifecycle

/// The line under the welcome: events a second, lag, last commit, dead letters. Rewritten each second on a terminal, printed
/// every ten seconds elsewhere.
struct LiveLine: Service {
    let worker: DeploymentWorker

    func run() async {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let step = isTerminal ? 1 : 10
        let worker = worker
        await cancelWhenGracefulShutdown {
            var last = Totals(worker.statuses)
            var lastTime = ContinuousClock.now
            while !Task.isCancelled {
                guard (try? await Task.sleep(for: .seconds(step))) != nil else { break }
                let now = Totals(worker.statuses)
                let time = ContinuousClock.now
                let rate = Double(now.records - last.records) / lastTime.duration(to: time).seconds
                let line = Self.line(now, rate: rate, at: time)
                Console.print(isTerminal ? "\r\u{1B}[K\(Self.fitted(line))" : line, terminator: isTerminal ? "" : "\n")
                (last, lastTime) = (now, time)
            }
        }
        if isTerminal { Console.print("") }
    }

    /// The line cut to the terminal's width: a wrapped one could not be rewritten in place.
    private static func fitted(_ line: String) -> String {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1, line.count >= size.ws_col else {
            return line
        }
        return line.prefix(Int(size.ws_col) - 2) + "…"
    }

    struct Totals {
        var records: Int64 = 0
        var lag: Int64 = 0
        var deadLetters: Int64 = 0
        var lastCommit: ContinuousClock.Instant?
        var trouble: String?

        init(_ statuses: [StageStatus.Snapshot]) {
            for status in statuses {
                records += status.records
                lag += status.lag
                deadLetters += status.deadLetters
                lastCommit = [lastCommit, status.lastCommit].compactMap(\.self).max()
                switch status.state {
                case .waiting(let why), .failed(let why): trouble = trouble ?? "\(status.stage): \(why)"
                case .starting, .running, .stopped: break
                }
            }
        }
    }

    static func line(_ totals: Totals, rate: Double, at now: ContinuousClock.Instant) -> String {
        let commit = totals.lastCommit.map { String(format: "%.1f s ago", $0.duration(to: now).seconds) } ?? "none yet"
        let line =
            "events/s \(Int(rate.rounded()))   lag \(totals.lag)   last commit \(commit)   dead letters \(totals.deadLetters)"
        return totals.trouble.map { "\(line)   ! \($0)" } ?? line
    }
}
