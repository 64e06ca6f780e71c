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
    /// Of the name of a topology, and of a code.
    private static let longest = 1024

    /// - Throws: the problem with the faults of the body.
    init(parsing body: [UInt8]) throws(Problem) {
        var reader = try BodyReader(body, known: Self.members)
        reader.require("action")
        let action = reader.word("action", RedriveBatch.Action.self)
        rate = reader.integer("rate", in: 1...1_000_000).map { Int($0) }
        isDryRun = reader.bool("dryRun") ?? true
        // What narrows an order down must not be lost: a null that was meant as a word would retry or drop everything.
        for name in ["ids", "thing", "topology", "code", "dryRun"] where reader.isNull(name) {
            reader.refuse(name, "\(name) is null; leave it out, or give it a value.")
        }
        var selections: [RedriveSelection] = []
        if let ids = reader.value("ids") {
            if let ids = Self.ids(ids) {
                selections.append(.letters(ids))
            } else {
                reader.refuse("ids", "ids must be an array of 1 to \(Self.mostIDs) positive numbers.")
            }
        }
        if let thing = reader.thing("thing") { selections.append(.thing(thing)) }
        let code = reader.text("code", length: 1...Self.longest)
        if code != nil, reader.value("topology") == nil { reader.refuse("code", "code goes with topology.") }
        if let topology = reader.text("topology", length: 1...Self.longest) {
            selections.append(.all(topology: topology, code: code))
        }
        if reader.faults.isEmpty, selections.count != 1 {
            reader.refuse("ids", "Say which letters: ids, thing or topology, and only one of them.")
        }
        try reader.finish()
        guard let action, let selection = selections.first else { throw .invalidBody(reader.faults) }
        self.action = action
        self.selection = selection
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
}
