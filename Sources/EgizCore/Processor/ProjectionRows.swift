/// The rows that processors write into projections, gathered when an epoch closes.
public struct ProjectionRows {
    public private(set) var rollups: [RollupRow] = []
    /// The task and the processor that write, for the rows' keys.
    public internal(set) var home: TaskID
    public internal(set) var processor: String

    init(home: TaskID) {
        self.home = home
        processor = ""
    }

    public mutating func upsert(_ row: RollupRow) { rollups.append(row) }
}
