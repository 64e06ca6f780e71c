public import EgizCore
public import EgizTwin

/// Registered twins. Confined to the thread of its connection.
public struct RegistrationQueries {
    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// With `locked` nobody else changes it until the transaction ends.
    public func registration(_ thing: ThingID, locked: Bool = false) throws(EngineError) -> StoredRegistration? {
        try connection.query(
            """
            select thing_id, twin_type, model_id::text, metadata::text, version, created_at, updated_at
            from egiz.twin_registration where thing_id = $1\(locked ? " for update" : "")
            """, [.text(thing.text)]
        ).first.map { row in
            StoredRegistration(
                thing: row.text(0) ?? "", type: row.text(1), model: row.text(2).flatMap { UUIDText($0) },
                metadata: row.bytes(3).flatMap { try? JSONParser().parse($0) }?.object ?? JSONObject(),
                version: row.int64(4) ?? 0, createdAt: EventTime(microseconds: row.timestamp(5) ?? 0),
                updatedAt: EventTime(microseconds: row.timestamp(6) ?? 0))
        }
    }

    /// False where the thing is registered already.
    public func create(_ thing: ThingID, type: String?, model: UUIDText?, metadata: JSONObject) throws(EngineError)
        -> Bool
    {
        let made = try connection.query(
            """
            insert into egiz.twin_registration (thing_id, twin_type, model_id, metadata)
            values ($1, $2, $3::text::uuid, $4::text::jsonb) on conflict do nothing
            """, Self.values(thing, type, model, metadata))
        return made.affected > 0
    }

    public func replace(_ thing: ThingID, type: String?, model: UUIDText?, metadata: JSONObject) throws(EngineError) {
        _ = try connection.query(
            """
            update egiz.twin_registration set twin_type = $2, model_id = $3::text::uuid, metadata = $4::text::jsonb
            where thing_id = $1
            """, Self.values(thing, type, model, metadata))
    }

    public func delete(_ thing: ThingID) throws(EngineError) {
        _ = try connection.query("delete from egiz.twin_registration where thing_id = $1", [.text(thing.text)])
    }

    /// Whether there is a twin of a device, or a registration.
    public func exists(_ thing: ThingID) throws(EngineError) -> Bool {
        try connection.query(
            """
            select exists (select from egiz.twin where thing_id = $1 and not deleted)
                or exists (select from egiz.twin_registration where thing_id = $1)
            """, [.text(thing.text)]
        ).first?.bool(0) ?? false
    }

    private static func values(_ thing: ThingID, _ type: String?, _ model: UUIDText?, _ metadata: JSONObject)
        -> [PostgresValue]
    {
        [
            .text(thing.text), .optional(type), .optional(model?.text), .text(JSONValue.object(metadata).text),
        ]
    }
}
