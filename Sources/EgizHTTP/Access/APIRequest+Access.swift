import EgizCore
import EgizPostgres

extension APIRequest {
    /// For routes of `filtered` access whose project only the handler knows: throws 404 (made by `missing`) where the caller may not
    /// see the project, 403 where the role is too low.
    func require(_ role: Role, in project: ProjectID?, missing: @autoclosure () -> Problem) throws(Problem) {
        guard let own = principal?.role(in: project) else { throw missing() }
        guard own >= role else { throw .forbidden(needs: role) }
    }

    /// Appends to the audit log who asked for this, in the transaction of the change. Append last: the log's lock is held until the
    /// commit.
    ///
    /// - Parameters:
    ///   - action: A word such as `twin.register`.
    ///   - object: What it was done to, as `thing:com.example:filler-1`.
    ///   - before: JSON of what was there, nil: nothing; without secrets. `after` likewise.
    func audit(
        _ action: String, _ object: String, project: ProjectID? = nil, before: [UInt8]? = nil, after: [UInt8]? = nil,
        on connection: PostgresConnection
    ) throws(EngineError) {
        try AuditWriter.append(
            connection,
            AuditEntry(
                actor: principal?.actor ?? "nobody", actorName: principal?.name ?? "", action: action, object: object,
                project: project ?? self.project, before: before, after: after, remoteAddress: remoteAddress,
                requestID: requestID))
    }
}
