import EgizCore
/// Reads the query of one request and gathers every fault, so that one answer names them all.
///
/// Names that the route does not know are refused: a misspelt `from` that is silently ignored gives wrong data.
struct QueryReader {
    /// Faults that one answer names at most, as of a body.
    static let mostFaults = BodyReader.mostFaults

    private var values: [String: String] = [:]
    /// Of parameters that may be given more than once, in their order.
    private var lists: [String: [String]] = [:]
    private(set) var faults: [Problem.Fault] = []
    /// Faults beyond those.
    private var more = 0

    /// Takes the query apart; `known` are the parameters of the route, `repeatable` those of them that may be given more than once.
    init(_ query: String?, known: [String], repeatable: [String] = []) {
        for pair in (query ?? "").utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let rawName = Substring(parts[0])
            guard let name = PercentText.decode(rawName) else {
                refuse(String(rawName), "The name is not valid percent-encoded UTF-8.")
                continue
            }
            guard known.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else {
                // To look for the word that was meant takes time.
                refuse(name, faults.count < Self.mostFaults ? Self.unknown(name, known) : "")
                continue
            }
            guard let value = PercentText.decode(parts.count == 2 ? Substring(parts[1]) : "") else {
                refuse(name, "The value of \(name) is not valid percent-encoded UTF-8.")
                continue
            }
            if repeatable.contains(name) { lists[name, default: []].append(value) }
            guard values[name] == nil || repeatable.contains(name) else {
                refuse(name, "\(name) is given more than once.")
                continue
            }
            if values[name] == nil { values[name] = value }
        }
    }

    mutating func refuse(_ parameter: String, _ detail: String) {
        guard faults.count < Self.mostFaults else {
            more += 1
            return
        }
        faults.append(Problem.Fault(parameter: parameter, detail: detail))
    }

    /// The decoded value; nil where the parameter is not given.
    func text(_ name: String) -> String? { values[name] }

    /// The decoded values of a parameter that may be given more than once.
    func texts(_ name: String) -> [String] { lists[name] ?? [] }

    /// Whether the parameter is given and could be read.
    func has(_ name: String) -> Bool { values[name] != nil }

    /// As `text`, refusing an empty value.
    mutating func filledText(_ name: String) -> String? {
        guard let value = values[name] else { return nil }
        if value.isEmpty {
            refuse(name, "\(name) is empty; leave it out or give it a value.")
            return nil
        }
        return value
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) -> Int {
        guard let value = values[name] else { return fallback }
        guard let number = Int(value), range.contains(number) else {
            refuse(name, "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound).")
            return fallback
        }
        return number
    }

    /// Throws the problem that lists all faults, if there are any.
    func finish() throws(Problem) {
        if !faults.isEmpty { throw .parameters(faults, more: more) }
    }

    private static func unknown(_ name: String, _ known: [String]) -> String {
        guard !known.isEmpty else { return "There is no parameter \(name); this path takes none." }
        if let near = NearestWord.find(name, among: known) {
            return "There is no parameter \(name). Did you mean \(near)?"
        }
        return "There is no parameter \(name). Known are \(known.joined(separator: ", "))."
    }
}
