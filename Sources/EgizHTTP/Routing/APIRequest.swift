import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// One request as a route sees it.
struct APIRequest: Sendable {
    var path: String
    var query: String?
    var headers: HTTPFields
    /// The raw segments of the path that the template captures, by name.
    var captures: [String: String]
    /// Of requests that write; others have none.
    var body: [UInt8] = []
    var method: HTTPRequest.Method = .get
    /// Who asks; nil on routes for everyone that were asked without credentials.
    var principal: Principal?
    /// Which things lists may show: those of the projects in which the caller has the role of the route's `Access`.
    var scope: AccessScope = .projects([])
    /// The project of the path's thing, or of the path itself; nil: of nobody, or the route is about none, or an
    /// admin reads, for whom it was not looked up.
    var project: ProjectID?
    /// Names the request in logs and in the audit log; the header `X-Request-ID`, or made.
    var requestID = ""
    /// The address of the other end; nil in memory.
    var remoteAddress: String?

    /// A reader of the query that refuses what the route does not know.
    func reader(known: [String], repeatable: [String] = []) -> QueryReader {
        QueryReader(query, known: known, repeatable: repeatable)
    }

    /// The thing id of the path, percent-decoded (`ns%3Aname` is `ns:name`).
    func thing() throws(Problem) -> ThingID { try ThingID.inPath(captures["thingId"]) }

    /// The positive number that a segment of the path is.
    func number(_ name: String) throws(Problem) -> Int64 {
        guard let text = captures[name], let number = Int64(text), number > 0 else {
            throw .parameter(name, "The last part of the path is a number, such as 17.")
        }
        return number
    }

    /// The UUID that a segment of the path is; anything else is not there: 404, made by `missing`.
    func uuid(_ name: String, missing: (String) -> Problem) throws(Problem) -> UUIDText {
        let text = captures[name] ?? ""
        guard let uuid = UUIDText(text) else { throw missing(text) }
        return uuid
    }
}

extension ThingID {
    /// The thing id of a raw segment of a path.
    static func inPath(_ segment: String?) throws(Problem) -> ThingID {
        guard let text = segment.flatMap({ PercentText.decode($0) }) else {
            throw .parameter("thingId", "The thing id in the path is not valid percent-encoded UTF-8.")
        }
        do {
            return try ThingID(validating: text)
        } catch {
            throw .parameter(
                "thingId", "A thing id is <namespace>:<name>, such as com.example:filler-1; the path has another form.")
        }
    }
}
