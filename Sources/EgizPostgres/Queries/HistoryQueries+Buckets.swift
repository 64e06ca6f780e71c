import EgizCore
import EgizTwin

extension HistoryQueries {
    /// What to compute for each interval; count and skipped always are.
    public struct Aggregates: OptionSet, Sendable {
        public let rawValue: Int

        public init(rawValue: Int) { self.rawValue = rawValue }

        public static let extremes = Aggregates(rawValue: 1)
        public static let sum = Aggregates(rawValue: 2)
        public static let ends = Aggregates(rawValue: 4)
        /// The average over time of a value that holds until the next sample.
        public static let timeAverage = Aggregates(rawValue: 8)
    }

    /// So many stored rows are looked at together, and so many samples read.
    private static let mostItems = 20_000
    private static let mostSamples = 300_000
    /// How far back the value is looked for that holds when the range begins.
    static let longestHold: Int64 = 400 * 86_400_000_000

    /// The intervals of the range that hold samples, ascending, up to `limit`; nil where the thing was never seen.
    ///
    /// A segment that lies inside one interval and overlaps no other row of its series answers with its statistics, without its
    /// samples being read. The first and last interval see only the samples inside the range. `interval` is in microseconds.
    /// Errors: as of `PostgresPool.run`; SQLSTATE 22003 in `detail` where a sum exceeds float8.
    public func buckets(
        _ range: Range, interval: Int64, aggregates: Aggregates, limit: Int
    ) async throws -> [HistoryBucket]? {
        let buckets: [HistoryBucket]? = try await pool.read { connection in
            guard let series = try Self.series(range, connection) else {
                return try Self.isKnown(range.thing, connection) ? [] : nil
            }
            let reader = HistoryReader(connection: connection, series: series)
            return try Self.fold(reader, range, interval: interval, aggregates, limit: limit)
        }
        guard aggregates.contains(.sum), let buckets else { return buckets }
        guard buckets.allSatisfy({ $0.sum?.isFinite ?? true }) else {
            throw EngineError(.postgres, .never, "a sum exceeds what float8 can hold", detail: "22003")
        }
        return buckets
    }

    static func fold(
        _ reader: HistoryReader, _ range: Range, interval: Int64, _ aggregates: Aggregates, limit: Int
    ) throws(EngineError) -> [HistoryBucket] {
        var from = range.from.microseconds
        let to = range.to.microseconds
        let before =
            aggregates.contains(.timeAverage)
            ? try reader.latest(before: from, since: from - longestHold) : nil
        var fold = HistoryFold(
            interval: interval, from: from, to: to, held: before?.kind == .number ? before?.number : nil)
        while from < to, fold.begun <= limit {
            let (items, end) = try reader.items(from: from, to: to, limit: mostItems)
            try add(clusters(items), from..<end, reader, &fold, limit: limit)
            from = end
        }
        fold.finish()
        return Array(fold.buckets.prefix(limit))
    }

    /// Rows that overlap, directly or through others, belong together.
    private static func clusters(_ items: [HistoryReader.Item]) -> [ArraySlice<HistoryReader.Item>] {
        var clusters: [ArraySlice<HistoryReader.Item>] = []
        var start = 0
        var reach = Int64.min
        for (place, item) in items.enumerated() {
            if item.first > reach, place > start {
                clusters.append(items[start..<place])
                start = place
            }
            reach = max(reach, item.last)
        }
        if start < items.count { clusters.append(items[start...]) }
        return clusters
    }

    private static func add(
        _ clusters: [ArraySlice<HistoryReader.Item>], _ window: Swift.Range<Int64>, _ reader: HistoryReader,
        _ fold: inout HistoryFold, limit: Int
    ) throws(EngineError) {
        var waiting: [ArraySlice<HistoryReader.Item>] = []
        var samples = 0
        for cluster in clusters {
            // More than was asked for is begun: nothing further can change what is answered.
            if fold.begun > limit { return }
            waiting.append(cluster)
            if !isWhole(cluster, window, fold) { samples += cluster.reduce(0) { $0 + $1.count } }
            guard samples >= mostSamples else { continue }
            try add(waiting, among: window, reader, &fold)
            waiting = []
            samples = 0
        }
        try add(waiting, among: window, reader, &fold)
    }

    private static func isWhole(
        _ cluster: ArraySlice<HistoryReader.Item>, _ window: Swift.Range<Int64>, _ fold: HistoryFold
    ) -> Bool {
        guard cluster.count == 1, let item = cluster.first, item.form == .packed else { return false }
        return window.contains(item.first) && window.contains(item.last) && fold.isInside(item.first, item.last)
    }

    private static func add(
        _ clusters: [ArraySlice<HistoryReader.Item>], among window: Swift.Range<Int64>, _ reader: HistoryReader,
        _ fold: inout HistoryFold
    ) throws(EngineError) {
        let wanted = clusters.filter { !isWhole($0, window, fold) }.flatMap(\.self)
        let buffers = wanted.isEmpty ? [:] : try reader.samples(of: wanted)
        var place = 0
        for cluster in clusters {
            if let item = cluster.first, isWhole(cluster, window, fold) {
                fold.add(item)
                continue
            }
            var samples = SampleBuffer()
            for _ in cluster {
                if let buffer = buffers[place] { samples.append(buffer, 0..<buffer.count) }
                place += 1
            }
            samples.settle()
            for index in samples.place(of: window.lowerBound)..<samples.place(of: window.upperBound) {
                fold.add(time: samples.times[index], kind: samples.kinds[index], number: samples.numbers[index])
            }
        }
    }
}
