import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin

/// The body of a redrive: `{"action":"retry","ids":[17,18]}`, with `"thing"` or `"topology"` (and `"code"`) instead of ids, `"rate"` in
/// letters a second, and `"dryRun":false` to do it.
struct RedriveOrder: Sendable {
    var action: RedriveBatch.Action
    var selection: RedriveSelection
    var rate: Int?
    /// True unless the body says otherwise.
    var isDryRun: Bool

    private static let members = ["action", "ids", "thing", "topology", "code", "rate", "dryRun"]
    private static let mostIDs = 10_000

    /// - Throws: the problem with every fault of the body.
    init(parsing body: [UInt8]) throws(Problem) {
        let object: JSONObject
        do throws(JSONError) {
            guard let parsed = try JSONParser().parse(body).object else { throw JSONError("it is no object") }
            object = parsed
        } catch {
            throw .body([.init(parameter: "body", detail: "The body must be a JSON object: \(error.message).")])
        }
        var faults: [Problem.Fault] = []
        func refuse(_ name: String, _ detail: String) { faults.append(.init(parameter: name, detail: detail)) }

        for member in object where !Self.members.contains(where: { $0.utf8.elementsEqual(member.key.utf8) }) {
            refuse(member.key, BodyReader.unknown(member.key, Self.members))
        }
        let action = object["action"]?.string.flatMap(RedriveBatch.Action.init)
        if action == nil { refuse("action", "action must be \"retry\" or \"discard\".") }
        var rate: Int?
        switch object["rate"] {
        case nil, .null: break
        case .int(let number) where (1...1_000_000).contains(number): rate = Int(number)
        default: refuse("rate", "rate must be a whole number from 1 to 1000000, in letters a second.")
        }
        var isDryRun = true
        switch object["dryRun"] {
        case nil: break
        case .bool(let flag): isDryRun = flag
        default: refuse("dryRun", "dryRun must be true or false.")
        }
        var selections: [RedriveSelection] = []
        if let ids = object["ids"] {
            if let ids = Self.ids(ids) {
                selections.append(.letters(ids))
            } else {
                refuse("ids", "ids must be an array of 1 to \(Self.mostIDs) positive numbers.")
            }
        }
        if let thing = object["thing"] {
            if let thing = thing.string.flatMap({ try? ThingID(validating: $0) }) {
                selections.append(.thing(thing))
            } else {
                refuse("thing", "thing must be a thing id, <namespace>:<name>.")
            }
        }
        var code: String?
        if let value = object["code"] {
            code = Self.text(value)
            if code == nil { refuse("code", "code must be a text, such as \"json\".") }
            if object["topology"] == nil { refuse("code", "code goes with topology.") }
        }
        if let topology = object["topology"] {
            if let topology = Self.text(topology) {
                selections.append(.all(topology: topology, code: code))
            } else {
                refuse("topology", "topology must be the name of a topology.")
            }
        }
        if faults.isEmpty, selections.count != 1 {
            refuse("ids", "Say which letters: ids, thing or topology, and only one of them.")
        }
        guard faults.isEmpty, let action, let selection = selections.first else { throw .body(faults) }
        self.action = action
        self.selection = selection
        self.rate = rate
        self.isDryRun = isDryRun
    }

    private static func ids(_ value: JSONValue) -> [Int64]? {
        guard case .array(let elements) = value, (1...mostIDs).contains(elements.count) else { return nil }
        var ids: [Int64] = []
        for element in elements {
            guard case .int(let id) = element, id > 0 else { return nil }
            ids.append(id)
        }
        return ids
    }

    private static func text(_ value: JSONValue) -> String? {
        value.string.flatMap { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 }
    }
}
