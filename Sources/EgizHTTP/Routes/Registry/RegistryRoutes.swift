import EgizPostgres

/// Everything below `/api/v1` that people change: types, twins, bindings, models, alerts, topologies.
struct RegistryRoutes: Sendable {
    let routes: [APIRoute]

    init(pool: PostgresPool, setup: RehearsalSetup?, searches: SearchGate) {
        routes =
            TwinTypeRoutes(pool: pool).routes + RegistrationRoutes(pool: pool).routes
            + RelationRoutes(pool: pool).routes
            + BindingRoutes(pool: pool).routes + ModelRoutes(pool: pool).routes + LearningRoutes(pool: pool).routes
            + TaskBindingRoutes(pool: pool).routes + AlertRoutes(pool: pool).routes
            + [AggregateRoute(queries: HistoryQueries(pool: pool), searches: searches).route]
            + TopologyRoutes(pool: pool, setup: setup).routes
    }
}
