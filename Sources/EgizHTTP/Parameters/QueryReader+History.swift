import EgizCore
import EgizPostgres
import EgizTwin

extension QueryReader {
    /// A path below a thing, as series have it.
    mutating func pointer(_ name: String) -> String? {
        guard has(name) else {
            refuse(name, "\(name) is needed: the path of the series, such as /features/filler/properties/temperature.")
            return nil
        }
        guard let value = filledText(name) else { return nil }
        guard value.utf8.first == UInt8(ascii: "/"), let pointer = try? JSONPointer(parsing: value) else {
            refuse(name, "\(name) must be a JSON pointer such as /features/filler/properties/temperature.")
            return nil
        }
        return pointer.text
    }

    /// As `pointer`, for a parameter that may be given up to `most` times; one at least.
    mutating func pointers(_ name: String, most: Int) -> [String] {
        let values = texts(name)
        guard values.count > 1 else { return pointer(name).map { [$0] } ?? [] }
        guard values.count <= most else {
            refuse(name, "\(name) is given more than \(most) times.")
            return []
        }
        var pointers: [String] = []
        for value in values {
            guard value.utf8.first == UInt8(ascii: "/"), let pointer = try? JSONPointer(parsing: value).text,
                !pointers.contains(pointer)
            else {
                refuse(
                    name, "each \(name) must be another JSON pointer such as /features/filler/properties/temperature.")
                return []
            }
            pointers.append(pointer)
        }
        return pointers
    }

    /// One of the words of an enumeration.
    mutating func word<Word: CaseIterable & RawRepresentable<String>>(_ name: String, among words: Word.Type) -> Word? {
        guard let value = filledText(name) else { return nil }
        if let word = Word(rawValue: value) { return word }
        refuse(name, "\(name) must be one of \(Word.allCases.map(\.rawValue).joined(separator: ", ")).")
        return nil
    }

    /// `interval` and `aggregate`, which go together.
    mutating func grouping() -> HistoryRequest.Grouping? {
        let aggregates = aggregates()
        guard let text = filledText("interval") else {
            if has("aggregate"), !has("interval") {
                refuse(
                    "aggregate",
                    "aggregate needs an interval, such as interval=1m; without both, raw samples are answered.")
            }
            return nil
        }
        guard let interval = IntervalText.microseconds(text) else {
            refuse("interval", "interval must be a length such as 500ms, 10s, 1m, 1h, 1d, or ISO 8601 such as PT1M.")
            return nil
        }
        guard interval <= EventTime.latest.microseconds else {
            refuse("interval", "interval is longer than all time that samples can have; use 1w or less.")
            return nil
        }
        return HistoryRequest.Grouping(
            text: text, interval: interval, aggregates: aggregates ?? [.min, .max, .avg, .count])
    }

    private mutating func aggregates() -> [HistoryAggregate]? {
        guard let value = filledText("aggregate") else { return nil }
        var result: [HistoryAggregate] = []
        for name in value.split(separator: ",", omittingEmptySubsequences: false) {
            guard let aggregate = HistoryAggregate(rawValue: String(name)) else {
                let hint =
                    NearestWord.find(String(name), among: HistoryAggregate.names).map { " Did you mean \($0)?" } ?? ""
                refuse(
                    "aggregate", "aggregate must be a list of \(HistoryAggregate.names.joined(separator: ", ")).\(hint)"
                )
                return nil
            }
            if !result.contains(aggregate) { result.append(aggregate) }
        }
        return result
    }

    /// Refuses ranges with more intervals than one answer may have.
    mutating func check(_ grouping: HistoryRequest.Grouping, in range: HistoryQueries.Range) {
        guard range.from < range.to else { return }
        let first = range.from.microseconds.flooredDivision(by: grouping.interval)
        let last = (range.to.microseconds - 1).flooredDivision(by: grouping.interval)
        let count = last - first + 1
        guard count > Int64(HistoryRequest.maximumRows) else { return }
        let span = range.to.microseconds - range.from.microseconds
        let fitting = IntervalText.hint(atLeast: span / Int64(HistoryRequest.maximumRows - 1) + 1)
        refuse(
            "interval",
            """
            interval=\(grouping.text) cuts the range into \(count) intervals, and an answer has at most \
            \(HistoryRequest.maximumRows); use interval=\(fitting) or a shorter range.
            """)
    }
}
