public import EgizCore

/// To which project something belongs, in the transaction that changes it. Confined to the thread of its connection.
public enum ProjectLookup {
    /// The project of a thing; nil: nobody's.
    public static func project(of id: String, _ connection: PostgresConnection) throws(EngineError) -> ProjectID? {
        try connection.query("select egiz.project_of($1)::text", [.text(id)]).first?.text(0).flatMap { ProjectID($0) }
    }

    /// The project of a type of twins, by its namespace alone: things may be registered one by one, also under the name of a type.
    public static func project(ofType name: String, _ connection: PostgresConnection) throws(EngineError) -> ProjectID?
    {
        try connection.query("select egiz.project_of_type($1)::text", [.text(name)])
            .first?.text(0).flatMap { ProjectID($0) }
    }

    public static func exists(_ project: ProjectID, _ connection: PostgresConnection) throws(EngineError) -> Bool {
        try !connection.query(
            "select from egiz.project where project_id = $1::uuid for key share", [.text(project.text)]
        ).isEmpty
    }
}
