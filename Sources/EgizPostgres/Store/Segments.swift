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
        /// The database id of the series.
        var id: Int64
        var range: Range<Int>
        /// Times of the first and the last sample: pieces are sorted by them.
        var first: Int64
        var last: Int64
    }

    private var pieces: [Piece] = []
    /// The partitions that must exist.
    private(set) var intervals: Set<Int64> = []
    /// Samples that came after their retention had ended, by class; they are left out.
    private(set) var expired: [Int32: Int] = [:]

    /// The interval that was noted last, and where it begins and ends: nearly all pieces of an epoch lie in one.
    private var known: (start: Int64, end: Int64) = (.max, .min)

    /// Needs the ids of all series. `horizons`: what lies before them is past its retention, by class.
    init(_ columns: [SeriesColumn], horizons: [Int32: Int64] = [:]) throws(EngineError) {
        pieces.reserveCapacity(columns.count)
        for column in columns {
            guard let id = column.series.databaseID else {
                throw EngineError(
                    .bug, .stop, "the series \(column.series.thing) \(column.series.path) has no id before its epoch")
            }
            let count = column.count
            guard count > HistoryBlocks.mostSamplesOfAPiece || !horizons.isEmpty else {
                if count > 0, note(column, id, 0..<count) { continue }
                for range in Self.split(column.times) { note(column, id, range) }
                continue
            }
            let times = column.times
            for range in Self.split(times) {
                let range = horizons.isEmpty ? range : kept(range, times, class: column.series.retention, horizons)
                if !range.isEmpty { note(column, id, range) }
            }
        }
    }

    /// False, and no piece is noted, where the range is too long for one segment. The interval of its beginning is needed in any case.
    @discardableResult
    private mutating func note(_ column: SeriesColumn, _ id: Int64, _ range: Range<Int>) -> Bool {
        let (first, last) = (column.time(range.lowerBound), column.time(range.upperBound - 1))
        if first < known.start || first >= known.end {
            let interval = HistoryInterval.number(of: first)
            known = (HistoryInterval.start(of: interval), HistoryInterval.start(of: interval + 1))
            intervals.insert(interval)
        }
        guard last < known.end, last - first < HistoryInterval.day else { return false }
        pieces.append(Piece(column: column, id: id, range: range, first: first, last: last))
        return true
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

    func copy(seq: Int64, _ connection: PostgresConnection) throws(EngineError) {
        let (blocks, alone) = HistoryBlocks.gather(pieces)
        if !blocks.isEmpty { try HistoryBlocks.copy(blocks, of: pieces, seq: seq, connection) }
        guard !alone.isEmpty else { return }
        try connection.copyIn(
            "copy egiz.history_segment (series_id, t_first, t_last, seq, n, kind, times, numbers, texts) from stdin (format binary)"
        ) { copy throws(EngineError) in
            for piece in alone { try write(piece, seq: seq, &copy) }
        }
    }

    private func write(_ piece: Piece, seq: Int64, _ copy: inout CopyBinary) throws(EngineError) {
        let column = piece.column
        try copy.row(columns: 9)
        copy.int64(piece.id)
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
