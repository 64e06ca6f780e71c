/// The rows that processors write into projections, gathered when an epoch closes.
public struct ProjectionRows {
    public private(set) var rollups: [RollupRow] = []
    public private(set) var scenes: [SceneRow] = []
    public private(set) var alerts: [AlertRow] = []
    /// Names of the source's topics, by their place.
    let topics: [String]
    /// The task and the processor that write, for the rows' keys.
    public internal(set) var home: TaskID
    public internal(set) var processor: String

    init(home: TaskID, topics: [String]) {
        self.topics = topics
        self.home = home
        processor = ""
    }

    public mutating func upsert(_ row: RollupRow) { rollups.append(row) }
    public mutating func upsert(_ row: SceneRow) { scenes.append(row) }
    public mutating func upsert(_ row: AlertRow) { alerts.append(row) }

    /// The position of a record, from what its change said of it.
    public func position(topic: Int, offset: Int64) -> InputPosition? {
        guard offset >= 0, topics.indices.contains(topic) else { return nil }
        return InputPosition(topic: topics[topic], partition: home.partition, offset: offset)
    }
}
