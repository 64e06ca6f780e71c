import EgizCore

/// Up to where samples are past their retention, by class: what lies before is refused and counted (rule 28). Belongs to one
/// connection's thread. Horizons only rise, by a partition at a time, so what was read a minute ago is nearly right: what slips
/// through is dropped when it is compacted.
struct HistoryHorizons {
    private static let staleAfter: Duration = .seconds(60)

    private var horizons: [Int32: Int64] = [:]
    private var read: ContinuousClock.Instant?

    /// The horizons, read again where they may have moved.
    mutating func current(_ connection: PostgresConnection) throws(EngineError) -> [Int32: Int64] {
        let now = ContinuousClock.now
        if let read, read.duration(to: now) < Self.staleAfter { return horizons }
        horizons = [:]
        for row in try connection.query("select retention, horizon from egiz.history_class where horizon is not null") {
            if let days = row.int64(0), let time = row.timestamp(1) { horizons[Int32(clamping: days)] = time }
        }
        read = now
        return horizons
    }

    /// Counts samples that were refused; in the epoch's transaction, classes in one order.
    static func count(_ expired: [Int32: Int], _ connection: PostgresConnection) throws(EngineError) {
        for (retention, count) in expired.sorted(by: { $0.key < $1.key }) where count > 0 {
            _ = try connection.query(
                "update egiz.history_class set expired = expired + $2 where retention = $1",
                [.int64(Int64(retention)), .int64(Int64(count))])
        }
    }
}
