import EgizCore
import EgizTopologyFile
import EgizTwin

/// Reads what a step expects.
struct ExpectationReader {
    /// Stands for whatever there is: a value, the other members of a map, some items of a list.
    static let rest = "..."

    let context: TestContext
    let path: String
    private var faults: FaultList { context.faults }

    init(context: TestContext, path: String) {
        self.context = context
        self.path = path
    }

    func read(_ body: ConfigValue) -> Expectation? {
        guard let reader = MapReader(body, at: body.mark, path, TestVocabulary.expect, faults) else { return nil }
        var sections: [Expectation.Section] = []
        func add(_ word: String, _ read: (ConfigValue, String) -> [Expectation.Section]) {
            if let value = reader.raw(word) { sections += read(value, reader.path(of: word)) }
        }
        add("twins", twins)
        add("samples", samples)
        add("rollups") { value, path in rows(value, .rollups, TestVocabulary.rollup, path) }
        add("scene") { value, path in rows(value, .scene, TestVocabulary.scene, path) }
        add("alerts") { value, path in rows(value, .alerts, TestVocabulary.alert, path) }
        add("predictions") { value, path in rows(value, .predictions, TestVocabulary.prediction, path) }
        add("emitted", emitted)
        add("delivered") { value, path in rows(value, .delivered, TestVocabulary.delivery, path) }
        add("deadLetters") { value, path in rows(value, .deadLetters, TestVocabulary.deadLetter, path) }
        add("parked", parked)
        add("counters", counters)
        var partial = false
        if case .bool(true)? = reader.value("partial")?.content { partial = true }
        return Expectation(sections: sections.sorted { $0.mark < $1.mark }, partial: partial)
    }

    private func members(_ value: ConfigValue, _ path: String, _ what: String) -> [(
        key: String, mark: SourceMark, value: ConfigValue
    )] {
        guard case .map(let members) = value.content else {
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected a map of \(what)")
            return []
        }
        return members
    }

    // MARK: Sections

    private func twins(_ value: ConfigValue, _ path: String) -> [Expectation.Section] {
        members(value, path, "thing ids to documents").compactMap { member in
            guard let thing = context.thing(member.key, at: member.mark) else { return nil }
            switch member.value.content {
            case .string("absent"): return .init(mark: member.mark, subject: .twin(thing), value: nil)
            case .map, .string(Self.rest):
                return .init(mark: member.mark, subject: .twin(thing), value: member.value.json)
            default:
                faults.error(
                    at: member.value.mark,
                    "`\(path).\(member.key)`: found \(member.value.found), expected the twin's document or `absent`")
                return nil
            }
        }
    }

    private func samples(_ value: ConfigValue, _ path: String) -> [Expectation.Section] {
        members(value, path, "thing ids to paths").flatMap { member -> [Expectation.Section] in
            guard let thing = context.thing(member.key, at: member.mark) else { return [] }
            let place = "\(path).\(member.key)"
            return members(member.value, place, "paths to lists of samples").flatMap { series in
                guard series.key.utf8.first == UInt8(ascii: "/") else {
                    faults.error(
                        at: series.mark,
                        "`\(place)`: found \"\(series.key.shortened)\", expected a path such as /features/filler/properties/temperature"
                    )
                    return [Expectation.Section]()
                }
                return rows(
                    series.value, .samples(thing, path: series.key), TestVocabulary.sample, "\(place).\(series.key)",
                    at: series.mark, mayBeBare: true)
            }
        }
    }

    private func emitted(_ value: ConfigValue, _ path: String) -> [Expectation.Section] {
        members(value, path, "topics to lists of records").flatMap { member in
            rows(
                member.value, .emitted(topic: member.key), TestVocabulary.output, "\(path).\(member.key)",
                at: member.mark)
        }
    }

    private func parked(_ value: ConfigValue, _ path: String) -> [Expectation.Section] {
        guard case .list(let items) = value.content else {
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected a list of thing ids")
            return []
        }
        var things: [JSONValue] = []
        for item in items {
            guard case .string(let text) = item.content else {
                faults.error(at: item.mark, "`\(path)`: found \(item.found), expected a thing id")
                continue
            }
            if text == Self.rest || context.thing(text, at: item.mark) != nil { things.append(.string(text)) }
        }
        return [.init(mark: value.mark, subject: .parked, value: .array(things))]
    }

    private func counters(_ value: ConfigValue, _ path: String) -> [Expectation.Section] {
        let known = StepCounters().named.map(\.name)
        return members(value, path, "names to numbers").compactMap { member in
            guard known.contains(member.key) else {
                faults.error(
                    at: member.mark,
                    "unknown counter `\(member.key.shortened)` in `\(path)`, expected \(Word.Shape.list(known))\(ValueCheck.hint(for: member.key, among: known))"
                )
                return nil
            }
            guard case .int = member.value.content else {
                faults.error(
                    at: member.value.mark,
                    "`\(path).\(member.key)`: found \(member.value.found), expected a whole number")
                return nil
            }
            return .init(mark: member.mark, subject: .counter(member.key), value: member.value.json)
        }
    }

    // MARK: Rows

    /// A list of maps with known words; `mayBeBare`: a value in place of a map is the row's `value`.
    private func rows(
        _ value: ConfigValue, _ subject: Expectation.Section.Subject, _ words: [Word], _ path: String,
        at mark: SourceMark? = nil, mayBeBare: Bool = false
    ) -> [Expectation.Section] {
        guard case .list(let items) = value.content else {
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected a list; `[]` for none")
            return []
        }
        var rows: [JSONValue] = []
        for (index, item) in items.enumerated() {
            switch item.content {
            case .string(Self.rest): rows.append(.string(Self.rest))
            case .map: if let row = row(item, words, "\(path)[\(index)]") { rows.append(row) }
            default:
                guard mayBeBare else {
                    faults.error(at: item.mark, "`\(path)[\(index)]`: found \(item.found), expected a map or `...`")
                    continue
                }
                var row = JSONObject()
                row["value"] = item.json
                rows.append(.object(row))
            }
        }
        return [.init(mark: mark ?? value.mark, subject: subject, value: .array(rows))]
    }

    private func row(_ item: ConfigValue, _ words: [Word], _ path: String) -> JSONValue? {
        guard let reader = MapReader(item, at: item.mark, path, words, faults), case .map(let members) = item.content
        else { return nil }
        var row = JSONObject()
        for member in members {
            guard let word = words.first(where: { $0.name == member.key }) else { continue }
            if case .string(Self.rest) = member.value.content {
                row[member.key] = .string(Self.rest)
            } else if ["at", "start", "end", "raised"].contains(word.name) {
                row[member.key] = context.time(reader, word.name).map { .string($0.text) }
            } else if ["acknowledged", "cleared"].contains(word.name), case .string(let text) = member.value.content {
                row[member.key] = context.time(text, at: member.value.mark, "\(path).\(word.name)").map {
                    .string($0.text)
                }
            } else if reader.value(word.name) != nil {
                row[member.key] = member.value.json
            }
        }
        return .object(row)
    }
}
