package import EgizCore
import Foundation

/// Reads the members of one map against its words: unknown and missing words and wrong values become faults, defaults are
/// filled in.
package struct MapReader {
    package let path: String
    package let mark: SourceMark
    private let words: [Word]
    private let members: [String: (mark: SourceMark, value: ConfigValue)]
    private let faults: FaultList

    /// - Parameters:
    ///   - mark: where a missing word is reported: the map's own name.
    ///   - noun: what the file holds, for messages about its root.
    /// - Returns: nil where the value is no map.
    package init?(
        _ value: ConfigValue, at mark: SourceMark, _ path: String, _ words: [Word], _ faults: FaultList,
        noun: String = "topology"
    ) {
        guard case .map(let list) = value.content else {
            let expected = words.filter(\.required).map(\.name)
            let with = expected.isEmpty ? "" : " with \(Word.Shape.list(expected).replacingLastOr())"
            let place = path.isEmpty ? "the file" : "`\(path)`"
            faults.error(at: value.mark, "\(place): found \(value.found), expected a map\(with)")
            return nil
        }
        var members: [String: (mark: SourceMark, value: ConfigValue)] = [:]
        for member in list {
            guard words.contains(where: { $0.name.utf8.elementsEqual(member.key.utf8) }) else {
                let known = words.map(\.name)
                let hint = ValueCheck.hint(for: member.key, among: known)
                let place = path.isEmpty ? "a \(noun)" : "`\(path)`"
                faults.error(
                    at: member.mark,
                    "unknown word `\(member.key.shortened)` in \(place), expected \(Word.Shape.list(known))\(hint)")
                continue
            }
            members[member.key] = (member.mark, member.value)
        }
        self.path = path
        self.mark = mark
        self.words = words
        self.members = members
        self.faults = faults
        for word in words where word.required && members[word.name] == nil {
            let place = path.isEmpty ? "the \(noun)" : "`\(path)`"
            faults.error(at: mark, "\(place) has no `\(word.name)`, expected \(word.shape.expected)")
        }
    }

    package func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The place of the word where it is written, else of the map.
    package func mark(of name: String) -> SourceMark { members[name]?.mark ?? mark }

    /// The value as written, unchecked.
    package func raw(_ name: String) -> ConfigValue? { members[name]?.value }

    /// The checked value or the default; nil after a fault, or where neither is there.
    package func value(_ name: String) -> ConfigValue? {
        guard let word = words.first(where: { $0.name == name }) else { return nil }
        guard let value = members[name]?.value else { return ValueCheck.defaultValue(of: word, at: mark) }
        return ValueCheck.check(value, word.shape, at: path(of: name), faults)
    }

    package func string(_ name: String) -> String? {
        if case .string(let text)? = value(name)?.content { return text }
        return nil
    }

    /// Whole numbers, milliseconds of durations, bytes of sizes.
    package func int(_ name: String) -> Int64? {
        if case .int(let number)? = value(name)?.content { return number }
        return nil
    }

    /// The word chosen, as a case of its enumeration.
    package func choice<T: RawRepresentable<String>>(_ name: String, _ type: T.Type) -> T? {
        string(name).flatMap { T(rawValue: $0) }
    }
}

extension String {
    /// At most 60 characters, for messages.
    package var shortened: String { count > 60 ? prefix(60) + "…" : self }

    /// Turns the last `or` of a list into `and`.
    fileprivate func replacingLastOr() -> String {
        guard let range = range(of: " or ", options: .backwards) else { return self }
        return replacingCharacters(in: range, with: " and ")
    }
}
