public import EgizTwin

/// Makes valid random events of one thing: few keys, so that they meet.
public struct RandomEvents {
    public var random: SeededGenerator
    public static let thing = "ns.a:t"

    public init(random: SeededGenerator) { self.random = random }

    public mutating func pick<T>(_ elements: [T]) -> T { elements[Int.random(in: elements.indices, using: &random)] }

    public mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func key() -> String { pick(["a", "b", "properties", "x/y", "t~", "\u{2126}", "\u{3A9}", "0"]) }

    public mutating func value(_ depth: Int = 3) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(chance(50))
        case 2: return .int(Int64.random(in: -2...2, using: &random))
        case 3: return .double(pick([0.5, 1, -2, 1e300]))
        case 4: return .string(pick(["", "s", "a somewhat longer string", "\u{0}", "e\u{301}", "\u{E9}"]))
        case 5: return .array((0..<Int.random(in: 0...2, using: &random)).map { .int(Int64($0)) })
        default: return .object(object(depth - 1))
        }
    }

    private mutating func object(_ depth: Int) -> JSONObject {
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...3, using: &random) { object[key()] = value(depth) }
        return object
    }

    private mutating func objectOrNull() -> JSONValue { chance(15) ? .null : .object(object(2)) }

    private mutating func definition() -> JSONValue { .string(pick(["a:b:1", "https://x.y/z", "a:b:2"])) }

    private mutating func featureDefinition() -> JSONValue { chance(15) ? .null : .array([definition()]) }

    private mutating func feature() -> JSONValue {
        if chance(15) { return .null }
        var object = JSONObject()
        if chance(40) { object["definition"] = featureDefinition() }
        if chance(60) { object["properties"] = objectOrNull() }
        if chance(40) { object["desiredProperties"] = objectOrNull() }
        return .object(object)
    }

    private mutating func features() -> JSONValue {
        if chance(15) { return .null }
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...2, using: &random) { object[pick(["f", "g", "h"])] = feature() }
        return .object(object)
    }

    public mutating func whole() -> JSONValue {
        var object = JSONObject()
        object["thingId"] = .string(Self.thing)
        if chance(50) { object["policyId"] = .string(pick(["p:q", "p:r"])) }
        if chance(50) { object["definition"] = chance(20) ? .null : definition() }
        if chance(60) { object["attributes"] = objectOrNull() }
        if chance(70) { object["features"] = features() }
        return .object(object)
    }

    /// A path, and a value that fits it.
    public mutating func target() -> (path: [String], value: JSONValue) {
        let f = pick(["f", "g", "h"])
        let properties = pick(["properties", "desiredProperties"])
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return ([], whole())
        case 1: return (["definition"], definition())
        case 2: return (["attributes"], objectOrNull())
        case 3, 4: return (["attributes"] + pointer(), value())
        case 5: return (["features"], features())
        case 6: return (["features", f], feature())
        case 7: return (["features", f, "definition"], featureDefinition())
        case 8: return (["features", f, properties], objectOrNull())
        default: return (["features", f, properties] + pointer(), value())
        }
    }

    private mutating func pointer() -> [String] { (0..<Int.random(in: 1...3, using: &random)).map { _ in key() } }

    public static func record(_ action: String, _ path: [String], _ value: JSONValue, _ revision: Int64) -> String {
        var message = JSONObject()
        message["topic"] = .string("ns.a/t/things/twin/events/\(action)")
        message["path"] = .string(JSONPointer(segments: path).text)
        message["value"] = value
        message["revision"] = .int(revision)
        return JSONValue.object(message).text
    }
}
