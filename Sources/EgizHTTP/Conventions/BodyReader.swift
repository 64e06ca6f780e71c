import HTTPTypes
import EgizCore
import EgizTwin

/// Takes a JSON body apart and gathers everything that is wrong with it, so that one answer names it all.
///
/// Members that the route does not know are refused: a misspelt one that is silently ignored changes nothing and looks as if it had.
/// `null` counts as absent for all but `isNull`, which a PATCH asks to remove something.
struct BodyReader {
    /// Faults that one answer names at most: a body of a thousand bad members is no reason for an answer many times as long.
    static let mostFaults = 20

    private let object: JSONObject
    /// Of this object in the body; empty for the body itself.
    private let pointer: String
    private(set) var faults: [Problem.Fault] = []

    /// - Throws: `invalid-body` where the bytes are no JSON object.
    init(_ bytes: [UInt8], known: [String]) throws(Problem) {
        do throws(JSONError) {
            guard let object = try JSONParser().parse(bytes).object else { throw JSONError("it is no object") }
            self.init(object, pointer: "", known: known)
        } catch {
            throw .invalidBody([.init(pointer: "", detail: "The body must be a JSON object: \(error.message).")])
        }
    }

    private init(_ object: JSONObject, pointer: String, known: [String]) {
        self.object = object
        self.pointer = pointer
        for member in object where !known.contains(where: { $0.utf8.elementsEqual(member.key.utf8) }) {
            // To look for the word that was meant takes time.
            guard faults.count < Self.mostFaults else { break }
            refuse(member.key, Self.unknown(member.key, known))
        }
    }

    /// What is said of a member that is not known.
    static func unknown(_ name: String, _ known: [String]) -> String {
        if let near = NearestWord.find(name, among: known) {
            return "There is no member \(name). Did you mean \(near)?"
        }
        return "There is no member \(name). Known are \(known.joined(separator: ", "))."
    }

    mutating func refuse(_ name: String, _ detail: String) { refuse(at: place(name), detail) }

    private mutating func refuse(at pointer: String, _ detail: String) {
        guard faults.count < Self.mostFaults else { return }
        faults.append(.init(pointer: pointer, detail: detail))
    }

    /// Throws the problem that lists all faults, if there are any.
    func finish() throws(Problem) {
        if !faults.isEmpty { throw .invalidBody(faults) }
    }

    // MARK: Members

    /// Whether the member is there, null or not.
    func has(_ name: String) -> Bool { object[name] != nil }

    func isNull(_ name: String) -> Bool {
        if case .null = object[name] { return true }
        return false
    }

    /// The member as it is; nil where it is absent or null.
    func value(_ name: String) -> JSONValue? {
        guard let value = object[name] else { return nil }
        if case .null = value { return nil }
        return value
    }

    /// A text of `length` bytes without U+0000, which Postgres' text cannot hold.
    mutating func text(_ name: String, length: ClosedRange<Int> = 1...1024) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string, length.contains(text.utf8.count), !text.utf8.contains(0) else {
            refuse(name, "\(name) must be a text of \(length.lowerBound) to \(length.upperBound) bytes.")
            return nil
        }
        return text
    }

    /// As `text`; the member must be there.
    mutating func requiredText(_ name: String, length: ClosedRange<Int> = 1...1024) -> String {
        require(name)
        return text(name, length: length) ?? ""
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = value(name) else { return nil }
        guard case .int(let number) = value, range.contains(number) else {
            refuse(name, "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound).")
            return nil
        }
        return number
    }

    mutating func number(_ name: String) -> Double? {
        switch value(name) {
        case nil: return nil
        case .int(let number): return Double(number)
        case .double(let number): return number
        default:
            refuse(name, "\(name) must be a number.")
            return nil
        }
    }

    mutating func bool(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let flag) = value else {
            refuse(name, "\(name) must be true or false.")
            return nil
        }
        return flag
    }

    /// One of a few words.
    mutating func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type) -> Word?
    where Word.RawValue == String {
        guard let value = value(name) else { return nil }
        guard let word = value.string.flatMap(Word.init(rawValue:)) else {
            refuse(name, "\(name) must be one of \(Word.allCases.map(\.rawValue).joined(separator: ", ")).")
            return nil
        }
        return word
    }

    mutating func thing(_ name: String) -> ThingID? {
        guard let value = value(name) else { return nil }
        guard let thing = value.string.flatMap({ try? ThingID(validating: $0) }) else {
            refuse(name, "\(name) must be a thing id, <namespace>:<name>, such as com.example:filler-1.")
            return nil
        }
        return thing
    }

    mutating func texts(_ name: String, count: ClosedRange<Int>, length: ClosedRange<Int> = 1...1024) -> [String]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value, count.contains(elements.count) else {
            refuse(name, "\(name) must be an array of \(count.lowerBound) to \(count.upperBound) texts.")
            return nil
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard let text = element.string, length.contains(text.utf8.count), !text.utf8.contains(0) else {
                refuse(
                    at: "\(place(name))/\(index)",
                    "It must be a text of \(length.lowerBound) to \(length.upperBound) bytes.")
                continue
            }
            texts.append(text)
        }
        return texts
    }

    /// An object of members of its own; its faults are ours.
    mutating func object<T>(_ name: String, known: [String], _ read: (inout BodyReader) -> T) -> T? {
        guard let value = value(name) else { return nil }
        guard let inner = value.object else {
            refuse(name, "\(name) must be an object.")
            return nil
        }
        return nested(inner, place(name), known, read)
    }

    /// An array of such objects.
    mutating func objects<T>(
        _ name: String, count: ClosedRange<Int>, known: [String], _ read: (inout BodyReader) -> T
    ) -> [T]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value, count.contains(elements.count) else {
            refuse(name, "\(name) must be an array of \(count.lowerBound) to \(count.upperBound) objects.")
            return nil
        }
        var results: [T] = []
        for (index, element) in elements.enumerated() {
            guard let inner = element.object else {
                refuse(at: "\(place(name))/\(index)", "It must be an object.")
                continue
            }
            results.append(nested(inner, "\(place(name))/\(index)", known, read))
        }
        return results
    }

    /// Refuses the body where the member is not there.
    mutating func require(_ name: String) {
        if value(name) == nil { refuse(name, "\(name) is missing.") }
    }

    // MARK: Inner workings

    private mutating func nested<T>(
        _ inner: JSONObject, _ place: String, _ known: [String], _ read: (inout BodyReader) -> T
    ) -> T {
        var reader = BodyReader(inner, pointer: place, known: known)
        let result = read(&reader)
        faults += reader.faults.prefix(Self.mostFaults - faults.count)
        return result
    }

    private func place(_ name: String) -> String { pointer + JSONPointer(segments: [name]).text }
}

extension APIRequest {
    /// The body, taken apart by `read`; every fault in one problem.
    func body<T>(known: [String], _ read: (inout BodyReader) -> T) throws(Problem) -> T {
        var reader = try BodyReader(body, known: known)
        let result = read(&reader)
        try reader.finish()
        return result
    }
}

extension Problem {
    /// One or more bad members of a body; each fault points at its member.
    static func invalidBody(_ faults: [Fault]) -> Problem {
        Problem(
            code: "invalid-body", status: .badRequest, title: "The body is not usable",
            detail: faults.count == 1
                ? faults[0].detail
                : "\(faults.count < BodyReader.mostFaults ? "" : "At least ")\(faults.count) members are not usable; see errors.",
            faults: faults)
    }
}
