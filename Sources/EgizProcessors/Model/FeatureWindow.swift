import EgizTwin

/// The last samples of one path of one thing, in the order of their times.
struct FeatureWindow {
    struct Sample: Equatable {
        /// Microseconds.
        var time: Int64
        var value: JSONValue
    }

    /// What is calculated over it.
    enum Aggregate: String, CaseIterable {
        case mean, min, max, std, slope, count, raw
    }

    /// Bytes of a text or a JSON value that is taken into a window, and of all of one window; numbers do not count.
    static let largestValue = 256
    static let mostBytes = 64 << 10

    private(set) var samples: [Sample] = []
    private var bytes = 0

    init() {}

    init(_ samples: [Sample]) {
        self.samples = samples
        bytes = samples.reduce(0) { $0 + Self.size($1.value) }
    }

    static func fits(_ leaf: LeafValue) -> Bool {
        switch leaf {
        case .text(let text), .json(let text): text.utf8.count <= largestValue
        default: true
        }
    }

    private static func size(_ value: JSONValue) -> Int {
        switch value {
        case .string(let text): text.utf8.count
        case .array, .object: value.text.utf8.count
        default: 0
        }
    }

    var isEmpty: Bool { samples.isEmpty }

    /// Takes a sample in; of two at one time the later one stays. What is then too old or too much goes.
    mutating func add(_ value: JSONValue, at time: Int64, length: Int64?, most: Int) {
        var place = samples.count
        while place > 0, samples[place - 1].time > time { place -= 1 }
        bytes += Self.size(value)
        if place > 0, samples[place - 1].time == time {
            bytes -= Self.size(samples[place - 1].value)
            samples[place - 1].value = value
        } else {
            samples.insert(Sample(time: time, value: value), at: place)
        }
        if let newest = samples.last?.time { trim(to: newest, length: length) }
        if samples.count > most { removeFirst(samples.count - most) }
        guard bytes > Self.mostBytes else { return }
        var (count, left) = (0, bytes)
        while left > Self.mostBytes, count < samples.count {
            left -= Self.size(samples[count].value)
            count += 1
        }
        removeFirst(count)
    }

    private mutating func removeFirst(_ count: Int) {
        for sample in samples.prefix(count) { bytes -= Self.size(sample.value) }
        samples.removeFirst(count)
    }

    private mutating func trim(to time: Int64, length: Int64?) {
        guard let length else { return }
        let (start, overflow) = time.subtractingReportingOverflow(length)
        guard !overflow, let first = samples.first, first.time <= start else { return }
        removeFirst(samples.prefix { $0.time <= start }.count)
    }

    /// What it comes to at `time`, over `time - length < t`; nil where there is nothing to calculate with.
    func value(_ aggregate: Aggregate, at time: Int64, length: Int64?) -> JSONValue? {
        var window = self
        window.trim(to: time, length: length)
        switch aggregate {
        case .raw:
            return window.isEmpty
                ? nil : .array(window.samples.map { .array([Self.seconds($0.time, time), $0.value]) })
        case .count: return .int(Int64(window.samples.count))
        case .mean, .min, .max, .std, .slope: return window.numeric(aggregate).map(JSONValue.double)
        }
    }

    /// Seconds from the question's time, 0 or less: a sample may be dated later than the event that asks.
    private static func seconds(_ time: Int64, _ now: Int64) -> JSONValue {
        let (distance, overflow) = time.subtractingReportingOverflow(now)
        return .double(overflow ? -Double(Int64.max) / 1_000_000 : Double(Swift.min(distance, 0)) / 1_000_000)
    }

    private func numeric(_ aggregate: Aggregate) -> Double? {
        var points: [(t: Double, v: Double)] = []
        let origin = samples.first?.time ?? 0
        for sample in samples {
            guard let value = sample.value.number else { continue }
            points.append((Double(sample.time &- origin) / 1_000_000, value))
        }
        guard !points.isEmpty else { return nil }
        let count = Double(points.count)
        let mean = points.reduce(0) { $0 + $1.v / count }
        let result: Double?
        switch aggregate {
        case .mean: result = mean
        case .min: result = points.map(\.v).min()
        case .max: result = points.map(\.v).max()
        // Of what was there, not of what it was drawn from.
        case .std: result = (points.reduce(0) { $0 + ($1.v - mean) * ($1.v - mean) / count }).squareRoot()
        case .slope:
            let middle = points.reduce(0) { $0 + $1.t / count }
            let spread = points.reduce(0) { $0 + ($1.t - middle) * ($1.t - middle) }
            let common = points.reduce(0) { $0 + ($1.t - middle) * ($1.v - mean) }
            // One moment has no slope.
            result = spread > 0 ? common / spread : nil
        case .count, .raw: result = nil
        }
        return result.flatMap { $0.isFinite ? $0 : nil }
    }
}

extension JSONValue {
    /// The number, where this is one.
    var number: Double? {
        switch self {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// From a leaf; arrays are read back.
    init?(leaf: LeafValue, _ parser: JSONParser) {
        switch leaf {
        case .number(let number): self = .double(number)
        case .integer(let number): self = .int(number)
        case .boolean(let flag): self = .bool(flag)
        case .text(let text): self = .string(text)
        case .json(let text):
            guard let value = try? parser.parse(Array(text.utf8)) else { return nil }
            self = value
        case .null: self = .null
        case .absent: return nil
        }
    }
}
