import EgizCore

/// A row of `history_packed`: samples of one series and kind, compacted.
struct PackedSegment {
    var series: Int64
    var kind: SampleKind
    /// The highest of what it was made of.
    var seq: Int64
    /// The class: days that it is kept, 0 for ever.
    var retention: Int32
    var last: Int64
    var times: PackedTimes
    var numbers: PackedNumbers
    /// Empty, or one a sample.
    var texts: [String?]
    var statistics: SegmentStatistics?

    var first: Int64 { times.first }
    var count: Int { times.count }

    /// - Precondition: the samples are settled, of one kind, at least one.
    init(series: Int64, retention: Int32, _ samples: SampleBuffer) {
        self.series = series
        self.retention = retention
        kind = samples.kinds[0]
        seq = samples.seqs.max() ?? 0
        last = samples.times[samples.count - 1]
        times = PackedTimes(samples.times)
        numbers = kind == .number || kind == .boolean ? PackedNumbers(samples.numbers) : PackedNumbers()
        texts = samples.texts.contains { $0 != nil } ? samples.texts : []
        statistics = kind == .number ? SegmentStatistics(samples.numbers, at: samples.times) : nil
    }

    /// Appends the samples to a buffer.
    func append(to buffer: inout SampleBuffer) {
        let times = times.times
        let numbers = kind == .number || kind == .boolean ? numbers.numbers(count: times.count) : []
        buffer.append(times: times[...], seq: seq, kind: kind, numbers: numbers[...], texts: texts[...])
    }

    // MARK: Rows

    static let columns = """
        series_id, retention, kind, seq, t_first, t_last, n, step, unit, lags2, lags4, times, base, scale, low2, low4, middle, \
        high, numbers, texts
        """
    private static let statisticColumns = "minimum, maximum, total, first, last, integral"

    static let copy = "copy egiz.history_packed (\(columns), \(statisticColumns)) from stdin (format binary)"

    func write(_ copy: inout CopyBinary) throws(EngineError) {
        try copy.row(columns: 26)
        copy.int64(series)
        copy.int32(retention)
        copy.int16(kind.rawValue)
        copy.int64(seq)
        copy.timestamp(microseconds: first)
        copy.timestamp(microseconds: last)
        copy.int32(Int32(clamping: count))
        copy.int64(times.step)
        copy.int32(times.unit)
        if case .small(let lags) = times.lags { copy.int16s(lags) } else { copy.null() }
        if case .wide(let lags) = times.lags { copy.int32s(lags) } else { copy.null() }
        if case .explicit(let times) = times.lags { copy.timestamps(times[...]) } else { copy.null() }
        if let base = numbers.base { copy.int64(base) } else { copy.null() }
        if numbers.base != nil { copy.double(numbers.scale) } else { copy.null() }
        if case .small(let low) = numbers.low { copy.int16s(low) } else { copy.null() }
        if case .wide(let low) = numbers.low { copy.int32s(low) } else { copy.null() }
        if numbers.middle.isEmpty { copy.null() } else { copy.int16s(numbers.middle) }
        if numbers.high.isEmpty { copy.null() } else { copy.int8s(numbers.high) }
        if numbers.plain.isEmpty { copy.null() } else { copy.doubles(numbers.plain) }
        if texts.isEmpty { copy.null() } else { copy.texts(texts[...]) }
        let values = statistics.map { [$0.minimum, $0.maximum, $0.total, $0.first, $0.last, $0.integral] }
        for index in 0..<6 {
            if let values { copy.double(values[index]) } else { copy.null() }
        }
    }

    /// Reads the `columns` of a row, the first of them at `offset`; nil where it is of a version that this one does not know.
    init?(_ row: PostgresRow, at offset: Int = 0) {
        guard let series = row.int64(offset), let retention = row.int64(offset + 1),
            let kind = row.int64(offset + 2).flatMap({ SampleKind(rawValue: Int16(clamping: $0)) }),
            let seq = row.int64(offset + 3), let first = row.timestamp(offset + 4),
            let last = row.timestamp(offset + 5), let count = row.int64(offset + 6), let step = row.int64(offset + 7),
            let unit = row.int64(offset + 8)
        else { return nil }
        self.series = series
        self.retention = Int32(clamping: retention)
        self.kind = kind
        self.seq = seq
        self.last = last
        times = PackedTimes(first: first, count: Int(count), step: step, unit: Int32(clamping: unit), lags: .none)
        if let lags = row.int16s(offset + 9) { times.lags = .small(lags) }
        if let lags = row.int32s(offset + 10) { times.lags = .wide(lags) }
        if let explicit = row.times(offset + 11) { times.lags = .explicit(explicit) }
        numbers = PackedNumbers()
        numbers.base = row.int64(offset + 12)
        numbers.scale = row.double(offset + 13) ?? 1
        if let low = row.int16s(offset + 14) { numbers.low = .small(low) }
        if let low = row.int32s(offset + 15) { numbers.low = .wide(low) }
        numbers.middle = row.int16s(offset + 16) ?? []
        numbers.high = row.int8s(offset + 17) ?? []
        if let plain = row.doubles(offset + 18) {
            numbers.plain = plain
        } else {
            numbers.plain = row.doubleArray(offset + 18) ?? []
        }
        texts = row.textArray(offset + 19) ?? []
        statistics = nil
    }
}
