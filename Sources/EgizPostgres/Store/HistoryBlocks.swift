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
        /// Places of the pieces.
        var pieces: [Int]
    }

    /// Ids beyond the packing of `gather` stay segments: 2^40 series.
    private static let mostID: Int64 = 1 << 40
    private static let mostPieces = 1 << 21

    /// Divides pieces into blocks and those that stay segments.
    static func gather(_ pieces: [Segments.Piece]) -> (blocks: [Block], alone: [Segments.Piece]) {
        guard pieces.count >= fewestSamples else { return ([], pieces) }
        var blocks: [Block] = []
        var alone: [Int] = []
        pieces.withUnsafeBufferPointer { pieces in
            for start in stride(from: 0, to: pieces.count, by: mostPieces) {
                gather(pieces, start..<min(start + mostPieces, pieces.count), &blocks, &alone)
            }
        }
        // Equal groups of several rounds or kinds must not share a key.
        for index in blocks.indices { blocks[index].part = Int32(clamping: index) }
        return (blocks, alone.map { pieces[$0] })
    }

    private static func gather(
        _ pieces: UnsafeBufferPointer<Segments.Piece>, _ range: Range<Int>, _ blocks: inout [Block],
        _ alone: inout [Int]
    ) {
        // Kind, id and place in one number: sorting a hundred thousand of them takes milliseconds.
        var keys: [UInt64] = []
        keys.reserveCapacity(range.count)
        for place in range {
            let id = pieces[place].id
            if pieces[place].range.count <= mostSamplesOfAPiece, id >= 0, id < mostID {
                let kind = UInt64(pieces[place].column.kind.rawValue)
                keys.append(kind << 61 | UInt64(id) << 21 | UInt64(place - range.lowerBound))
            } else {
                alone.append(place)
            }
        }
        keys.sort()
        var members: [Int] = []
        var start = 0
        while start < keys.count {
            let family = keys[start] >> UInt64(21 + groupBits)
            members.removeAll(keepingCapacity: true)
            while start < keys.count, keys[start] >> UInt64(21 + groupBits) == family {
                members.append(range.lowerBound + Int(keys[start] & (1 << 21 - 1)))
                start += 1
            }
            let group = Int64(family & (1 << UInt64(40 - groupBits) - 1))
            divide(pieces, members, group, &blocks, &alone)
        }
    }

    /// Cuts the pieces of a group where they lie too far apart in time for the lags, or are too many for a row.
    private static func divide(
        _ pieces: UnsafeBufferPointer<Segments.Piece>, _ members: [Int], _ group: Int64, _ blocks: inout [Block],
        _ alone: inout [Int]
    ) {
        var isMilliseconds = true
        var (low, high) = (Int64.max, Int64.min)
        for place in members {
            (low, high) = (min(low, pieces[place].first), max(high, pieces[place].last))
            if isMilliseconds { isMilliseconds = Self.isMilliseconds(pieces[place]) }
        }
        let unit: Int32 = isMilliseconds ? 1000 : 1
        let span = min(HistoryInterval.day, Int64(Int32.max) * Int64(unit))
        var open: [Int] = []
        var (first, last, samples) = (Int64.max, Int64.min, 0)
        func close() {
            if samples >= fewestSamples, let kind = open.first.map({ pieces[$0].column.kind }) {
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
        // Those of one epoch mostly lie together; else by time, and each block in the order of its series again.
        let isClose = high - low < span
        let ordered = isClose ? members : members.sorted { pieces[$0].first < pieces[$1].first }
        for place in ordered {
            let (begin, end, count) = (pieces[place].first, pieces[place].last, pieces[place].range.count)
            guard end - begin < span else {
                alone.append(place)
                continue
            }
            if !open.isEmpty, max(last, end) - min(first, begin) >= span || samples + count > mostSamples { close() }
            open.append(place)
            (first, last) = (min(first, begin), max(last, end))
            samples += count
        }
        close()
    }

    private static func isMilliseconds(_ piece: Segments.Piece) -> Bool {
        for index in piece.range where piece.column.time(index) % 1000 != 0 { return false }
        return true
    }

    static let copySQL = """
        copy egiz.history_block (series_group, t_first, t_last, seq, part, kind, n, unit, members, lags, numbers, texts) \
        from stdin (format binary)
        """

    static func copy(
        _ blocks: [Block], of pieces: [Segments.Piece], seq: Int64, _ connection: PostgresConnection
    ) throws(EngineError) {
        try connection.copyIn(copySQL) { copy throws(EngineError) in
            for block in blocks { try write(block, of: pieces, seq: seq, &copy) }
        }
    }

    private static func write(
        _ block: Block, of pieces: [Segments.Piece], seq: Int64, _ copy: inout CopyBinary
    ) throws(EngineError) {
        var members: [Int16] = []
        var lags: [Int32] = []
        var numbers: [Double] = []
        var texts: [String?] = []
        members.reserveCapacity(block.samples)
        lags.reserveCapacity(block.samples)
        numbers.reserveCapacity(block.samples)
        var hasTexts = false
        // Mostly they are in order. A series that crosses midnight has two pieces; its times ascend all the same.
        func precedes(_ a: Int, _ b: Int) -> Bool {
            (pieces[a].id, pieces[a].first) < (pieces[b].id, pieces[b].first)
        }
        var ordered = block.pieces
        for place in 1..<max(1, ordered.count) where precedes(ordered[place], ordered[place - 1]) {
            ordered.sort(by: precedes)
            break
        }
        for place in ordered {
            let column = pieces[place].column
            let member = Int16(pieces[place].id & memberMask)
            let range = pieces[place].range
            for index in range {
                members.append(member)
                lags.append(Int32(clamping: (column.time(index) - block.first) / Int64(block.unit)))
            }
            if column.hasNumbers { for index in range { numbers.append(column.number(index)) } }
            if column.hasTexts {
                // From here on there is one for each sample.
                if !hasTexts { texts = Array(repeating: nil, count: members.count - range.count) }
                texts += column.texts[range]
                hasTexts = true
            } else if hasTexts {
                texts.append(contentsOf: repeatElement(nil, count: range.count))
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
