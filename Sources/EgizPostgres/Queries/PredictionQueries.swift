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
}

/// Reads what models say of things.
public struct PredictionQueries: Sendable {
    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// The last answers about a thing, by task, model and whether it is a shadow.
    public func predictions(_ thing: ThingID) async throws -> [StoredPrediction] {
        try await pool.read { try Self.predictions(thing, $0) }
    }

    private static let columns = """
        task, model, shadow, model_version, score, label, details, error, revision, event_time, input_topic,
        input_partition, input_offset, output_topic, output_partition, output_offset, latency_ms
        """

    private static func predictions(_ thing: ThingID, _ connection: PostgresConnection) throws(EngineError)
        -> [StoredPrediction]
    {
        try connection.query(
            """
            select \(columns) from egiz.ml_prediction where thing_id = $1 order by task, model, shadow
            """, [.text(thing.text)]
        ).map(prediction)
    }

    /// The last answers about these things.
    static func all(of things: [String?], _ connection: PostgresConnection) throws(EngineError)
        -> [(thing: String, prediction: StoredPrediction)]
    {
        try connection.query(
            """
            select \(columns), thing_id from egiz.ml_prediction where thing_id = any ($1)
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
            latency: row.double(16) ?? 0)
    }
}
