import EgizCore
import EgizPostgres
import EgizProcessors
import EgizRuntime
import EgizTwin
import Foundation

/// Says what a redrive would do, and changes nothing.
struct RedriveReport {
    let connection: PostgresConnection
    /// Letters to look at.
    let limit: Int

    init(_ connection: PostgresConnection, limit: Int) {
        self.connection = connection
        self.limit = limit
    }

    func rehearse(_ plan: RedrivePlan, url: String) throws {
        let store = PostgresTaskStore(url: url, worker: Program.identity())
        defer { store.close() }
        var counts: [String: Int] = [:]
        var seen = 0
        try RedriveDryRun(connection, store: store, registry: Kinds.registry, read: StoredTopology.read)
            .run(plan, limit: limit) { line in
                let (word, text) = Self.words(line.outcome)
                counts[word, default: 0] += 1
                seen += 1
                Console.print("\(Self.place(line.letter))  \(text)")
            }
        let parts = ["would be processed", "would fail again", "would be ignored", "would wait"].compactMap { word in
            counts[word].map { "\($0) \(word)" }
        }
        finish(plan, seen, parts.joined(separator: ", "))
    }

    func list(_ plan: RedrivePlan) throws {
        let ids = plan.parts.flatMap(\.letters).prefix(limit)
        var seen = 0
        for start in stride(from: 0, to: ids.count, by: 20) {
            for letter in try DeadLetterQueries(connection).letters(Array(ids[start..<min(start + 20, ids.count)])) {
                seen += 1
                Console.print(
                    "\(Self.place(letter.row))  would be dropped: \(DeadLetterText.clean(letter.row.code)): \(DeadLetterText.short(DeadLetterText.clean(letter.row.message), 80))"
                )
            }
        }
        finish(plan, seen, "\(plan.count) would be dropped for good")
    }

    private func finish(_ plan: RedrivePlan, _ seen: Int, _ what: String) {
        let tasks = Set(plan.parts.map(\.task)).count
        let those = seen < plan.count ? "the first \(seen) of \(plan.count) letters" : count(plan.count, "letter")
        Console.print("\(those) in \(count(tasks, "task")): \(what)\nnothing was changed; --yes does it")
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private static func place(_ letter: DeadLetterRow) -> String {
        let thing = letter.thing.map { DeadLetterText.clean($0.text) } ?? "-"
        return "\(letter.id)  \(DeadLetterText.clean(letter.topic))[\(letter.partition)]@\(letter.offset)  \(thing)"
    }

    private static func words(_ outcome: LetterRehearsal.Outcome) -> (word: String, text: String) {
        switch outcome {
        case .processed(let effect):
            let revision =
                switch (effect.revisionBefore, effect.revisionAfter) {
                case (let before?, let after?): "revision \(before) -> \(after)"
                case (nil, let after?): "a new twin, revision \(after)"
                case (_, nil): "no change of the twin"
                }
            let word = "would be processed"
            return (
                word,
                "\(word): \(effect.samples) sample\(effect.samples == 1 ? "" : "s"), \(effect.emitted) emitted, \(revision)"
            )
        case .ignored(let reason):
            let word = "would be ignored"
            return (word, "\(word): \(reason); it leaves the dead letters and changes nothing")
        case .fails(let code, let message):
            let word = "would fail again"
            return (word, "\(word): \(DeadLetterText.clean(code)): \(DeadLetterText.clean(message))")
        case .waits:
            let word = "would wait"
            return (word, "\(word): an earlier letter of the thing is parked and not processed")
        }
    }
}
