import EgizCore
import EgizTwin

/// Where the leaves of a thing go in a map: decided once for each path.
struct PathRoutes {
    private enum Decision {
        case unknown
        case left
        case goes([String])
    }

    private let choice: PathChoice
    private let moves: [PathMove]
    private let taken: [[String]]
    /// By the path's id.
    private var decisions: [Decision] = []

    /// - Parameter computed: places that computations write: nothing is carried over to them.
    init(choice: PathChoice, moves: [PathMove], computed: [[String]]) {
        self.choice = choice
        self.moves = moves
        taken = computed + moves.map(\.target.path)
    }

    /// The path in the telemetry record; nil where the leaf is left out.
    mutating func route(_ path: PathID, in paths: PathTable) -> [String]? {
        let index = Int(path.raw)
        if index >= decisions.count {
            decisions.append(contentsOf: repeatElement(.unknown, count: index + 64 - decisions.count))
        }
        if case .unknown = decisions[index] {
            decisions[index] = decide(paths.segments(of: path)).map(Decision.goes) ?? .left
        }
        guard case .goes(let target) = decisions[index] else { return nil }
        return target
    }

    private func decide(_ path: [String]) -> [String]? {
        for move in moves {
            if let target = move.move(path) { return target }
        }
        guard choice.chooses(path), TelemetryTarget.isProperty(path) else { return nil }
        // A renamed or computed value has the place; so has what lies around and within it.
        let isTaken = taken.contains { other in zip(other, path).allSatisfy { $0.utf8.elementsEqual($1.utf8) } }
        return isTaken ? nil : path
    }
}
