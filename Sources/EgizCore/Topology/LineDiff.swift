/// The difference of two texts line by line, with three lines around each change.
public enum LineDiff {
    /// Lines between the first and the last difference beyond which they are not compared with each other: that takes their square.
    private static let mostCompared = 2000

    private enum Line {
        case same(String)
        case removed(String)
        case added(String)

        var isSame: Bool { if case .same = self { true } else { false } }

        var text: String {
            switch self {
            case .same(let text): " \(text)"
            case .removed(let text): "-\(text)"
            case .added(let text): "+\(text)"
            }
        }
    }

    public static func unified(_ old: String, _ new: String, context: Int = 3) -> [String] {
        let lines = align(split(old), split(new))
        var kept = [Bool](repeating: false, count: lines.count)
        for (index, line) in lines.enumerated() where !line.isSame {
            for near in max(0, index - context)...min(lines.count - 1, index + context) { kept[near] = true }
        }
        var result: [String] = []
        for (index, line) in lines.enumerated() where kept[index] {
            if index > 0, !kept[index - 1], !result.isEmpty { result.append("@@") }
            result.append(line.text)
        }
        return result
    }

    private static func split(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func align(_ old: [String], _ new: [String]) -> [Line] {
        let before = zip(old, new).prefix { $0 == $1 }.count
        let most = min(old.count, new.count) - before
        let after = zip(old.reversed().prefix(most), new.reversed().prefix(most)).prefix { $0 == $1 }.count
        var removed = Set(before..<old.count - after)
        var added = Set(before..<new.count - after)
        if removed.count + added.count <= mostCompared {
            let changes = new[before..<new.count - after].difference(from: old[before..<old.count - after])
            (removed, added) = ([], [])
            for change in changes {
                switch change {
                case .remove(let offset, _, _): removed.insert(before + offset)
                case .insert(let offset, _, _): added.insert(before + offset)
                }
            }
        }
        var lines: [Line] = []
        var i = 0
        var j = 0
        while i < old.count || j < new.count {
            if i < old.count, removed.contains(i) {
                lines.append(.removed(old[i]))
                i += 1
            } else if j < new.count, added.contains(j) {
                lines.append(.added(new[j]))
                j += 1
            } else {
                lines.append(.same(old[i]))
                i += 1
                j += 1
            }
        }
        return lines
    }
}
