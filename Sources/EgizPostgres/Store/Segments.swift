import EgizCore
import EgizTwin

/// The segments that an epoch's columns become: none crosses a partition boundary, spans more than a day or holds more samples
/// than a row should (rule 24).
struct Segments {
    /// A row of this many samples is about 200 KB before compression.
    static let mostSamples = 10_000

    private struct Piece {
        var column: SeriesColumn
        var range: Range<Int>
    }

    private var pieces: [Piece] = []
    /// The partitions that must exist.
    private(set) var intervals: Set<Int64> = []

    init(_ columns: [SeriesColumn]) {
        pieces.reserveCapacity(columns.count)
        var lastInterval: Int64?
        for column in columns {
            for range in Self.split(column.times) {
                pieces.append(Piece(column: column, range: range))
                let interval = HistoryInterval.number(of: column.times[range.lowerBound])
                if interval != lastInterval {
                    intervals.insert(interval)
                    lastInterval = interval
                }
            }
        }
    }

    /// Cuts ascending times into the ranges of segments.
    static func split(_ times: [Int64]) -> [Range<Int>] {
        guard let first = times.first, let last = times.last else { return [] }
        // The usual epoch: one range without a search.
        if times.count <= mostSamples, last < HistoryInterval.limit(of: first) { return [0..<times.count] }
        var ranges: [Range<Int>] = []
        var start = 0
        while start < times.count {
            let limit = HistoryInterval.limit(of: times[start])
            var end = start + 1
            while end < times.count, times[end] < limit, end - start < mostSamples { end += 1 }
            ranges.append(start..<end)
            start = end
        }
        return ranges
    }

    func copy(seq: Int64, _ connection: PostgresConnection) throws(EngineError) {
        guard !pieces.isEmpty else { return }
        try connection.copyIn(
            "copy egiz.history_segment (series_id, t_first, t_last, seq, n, kind, times, numbers, texts) from stdin (format binary)"
        ) { copy throws(EngineError) in
            for piece in pieces { try write(piece, seq: seq, &copy) }
        }
    }

    private func write(_ piece: Piece, seq: Int64, _ copy: inout CopyBinary) throws(EngineError) {
        let column = piece.column
        guard let id = column.series.databaseID else {
            throw EngineError(
                .bug, .stop, "the series \(column.series.thing) \(column.series.path) has no id before its epoch")
        }
        let times = column.times[piece.range]
        try copy.row(columns: 9)
        copy.int64(id)
        copy.timestamp(microseconds: column.times[piece.range.lowerBound])
        copy.timestamp(microseconds: column.times[piece.range.upperBound - 1])
        copy.int64(seq)
        copy.int32(Int32(piece.range.count))
        copy.int16(column.kind.rawValue)
        copy.timestamps(times)
        if column.numbers.isEmpty { copy.null() } else { copy.doubles(column.numbers[piece.range]) }
        if column.texts.isEmpty || column.texts[piece.range].allSatisfy({ $0 == nil }) {
            copy.null()
        } else {
            copy.texts(column.texts[piece.range])
        }
    }
}
