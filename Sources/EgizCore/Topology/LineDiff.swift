/// The difference of two texts line by line, with three lines around each change.
public enum LineDiff {
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
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in new.difference(from: old) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
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
