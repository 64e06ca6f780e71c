public import EgizCore

/// To which project something belongs, in the transaction that changes it. Confined to the thread of its connection.
public enum ProjectLookup {
    /// The project of a thing, or of a type by its namespace; nil: nobody's.
    public static func project(of id: String, _ connection: PostgresConnection) throws(EngineError) -> ProjectID? {
        try connection.query("select egiz.project_of($1)::text", [.text(id)]).first?.text(0).flatMap { ProjectID($0) }
    }

    public static func exists(_ project: ProjectID, _ connection: PostgresConnection) throws(EngineError) -> Bool {
        try !connection.query(
            "select from egiz.project where project_id = $1::uuid for key share", [.text(project.text)]
        ).isEmpty
    }
}
