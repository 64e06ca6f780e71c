import EgizCore
import EgizTwin

/// The rows of history that an epoch's columns become. Segments: none crosses a partition boundary, spans more than a day or holds
/// more samples than a row should (rule 24). Many short ones of neighbouring series become wide blocks instead (rule 27).
struct Segments {
    /// A row of this many samples is about 200 KB before compression.
    static let mostSamples = 10_000

    /// The samples of one column that go together.
    struct Piece {
        var column: SeriesColumn
        var range: Range<Int>
        /// Times of the first and the last sample: pieces are sorted by them.
        var first: Int64
        var last: Int64

        /// The database id of the series.
        func series() throws(EngineError) -> Int64 {
            guard let id = column.series.databaseID else {
                throw EngineError(
                    .bug, .stop, "the series \(column.series.thing) \(column.series.path) has no id before its epoch")
            }
            return id
        }
    }

    private var pieces: [Piece] = []
    /// The partitions that must exist.
    private(set) var intervals: Set<Int64> = []
    /// Samples that came after their retention had ended, by class; they are left out.
    private(set) var expired: [Int32: Int] = [:]

    /// `horizons`: what lies before them is past its retention, by class.
    init(_ columns: [SeriesColumn], horizons: [Int32: Int64] = [:]) {
        pieces.reserveCapacity(columns.count)
        var lastInterval: Int64?
        for column in columns {
            let times = column.times
            for range in Self.split(times) {
                let range = horizons.isEmpty ? range : kept(range, times, class: column.series.retention, horizons)
                guard !range.isEmpty else { continue }
                pieces.append(
                    Piece(
                        column: column, range: range, first: times[range.lowerBound],
                        last: times[range.upperBound - 1]))
                let interval = HistoryInterval.number(of: times[range.lowerBound])
                if interval != lastInterval {
                    intervals.insert(interval)
                    lastInterval = interval
                }
            }
        }
    }

    private mutating func kept(
        _ range: Range<Int>, _ times: [Int64], class retention: Int32, _ horizons: [Int32: Int64]
    ) -> Range<Int> {
        guard let horizon = horizons[retention] else { return range }
        let start = times[range].firstIndex { $0 >= horizon } ?? range.upperBound
        if start > range.lowerBound { expired[retention, default: 0] += start - range.lowerBound }
        return start..<range.upperBound
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

    /// Needs the ids of all series.
    func copy(seq: Int64, _ connection: PostgresConnection) throws(EngineError) {
        let (blocks, alone) = try HistoryBlocks.gather(pieces)
        if !blocks.isEmpty { try HistoryBlocks.copy(blocks, seq: seq, connection) }
        guard !alone.isEmpty else { return }
        try connection.copyIn(
            "copy egiz.history_segment (series_id, t_first, t_last, seq, n, kind, times, numbers, texts) from stdin (format binary)"
        ) { copy throws(EngineError) in
            for piece in alone { try write(piece, seq: seq, &copy) }
        }
    }

    private func write(_ piece: Piece, seq: Int64, _ copy: inout CopyBinary) throws(EngineError) {
        let column = piece.column
        let id = try piece.series()
        try copy.row(columns: 9)
        copy.int64(id)
        copy.timestamp(microseconds: piece.first)
        copy.timestamp(microseconds: piece.last)
        copy.int64(seq)
        copy.int32(Int32(piece.range.count))
        copy.int16(column.kind.rawValue)
        copy.timestamps(column.times[piece.range])
        let numbers = column.numbers
        if numbers.isEmpty { copy.null() } else { copy.doubles(numbers[piece.range]) }
        if column.texts.isEmpty || column.texts[piece.range].allSatisfy({ $0 == nil }) {
            copy.null()
        } else {
            copy.texts(column.texts[piece.range])
        }
    }
}
