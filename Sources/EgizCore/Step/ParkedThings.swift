import EgizTwin

/// The things of a task whose records wait in the dead-letter store, with their numbers (contract 6). Bounded: what does not fit
/// pauses the task, the one exception to "other keys go on" (rule 17).
struct ParkedThings {
    private(set) var counts: [ThingID: Int]
    private(set) var total: Int
    let limits: ParkLimits

    init(_ counts: [ThingID: Int], limits: ParkLimits) {
        self.counts = counts
        total = counts.values.reduce(0, +)
        self.limits = limits
    }

    @inline(__always)
    func contains(_ thing: ThingID) -> Bool { !counts.isEmpty && counts[thing] != nil }

    /// Why another record of the thing does not fit; nil where it does.
    func overflow(_ thing: ThingID) -> String? {
        let count = counts[thing] ?? 0
        if count >= limits.perThing {
            return "\(count) records of \(thing) are parked, the bound is \(limits.perThing) (park.maxPerThing)"
        }
        if total >= limits.total {
            return "\(total) records are parked in this task, the bound is \(limits.total) (park.max)"
        }
        return nil
    }

    mutating func add(_ thing: ThingID) {
        counts[thing, default: 0] += 1
        total += 1
    }

    /// One record of the thing left the queue; true where it was the last, so that the thing is released.
    mutating func remove(_ thing: ThingID) -> Bool {
        guard let count = counts[thing] else { return false }
        total -= 1
        counts[thing] = count > 1 ? count - 1 : nil
        return count == 1
    }

    var things: Int { counts.count }
}

/// How many records may be parked in one task.
public struct ParkLimits: Sendable, Equatable {
    public var perThing: Int
    public var total: Int

    public static let standard = ParkLimits(perThing: 1000, total: 100_000)

    public init(perThing: Int, total: Int) {
        self.perThing = perThing
        self.total = total
    }
}
