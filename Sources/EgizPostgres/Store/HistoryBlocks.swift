import EgizCore
import EgizTwin

/// Wide blocks (rule 27): a segment of one sample costs 195 bytes and 2 µs, which a hundred thousand machines cannot pay at each
/// commit. So the short pieces of neighbouring series, 256 ids to a group, go into one row: whoever reads a series looks at the
/// blocks of its group. The compactor makes segments of them.
enum HistoryBlocks {
    /// `series_id >> groupBits` is the group.
    static let groupBits: Int64 = 8
    static let memberMask: Int64 = 1 << groupBits - 1
    /// A piece with more samples is a segment of its own: it pays, and is found faster.
    static let mostSamplesOfAPiece = 8
    /// With fewer samples a block would not pay.
    static let fewestSamples = 8
    /// Such a block fills a page: 14 bytes a sample, all in its row.
    static let mostSamples = 512

    /// Pieces of one kind and group, in the order of their series, that lie close enough in time.
    struct Block {
        var group: Int64
        /// Tells the blocks of a group and epoch apart.
        var part: Int32
        var kind: SampleKind
        /// Microseconds of one lag.
        var unit: Int32
        var first: Int64
        var last: Int64
        var samples: Int
        var pieces: [Segments.Piece]
    }

    /// Ids beyond the packing of `gather` stay segments: 2^40 series.
    private static let mostID: Int64 = 1 << 40
    private static let mostPieces = 1 << 21

    /// Divides pieces into blocks and those that stay segments.
    static func gather(_ pieces: [Segments.Piece]) throws(EngineError) -> (blocks: [Block], alone: [Segments.Piece]) {
        guard pieces.count >= fewestSamples else { return ([], pieces) }
        var blocks: [Block] = []
        var alone: [Segments.Piece] = []
        for start in stride(from: 0, to: pieces.count, by: mostPieces) {
            try gather(pieces[start..<min(start + mostPieces, pieces.count)], &blocks, &alone)
        }
        // Equal groups of several rounds or kinds must not share a key.
        for index in blocks.indices { blocks[index].part = Int32(clamping: index) }
        return (blocks, alone)
    }

    private static func gather(
        _ pieces: ArraySlice<Segments.Piece>, _ blocks: inout [Block], _ alone: inout [Segments.Piece]
    ) throws(EngineError) {
        // Kind, id and place in one number: sorting a hundred thousand of them takes milliseconds.
        var keys: [UInt64] = []
        keys.reserveCapacity(pieces.count)
        for (place, piece) in pieces.enumerated() {
            let id = try piece.series()
            if piece.range.count <= mostSamplesOfAPiece, id >= 0, id < mostID {
                keys.append(UInt64(piece.column.kind.rawValue) << 61 | UInt64(id) << 21 | UInt64(place))
            } else {
                alone.append(piece)
            }
        }
        keys.sort()
        var start = 0
        while start < keys.count {
            let family = keys[start] >> UInt64(21 + groupBits)
            var end = start
            while end < keys.count, keys[end] >> UInt64(21 + groupBits) == family { end += 1 }
            let members = keys[start..<end].map { pieces[pieces.startIndex + Int($0 & (1 << 21 - 1))] }
            let group = Int64(family & (1 << UInt64(40 - groupBits) - 1))
            divide(members, group, &blocks, &alone)
            start = end
        }
    }

    /// Cuts the pieces of a group where they lie too far apart in time for the lags, or are too many for a row.
    private static func divide(
        _ members: [Segments.Piece], _ group: Int64, _ blocks: inout [Block], _ alone: inout [Segments.Piece]
    ) {
        let isMilliseconds = members.allSatisfy { piece in
            piece.column.times[piece.range].allSatisfy { $0 % 1000 == 0 }
        }
        let unit: Int32 = isMilliseconds ? 1000 : 1
        let span = min(HistoryInterval.day, Int64(Int32.max) * Int64(unit))
        var open: [Segments.Piece] = []
        var (first, last, samples) = (Int64.max, Int64.min, 0)
        func close() {
            if samples >= fewestSamples, let kind = open.first?.column.kind {
                blocks.append(
                    Block(
                        group: group, part: 0, kind: kind, unit: unit, first: first, last: last, samples: samples,
                        pieces: open))
            } else {
                alone += open
            }
            open = []
            (first, last, samples) = (.max, .min, 0)
        }
        let low = members.lazy.map(\.first).min() ?? 0
        let high = members.lazy.map(\.last).max() ?? 0
        // Those of one epoch mostly lie together; else by time, and each block in the order of its series again.
        let isClose = high - low < span
        let ordered = isClose ? members : members.sorted { $0.first < $1.first }
        for piece in ordered {
            guard piece.last - piece.first < span else {
                alone.append(piece)
                continue
            }
            if !open.isEmpty,
                max(last, piece.last) - min(first, piece.first) >= span || samples + piece.range.count > mostSamples
            {
                close()
            }
            open.append(piece)
            (first, last) = (min(first, piece.first), max(last, piece.last))
            samples += piece.range.count
        }
        close()
    }

    static let copySQL = """
        copy egiz.history_block (series_group, t_first, t_last, seq, part, kind, n, unit, members, lags, numbers, texts) \
        from stdin (format binary)
        """

    static func copy(_ blocks: [Block], seq: Int64, _ connection: PostgresConnection) throws(EngineError) {
        try connection.copyIn(copySQL) { copy throws(EngineError) in
            for block in blocks { try write(block, seq: seq, &copy) }
        }
    }

    private static func write(_ block: Block, seq: Int64, _ copy: inout CopyBinary) throws(EngineError) {
        var members: [Int16] = []
        var lags: [Int32] = []
        var numbers: [Double] = []
        var texts: [String?] = []
        members.reserveCapacity(block.samples)
        lags.reserveCapacity(block.samples)
        numbers.reserveCapacity(block.samples)
        var hasTexts = false
        var ordered: [(member: Int16, piece: Segments.Piece)] = []
        ordered.reserveCapacity(block.pieces.count)
        for piece in block.pieces { ordered.append((Int16(try piece.series() & memberMask), piece)) }
        // A series that crosses midnight has two pieces; its times ascend all the same.
        ordered.sort { ($0.member, $0.piece.first) < ($1.member, $1.piece.first) }
        for (member, piece) in ordered {
            let column = piece.column
            let times = column.times
            let columnNumbers = column.numbers
            for index in piece.range {
                members.append(member)
                lags.append(Int32(clamping: (times[index] - block.first) / Int64(block.unit)))
            }
            if !columnNumbers.isEmpty { numbers += columnNumbers[piece.range] }
            if column.texts.isEmpty {
                texts.append(contentsOf: repeatElement(nil, count: piece.range.count))
            } else {
                texts += column.texts[piece.range]
                hasTexts = true
            }
        }
        try copy.row(columns: 12)
        copy.int64(block.group)
        copy.timestamp(microseconds: block.first)
        copy.timestamp(microseconds: block.last)
        copy.int64(seq)
        copy.int32(block.part)
        copy.int16(block.kind.rawValue)
        copy.int32(Int32(clamping: block.samples))
        copy.int32(block.unit)
        copy.int16s(members)
        copy.int32s(lags)
        if numbers.isEmpty { copy.null() } else { copy.doubles(numbers[...]) }
        if hasTexts { copy.texts(texts[...]) } else { copy.null() }
    }
}
