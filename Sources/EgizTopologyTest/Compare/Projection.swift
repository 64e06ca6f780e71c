import EgizTwin

/// Looks at what there is through the eyes of what is expected: what the expectation leaves open is taken over from it, so that the
/// result equals the expectation exactly where it is met, and else shows nothing but what differs.
struct Projection {
    private static let rest = JSONValue.string(ExpectationReader.rest)
    /// Larger lists are compared item by item.
    private static let mostCells = 250_000

    /// Every map may hold more than is named.
    var partial: Bool

    /// - Parameter isRow: a row of a list, of which only the members named count.
    func project(_ got: JSONValue, onto expected: JSONValue, isRow: Bool = false, areRows: Bool = false) -> JSONValue {
        if expected == Self.rest { return expected }
        switch (expected, got) {
        case (.object(let expected), .object(let got)):
            return .object(members(got, onto: expected, isOpen: partial || isRow))
        case (.array(let expected), .array(let got)):
            return .array(items(got, onto: expected, areRows: areRows))
        default: return expected == got ? expected : got
        }
    }

    private func members(_ got: JSONObject, onto expected: JSONObject, isOpen: Bool) -> JSONObject {
        var result = JSONObject()
        var isOpen = isOpen
        for (key, value) in expected {
            if key == ExpectationReader.rest {
                isOpen = true
                result[key] = value
            } else if let found = got[key] {
                result[key] = project(found, onto: value)
            }
        }
        if !isOpen {
            for (key, value) in got where expected[key] == nil { result[key] = value }
        }
        return result
    }

    // MARK: Lists

    private func items(_ got: [JSONValue], onto expected: [JSONValue], areRows: Bool) -> [JSONValue] {
        func meets(_ e: Int, _ g: Int) -> Bool {
            expected[e] != Self.rest && project(got[g], onto: expected[e], isRow: areRows) == expected[e]
        }
        guard (expected.count + 1) * (got.count + 1) <= Self.mostCells else {
            return got.enumerated().map { index, item in
                expected.indices.contains(index) ? project(item, onto: expected[index], isRow: areRows) : item
            }
        }
        let table = expected.indices.map { e in got.indices.map { meets(e, $0) } }
        if isMet(table, expected, got.count) { return expected }
        let pairs = Self.longest(table, got.count)
        var result: [JSONValue] = []
        var before = (e: -1, g: -1)
        for pair in pairs + [(expected.count, got.count)] {
            result += gap(got[(before.g + 1)..<pair.1], expected[(before.e + 1)..<pair.0], areRows)
            if pair.0 < expected.count { result.append(expected[pair.0]) }
            before = (pair.0, pair.1)
        }
        return result
    }

    /// What stands between two items that were met; an item that nothing was expected for is shown whole.
    private func gap(
        _ got: ArraySlice<JSONValue>, _ expected: ArraySlice<JSONValue>, _ areRows: Bool
    ) -> [JSONValue] {
        let real = expected.filter { $0 != Self.rest }
        let open = expected.filter { $0 == Self.rest }
        if !open.isEmpty, real.isEmpty { return open }
        let shown = got.enumerated().map { index, item -> JSONValue in
            real.indices.contains(index) ? project(item, onto: real[index], isRow: areRows) : item
        }
        return expected.first == Self.rest ? open + shown : shown + open
    }

    /// Whether the whole list is met, `...` standing for any number of items.
    private func isMet(_ table: [[Bool]], _ expected: [JSONValue], _ count: Int) -> Bool {
        var reach = [Bool](repeating: false, count: count + 1)
        reach[0] = true
        for e in expected.indices {
            var next = [Bool](repeating: false, count: count + 1)
            if expected[e] == Self.rest {
                var isOpen = false
                for g in 0...count {
                    isOpen = isOpen || reach[g]
                    next[g] = isOpen
                }
            } else {
                for g in 0..<count where reach[g] && table[e][g] { next[g + 1] = true }
            }
            reach = next
        }
        return reach[count]
    }

    /// The longest common sequence of items that meet each other.
    private static func longest(_ table: [[Bool]], _ count: Int) -> [(Int, Int)] {
        var lengths = [[Int]](repeating: [Int](repeating: 0, count: count + 1), count: table.count + 1)
        for e in table.indices.reversed() {
            for g in (0..<count).reversed() {
                lengths[e][g] =
                    table[e][g] ? lengths[e + 1][g + 1] + 1 : max(lengths[e + 1][g], lengths[e][g + 1])
            }
        }
        var pairs: [(Int, Int)] = []
        var (e, g) = (0, 0)
        while e < table.count, g < count {
            if table[e][g], lengths[e][g] == lengths[e + 1][g + 1] + 1 {
                pairs.append((e, g))
                (e, g) = (e + 1, g + 1)
            } else if lengths[e + 1][g] >= lengths[e][g + 1] {
                e += 1
            } else {
                g += 1
            }
        }
        return pairs
    }

    /// The JSON pointer of the first place where two values differ; nil where they do not.
    static func firstDifference(_ expected: JSONValue, _ got: JSONValue) -> String? {
        switch (expected, got) {
        case (.object(let a), .object(let b)):
            for (key, value) in a {
                let name = "/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
                guard let other = b[key] else { return name }
                if let below = firstDifference(value, other) { return name + below }
            }
            return b.first { a[$0.key] == nil }.map { "/" + $0.key }
        case (.array(let a), .array(let b)):
            for (index, (one, other)) in zip(a, b).enumerated() {
                if let below = firstDifference(one, other) { return "/\(index)\(below)" }
            }
            return a.count == b.count ? nil : "/\(min(a.count, b.count))"
        default: return expected == got ? nil : ""
        }
    }
}
