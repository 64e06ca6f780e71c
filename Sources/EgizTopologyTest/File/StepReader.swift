import EgizCore
import EgizProcessors
import EgizRuntime
import EgizTopologyFile
import EgizTwin
import Foundation

/// Reads one step of a test.
struct StepReader {
    let context: TestContext
    let path: String
    var faults: FaultList { context.faults }

    func read(_ value: ConfigValue) -> TestStep? {
        if case .string(let name) = value.content {
            let isFault = TestVocabulary.faults.contains(name)
            let hint = isFault ? "; write `fault: \(name)`" : name == "commit" ? "; write `commit: true`" : ""
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected a map with one word\(hint)")
            return nil
        }
        guard let reader = MapReader(value, at: value.mark, path, TestVocabulary.step, faults) else { return nil }
        let present = TestVocabulary.step.map(\.name).filter { reader.raw($0) != nil }
        guard present.count == 1, let word = present.first, let body = reader.raw(word) else {
            if case .map(let members) = value.content, members.count == present.count {
                faults.error(
                    at: value.mark,
                    "`\(path)`: found \(present.isEmpty ? "no word" : all(present)), expected one of them in each step; begin the next with a dash"
                )
            }
            return nil
        }
        return action(word, body, reader).map { TestStep(mark: reader.mark(of: word), action: $0) }
    }

    private func all(_ words: [String]) -> String {
        Word.Shape.list(words).replacingOccurrences(of: " or ", with: " and ")
    }

    private func action(_ word: String, _ body: ConfigValue, _ reader: MapReader) -> TestStep.Action? {
        switch word {
        case "given": .given(records(body))
        case "clock": clock(body)
        case "fault": fault(body)
        case "model": model(body)
        case "types": TypesReader(faults: faults, path: "\(path).types").read(body).map { .types($0) }
        case "commit": reader.value("commit").map { _ in .commit }
        case "redrive": redrive(body)
        case "edit": edit(body)
        case "alert": alert(body)
        default: ExpectationReader(context: context, path: "\(path).expect").read(body).map { .expect($0) }
        }
    }

    // MARK: Records

    private func records(_ body: ConfigValue) -> [GivenRecord] {
        guard case .list(let items) = body.content else { return record(body, "\(path).given").map { [$0] } ?? [] }
        return items.enumerated().compactMap { record($0.element, "\(path).given[\($0.offset)]") }
    }

    private func record(_ item: ConfigValue, _ path: String) -> GivenRecord? {
        guard let reader = MapReader(item, at: item.mark, path, TestVocabulary.record, faults) else { return nil }
        let at = context.time(reader, "at")
        let times = reader.raw("repeat").flatMap { repetition($0, "\(path).repeat") }
        let value = payload(reader, mayBeTombstone: true)
        guard let name = reader.string("topic"),
            let topic = context.topic(name, at: reader.raw("topic")?.mark ?? item.mark), let value
        else { return nil }
        return GivenRecord(
            mark: item.mark, topic: topic, key: key(reader), partition: partition(reader, of: topic), at: at,
            value: value, times: times, headers: headers(reader))
    }

    private func headers(_ reader: MapReader) -> [DeadLetter.Header] {
        guard case .map(let members)? = reader.value("headers")?.content else { return [] }
        return members.map { member in
            let text: String =
                switch member.value.content {
                case .string(let text): text
                case .int(let number): "\(number)"
                case .double(let number): "\(number)"
                case .bool(let flag): "\(flag)"
                case .null, .list, .map: ""
                }
            return DeadLetter.Header(name: member.key, value: Array(text.utf8))
        }
    }

    private func key(_ reader: MapReader) -> GivenRecord.Key {
        guard let value = reader.raw("key") else { return .ofValue }
        switch value.content {
        case .null: return .absent
        case .string(let text): return .text(text)
        default:
            faults.error(at: value.mark, "`\(reader.path(of: "key"))`: found \(value.found), expected a text or null")
            return .absent
        }
    }

    private func partition(_ reader: MapReader, of topic: String) -> Int32? {
        guard let number = reader.int("partition") else { return nil }
        let count = context.partitions(of: topic) ?? 1
        guard number < count else {
            faults.error(
                at: reader.raw("partition")?.mark ?? reader.mark,
                "`\(reader.path(of: "partition"))`: found the number \(number), \(topic) has \(count) partition\(count == 1 ? "" : "s"), counted from 0"
            )
            return nil
        }
        return Int32(number)
    }

