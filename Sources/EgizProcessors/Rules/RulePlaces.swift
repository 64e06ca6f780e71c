import EgizTwin

/// Which rules may be for a thing, without asking each: where every thing has rules of its own there are as many as things.
struct RulePlaces {
    private var byThing: [String: [Int]] = [:]
    private var others: [Int] = []

    /// By the places of the rules' selectors.
    init(_ selectors: [TwinSelector]) {
        for (place, selector) in selectors.enumerated() {
            if let thing = selector.onlyThing {
                byThing[thing, default: []].append(place)
            } else {
                others.append(place)
            }
        }
    }

    /// Ascending, because of equals the last counts; those of an id that only looks alike may be among them.
    func of(_ thing: ThingID) -> [Int] {
        guard let own = byThing[thing.text] else { return others }
        return others.isEmpty ? own : (others + own).sorted()
    }
}
