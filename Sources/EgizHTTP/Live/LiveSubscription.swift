import EgizCore
import EgizPostgres
import EgizTwin

/// What a client wants to be told of. Things and projects restrict together with kinds; nil does not restrict.
struct LiveSubscription: Sendable {
    static let mostThings = 1000
    static let mostProjects = 100
    static let mostPatterns = 32

    /// The client's name for it.
    var id: String
    var things: Set<ByteText>?
    var projects: Set<ProjectID>?
    var kinds: Set<LiveKind> = LiveKind.usual
    /// Of twins only; empty: all of it.
    var patterns: [PathPattern] = []
    /// The present state first.
    var wantsSnapshot = true
    /// Where the client was, in place of a snapshot.
    var resume: LiveToken?

    /// Subscriptions with the same patterns have the same key.
    var filterKey: String { patterns.map(\.text).sorted().joined(separator: "\n") }

    func matches(_ item: LiveItem) -> Bool {
        guard kinds.contains(item.kind) else { return false }
        if let things {
            guard let thing = item.thing, things.contains(thing) else { return false }
        }
        if let projects {
            guard let project = item.project, projects.contains(project) else { return false }
        }
        return true
    }
}

extension LiveSubscription {
    static let members = ["type", "id", "things", "projects", "kinds", "paths", "snapshot", "resume"]

    /// A message such as `{"type":"subscribe","id":"a","things":["ns:x"],"paths":["/features/**"],"kinds":["twin","alert"]}`.
    init(_ reader: inout BodyReader) {
        id = reader.text("id", length: 1...64) ?? "default"
        if let names = reader.texts("things", count: 1...Self.mostThings) {
            things = Set(names.compactMap { Self.thing($0) { reader.refuse("things", $0) } })
        }
        if let names = reader.texts("projects", count: 1...Self.mostProjects) {
            projects = Set(names.compactMap { Self.project($0) { reader.refuse("projects", $0) } })
        }
        if let names = reader.texts("kinds", count: 1...LiveKind.allCases.count) {
            kinds = Set(names.compactMap { Self.kind($0) { reader.refuse("kinds", $0) } })
        }
        if let texts = reader.texts("paths", count: 1...Self.mostPatterns) {
            patterns = texts.compactMap { Self.pattern($0) { reader.refuse("paths", $0) } }
        }
        wantsSnapshot = reader.bool("snapshot") ?? true
        if let text = reader.text("resume", length: 1...1 << 20) {
            resume = Self.token(text) { reader.refuse("resume", $0) }
        }
    }

    static let parameters = ["thing", "project", "kind", "path", "snapshot", "resume"]

    /// The same in a query, lists with commas: `?thing=ns:x,ns:y&kind=twin,alert&path=/features/**`.
    ///
    /// - Parameter lastEventID: the header of a browser that reconnects; wins over `resume`.
    init(_ reader: inout QueryReader, lastEventID: String?) {
        id = "default"
        func list(_ name: String, atMost most: Int) -> [String]? {
            guard let text = reader.filledText(name) else { return nil }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if parts.count > most || parts.contains("") {
                reader.refuse(name, "\(name) must be 1 to \(most) entries with commas between them.")
                return nil
            }
            return parts
        }
        if let names = list("thing", atMost: Self.mostThings) {
            things = Set(names.compactMap { Self.thing($0) { reader.refuse("thing", $0) } })
        }
        if let names = list("project", atMost: Self.mostProjects) {
            projects = Set(names.compactMap { Self.project($0) { reader.refuse("project", $0) } })
        }
        if let names = list("kind", atMost: LiveKind.allCases.count) {
            kinds = Set(names.compactMap { Self.kind($0) { reader.refuse("kind", $0) } })
        }
        if let texts = list("path", atMost: Self.mostPatterns) {
            patterns = texts.compactMap { Self.pattern($0) { reader.refuse("path", $0) } }
        }
        if let text = reader.filledText("snapshot") {
            if text != "true", text != "false" { reader.refuse("snapshot", "snapshot must be true or false.") }
            wantsSnapshot = text != "false"
        }
        if let text = lastEventID ?? reader.filledText("resume"), !text.isEmpty {
            resume = Self.token(text) { reader.refuse(lastEventID == nil ? "resume" : "Last-Event-ID", $0) }
        }
    }

    private static func thing(_ text: String, _ refuse: (String) -> Void) -> ByteText? {
        if let thing = try? ThingID(validating: text) { return ByteText(thing.text) }
        refuse("\(text) is no thing id, <namespace>:<name>.")
        return nil
    }

    private static func project(_ text: String, _ refuse: (String) -> Void) -> ProjectID? {
        if let project = ProjectID(text) { return project }
        refuse("\(text) is no project id, a UUID.")
        return nil
    }

    private static func kind(_ text: String, _ refuse: (String) -> Void) -> LiveKind? {
        if let kind = LiveKind(rawValue: text) { return kind }
        refuse("\(text) is no kind; there are \(LiveKind.allCases.map(\.rawValue).joined(separator: ", ")).")
        return nil
    }

    private static func pattern(_ text: String, _ refuse: (String) -> Void) -> PathPattern? {
        if let pattern = PathPattern(text) { return pattern }
        refuse("\(text) is no pattern of paths; it starts with a slash, * stands for one segment, ** for any number.")
        return nil
    }

    private static func token(_ text: String, _ refuse: (String) -> Void) -> LiveToken? {
        if let token = LiveToken(parsing: text) { return token }
        refuse("It is no resume token; leave it out to start with a snapshot.")
        return nil
    }
}
