import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/dead-letters`: list, read and edit.
struct DeadLetterRoutes: Sendable {
    let pool: PostgresPool
    /// Nil: topologies cannot be read here, so edits and dry runs are refused.
    let rehearsal: RehearsalSetup?

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/dead-letters", access: .admin, parameters: Self.listParameters, handler: list),
            APIRoute("/api/v1/dead-letters/{letterId}", access: .admin, handler: letter),
            APIRoute("/api/v1/dead-letters/{letterId}", access: .admin, writing: Self.editing, handler: edit),
        ] + RedriveRoutes(pool: pool, rehearsal: rehearsal).routes
    }

    private static let listParameters = [
        "topology", "source", "thing", "code", "disposition", "since", "limit", "cursor",
    ]
    /// The body is the record's new value, byte for byte.
    private static let editing = APIRoute.Writing(
        method: .patch, accepts: ["application/json", "application/octet-stream"], largest: 20 << 20)

    // MARK: Reading

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.listParameters)
        var filter = DeadLetterFilter(
            topology: reader.storableText("topology"), source: reader.storableText("source"),
            code: reader.storableText("code"), since: reader.time("since"))
        filter.thing = Self.thing(&reader)
        filter.disposition = Self.disposition(&reader)
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let question = [
            filter.topology, filter.source, filter.thing?.text, filter.code, filter.disposition?.rawValue,
            filter.since?.text,
        ]
        let cursor = reader.cursor(.letters, question: question)
        try reader.finish()

        let asked = filter
        let before = cursor.flatMap { Int64($0.place) }
        let (page, parked) = try await pool.readLetters { queries in
            (try queries.page(asked, before: before, limit: limit), try queries.parkedThings(asked, limit: 100))
        }
        var out = JSONOutput(capacity: 512 * page.letters.count + 256)
        out.beginObject()
        out.key("parkedThings")
        out.beginArray()
        for thing in parked.things { DeadLetterText.write(thing, into: &out) }
        out.endArray()
        out.member("parkedThingsFound", parked.found)
        out.key("items")
        out.beginArray()
        for letter in page.letters { DeadLetterText.write(letter, into: &out) }
        out.endArray()
        if page.hasMore, let last = page.letters.last {
            out.next(PageCursor(.letters, question: question, place: "\(last.id)").text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private static func thing(_ reader: inout QueryReader) -> ThingID? {
        guard let text = reader.storableText("thing") else { return nil }
        if let thing = try? ThingID(validating: text) { return thing }
        reader.refuse("thing", "thing must be a thing id, <namespace>:<name>, such as com.example:filler-1.")
        return nil
    }

    private static func disposition(_ reader: inout QueryReader) -> DeadLetter.Disposition? {
        guard let text = reader.filledText("disposition") else { return nil }
        if let disposition = DeadLetter.Disposition(rawValue: text) { return disposition }
        reader.refuse("disposition", "disposition must be dead or parked.")
        return nil
    }

    private func letter(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.number("letterId")
        guard let letter = try await pool.readLetters({ try $0.letter(id) }) else { throw Problem.noSuchLetter(id) }
        return Self.answer(letter)
    }

    // MARK: Editing

    private func edit(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.number("letterId")
        guard let rehearsal else { throw Problem.noRehearsal("this process cannot read topologies") }
        let value = request.body
        let letter = try await pool.run { connection -> WholeDeadLetter? in
            let queries = DeadLetterQueries(connection)
            guard let letter = try queries.letter(id) else { return nil }
            let stage: StageDefinition
            do throws(EngineError) {
                stage = try RedriveDryRun.stage(letter.row.stage, queries, rehearsal.read)
            } catch {
                throw Problem(ofTopology: error)
            }
            do throws(EngineError) {
                _ = try LetterEdit.check(value, of: letter.letter, format: stage.source.format)
            } catch {
                throw Problem.refusedEdit(error.message)
            }
            try connection.execute("begin")
            let person = request.principal?.name ?? "api"
            // What is there may have been edited, or processed, since it was read.
            guard let present = try queries.letter(id, locked: true) else { return nil }
            try request.precondition(current: Self.tag(present))
            guard try RedriveRequests(connection).edit(id, value: value, by: person) else { return nil }
            // How much, not what: values are what devices sent.
            try request.audit(
                "dead-letter.edit", "dead-letter:\(id)", after: Array(#"{"bytes":\#(value.count)}"#.utf8),
                on: connection)
            try connection.execute("commit")
            return try queries.letter(id)
        }
        guard let letter else { throw Problem.noSuchLetter(id) }
        return Self.answer(letter)
    }

    /// Of the last edit; nothing else of a letter can be changed.
    private static func tag(_ letter: WholeDeadLetter) -> EntityTag {
        EntityTag(revision: letter.row.editedAt?.microseconds ?? 0)
    }

    private static func answer(_ letter: WholeDeadLetter) -> Response {
        .json(DeadLetterText.json(letter), headers: [.eTag: tag(letter).text])
    }
}

extension PostgresPool {
    /// Reads dead letters on one snapshot.
    func readLetters<T: Sendable>(_ body: @escaping @Sendable (DeadLetterQueries) throws -> T) async throws -> T {
        try await run { connection in
            try connection.execute(
                "begin isolation level repeatable read, read only; set local statement_timeout = '20s'")
            let result = try body(DeadLetterQueries(connection))
            try connection.execute("commit")
            return result
        }
    }
}

extension Problem {
    /// What keeps a dry run or an edit from reading its topology is for the one who asks; anything else is ours.
    init(ofTopology error: EngineError) {
        self = error.code == .topology ? .noRehearsal(error.message) : Problem(error)
    }
}
