/// The rows of one answer, and where the next one starts.
struct HistoryPage<Row> {
    var rows: ArraySlice<Row>
    /// Nil where these are the last rows.
    var cursor: String?

    /// Takes `limit` of the rows; the one beyond them says that there is more, and where: times never repeat.
    init(_ asked: HistoryRequest, rows found: [Row], time: (Row) -> Int64) {
        rows = found.prefix(asked.limit)
        cursor = found.count > asked.limit ? asked.cursor(from: time(found[asked.limit])) : nil
    }
}
