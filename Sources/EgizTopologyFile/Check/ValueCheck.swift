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
        case (.texts, .list(let items)):
            let isGood = items.allSatisfy { item in
                if case .string = item.content { true } else { false }
            }
            return isGood ? value : refuse()
        case (.number, .int), (.number, .double): return value
        case (.expression, .int(let number)): return ConfigValue(.string("\(number)"), at: value.mark)
        case (.expression, .double(let number)): return ConfigValue(.string("\(number)"), at: value.mark)
        case (.expression, .bool(let flag)): return ConfigValue(.string("\(flag)"), at: value.mark)
        case (.expression(let allowsValue), .string(let text)):
            return checkText(value, path, faults) { () throws(ExpressionFault) in
                _ = try Expression(parsing: text, allowsValue: allowsValue)
            }
        case (.path, .string(let text)):
            return checkText(value, path, faults) { () throws(ExpressionFault) in _ = try Expression(path: text) }
        case (.template(let allowsValue), .string(let text)):
            return checkText(value, path, faults) { () throws(ExpressionFault) in
                _ = try TextTemplate(parsing: text, allowsValue: allowsValue)
            }
        case (.value, _): return isValue(value) ? value : refuse()
        case (.pair, .list(let items)): return items.count == 2 && items.allSatisfy(isValue) ? value : refuse()
        case (.values, .map(let members)):
            for member in members where !isValue(member.value) {
                faults.error(
                    at: member.value.mark,
                    "`\(path).\(member.key.shortened)`: found \(member.value.found), expected \(Word.Shape.value.expected)"
                )
            }
            return value
        case (.map(let words), .map): return checkMap(value, words, path, faults)
        case (.list(_, let words), .list(let items)):
            let checked = items.enumerated().map { checkMap($0.element, words, "\(path)[\($0.offset)]", faults) }
            return checked.contains { $0 == nil } ? nil : ConfigValue(.list(checked.compactMap { $0 }), at: value.mark)
        case (.model, .string), (.node, .string): return value
        case (.section, _): return value
        default: return refuse()
        }
    }

    private static func checkText(
        _ value: ConfigValue, _ path: String, _ faults: FaultList, _ body: () throws(ExpressionFault) -> Void
    ) -> ConfigValue? {
        do throws(ExpressionFault) {
            try body()
            return value
        } catch {
            faults.error(at: value.mark, "`\(path)`: \(error)")
            return nil
        }
    }

    private static func isValue(_ value: ConfigValue) -> Bool {
        switch value.content {
        case .string, .int, .double, .bool: return true
        case .list(let items):
            return items.allSatisfy { item in
                switch item.content {
                case .int, .double: true
                default: false
                }
            }
        case .null, .map: return false
        }
    }

    /// A map with words of its own, in its final form, with defaults; nil where it, or anything in it, is not as it should be.
    private static func checkMap(
        _ value: ConfigValue, _ words: [Word], _ path: String, _ faults: FaultList
    ) -> ConfigValue? {
        let before = faults.errorCount
        guard let reader = MapReader(value, at: value.mark, path, words, faults) else { return nil }
        let members = words.compactMap { word in
            reader.value(word.name).map { (key: word.name, mark: reader.mark(of: word.name), value: $0) }
        }
        return faults.errorCount == before ? ConfigValue(.map(members), at: value.mark) : nil
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
