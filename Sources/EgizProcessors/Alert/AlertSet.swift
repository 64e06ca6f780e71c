import EgizCore
import EgizTwin

/// The rules of all things that have the same ones.
final class AlertSet {
    let rules: [AlertCondition]
    /// Rules whose condition a path may change.
    var conditions: PathIndex
    /// Rules that wait for data of a path.
    var data: PathIndex
    /// Conditions that read what changes with every event.
    let always: [Int]
    /// Rules that wait for data of any kind.
    let anyData: [Int]

    init(_ rules: [AlertCondition]) {
        self.rules = rules
        var readers: [(path: [String], rule: Int)] = []
        var waiting: [(path: [String], rule: Int)] = []
        var always: [Int] = []
        var anyData: [Int] = []
        for (number, rule) in rules.enumerated() {
            let reads = rule.reads
            for path in reads.paths { readers.append((path, number)) }
            if reads.always { always.append(number) }
            guard case .noData(_, let path) = rule.trigger else { continue }
            if let path { waiting.append((path, number)) } else { anyData.append(number) }
        }
        (conditions, data) = (PathIndex(readers), PathIndex(waiting))
        (self.always, self.anyData) = (always, anyData)
    }
}
