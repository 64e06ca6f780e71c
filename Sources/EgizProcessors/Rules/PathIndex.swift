import EgizCore
import EgizTwin

/// Which rules a changed path concerns: those that read it, or an object around it. Decided once for each path, then one look
/// into an array.
struct PathIndex {
    private let readers: [(path: [String], rule: Int)]
    /// By the path's id: 0 not decided, -1 none, else a place in `lists` + 1.
    private var decisions: [Int32] = []
    private var lists: [[Int]] = []

    init(_ readers: [(path: [String], rule: Int)]) { self.readers = readers }

    var isEmpty: Bool { readers.isEmpty }

    /// The place of the list of rules; -1: none.
    @inline(__always)
    mutating func find(_ path: PathID, in paths: PathTable) -> Int {
        let index = Int(path.raw)
        if index < decisions.count, decisions[index] != 0 {
            let decision = Int(decisions[index])
            return decision < 0 ? -1 : decision - 1
        }
        return decide(path, in: paths)
    }

    @inline(__always)
    func rules(at place: Int) -> [Int] { lists[place] }

    private mutating func decide(_ path: PathID, in paths: PathTable) -> Int {
        let index = Int(path.raw)
        if index >= decisions.count {
            decisions.append(contentsOf: repeatElement(0, count: index + 64 - decisions.count))
        }
        let segments = paths.segments(of: path)
        var rules: [Int] = []
        for reader in readers where Self.covers(reader.path, segments) && rules.last != reader.rule {
            rules.append(reader.rule)
        }
        guard !rules.isEmpty else {
            decisions[index] = -1
            return -1
        }
        let place = lists.firstIndex(of: rules) ?? lists.count
        if place == lists.count { lists.append(rules) }
        decisions[index] = Int32(place + 1)
        return place
    }

    private static func covers(_ path: [String], _ segments: [String]) -> Bool {
        path.count <= segments.count && zip(path, segments).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }
}
