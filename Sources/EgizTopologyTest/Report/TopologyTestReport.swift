import EgizCore

/// Results as text.
public struct TopologyTestReport: Sendable {
    /// Colours, where the text goes to a terminal.
    private let hasColours: Bool

    public init(hasColours: Bool = false) { self.hasColours = hasColours }

    /// One line a test, and below each that failed what differs.
    public func text(of results: TopologyTestResults) -> String {
        var out = paint("\(results.file)\n", .bold)
        if results.results.isEmpty { out += "  no test of that name\n" }
        for result in results.results {
            out += result.hasPassed ? "  \(paint("✓", .green)) " : "  \(paint("✗", .red)) "
            out += result.name + "\n"
            for failure in result.failures { out += text(of: failure, in: results.file) }
        }
        return out
    }

    private func text(of failure: TestFailure, in file: String) -> String {
        var out = "      \(file):\(failure.mark.line):\(failure.mark.column): \(paint(failure.message, .red))\n"
        guard !failure.lines.isEmpty else { return out }
        out += "        \(paint("- expected", .red))  \(paint("+ got", .green))\n"
        for line in failure.lines {
            let colour: Colour =
                switch line {
                case .missing: .red
                case .unexpected: .green
                case .same, .skipped: .dim
                }
            out += "        \(paint(line.text, colour))\n"
        }
        return out
    }

    /// Sources and processors with what no test reached.
    public func text(of coverage: Coverage) -> String {
        let names = coverage.items.map(\.name.count).max() ?? 0
        let kinds = coverage.items.map(\.kind.count).max() ?? 0
        func pad(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        var out = paint("coverage of \(coverage.topology)\n", .bold)
        for item in coverage.items {
            out += item.missing.isEmpty ? "  \(paint("✓", .green)) " : "  \(paint("✗", .red)) "
            out += "\(pad(item.name, names))  \(pad(item.kind, kinds))  \(item.facts.joined(separator: ", "))\n"
            for branch in item.missing { out += "      \(paint("no test reaches \(branch)", .red))\n" }
        }
        out += "  \(coverage.reached) of \(coverage.branches) branches reached\n"
        return out
    }

    /// The last line.
    public func summary(passed: Int, failed: Int) -> String {
        paint("\(passed) passed, \(failed) failed", failed == 0 ? .green : .red)
    }

    // MARK: Colours

    private enum Colour: String {
        case red = "31"
        case green = "32"
        case dim = "2"
        case bold = "1"
    }

    private func paint(_ text: String, _ colour: Colour) -> String {
        guard hasColours else { return text }
        return text.hasSuffix("\n")
            ? "\u{1B}[\(colour.rawValue)m\(text.dropLast())\u{1B}[0m\n" : "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }
}
