import EgizTesting
import EgizTwin

/// Compares what a driver has with one section of an expectation.
struct Comparison {
    private let projection: Projection
    private let world: ScriptedWorld

    init(_ partial: Bool, _ world: ScriptedWorld) {
        projection = Projection(partial: partial)
        self.world = world
    }

    func failure(of section: Expectation.Section, _ driver: TopologyDriver) -> TestFailure? {
        let found = section.subject.found(in: driver, world)
        let subject = section.subject.text
        switch (section.value, found) {
        case (nil, nil): return nil
        case (nil, let found?):
            return TestFailure(
                mark: section.mark, message: "\(subject): expected none",
                lines: BlockText.lines(found).map { .unexpected($0) })
        case (let expected?, nil):
            return TestFailure(
                mark: section.mark, message: "\(subject): there is none",
                lines: BlockText.lines(expected).map { .missing($0) })
        case (let expected?, let found?): return failure(section, expected, found)
        }
    }

    private func failure(_ section: Expectation.Section, _ expected: JSONValue, _ found: JSONValue) -> TestFailure? {
        var found = found
        if case .twin = section.subject { found = withoutUnnamed(found, expected) }
        if case .deadLetters = section.subject { found = messages(found, expected) }
        let seen = projection.project(found, onto: expected, areRows: section.subject.isRows)
        guard let place = Projection.firstDifference(expected, seen) else { return nil }
        let subject = section.subject.text
        if case .counter = section.subject {
            return TestFailure(
                mark: section.mark, message: "\(subject): expected \(expected.text), got \(found.text)", lines: [])
        }
        return TestFailure(
            mark: section.mark,
            message: place.isEmpty ? "\(subject): something else" : "\(subject): first difference at \(place)",
            lines: DiffLine.compare(expected: BlockText.lines(expected), got: BlockText.lines(seen)))
    }

    /// What Ditto keeps beside the thing (`_revision`, `_modified` …) counts only where the test names it.
    private func withoutUnnamed(_ found: JSONValue, _ expected: JSONValue) -> JSONValue {
        guard case .object(var object) = found, let named = expected.object else { return found }
        for key in object.map(\.key) where key.hasPrefix("_") && named[key] == nil { object.remove(key) }
        return .object(object)
    }

    /// A part of a message is enough.
    private func messages(_ found: JSONValue, _ expected: JSONValue) -> JSONValue {
        guard case .array(let items) = found, case .array(let rows) = expected else { return found }
        let parts = rows.compactMap { $0.object?["message"]?.string }
        return .array(
            items.map { item in
                guard case .object(var object) = item, let message = object["message"]?.string,
                    let part = parts.first(where: { message.contains($0) })
                else { return item }
                object["message"] = .string(part)
                return .object(object)
            })
    }
}
