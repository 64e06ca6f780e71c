import EgizPostgres

/// What the gate found about a request that may pass.
struct Admission: Sendable {
    /// Nil on routes for everyone that were asked without credentials.
    var principal: Principal?
    /// What lists may show.
    var scope: AccessScope
    /// The project of the path's thing, or of the path; nil: of nobody, or the route is about none, or an
    /// admin reads, for whom it was not looked up.
    var project: ProjectID?
}
