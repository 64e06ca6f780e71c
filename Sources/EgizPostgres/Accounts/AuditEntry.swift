public import EgizTwin

/// One thing that somebody did, for the audit log.
public struct AuditEntry: Sendable {
    /// `user:<uuid>`, `key:<uuid>`, `operator`, `egiz` (the program itself).
    public var actor: String
    /// What people call the actor at this time: an e-mail address, the name of a key.
    public var actorName: String
    /// A word as `twin.register`, `project.member.add`.
    public var action: String
    /// What it was done to, as `thing:com.example:filler-1`, `project:<uuid>`.
    public var object: String
    public var project: ProjectID?
    /// JSON text of what was there before and is there now; nil: nothing. Never with secrets.
    public var before: [UInt8]?
    public var after: [UInt8]?
    /// The address that the request came from.
    public var remoteAddress: String?
    public var requestID: String?

    public init(
        actor: String, actorName: String, action: String, object: String, project: ProjectID? = nil,
        before: [UInt8]? = nil, after: [UInt8]? = nil, remoteAddress: String? = nil, requestID: String? = nil
    ) {
        self.actor = actor
        self.actorName = actorName
        self.action = action
        self.object = object
        self.project = project
        self.before = before
        self.after = after
        self.remoteAddress = remoteAddress
        self.requestID = requestID
    }

    /// What an operator does at the command line.
    ///
    /// - Parameter after: members of what is there now; none: nothing.
    public init(actor: String, action: String, object: String, after: [(String, JSONValue)] = []) {
        var members = JSONObject()
        for (name, value) in after { members[name] = value }
        self.init(
            actor: actor, actorName: "", action: action, object: object,
            after: after.isEmpty ? nil : Array(JSONValue.object(members).text.utf8))
    }
}
