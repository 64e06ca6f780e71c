package import EgizCore
import Yams

/// Reads one YAML document into values with their places. Everything it meets that is wrong becomes a fault; what can be
/// read in spite of it is read.
package struct YAMLDocument {
    /// A file with more values than this, aliases counted as often as they are used, is no topology.
    static let maximumValues = 50_000
    static let maximumDepth = 64

    let faults: FaultList
    /// What the file should hold, for messages.
    let noun: String
    /// Every plain number of JSON is a number, also where its text would not come back as it was written (`21.50`).
    let hasJSONNumbers: Bool
    private var source: YAMLText
    private var values = 0
    private var anchors: [String: (value: ConfigValue, weight: Int)] = [:]

    /// - Returns: nil where the text is no YAML or holds no value.
    package static func read(
        _ text: String, into faults: FaultList, noun: String = "topology", hasJSONNumbers: Bool = false
    ) -> ConfigValue? {
        var document = YAMLDocument(
            faults: faults, source: YAMLText(text), noun: noun, hasJSONNumbers: hasJSONNumbers)
        return document.read()
    }

    private init(faults: FaultList, source: YAMLText, noun: String, hasJSONNumbers: Bool) {
        self.faults = faults
        self.source = source
        self.noun = noun
        self.hasJSONNumbers = hasJSONNumbers
    }

    private mutating func read() -> ConfigValue? {
        if let (scalar, mark) = source.firstForbidden {
            let code = String(scalar.value, radix: 16, uppercase: true)
            let digits = String(repeating: "0", count: max(0, 4 - code.utf8.count)) + code
            faults.error(at: mark, "not valid YAML: the control character U+\(digits) is not allowed; remove it")
            return nil
        }
        while true {
            do {
                let parser = try Parser(
                    yaml: source.text, resolver: .basic, constructor: .default, encoding: .utf8)
                // Nodes hold their anchors weakly; the parser keeps them.
                return try withExtendedLifetime(parser) { try document(of: parser) }
            } catch let YamlError.duplicatedKeysInMapping(duplicates, context) {
                // One of the equal keys is masked, and the file read again: it is found as a repetition below.
                let mark = SourceMark(line: context.mark.line, column: context.mark.column)
                guard let key = duplicates.first, source.maskKey(key, at: mark) else {
                    faults.error(
                        at: mark, "the key `\(source.unmasked(duplicates.first ?? ""))` stands twice in one map")
                    return nil
                }
            } catch let error as YamlError {
                report(error)
                return nil
            } catch {
                faults.error(at: SourceMark(line: 1, column: 1), "cannot be read as YAML: \(error)")
                return nil
            }
        }
    }

    private mutating func document(of parser: Parser) throws -> ConfigValue? {
        guard let root = try parser.nextRoot() else {
            faults.error(
                at: SourceMark(line: 1, column: 1), "the file is empty, expected a \(noun) (`apiVersion: egiz/v1`)")
            return nil
        }
        values = 0
        anchors = [:]
        let value = convert(root, depth: 0)
        do {
            if let second = try parser.nextRoot() {
                faults.error(
                    at: mark(of: second),
                    "a second document begins here; write one \(noun) a file and put this one into a file of its own")
            }
        } catch let error as YamlError {
            if case .duplicatedKeysInMapping = error { throw error }
            report(error)
        }
        return value
    }

    private func report(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = context.map { " (\($0.text) in line \($0.mark.line))" } ?? ""
            faults.error(
                at: SourceMark(line: mark.line, column: mark.column), "not valid YAML: \(problem)\(place)")
        default:
            faults.error(at: SourceMark(line: 1, column: 1), "not valid YAML: \(error)")
        }
    }

    private func mark(of node: Node) -> SourceMark {
        node.mark.map { SourceMark(line: $0.line, column: $0.column) } ?? SourceMark(line: 1, column: 1)
    }

    // MARK: - Values

    /// Counts the value; after the last one allowed everything is null, and the fault says why.
    private mutating func count(_ weight: Int, at mark: SourceMark) -> Bool {
        let before = values
        values = min(values + weight, Self.maximumValues + 1)
        if values > Self.maximumValues, before <= Self.maximumValues {
            faults.error(
                at: mark,
                "the file holds more than \(Self.maximumValues) values (aliases count each time they are used)")
        }
        return values <= Self.maximumValues
    }

    private mutating func convert(_ node: Node, depth: Int) -> ConfigValue {
        let mark = mark(of: node)
        let null = ConfigValue(.null, at: mark)
        guard count(1, at: mark) else { return null }
        guard depth <= Self.maximumDepth else {
            faults.error(at: mark, "nested more than \(Self.maximumDepth) levels deep")
            return null
        }
        let before = values
        let value: ConfigValue
        switch node {
        case .alias: value = null
        case .scalar(let scalar):
            if scalar.style == .plain, scalar.string.unicodeScalars.first == YAMLText.aliasMark {
                return alias(String(scalar.string.unicodeScalars.dropFirst()), at: mark)
            }
            value = ConfigValue(content(of: scalar, at: mark), at: mark)
        case .sequence(let sequence):
            checkTag(sequence.tag, of: "seq", at: mark)
            value = ConfigValue(.list(sequence.map { convert($0, depth: depth + 1) }), at: mark)
        case .mapping(let mapping):
            checkTag(mapping.tag, of: "map", at: mark)
            value = ConfigValue(.map(members(of: mapping, depth: depth)), at: mark)
        }
        if let anchor = node.anchor { anchors[anchor.rawValue] = (value, values - before + 1) }
        return value
    }

    private mutating func alias(_ name: String, at mark: SourceMark) -> ConfigValue {
        guard let (value, weight) = anchors[name] else {
            faults.error(
                at: mark,
                "the alias `*\(name)` has no anchor `&\(name)` before it; quote the value if it is meant as text")
            return ConfigValue(.null, at: mark)
        }
        guard count(weight, at: mark) else { return ConfigValue(.null, at: mark) }
        return ConfigValue(value.content, at: mark)
    }

    private mutating func members(
        of mapping: Node.Mapping, depth: Int
    ) -> [(key: String, mark: SourceMark, value: ConfigValue)] {
        var members: [(key: String, mark: SourceMark, value: ConfigValue)] = []
        var places: [String: SourceMark] = [:]
        var merged: [ConfigValue] = []
        for (key, value) in mapping {
            let mark = mark(of: key)
            guard case .scalar(let scalar) = key, scalar.string.unicodeScalars.first != YAMLText.aliasMark else {
                faults.error(at: mark, "found a key that is a list, a map or an alias, expected a word")
                continue
            }
            let name = source.unmaskedKey(scalar.string)
            if let first = places[name] {
                faults.error(
                    at: mark, "the key `\(name)` stands twice in one map, first in line \(first.line); remove one")
                continue
            }
            places[name] = mark
            let converted = convert(value, depth: depth + 1)
            if name == "<<", scalar.style == .plain {
                merged.append(converted)
            } else {
                members.append((name, mark, converted))
            }
        }
        for value in merged { merge(value, into: &members) }
        return members
    }

    /// YAML's `<<: *defaults`: members that the map does not have itself.
    private func merge(_ value: ConfigValue, into members: inout [(key: String, mark: SourceMark, value: ConfigValue)])
    {
        switch value.content {
        case .map(let more):
            let own = Set(members.map(\.key))
            members.append(contentsOf: more.filter { !own.contains($0.key) })
        case .list(let maps):
            for map in maps {
                guard case .map = map.content else {
                    faults.error(at: map.mark, "`<<`: found \(map.found), expected a map to merge")
                    continue
                }
                merge(map, into: &members)
            }
        default: faults.error(at: value.mark, "`<<`: found \(value.found), expected a map to merge")
        }
    }

    func checkTag(_ tag: Tag, of kind: String, at mark: SourceMark) {
        let name = tag.rawValue
        guard name != "", name != "!", name != "tag:yaml.org,2002:\(kind)" else { return }
        faults.error(at: mark, "the tag `\(name)` is not supported; remove it")
    }

    func unmasked(_ text: String) -> String { source.unmasked(text) }
}
