import EgizCore

/// Checks one value against the shape of its word.
package enum ValueCheck {
    /// The value in its final form, or nil after a fault: durations become whole milliseconds, sizes whole bytes, a single
    /// pattern a list of one.
    static func check(
        _ value: ConfigValue, _ shape: Word.Shape, at path: String, _ faults: FaultList
    ) -> ConfigValue? {
        func refuse(_ hint: String = "") -> ConfigValue? {
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected \(shape.expected)\(hint)")
            return nil
        }
        switch (shape, value.content) {
        case (.name, .string(let text)): return NameRule.isName(text) ? value : refuse()
        case (.topicName, .string(let text)): return NameRule.isTopic(text) ? value : refuse()
        case (.text, .string), (.bool, .bool): return value
        case (.text, .bool), (.text, .int), (.text, .double): return refuse("; put it in quotes")
        case (.bool, .string(let text)):
            let word = ["yes": "true", "on": "true", "no": "false", "off": "false"][text.lowercased()]
            return refuse(word.map { "; write `\($0)`" } ?? "")
        case (.int(let range), .int(let number)): return range.contains(number) ? value : refuse()
        case (.duration(let range), .string(let text)):
            guard let milliseconds = DurationText.milliseconds(text), range.contains(milliseconds) else {
                return refuse()
            }
            return ConfigValue(.int(milliseconds), at: value.mark)
        case (.duration, .int(let number)):
            return refuse("; a bare number has no unit, write \"\(number)s\" for seconds")
        case (.duration, .double): return refuse("; a bare number has no unit")
        case (.size(let range), .string(let text)):
            guard let bytes = SizeText.bytes(text), range.contains(bytes) else { return refuse() }
            return ConfigValue(.int(bytes), at: value.mark)
        case (.size, .int(let number)): return refuse("; a bare number has no unit, write \"\(number)B\" for bytes")
        case (.size, .double): return refuse("; a bare number has no unit")
        case (.globs, .string): return checkPatterns([value], at: value.mark, path, faults)
        case (.globs, .list(let items)): return checkPatterns(items, at: value.mark, path, faults)
        case (.choice(let words), .string(let text)):
            let known = words.contains { $0.utf8.elementsEqual(text.utf8) }
            return known ? value : refuse(hint(for: text, among: words))
        case (.section, _): return value
        default: return refuse()
        }
    }

    private static func checkPatterns(
        _ items: [ConfigValue], at mark: SourceMark, _ path: String, _ faults: FaultList
    ) -> ConfigValue? {
        var good = true
        for item in items {
            if case .string(let text) = item.content, PathPattern(text) != nil { continue }
            good = false
            faults.error(
                at: item.mark,
                "`\(path)`: found \(item.found), expected a path pattern such as \"/features/*/properties/**\" (it begins with `/`, has no empty segment, and `~` is written `~0`)"
            )
        }
        return good ? ConfigValue(.list(items), at: mark) : nil
    }

    /// `` ; did you mean `x`? ``, or nothing.
    package static func hint(for word: String, among known: [String]) -> String {
        NearestWord.find(word, among: known).map { "; did you mean `\($0)`?" } ?? ""
    }

    /// A word's default as it would be read from a file. Defaults are ours; the tests read every one.
    static func defaultValue(of word: Word, at mark: SourceMark) -> ConfigValue? {
        guard let value = writtenDefault(of: word),
            let checked = check(value, word.shape, at: word.name, FaultList())
        else { return nil }
        return moved(checked, to: mark)
    }

    /// The default as it would stand in a file, unchecked.
    static func writtenDefault(of word: Word) -> ConfigValue? {
        word.defaultText.flatMap { YAMLDocument.read($0, into: FaultList()) }
    }

    private static func moved(_ value: ConfigValue, to mark: SourceMark) -> ConfigValue {
        if case .list(let items) = value.content {
            return ConfigValue(.list(items.map { moved($0, to: mark) }), at: mark)
        }
        return ConfigValue(value.content, at: mark)
    }
}
