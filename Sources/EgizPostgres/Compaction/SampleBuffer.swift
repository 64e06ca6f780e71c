import EgizCore

/// Samples of one series in columns, whatever form they were stored in.
struct SampleBuffer {
    /// Microseconds since 1970.
    private(set) var times: [Int64] = []
    /// Of the row that each sample came in: of equal times the highest wins (rule 23).
    private(set) var seqs: [Int64] = []
    private(set) var kinds: [SampleKind] = []
    /// 0 where the kind has no number.
    private(set) var numbers: [Double] = []
    /// Empty where no sample has a text.
    private(set) var texts: [String?] = []
    private var isSettled = true

    var count: Int { times.count }
    var isEmpty: Bool { times.isEmpty }

    /// Appends one sample.
    mutating func append(time: Int64, seq: Int64, kind: SampleKind, number: Double, text: String? = nil) {
        note(time)
        times.append(time)
        seqs.append(seq)
        kinds.append(kind)
        numbers.append(number)
        if let text {
            if texts.isEmpty { texts = Array(repeating: nil, count: times.count - 1) }
            texts.append(text)
        } else if !texts.isEmpty {
            texts.append(nil)
        }
    }

    /// Appends a row: `numbers` and `texts` are empty where it has none.
    mutating func append(
        times new: ArraySlice<Int64>, seq: Int64, kind: SampleKind, numbers newNumbers: ArraySlice<Double>,
        texts newTexts: ArraySlice<String?>
    ) {
        guard let first = new.first else { return }
        note(first)
        let before = times.count
        times += new
        seqs.append(contentsOf: repeatElement(seq, count: new.count))
        kinds.append(contentsOf: repeatElement(kind, count: new.count))
        if newNumbers.count == new.count {
            numbers += newNumbers
        } else {
            numbers.append(contentsOf: repeatElement(0, count: new.count))
        }
        if newTexts.count == new.count {
            if texts.isEmpty { texts = Array(repeating: nil, count: before) }
            texts += newTexts
        } else if !texts.isEmpty {
            texts.append(contentsOf: repeatElement(nil, count: new.count))
        }
    }

    /// Appends samples of another buffer.
    mutating func append(_ other: SampleBuffer, _ range: Range<Int>) {
        guard let first = range.first else { return }
        note(other.times[first])
        if !other.isSettled { isSettled = false }
        let before = times.count
        times += other.times[range]
        seqs += other.seqs[range]
        kinds += other.kinds[range]
        numbers += other.numbers[range]
        if !other.texts.isEmpty {
            if texts.isEmpty { texts = Array(repeating: nil, count: before) }
            texts += other.texts[range]
        } else if !texts.isEmpty {
            texts.append(contentsOf: repeatElement(nil, count: range.count))
        }
    }

    private mutating func note(_ time: Int64) {
        if let last = times.last, time <= last { isSettled = false }
    }

    /// Brings the samples into strictly ascending time; of equal times the one with the highest seq stays.
    mutating func settle() {
        guard !isSettled else { return }
        let order = times.indices.sorted { a, b in
            times[a] != times[b] ? times[a] < times[b] : seqs[a] < seqs[b]
        }
        var kept: [Int] = []
        kept.reserveCapacity(order.count)
        for index in order {
            if let last = kept.last, times[last] == times[index] { kept.removeLast() }
            kept.append(index)
        }
        self = picked(kept)
    }

    /// The samples at those places, which ascend in time.
    func picked(_ places: [Int]) -> SampleBuffer {
        var picked = SampleBuffer()
        picked.times = places.map { times[$0] }
        picked.seqs = places.map { seqs[$0] }
        picked.kinds = places.map { kinds[$0] }
        picked.numbers = places.map { numbers[$0] }
        if !texts.isEmpty { picked.texts = places.map { texts[$0] } }
        return picked
    }

    /// The first place whose time is not below `time`; the buffer must be settled.
    func place(of time: Int64) -> Int {
        var (low, high) = (0, times.count)
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The bytes of all texts before each sample, and of all at the end; empty where none has a text.
    var textBytes: [Int] {
        guard !texts.isEmpty else { return [] }
        var sums = [0]
        sums.reserveCapacity(texts.count + 1)
        for text in texts { sums.append(sums[sums.count - 1] + (text?.utf8.count ?? 0)) }
        return sums
    }

    /// Cuts places into those of one row each: not too many samples, and not too much text.
    func rows(_ places: [Int]) -> [ArraySlice<Int>] {
        var rows: [ArraySlice<Int>] = []
        var start = places.startIndex
        var bytes = 0
        for index in places.indices {
            let size = texts.isEmpty ? 0 : texts[places[index]]?.utf8.count ?? 0
            if index > start,
                index - start == SlotPlan.mostSamples || bytes + size > SlotPlan.mostTextBytes
            {
                rows.append(places[start..<index])
                (start, bytes) = (index, 0)
            }
            bytes += size
        }
        if start < places.endIndex { rows.append(places[start...]) }
        return rows
    }

    /// The places of each kind, kinds in the order of their numbers.
    func placesByKind(_ range: Range<Int>) -> [(kind: SampleKind, places: [Int])] {
        guard let first = range.first else { return [] }
        // The usual series has one.
        if range.allSatisfy({ kinds[$0] == kinds[first] }) { return [(kinds[first], Array(range))] }
        var places: [SampleKind: [Int]] = [:]
        for place in range { places[kinds[place], default: []].append(place) }
        return places.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
    }
}
