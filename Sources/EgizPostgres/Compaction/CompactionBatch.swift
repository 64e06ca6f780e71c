import EgizCore

/// What one transaction of the compactor takes out of segments and blocks: the samples of the series of one group before a time.
/// Deleting and reading are one statement, so exactly what was read is gone.
struct CompactionBatch {
    /// Of rows that reach beyond the time: they stay, as they were, without what was taken.
    struct Rest {
        var series: Int64
        var seq: Int64
        var kind: SampleKind
        var times: ArraySlice<Int64>
        var numbers: ArraySlice<Double>
        var texts: ArraySlice<String?>
    }

    /// What stays of a block.
    struct RestBlock {
        var seq: Int64
        var part: Int32
        var kind: SampleKind
        var unit: Int64
        var times: [Int64] = []
        var members: [Int16] = []
        var numbers: [Double] = []
        var texts: [String?] = []
    }

    /// By `series_id & 255`; empty where a series has nothing.
    private(set) var members: [SampleBuffer]
    private var rests: [Rest] = []
    private var blocks: [RestBlock] = []
    private(set) var rows = 0
    private(set) var samples = 0
    let group: Int64
    let upper: Int64

    init(group: Int64, before upper: Int64, _ connection: PostgresConnection) throws(EngineError) {
        self.group = group
        self.upper = upper
        members = Array(repeating: SampleBuffer(), count: Int(HistoryBlocks.memberMask + 1))
        try takeSegments(connection)
        try takeBlocks(connection)
        for index in members.indices { members[index].settle() }
    }

    /// The series that have samples, ascending.
    var series: [Int64] {
        members.indices.filter { !members[$0].isEmpty }.map { group << HistoryBlocks.groupBits + Int64($0) }
    }

    private mutating func takeSegments(_ connection: PostgresConnection) throws(EngineError) {
        let first = group << HistoryBlocks.groupBits
        let rows = try connection.query(
            """
            delete from egiz.history_segment where series_id between $1 and $2 and t_first < $3
            returning series_id, t_first, seq, kind, times, numbers, texts
            """,
            [.int64(first), .int64(first + HistoryBlocks.memberMask), .timestamp(microseconds: upper)])
        self.rows += rows.count
        // In the order of their times most rows of a series follow one another, and nothing need be sorted.
        var keys: [(series: Int64, first: Int64, seq: Int64, row: Int)] = []
        keys.reserveCapacity(rows.count)
        for index in 0..<rows.count {
            let row = rows[index]
            keys.append((row.int64(0) ?? 0, row.timestamp(1) ?? 0, row.int64(2) ?? 0, index))
        }
        keys.sort { ($0.series, $0.first, $0.seq) < ($1.series, $1.first, $1.seq) }
        for key in keys {
            let row = rows[key.row]
            guard let kind = row.int64(3).flatMap({ SampleKind(rawValue: Int16(clamping: $0)) }),
                let times = row.times(4)
            else { throw Self.unknown }
            let numbers = row.doubles(5) ?? []
            let texts = row.textArray(6) ?? []
            let cut =
                times.last.map { $0 < upper } == true ? times.count : times.firstIndex { $0 >= upper } ?? times.count
            members[Int(key.series & HistoryBlocks.memberMask)].append(
                times: times[..<cut], seq: key.seq, kind: kind, numbers: numbers.prefix(cut), texts: texts.prefix(cut))
            samples += cut
            guard cut < times.count else { continue }
            rests.append(
                Rest(
                    series: key.series, seq: key.seq, kind: kind, times: times[cut...],
                    numbers: numbers.dropFirst(cut), texts: texts.dropFirst(cut)))
        }
    }

    private mutating func takeBlocks(_ connection: PostgresConnection) throws(EngineError) {
        let rows = try connection.query(
            """
            delete from egiz.history_block where series_group = $1 and t_first < $2
            returning t_first, seq, kind, unit, members, lags, numbers, texts, part
            """, [.int64(group), .timestamp(microseconds: upper)])
        self.rows += rows.count
        let order = (0..<rows.count).map { (rows[$0].int64(1) ?? 0, rows[$0].timestamp(0) ?? 0, $0) }.sorted { $0 < $1 }
        for (seq, first, index) in order {
            let row = rows[index]
            guard let kind = row.int64(2).flatMap({ SampleKind(rawValue: Int16(clamping: $0)) }),
                let unit = row.int64(3), let owners = row.int16s(4), let lags = row.int32s(5),
                owners.count == lags.count
            else { throw Self.unknown }
            let numbers = row.doubles(6) ?? []
            let texts = row.textArray(7) ?? []
            var rest = RestBlock(seq: seq, part: Int32(clamping: row.int64(8) ?? 0), kind: kind, unit: unit)
            for place in owners.indices {
                let time = first + Int64(lags[place]) * unit
                let text = place < texts.count ? texts[place] : nil
                let number = place < numbers.count ? numbers[place] : 0
                guard time >= upper else {
                    members[Int(Int64(owners[place]) & HistoryBlocks.memberMask)].append(
                        time: time, seq: seq, kind: kind, number: number, text: text)
                    samples += 1
                    continue
                }
                rest.times.append(time)
                rest.members.append(owners[place])
                if !numbers.isEmpty { rest.numbers.append(number) }
                if !texts.isEmpty { rest.texts.append(text) }
            }
            if !rest.times.isEmpty { blocks.append(rest) }
        }
    }

    /// Puts back what lies beyond the time.
    func putBack(_ connection: PostgresConnection) throws(EngineError) {
        if !blocks.isEmpty {
            try connection.copyIn(HistoryBlocks.copySQL) { copy throws(EngineError) in
                for block in blocks { try write(block, &copy) }
            }
        }
        guard !rests.isEmpty else { return }
        try connection.copyIn(
            "copy egiz.history_segment (series_id, t_first, t_last, seq, n, kind, times, numbers, texts) from stdin (format binary)"
        ) { copy throws(EngineError) in
            for rest in rests {
                guard let first = rest.times.first, let last = rest.times.last else { continue }
                try copy.row(columns: 9)
                copy.int64(rest.series)
                copy.timestamp(microseconds: first)
                copy.timestamp(microseconds: last)
                copy.int64(rest.seq)
                copy.int32(Int32(clamping: rest.times.count))
                copy.int16(rest.kind.rawValue)
                copy.timestamps(rest.times)
                if rest.numbers.isEmpty { copy.null() } else { copy.doubles(rest.numbers) }
                if rest.texts.allSatisfy({ $0 == nil }) { copy.null() } else { copy.texts(rest.texts) }
            }
        }
    }

    private func write(_ block: RestBlock, _ copy: inout CopyBinary) throws(EngineError) {
        let first = block.times.min() ?? 0
        try copy.row(columns: 12)
        copy.int64(group)
        copy.timestamp(microseconds: first)
        copy.timestamp(microseconds: block.times.max() ?? first)
        copy.int64(block.seq)
        copy.int32(block.part)
        copy.int16(block.kind.rawValue)
        copy.int32(Int32(clamping: block.times.count))
        copy.int32(Int32(clamping: block.unit))
        copy.int16s(block.members)
        copy.int32s(block.times.map { Int32(clamping: ($0 - first) / block.unit) })
        if block.numbers.isEmpty { copy.null() } else { copy.doubles(block.numbers[...]) }
        if block.texts.isEmpty { copy.null() } else { copy.texts(block.texts[...]) }
    }

    private static var unknown: EngineError {
        EngineError(.state, .stop, "history holds a row of a kind or form that this version does not know; upgrade it")
    }
}
