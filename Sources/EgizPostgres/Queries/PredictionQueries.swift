public import EgizCore
public import EgizTwin

/// One row of `egiz.ml_prediction`, as it is read.
public struct StoredPrediction: Sendable {
    public var task: String
    public var model: String
    public var isShadow: Bool
    public var version: String?
    public var score: Double?
    public var label: String?
    /// JSON.
    public var details: [UInt8]?
    public var error: [UInt8]?
    public var revision: Int64
    public var time: EventTime
    public var input: InputPosition?
    public var output: InputPosition
    public var latency: Double
    public var thing: String
}

/// Reads what models say of things.
public struct PredictionQueries: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    private static let columns = """
        task, model, shadow, model_version, score, label, details, error, revision, event_time, input_topic,
        input_partition, input_offset, output_topic, output_partition, output_offset, latency_ms, thing_id
        """

    // MARK: All things

    public struct Filter: Sendable {
        public var task: String?
        public var model: String?
        public var thing: ThingID?
        public var namespace: String?
        public var isShadow: Bool?
        /// Only of things of these projects.
        public var scope: AccessScope

        public init(
            task: String? = nil, model: String? = nil, thing: ThingID? = nil, namespace: String? = nil,
            isShadow: Bool? = nil, scope: AccessScope = .all
        ) {
            (self.task, self.model, self.thing) = (task, model, thing)
            (self.namespace, self.isShadow, self.scope) = (namespace, isShadow, scope)
        }
    }

    /// Where a row of the list stands.
    public struct Place: Sendable, Equatable {
        public var thing: String
        public var task: String
        public var model: String
        public var isShadow: Bool

        public init(thing: String, task: String, model: String, isShadow: Bool) {
            (self.thing, self.task, self.model, self.isShadow) = (thing, task, model, isShadow)
        }
    }

    /// The last answers about all things, ascending by thing, task, model and shadow, up to one more than `limit`.
    public func page(_ filter: Filter, after: Place?, limit: Int) async throws -> [StoredPrediction] {
        if filter.scope.isEmpty { return [] }
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1)]
        var conditions = ["true"]
        for (column, value) in [
            ("task =", filter.task), ("model =", filter.model), ("prediction.thing_id =", filter.thing?.text),
        ] {
            guard let value else { continue }
            parameters.append(.text(value))
            conditions.append("\(column) $\(parameters.count)")
        }
        if let namespace = filter.namespace {
            parameters.append(.text(namespace))
            // A range of the key: ";" comes after ":".
            let column = "prediction.thing_id"
            conditions.append("\(column) >= $\(parameters.count) || ':' and \(column) < $\(parameters.count) || ';'")
        }
        if let isShadow = filter.isShadow {
            parameters.append(.bool(isShadow))
            conditions.append("shadow = $\(parameters.count)")
        }
        if let after {
            let first = parameters.count + 1
            parameters += [.text(after.thing), .text(after.task), .text(after.model), .bool(after.isShadow)]
            conditions.append(
                "(prediction.thing_id, task, model, shadow) > ($\(first), $\(first + 1), $\(first + 2), $\(first + 3))")
        }
        if filter.scope != .all { parameters.append(filter.scope.parameter) }
        let found = filter.scope.select(
            "prediction.*", from: "egiz.ml_prediction prediction", thing: "prediction.thing_id",
            where: conditions.joined(separator: " and "), order: "prediction.thing_id, task, model, shadow",
            limit: "$1", at: parameters.count)
        let sql = "select \(Self.columns) from (\(found)) found order by thing_id, task, model, shadow limit $1"
        let values = parameters
        return try await pool.read { try $0.query(sql, values).map(Self.prediction) }
    }

    /// The last answers about these things.
    static func all(of things: [String?], _ connection: PostgresConnection) throws(EngineError)
        -> [(thing: String, prediction: StoredPrediction)]
    {
        try connection.query(
            """
            select \(columns) from egiz.ml_prediction where thing_id = any ($1)
            order by thing_id, task, model, shadow
            """, [.textArray(things)]
        ).map { ($0.text(17) ?? "", prediction($0)) }
    }

    private static func prediction(_ row: PostgresRow) -> StoredPrediction {
        var input: InputPosition?
        if let topic = row.text(10), let partition = row.int64(11), let offset = row.int64(12) {
            input = InputPosition(topic: topic, partition: Int32(clamping: partition), offset: offset)
        }
        return StoredPrediction(
            task: row.text(0) ?? "", model: row.text(1) ?? "", isShadow: row.bool(2) ?? false,
            version: row.text(3), score: row.double(4), label: row.text(5), details: row.bytes(6),
            error: row.bytes(7), revision: row.int64(8) ?? 0,
            time: EventTime(microseconds: row.timestamp(9) ?? 0), input: input,
            output: InputPosition(
                topic: row.text(13) ?? "", partition: Int32(clamping: row.int64(14) ?? 0),
                offset: row.int64(15) ?? 0),
            latency: row.double(16) ?? 0, thing: row.text(17) ?? "")
    }
}
