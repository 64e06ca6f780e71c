/// A line of a difference.
public enum DiffLine: Sendable, Equatable {
    case same(String)
    /// Expected, and not there.
    case missing(String)
    /// There, and not expected.
    case unexpected(String)
    /// Lines that are the same were left out.
    case skipped

    /// The lines of two texts beside each other, with `context` lines around each difference.
    static func compare(expected: [String], got: [String], context: Int = 3) -> [DiffLine] {
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in got.difference(from: expected) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var lines: [DiffLine] = []
        var (e, g) = (0, 0)
        while e < expected.count || g < got.count {
            if e < expected.count, removed.contains(e) {
                lines.append(.missing(expected[e]))
                e += 1
            } else if g < got.count, added.contains(g) {
                lines.append(.unexpected(got[g]))
                g += 1
            } else {
                lines.append(.same(expected[e]))
                (e, g) = (e + 1, g + 1)
            }
        }
        return shorten(lines, context)
    }

    private static func shorten(_ lines: [DiffLine], _ context: Int) -> [DiffLine] {
        var kept = [Bool](repeating: false, count: lines.count)
        for (index, line) in lines.enumerated() {
            if case .same = line { continue }
            for near in max(0, index - context)...min(lines.count - 1, index + context) { kept[near] = true }
        }
        var result: [DiffLine] = []
        for (index, line) in lines.enumerated() {
            if kept[index] {
                result.append(line)
            } else if result.last != .skipped {
                result.append(.skipped)
            }
        }
        return result
    }

    /// `-` expected, `+` got.
    public var text: String {
        switch self {
        case .same(let text): "  \(text)"
        case .missing(let text): "- \(text)"
        case .unexpected(let text): "+ \(text)"
        case .skipped: "  ⋮"
        }
    }
}
