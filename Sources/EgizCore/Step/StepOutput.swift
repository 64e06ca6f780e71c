/// What one task contributes to an epoch.
public struct StepOutput {
    public let twins: [TwinRow]
    let list: EpochColumns

    init(twins: [TwinRow], columns: EpochColumns) {
        self.twins = twins
        list = columns
    }

    /// Sealed columns; one may be empty where all its samples gave way to another kind.
    public var columns: [SeriesColumn] { list.columns.filter { !$0.isEmpty } }

    func recycle() { list.recycle() }
}
