import EgizCore
import EgizTwin

/// Which leaves patterns choose: decided once for each path, then one look into an array a leaf instead of a match.
struct PathChoice {
    private enum Decision: UInt8 { case unknown, taken, left }

    let include: [PathPattern]
    let exclude: [PathPattern]
    /// By the path's id.
    private var decisions: [Decision] = []

    init(include: [PathPattern], exclude: [PathPattern]) {
        self.include = include
        self.exclude = exclude
    }

    @inline(__always)
    mutating func takes(_ path: PathID, in paths: PathTable) -> Bool {
        let index = Int(path.raw)
        if index >= decisions.count {
            decisions.append(contentsOf: repeatElement(.unknown, count: index + 64 - decisions.count))
        }
        if decisions[index] == .unknown {
            decisions[index] = chooses(paths.segments(of: path)) ? .taken : .left
        }
        return decisions[index] == .taken
    }

    /// What the patterns say of a path.
    func chooses(_ segments: [String]) -> Bool {
        include.contains { $0.matches(segments) } && !exclude.contains { $0.matches(segments) }
    }
}