    private func payload(_ reader: MapReader, mayBeTombstone: Bool) -> RecordValue? {
        let words = ["value", "text", "base64"] + (mayBeTombstone ? ["tombstone"] : [])
        let present = words.filter { reader.raw($0) != nil }
        guard present.count == 1, let word = present.first, let raw = reader.raw(word) else {
            faults.error(
                at: reader.mark,
                "`\(reader.path)`: found \(present.isEmpty ? "no value" : all(present)), expected one of \(Word.Shape.list(words))"
            )
            return nil
        }
        switch word {
        case "value": return .json(raw.json)
        case "text": return reader.string("text").map { .text($0) }
        case "tombstone": return reader.value("tombstone").map { _ in .tombstone }
        default:
            guard let text = reader.string("base64") else { return nil }
            guard let data = Data(base64Encoded: text) else {
                faults.error(at: raw.mark, "`\(reader.path(of: "base64"))`: the text is not base64")
                return nil
            }
            return .bytes(Array(data))
        }
    }

    private func repetition(_ value: ConfigValue, _ path: String) -> GivenRecord.Repeat? {
        if case .int(let count) = value.content, (1...1_000_000).contains(count) {
            return .init(from: 1, to: count, every: 0)
        }
        guard let reader = MapReader(value, at: value.mark, path, TestVocabulary.repetition, faults),
            let from = reader.int("from"), let to = reader.int("to"), let every = reader.int("every")
        else { return nil }
        guard from <= to else {
            faults.error(at: value.mark, "`\(path)`: `to` is \(to), expected at least `from`, which is \(from)")
            return nil
        }
        return .init(from: from, to: to, every: every * 1000)
    }

    // MARK: Clock

    private func clock(_ body: ConfigValue) -> TestStep.Action? {
        let path = "\(path).clock"
        guard let reader = MapReader(body, at: body.mark, path, TestVocabulary.clock, faults) else { return nil }
        switch (reader.raw("advance"), reader.raw("to")) {
        case (_?, nil): return reader.int("advance").map { .advance(.milliseconds($0)) }
        case (nil, _?): return context.time(reader, "to").map { .moveTo($0) }
        default:
            faults.error(at: body.mark, "`\(path)`: expected either `advance` or `to`")
            return nil
        }
    }

    // MARK: Dead letters

    private func redrive(_ body: ConfigValue) -> TestStep.Action? {
        let path = "\(path).redrive"
        if case .string(let name) = body.content, let action = RedriveBatch.Action(rawValue: name) {
            return .redrive(action, nil)
        }
        guard let reader = MapReader(body, at: body.mark, path, TestVocabulary.redrive, faults),
            let action = reader.choice("action", RedriveBatch.Action.self)
        else { return nil }
        guard let text = reader.string("thing") else { return reader.raw("thing") == nil ? .redrive(action, nil) : nil }
        return context.thing(text, at: reader.raw("thing")?.mark ?? body.mark).map { .redrive(action, $0) }
    }

    private func alert(_ body: ConfigValue) -> TestStep.Action? {
        let words = TestVocabulary.alertAction
        guard let reader = MapReader(body, at: body.mark, "\(path).alert", words, faults),
            let action = reader.string("action"), let processor = reader.string("processor"),
            let text = reader.string("thing"), let key = reader.string("key"),
            let thing = context.thing(text, at: reader.raw("thing")?.mark ?? body.mark)
        else { return nil }
        let by = reader.raw("by") == nil ? nil : reader.string("by")
        return .alert(AlertAction(action: action, processor: processor, thing: thing, key: key, by: by))
    }

    private func edit(_ body: ConfigValue) -> TestStep.Action? {
        guard let reader = MapReader(body, at: body.mark, "\(path).edit", TestVocabulary.edit, faults) else {
            return nil
        }
        let value = payload(reader, mayBeTombstone: false)
        guard let name = reader.string("topic"),
            let topic = context.topic(name, at: reader.raw("topic")?.mark ?? body.mark),
            let offset = reader.int("offset"), let value
        else { return nil }
        let partition = partition(reader, of: topic)
        if partition == nil, reader.raw("partition") == nil, context.partitions(of: topic) ?? 1 > 1 {
            faults.error(at: body.mark, "`\(reader.path)` has no `partition`, and \(topic) has more than one")
            return nil
        }
        return .edit(LetterEdit(topic: topic, partition: partition, offset: offset, value: value))
    }
}
