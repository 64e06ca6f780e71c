import EgizCore
import EgizTwin

/// Chooses of twins what some patterns name. Confined to the event loop of its shard, where all subscriptions with the same patterns
/// share one: what an item comes to is worked out once.
final class LivePathFilter {
    /// What passes of an item.
    enum Choice {
        case all
        case none
        case some([LiveItem.Part], json: [UInt8])
    }

    private static let mostDecisions = 20_000

    let patterns: [PathPattern]
    private var decisions: [ByteText: Bool] = [:]
    private var removals: [ByteText: Bool] = [:]
    private var last: (item: LiveItem, choice: Choice)?

    init(patterns: [PathPattern]) { self.patterns = patterns }

    func choose(_ item: LiveItem) -> Choice {
        if let last, last.item === item { return last.choice }
        let choice = decide(item)
        last = (item, choice)
        return choice
    }

    private func decide(_ item: LiveItem) -> Choice {
        guard item.kind == .twin else { return .all }
        let parts = item.parts.filter(takes)
        if parts.count == item.parts.count, !parts.isEmpty { return .all }
        // That a thing came, went or is too large to be told is said whatever the patterns are.
        if parts.isEmpty, item.change == .changed, !item.isReload { return .none }
        return .some(parts, json: item.json(item.change, isReload: item.isReload, parts: parts))
    }

    /// A value where a pattern names its path; a removal also where a pattern names something below it.
    func takes(_ part: LiveItem.Part) -> Bool {
        if let known = part.isRemoval ? removals[part.path] : decisions[part.path] { return known }
        let path = (try? JSONPointer(parsing: part.path.text))?.segments ?? []
        let takes = patterns.contains { part.isRemoval ? $0.mayMatch(atOrBelow: path) : $0.matches(path) }
        if decisions.count + removals.count >= Self.mostDecisions {
            decisions.removeAll()
            removals.removeAll()
        }
        if part.isRemoval { removals[part.path] = takes } else { decisions[part.path] = takes }
        return takes
    }

    // MARK: Documents

    private static let always = ["thingId", "_revision", "_created", "_modified"]

    /// The part of a thing's document that the patterns name, with the parents that lead there.
    static func select(_ patterns: [PathPattern], from document: JSONValue) -> JSONValue {
        guard let thing = document.object else { return document }
        var result = JSONObject()
        for (name, value) in thing {
            if always.contains(name) {
                result[name] = value
            } else if let part = select(patterns, value, at: [name]) {
                result[name] = part
            }
        }
        return .object(result)
    }

    private static func select(_ patterns: [PathPattern], _ value: JSONValue, at path: [String]) -> JSONValue? {
        guard case .object(let object) = value, !object.isEmpty else {
            return patterns.contains { $0.matches(path) } ? value : nil
        }
        guard patterns.contains(where: { $0.mayMatch(atOrBelow: path) }) else { return nil }
        var result = JSONObject()
        for (name, member) in object {
            if let part = select(patterns, member, at: path + [name]) { result[name] = part }
        }
        return result.isEmpty ? nil : .object(result)
    }
}
