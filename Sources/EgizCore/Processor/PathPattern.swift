import EgizTwin

/// A pattern over the segments of a path: `*` stands for exactly one segment, `**` for any number of them, also none; inside
/// a segment `*` stands for any run of characters. Everything else is literal, by UTF-8 bytes, with `~0` and `~1` as in a
/// JSON pointer.
public struct PathPattern: Sendable {
    private enum Segment: Sendable {
        case any
        case anyNumber
        case literal([UInt8])
        /// The literal pieces between the stars.
        case pieces([[UInt8]])
    }

    public let text: String
    private let segments: [Segment]

    /// Nil where the text is no pattern: it must start with a slash and contain no empty segment.
    public init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "/"), let pointer = try? JSONPointer(parsing: text),
            !pointer.segments.contains(where: \.utf8.isEmpty)
        else { return nil }
        self.text = text
        segments = pointer.segments.map { segment in
            switch segment {
            case "*": .any
            case "**": .anyNumber
            default:
                segment.utf8.contains(UInt8(ascii: "*"))
                    ? .pieces(
                        segment.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map {
                            Array($0)
                        })
                    : .literal(Array(segment.utf8))
            }
        }
    }

    public func matches(_ path: [String]) -> Bool { Self.match(segments[...], path[...]) }

    /// Whether this path, or one below it, can match.
    public func mayMatch(atOrBelow path: [String]) -> Bool {
        var states = withSkips([0])
        for segment in path {
            var next: Set<Int> = []
            for state in states where state < segments.count {
                if case .anyNumber = segments[state] {
                    next.insert(state)
                } else if Self.matches(segments[state], segment) {
                    next.insert(state + 1)
                }
            }
            states = withSkips(next)
            if states.isEmpty { return false }
        }
        return true
    }

    /// With the places behind each `**`, which may stand for nothing.
    private func withSkips(_ states: Set<Int>) -> Set<Int> {
        var all = states
        for state in states {
            var place = state
            while place < segments.count, case .anyNumber = segments[place] {
                place += 1
                all.insert(place)
            }
        }
        return all
    }

    // `**` is tried greedily with one point of return, as shells match `*`: linear in practice, quadratic at worst.
    private static func match(_ pattern: ArraySlice<Segment>, _ path: ArraySlice<String>) -> Bool {
        var p = pattern.startIndex
        var s = path.startIndex
        var star: (pattern: Int, path: Int)?
        while s < path.endIndex {
            if p < pattern.endIndex {
                if case .anyNumber = pattern[p] {
                    star = (p, s)
                    p += 1
                    continue
                }
                if matches(pattern[p], path[s]) {
                    p += 1
                    s += 1
                    continue
                }
            }
            guard let back = star else { return false }
            p = back.pattern + 1
            s = back.path + 1
            star = (back.pattern, s)
        }
        while p < pattern.endIndex, case .anyNumber = pattern[p] { p += 1 }
        return p == pattern.endIndex
    }

    private static func matches(_ segment: Segment, _ text: String) -> Bool {
        switch segment {
        case .any, .anyNumber: return true
        case .literal(let bytes): return text.utf8.elementsEqual(bytes)
        case .pieces(let pieces):
            var rest = Array(text.utf8)[...]
            for (index, piece) in pieces.enumerated() {
                if index == 0 {
                    guard rest.starts(with: piece) else { return false }
                    rest = rest.dropFirst(piece.count)
                } else if index == pieces.count - 1 {
                    return rest.count >= piece.count && rest.suffix(piece.count).elementsEqual(piece)
                } else {
                    guard let at = firstIndex(of: piece, in: rest) else { return false }
                    rest = rest[(at + piece.count)...]
                }
            }
            return true
        }
    }

    private static func firstIndex(of piece: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard !piece.isEmpty else { return bytes.startIndex }
        guard bytes.count >= piece.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - piece.count)).first { bytes[$0...].starts(with: piece) }
    }
}
