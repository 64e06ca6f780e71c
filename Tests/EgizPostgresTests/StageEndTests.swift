import EgizCore
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizPostgres

/// What gone stages left ends when nobody is left who could go on from it, and nobody waits for that.
@Suite struct StageEndTests {
    let database: TestDatabase
    let deployments: PostgresDeploymentStore
    let store: PostgresTaskStore
    let lease: TaskLease
    let writer: PostgresEpochWriter

    init() throws {
        database = try TestDatabase()
        deployments = PostgresDeploymentStore(url: database.url)
        store = database.store()
        lease = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        writer = database.writer()
        let time = EventTime(microseconds: Epochs.start)
        let isCommitted = try commit(1) { epoch in
            epoch.tasks[0].rules = RulesProgress(version: 3, fingerprint: 77, reviewedThrough: nil)
            epoch.states = [try state(1)]
            epoch.alerts = [
                AlertRow(
                    home: lease.task, processor: "alerts", thing: try ThingID(validating: "a:b"), key: "heat",
                    rule: "hot", severity: .error, state: .raised, message: "hot", raisedAt: time, updatedAt: time,
                    acknowledgedAt: nil, acknowledgedBy: nil, clearedAt: nil, revision: 3,
                    cause: InputPosition(topic: "twins", partition: 0, offset: 7))
            ]
        }
        #expect(isCommitted)
    }

    private func state(_ byte: UInt8) throws -> StateRow {
        StateRow(
            home: lease.task, processor: "alerts", thing: try ThingID(validating: "a:b"), version: 1, bytes: [byte])
    }

    private func commit(_ n: Int64, _ fill: (EpochWrite) throws -> Void) throws -> Bool {
        let epoch = Epochs.write([Epochs.advance(lease, n)])
        try fill(epoch)
        return try writer.commit(epoch).isCommitted
    }

    /// The alert's state, how many states there are, and whether the rules would be looked at anew.
    private func stored() throws -> String? {
        try database.connection.query(
            """
            select (select state from egiz.alert) || ' ' || (select count(*) from egiz.state)
                || case when rules_fingerprint is null then ' anew' else '' end
            from egiz.task
            """
        ).first?.text(0)
    }

    /// It would be done to whatever comes back in its place.
    @Test func whatPeopleAskedOfAGoneStageIsForgotten() throws {
        let alert = try #require(database.connection.query("select alert_id from egiz.alert").first?.int64(0))
        #expect(try AlertQueries(database.connection).ask("clear", of: alert, by: nil))
        #expect(try database.count("inbox") == 1)
        try store.release([lease])
        try deployments.setState(.deleted, of: "line")
        #expect(try stored() == "cleared 0 anew")
        #expect(try database.count("inbox") == 0)
    }

    @Test func anOwnerThatStillDrainsKeepsItsAlertsUntilItHas() throws {
        try deployments.beat(TestDatabase.worker(), scope: nil, reports: [])
        try deployments.setState(.deleted, of: "line")
        #expect(try !deployments.endStages(of: "line", except: [], by: nil))
        #expect(try !deployments.endStages(of: "line", except: [], by: TestDatabase.worker("worker-b")))
        #expect(try stored() == "raised 1")
        #expect(try commit(2) { $0.states = [try state(2)] }, "it is not fenced")
        try store.release([lease])
        #expect(try deployments.endStages(of: "line", except: [], by: nil))
        #expect(try stored() == "cleared 0 anew")
        #expect(try deployments.endStages(of: "line", except: [], by: nil), "nothing is left")
    }

    @Test func aTopologyThatNobodyRunsEndsWithItsDeletion() throws {
        try store.release([lease])
        try deployments.setState(.deleted, of: "line")
        #expect(try stored() == "cleared 0 anew")
    }

    @Test func aWorkerWhoseThreadsHaveEndedEndsWhatItCouldNotRelease() throws {
        try deployments.beat(TestDatabase.worker(), scope: nil, reports: [])
        #expect(try deployments.endStages(of: "line", except: [], by: TestDatabase.worker()))
        #expect(try stored() == "cleared 0 anew")
    }

    @Test func anOwnerThatIsNotSeenAnyMoreCommitsNothingAfterTheEnd() throws {
        try deployments.beat(TestDatabase.worker(), scope: nil, reports: [])
        try database.connection.execute("update egiz.worker set seen_at = seen_at - interval '1 hour'")
        #expect(try deployments.endStages(of: "line", except: [], by: nil))
        #expect(try !commit(2) { $0.states = [try state(2)] })
        #expect(try stored() == "cleared 0 anew")
    }

    @Test func aTaskWhoseRowIsHeldIsLeftForLater() throws {
        let other = try PostgresConnection(url: database.url, applicationName: "egiz-test")
        try other.execute("begin; select from egiz.task for update")
        #expect(try !deployments.endStages(of: "line", except: [], by: nil))
        #expect(try stored() == "raised 1")
        try other.execute("rollback")
        #expect(try deployments.endStages(of: "line", except: [], by: nil))
        #expect(try stored() == "cleared 0 anew")
    }

    @Test func whoHoldsAnAlertIsNotWaitedForWithoutABound() throws {
        let other = try PostgresConnection(url: database.url, applicationName: "egiz-test")
        try other.execute("begin; select from egiz.alert for update")
        // A wait without a bound would end by this, which is another error.
        try database.connection.execute("alter database \(database.name) set statement_timeout = '20s'")
        let error = #expect(throws: EngineError.self) {
            try deployments.endStages(of: "line", except: [], by: nil)
        }
        #expect(error?.detail == "55P03" && error?.retry == .backoff)
        try other.execute("rollback")
        #expect(try stored() == "raised 1")
    }

    @Test func itGoesOnBesideWhoChangesDeployments() throws {
        try database.connection.execute("alter database \(database.name) set statement_timeout = '20s'")
        let other = PostgresDeploymentStore(url: database.url)
        try other.exclusively { () throws(EngineError) in
            let isDone = try deployments.endStages(of: "line", except: [], by: nil)
            #expect(isDone)
        }
    }
}
