/// Every `code` of a problem document, in the order of the alphabet: with which status it comes, what it means, and what to do.
///
/// `docs/problems.md` is made of it, and the enum in `Schemas/openapi.yaml` is it; a test holds it to what the sources use.
struct ProblemCatalogue {
    struct Entry: Sendable {
        var code: String
        var status: Int
        var meaning: String
        var remedy: String

        init(_ code: String, _ status: Int, _ meaning: String, _ remedy: String) {
            (self.code, self.status, self.meaning, self.remedy) = (code, status, meaning, remedy)
        }
    }

    static let entries: [Entry] = [
        .init(
            "admin-key", 422, "An API key that `isAdmin` is asked for with projects or a lower role.",
            "Leave both out: such a key is for everything."),
        .init(
            "admin-only", 403, "This is about the whole system, or the server lets only admins give namespaces.",
            "Ask an admin."),
        .init(
            "alert-cleared", 409, "The alert is over.", "Nothing: there is nothing to acknowledge or clear any more."),
        .init(
            "alert-not-found", 404, "There is no such alert, or it is of a thing that the caller may not see.",
            "`GET /api/v1/alerts` lists those that are there."),
        .init(
            "api-key-not-found", 404, "The caller has no such API key that is not revoked.",
            "`GET /api/v1/users/me/api-keys` lists them."),
        .init(
            "binding-not-found", 404, "The twin has no such binding of its own.",
            "Its list is at `/api/v1/twins/{thingId}/bindings`; inherited ones are changed at their type."),
        .init("body-broken-off", 400, "The connection ended before the whole body had come.", "Send it again."),
        .init("body-too-large", 413, "The body is larger than this route takes.", "Send less; `detail` says how much."),
        .init(
            "busy", 503, "As many as can be served at a time sign in, search or upload already.",
            "Try again after `Retry-After`."),
        .init(
            "database", 503, "Postgres does not answer at the moment.",
            "Try again after `Retry-After`; `/readyz` says why."),
        .init(
            "dead-letter-not-found", 404,
            "There is no such dead letter: it was processed, discarded, or never existed.",
            "`GET /api/v1/dead-letters` lists those that are there."),
        .init(
            "deadline", 503, "The database did not answer in time.",
            "Ask for a shorter range or fewer things, or try again after `Retry-After`."),
        .init(
            "edit-refused", 422, "The new value of a dead letter is not one that its stage could process.",
            "Mend the value; `detail` says what is wrong."),
        .init("email-taken", 409, "There is an account with this e-mail address.", "Sign in, or take another address."),
        .init(
            "forbidden", 403, "The caller sees it, and the role does not allow this.",
            "An owner of the project can give the role that `detail` names."),
        .init("header", 400, "A header cannot be used.", "Mend what `errors` names."),
        .init(
            "host", 421, "The server listens on loopback, and the `Host` is another name.",
            "Ask for localhost or an IP address."),
        .init(
            "idempotency-key-busy", 409, "A request with this `Idempotency-Key` is under way.",
            "Try again after `Retry-After`."),
        .init(
            "idempotency-key-reused", 422, "The `Idempotency-Key` came with another body within the last 24 hours.",
            "Use a new key for a new request."),
        .init("in-use", 409, "Something else refers to it.", "Remove what `detail` names first."),
        .init(
            "internal", 500, "Something is broken in the engine.",
            "Tell whoever runs it the `requestId`: the log has the details."),
        .init(
            "invalid-binding", 422, "The binding makes no sense.",
            "Mend what `detail` names; docs/rules.md has the words."),
        .init(
            "invalid-body", 400, "The body is no JSON object, or members are unknown, missing or of the wrong form.",
            "Mend what `errors` points at."),
        .init(
            "invalid-credentials", 401, "There is no account with this address and password that may sign in.",
            "Try another password; five failures lock the address for a while."),
        .init(
            "invalid-model", 422, "The file is no usable glTF or GLB.",
            "Mend the file; `detail` says what is wrong with it."),
        .init(
            "invalid-task", 422, "The settings of the task make no sense.",
            "Mend what `detail` names; docs/ml.md has the words."),
        .init(
            "invalid-token", 401, "The token or key is none of ours, has expired, or was revoked.",
            "Get a new one with `POST /api/v1/auth/refresh` or `/login`."),
        .init("invalid-topology", 422, "The topology has faults.", "Mend them; `errors` has each with its line."),
        .init("invalid-type", 422, "What the type declares makes no sense.", "Mend what `errors` points at."),
        .init(
            "invitation-not-found", 404, "There is no such invitation for this address, or it was used or has expired.",
            "Ask an owner of the project for another one."),
        .init("last-admin", 409, "Nobody could manage users any more.", "Make somebody else an admin first."),
        .init("last-owner", 409, "Nobody could manage the project any more.", "Make another member an owner first."),
        .init(
            "live-full", 503, "As many live connections as the server takes are open.",
            "Connect again after `Retry-After`."),
        .init(
            "live-too-slow", 409, "More changes come than the connection takes while it is told the present state.",
            "Name fewer things, kinds or paths."),
        .init("live-unavailable", 503, "This process reads no notifications of Kafka.", "Ask one that does."),
        .init(
            "locked", 429, "There were too many failed logins for this e-mail address.",
            "Try again after `Retry-After`, or have an operator run `egiz user unlock`."),
        .init("media-type", 415, "The content type is not taken here.", "Send one of those that `detail` names."),
        .init(
            "member-not-found", 404, "The project has no such member.",
            "`GET /api/v1/projects/{project}/members` lists them."),
        .init("method", 405, "The path answers other methods.", "`Allow` names them."),
        .init(
            "model-not-found", 404,
            "There is no such model, of 3D or of machine learning, or the caller may not see it.",
            "`GET /api/v1/models` or `/api/v1/ml/models` lists them."),
        .init(
            "namespace", 403, "The namespace belongs to no project in which the caller is an editor.",
            "Its owner, or an admin, can change that."),
        .init(
            "namespace-not-found", 404, "The project does not have this namespace.",
            "`GET /api/v1/projects/{project}/namespaces` lists them."),
        .init(
            "namespace-taken", 409, "The namespace belongs to a project already.", "Take another one, or ask its owner."
        ),
        .init(
            "needs-account", 403, "API keys, and requests without credentials, cannot do this.",
            "Sign in with `POST /api/v1/auth/login`."),
        .init(
            "no-password", 409, "The account signs in with an outside identity provider.", "Change the password there."),
        .init(
            "no-rehearsal", 409, "The stage or the topology cannot be read by this process.",
            "Ask a process that has the kinds of the topology."),
        .init(
            "no-session", 409, "The token is one of an outside identity provider: there is no session here to end.",
            "Sign out there; the token goes on until it expires."),
        .init(
            "no-such-model", 422, "The 3D model that the body names is not there, or of another project.",
            "Name one of the twin's project or of everybody."),
        .init(
            "no-such-node", 422, "The 3D model of the twin has no node of this name.",
            "`GET /api/v1/models/{modelId}/nodes` lists them."),
        .init(
            "no-such-parent", 422, "The parent that the body names is not there, or the caller may not see it.",
            "Name a type that `GET /api/v1/twin-types` lists."),
        .init(
            "no-such-type", 422, "The type that the body names is not there.",
            "`PUT /api/v1/twin-types/{type}` makes it."),
        .init(
            "not-found", 404, "Nothing answers at this path.",
            "`detail` names the nearest path; all are in `/openapi.json`."),
        .init("not-registered", 404, "Nobody has registered the twin.", "`POST /api/v1/twins`, or PUT the path."),
        .init(
            "origin", 403, "A web page of another origin may not change anything.",
            "Serve the page from the API's address, or list its origin in `EGIZ_HTTP_CORS_ORIGINS`."),
        .init(
            "overflow", 422, "The numbers are too large to be summed.", "Ask for min, max, count, first and last only."),
        .init(
            "parameter", 400, "A query parameter, or a part of the path, is unknown or of the wrong form.",
            "Mend what `errors` names."),
        .init(
            "precondition-failed", 412, "`If-Match` names another version than the present one, which `ETag` names.",
            "Read it again, then repeat the change."),
        .init(
            "precondition-required", 428, "`If-Match` is missing.",
            "Send the `ETag` that was read; `*` changes whatever is there."),
        .init(
            "project-not-found", 404, "There is no such project, or the caller is no member.",
            "`GET /api/v1/projects` lists those of the caller."),
        .init(
            "redrive-not-found", 404, "There is no such request of a redrive.",
            "`POST /api/v1/dead-letters/redrive` answers with the ids."),
        .init("registered", 409, "The twin is registered already.", "PATCH or PUT its registration."),
        .init(
            "registration-off", 403, "Accounts are made by admins and invitations only.", "Register with an invitation."
        ),
        .init("relation-circle", 422, "A twin would be above itself.", "Remove the relation that leads back."),
        .init(
            "relation-not-found", 404, "The twin has no such relation.",
            "Its list is at `/api/v1/twins/{thingId}/relations`."),
        .init(
            "task-binding-not-found", 404, "The task has no such binding.",
            "Its list is at `/api/v1/ml/tasks/{task}/bindings`."),
        .init(
            "task-not-found", 404, "There is no such task of machine learning.", "`GET /api/v1/ml/tasks` lists them."),
        .init(
            "thing-not-registered", 404, "The thing is not registered with this project.",
            "Those of the project's namespaces need not be."),
        .init(
            "thing-pattern", 422, "A thing whose id has a `*` in it cannot have bindings of its own.", "Bind its type."),
        .init(
            "thing-taken", 409, "The thing belongs to another project.",
            "Its owner can give it away: one must own both projects."),
        .init(
            "things-exist", 403, "Things or types of this name are there, or were, and belong to nobody.",
            "An admin can give them to the project."),
        .init(
            "too-many-attempts", 429, "Too many attempts to sign in came from this address of the network.",
            "Try again after `Retry-After`."),
        .init(
            "too-many-keys", 409, "The caller has as many API keys as one may have.",
            "Revoke one that is no longer used."),
        .init("too-many-models", 409, "The project has no room for more 3D models.", "Delete some first."),
        .init(
            "too-many-namespaces", 409, "The project has as many namespaces as it may have.",
            "An admin can give it more."),
        .init(
            "too-many-projects", 409, "The caller owns as many projects as one may own.",
            "Delete one that is not needed, or ask an admin."),
        .init(
            "too-many-searches", 429, "As many searches of the caller run or wait as may.",
            "Send the next one when they are answered."),
        .init(
            "too-many-subscriptions", 409, "The live connection has as many subscriptions as it may have.",
            "End one, or name several things in one."),
        .init("topology", 409, "That cannot be done with the topology as it stands.", "`detail` says why."),
        .init(
            "topology-not-found", 404, "There is no such topology, or not that version of it.",
            "`GET /api/v1/topologies` lists them."),
        .init(
            "topology-refused", 409, "What is stored does not fit the topology; nothing was changed.",
            "`errors` has every reason; some can be allowed by parameters."),
        .init(
            "twin-not-found", 404, "There is no such twin, or the caller may not see it.",
            "`GET /api/v1/twins` lists those that are there."),
        .init(
            "type-circle", 422, "A type would descend from itself, or from more than 31 others.",
            "Choose another parent."),
        .init(
            "type-not-found", 404, "There is no such type or version of it, or the caller may not see it.",
            "`GET /api/v1/twin-types` lists them."),
        .init(
            "unauthenticated", 401, "The caller does not say who it is.",
            "Send `Authorization: Bearer` with a token or an API key."),
        .init("uri-too-long", 414, "Path and query are too long.", "Ask for fewer fields or things at a time."),
        .init("user-not-found", 404, "There is no such user.", "`GET /api/v1/users` lists them."),
        .init(
            "websocket", 400,
            "The handshake is none of a WebSocket of version 13, comes from another origin, or has two tokens.",
            "Mend it, or ask without `Upgrade` for server-sent events."),
        .init("wrong-password", 403, "`currentPassword` is not the password of the account.", "Send the present one."),
    ]

    /// The page `docs/problems.md`.
    static var page: String {
        var text = """
            # Problems

            Every `code` that a problem document of the API may have (docs/api.md says what such a document is), with its status. The code is
            also the end of `type`, and in `code` of the `error` that live push tells. Codes are stable: texts are for people and may change.

            Made from `Sources/EgizHTTP/Document/ProblemCatalogue.swift`; a test holds it to the sources and to `Schemas/openapi.yaml`.

            | code | status | what it means | what to do |
            |---|---|---|---|

            """
        for entry in entries {
            text += "| `\(entry.code)` | \(entry.status) | \(entry.meaning) | \(entry.remedy) |\n"
        }
        return text
    }
}
