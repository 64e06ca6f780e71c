import EgizCore

/// Cuts the rows of an epoch into statements: their parameters are held in memory on both sides.
enum RowBatches {
    static let mostRows = 2000
    static let mostBytes = 8 << 20

    /// Calls `body` with stretches of at most `mostRows` rows and about `mostBytes`; never for no rows.
    static func each<Row>(
        of rows: [Row], size: (Row) -> Int = { _ in 0 }, _ body: (ArraySlice<Row>) throws(EngineError) -> Void
    ) throws(EngineError) {
        var start = 0
        while start < rows.count {
            var end = start
            var bytes = 0
            while end < rows.count, end - start < mostRows, bytes < mostBytes {
                bytes += size(rows[end])
                end += 1
            }
            try body(rows[start..<end])
            start = end
        }
    }
}

extension Sequence {
    /// The texts of the rows' stages. Mostly it is one stage, and its text would be made anew for each row.
    func stageTexts(_ stage: (Element) -> StageName) -> [String?] {
        var last: (stage: StageName, text: String)?
        return map { row in
            let name = stage(row)
            if let last, last.stage == name { return last.text }
            let text = name.text
            last = (name, text)
            return text
        }
    }
}
