import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `GET /api/v1/twins` and `GET /api/v1/twins/{thingId}`.
struct TwinRoutes: Sendable {
    let queries: TwinQueries
    let history: HistoryQueries
    let searches: SearchGate

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/twins", access: .filtered(.viewer), parameters: Self.listParameters, handler: list),
            APIRoute(
                "/api/v1/twins/{thingId}", access: .thing(.viewer), parameters: Self.twinParameters, handler: twin),
        ]
    }

    private static let listParameters = ["namespace", "definition", "filter", "fields", "limit", "cursor"]
    private static let twinParameters = ["fields", "at"]

    // MARK: One twin

    private func twin(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.twinParameters)
        let fields = reader.fields("fields")
        let time = reader.time("at")
        try reader.finish()
        let thing = try request.thing()
        if let time {
            guard let state = try await history.state(thing, at: time) else { throw Problem.noSuchTwin(thing.text) }
            let body = StateText.json(state, of: thing, at: time, fields: fields)
            let tag = EntityTag(of: body)
            if tag.matches(request.headers[values: .ifNoneMatch]) {
                return Response(status: .notModified, headers: [.eTag: tag.text])
            }
            return .json(body, headers: [.eTag: tag.text])
        }
        guard let twin = try await queries.twin(thing) else { throw Problem.noSuchTwin(thing.text) }
        let document = twin.document ?? RegistrationText.document(thing: twin.thing, type: twin.registeredType)
        let tag = EntityTag(revision: twin.revision)
        if tag.matches(request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: [.eTag: tag.text])
        }
        guard let fields else { return .json(document, headers: [.eTag: tag.text]) }
        return .json(try Self.select(fields, from: document), headers: [.eTag: tag.text])
    }

    /// The selected part of a stored document. Numbers pass through EgizTwin's JSON, so they stay exact.
    static func select(_ fields: FieldSelector, from document: [UInt8]) throws -> [UInt8] {
        let thing = try JSONParser().parse(document)
        var bytes: [UInt8] = []
        fields.select(from: thing).write(into: &bytes)
        return bytes
    }

    // MARK: The list

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.listParameters)
        let filter = TwinQueries.Filter(
            namespace: reader.storableText("namespace"), definition: reader.storableText("definition"),
            condition: reader.filter("filter"), scope: request.scope)
        let fields = reader.fields("fields")
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let question = [filter.namespace, filter.definition, reader.text("filter")]
        let cursor = reader.cursor(.twins, question: question)
        try reader.finish()

        let read: @Sendable () async throws -> TwinQueries.Page = { [queries] in
            try await queries.page(filter, after: cursor?.place, limit: limit, documents: fields != nil)
        }
        let page =
            filter.condition == nil
            ? try await read() : try await searches.pass(for: request.principal?.caller ?? "", read)
        var out = JSONOutput(capacity: 128 * page.twins.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for twin in page.twins {
            if let fields {
                let document = twin.document ?? RegistrationText.document(thing: twin.thing, type: twin.registeredType)
                out.raw(try Self.select(fields, from: document))
            } else {
                Self.write(twin, into: &out)
            }
        }
        out.endArray()
        if page.hasMore, let last = page.twins.last {
            out.next(PageCursor(.twins, question: question, place: last.thing).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    /// The short form of a twin; as in the document, a member that has no value is not there.
    private static func write(_ twin: StoredTwin, into out: inout JSONOutput) {
        out.beginObject()
        out.member("thingId", twin.thing)
        if let definition = twin.definition { out.member("definition", definition) }
        if let type = twin.registeredType { out.member("type", type) }
        out.member("_revision", twin.revision)
        if let created = twin.created { out.member("_created", created.text) }
        if let modified = twin.modified { out.member("_modified", modified.text) }
        out.endObject()
    }
}
