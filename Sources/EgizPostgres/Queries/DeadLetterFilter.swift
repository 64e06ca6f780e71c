public import EgizCore
public import EgizTwin

/// Which dead letters are meant; nil does not restrict.
public struct DeadLetterFilter: Sendable {
    public var topology: String?
    public var source: String?
    public var thing: ThingID?
    public var code: String?
    public var disposition: DeadLetter.Disposition?
    /// Written at or after this.
    public var since: EventTime?

    public init(
        topology: String? = nil, source: String? = nil, thing: ThingID? = nil, code: String? = nil,
        disposition: DeadLetter.Disposition? = nil, since: EventTime? = nil
    ) {
        self.topology = topology
        self.source = source
        self.thing = thing
        self.code = code
        self.disposition = disposition
        self.since = since
    }

    /// Conditions on `letter` and `stage`; the values are appended to `parameters`. What is not asked for is left out of the
    /// text, so that each form gets a plan that uses its index.
    func conditions(_ parameters: inout [PostgresValue]) -> [String] {
        var conditions: [String] = []
        let texts: [(String, String?)] = [
            ("stage.topology =", topology), ("stage.source =", source), ("letter.thing_id =", thing?.text),
            ("letter.code =", code), ("letter.disposition =", disposition?.rawValue),
        ]
        for (column, value) in texts {
            guard let value else { continue }
            parameters.append(.text(value))
            conditions.append("\(column) $\(parameters.count)")
        }
        if let since {
            parameters.append(.timestamp(microseconds: since.microseconds))
            conditions.append("letter.noted_at >= $\(parameters.count)")
        }
        return conditions
    }
}
