import EgizPostgres
import EgizTwin

/// Accounts, keys, projects and members as JSON. Never passwords, hashes or tokens.
enum AccountText {
    static func json(_ write: (inout JSONOutput) -> Void) -> [UInt8] {
        var out = JSONOutput()
        write(&out)
        return out.bytes
    }

    static func write(_ account: StoredAccount, into out: inout JSONOutput) {
        out.beginObject()
        members(account, into: &out)
        out.endObject()
    }

    static func members(_ account: StoredAccount, into out: inout JSONOutput) {
        out.member("userId", account.id.text)
        out.member("email", account.email)
        out.member("name", account.name)
        flag("isAdmin", account.isAdmin, into: &out)
        flag("isDisabled", account.disabledAt != nil, into: &out)
        out.member("createdAt", account.createdAt.text)
        out.member("disabledAt", account.disabledAt?.text)
        out.member("issuer", account.issuer)
        out.member("revision", account.revision)
    }

    static func write(_ key: StoredAPIKey, into out: inout JSONOutput) {
        out.beginObject()
        members(key, into: &out)
        out.endObject()
    }

    static func members(_ key: StoredAPIKey, into out: inout JSONOutput) {
        out.member("keyId", key.id.text)
        out.member("name", key.name)
        out.member("prefix", key.prefix)
        out.member("role", key.role.name)
        flag("isAdmin", key.isAdmin, into: &out)
        out.key("projects")
        if let projects = key.projects {
            out.beginArray()
            for project in projects { out.string(project.text) }
            out.endArray()
        } else {
            out.null()
        }
        out.member("createdAt", key.createdAt.text)
        out.member("expiresAt", key.expiresAt.text)
        out.member("lastUsedAt", key.lastUsedAt?.text)
        out.member("revokedAt", key.revokedAt?.text)
    }

    /// `role`: the caller's; nil: an admin who is no member.
    static func write(_ project: StoredProject, role: Role?, into out: inout JSONOutput) {
        out.beginObject()
        out.member("projectId", project.id.text)
        out.member("name", project.name)
        out.member("description", project.description)
        out.member("createdAt", project.createdAt.text)
        out.member("role", role?.name)
        out.member("revision", project.revision)
        out.endObject()
    }

    static func write(_ member: StoredMember, into out: inout JSONOutput) {
        out.beginObject()
        out.member("userId", member.user.text)
        out.member("email", member.email)
        out.member("name", member.name)
        out.member("role", member.role.name)
        out.member("addedAt", member.addedAt.text)
        flag("isDisabled", member.isDisabled, into: &out)
        out.endObject()
    }

    static func write(_ belonging: StoredBelonging, as name: String, into out: inout JSONOutput) {
        out.beginObject()
        out.member(name, belonging.name)
        out.member("addedAt", belonging.addedAt.text)
        out.endObject()
    }

    static func members(_ invitation: StoredInvitation, into out: inout JSONOutput) {
        out.member("invitationId", invitation.id.text)
        out.member("projectId", invitation.project.text)
        out.member("email", invitation.email)
        out.member("role", invitation.role.name)
        out.member("createdAt", invitation.createdAt.text)
        out.member("expiresAt", invitation.expiresAt.text)
    }

    static func flag(_ name: String, _ value: Bool, into out: inout JSONOutput) {
        out.key(name)
        out.bool(value)
    }
}
