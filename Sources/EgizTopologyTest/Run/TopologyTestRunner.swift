public import EgizCore
public import EgizTesting
import EgizTwin

/// Runs the tests of a file, each on a topology of its own that begins with nothing.
public struct TopologyTestRunner: Sendable {
    private let registry: ProcessorRegistry
    private let inspect: @Sendable (TopologyDriver) -> Void

    /// - Parameter inspect: called with the driver of each test when it has ended.
    public init(registry: ProcessorRegistry, inspect: @escaping @Sendable (TopologyDriver) -> Void = { _ in }) {
        self.registry = registry
        self.inspect = inspect
    }

    /// - Parameter filter: only tests whose name contains it; nil: all.
    public func run(_ file: TopologyTestFile, filter: String? = nil) -> TopologyTestResults {
        let recorder = CoverageRecorder()
        let observed = registry.observed(by: recorder)
        let tests = file.tests.filter { test in filter.map { test.name.contains($0) } ?? true }
        let results = tests.map { run($0, of: file, observed, recorder) }
        return TopologyTestResults(
            file: file.file, results: results, coverage: recorder.coverage(of: file.topology, registry: registry))
    }

    private func run(
        _ test: TopologyTestCase, of file: TopologyTestFile, _ registry: ProcessorRegistry,
        _ recorder: CoverageRecorder
    ) -> TestResult {
        let world = ScriptedWorld()
        let driver = TopologyDriver(
            topology: file.topology, registry: registry, partitions: file.partitions, epochs: test.epochs,
            endpoint: world, environment: file.environment)
        defer {
            recorder.note(driver)
            inspect(driver)
        }
        if let types = file.types { driver.store.setTypes(types) }
        for step in test.steps {
            var failures: [TestFailure]
            do {
                failures = try run(step, driver, world)
            } catch {
                failures = [TestFailure(mark: step.mark, message: "the engine stopped: \(error)", lines: [])]
            }
            // What comes after a failed step says little.
            if !failures.isEmpty { return TestResult(name: test.name, mark: test.mark, failures: failures) }
        }
        return TestResult(name: test.name, mark: test.mark, failures: [])
    }

    private func run(_ step: TestStep, _ driver: TopologyDriver, _ world: ScriptedWorld) throws -> [TestFailure] {
        switch step.action {
        case .given(let records):
            for given in records {
                for record in given.records {
                    try driver.send(
                        given.topic, key: record.key, bytes: record.value, at: record.time,
                        partition: given.partition, headers: given.headers)
                }
            }
        case .advance(let duration):
            try driver.advanceStreamTime(by: duration)
            // What waits to be asked again waits no longer than that.
            try driver.advanceCalls(by: duration)
        case .model(let answers): world.model.answer(answers)
        case .types(let types):
            driver.store.setTypes(types)
            try driver.adoptRegistry()
        case .moveTo(let time): try driver.advanceStreamTime(to: time)
        case .fault(let fault): try cause(fault, driver, world)
        case .commit: try driver.commit()
        case .redrive(let action, let thing): try driver.redrive(action, thing: thing)
        case .alert(let alert):
            try driver.send(
                alert.action, to: alert.processor, thing: alert.thing, subject: alert.key, by: alert.by)
        case .edit(let edit):
            let found = driver.edit(
                topic: edit.topic, partition: edit.partition ?? 0, offset: edit.offset, value: edit.value.bytes)
            if found == 0 {
                return [
                    TestFailure(
                        mark: step.mark,
                        message:
                            "there is no dead letter of \(edit.topic), partition \(edit.partition ?? 0), offset \(edit.offset) to edit",
                        lines: [])
                ]
            }
        case .expect(let expectation):
            return expectation.sections.compactMap { section in
                var section = section
                // What an alias stands for was written above; the step that uses it is what failed.
                if section.mark < step.mark { section.mark = step.mark }
                return Comparison(expectation.partial, world).failure(of: section, driver)
            }
        }
        return []
    }

    private func cause(_ fault: TestFault, _ driver: TopologyDriver, _ world: ScriptedWorld) throws {
        let (model, receiver) = (world.model.endpoint, world.receiver)
        switch fault {
        case .crash: try driver.crashAndRestart()
        case .rebalance: try driver.rebalance()
        case .postgresAway(let count): driver.failCommits(count)
        case .answerLost(let count): driver.loseAnswers(count)
        case .dataError(let text): driver.store.refuse(text: text)
        case .badJSON(let topic):
            let topics = topic.map { [$0] } ?? driver.topology.sources.compactMap { $0.topics.first?.name }
            for topic in topics { try driver.send(topic, key: nil, value: "{\"thingId\":") }
        case .modelStatus(let status): model.plan([.response(CallResponse(status: status))])
        case .modelAway(let count): model.plan(Array(repeating: .away("nobody is there"), count: count))
        case .modelSlow(let count): model.plan(Array(repeating: .timedOut, count: count))
        case .modelText(let text):
            model.plan([.response(CallResponse(status: 200, body: Array(text.utf8)))])
        case .receiverStatus(let status): receiver.plan([.response(CallResponse(status: status))])
        case .receiverAway(let count): receiver.plan(Array(repeating: .away("nobody is there"), count: count))
        case .receiverSlow(let count): receiver.plan(Array(repeating: .timedOut, count: count))
        }
    }
}

extension MemoryStore {
    /// Somebody changes what the registry says of types.
    fileprivate func setTypes(_ types: GivenTypes) {
        setRegistry(parents: types.parents, schemas: types.schemas)
        setRegistry(parents: types.parents, alertRules: types.alertRules, thingTypes: types.things)
    }
}

extension RecordValue {
    /// As it is, without placeholders.
    var bytes: [UInt8] {
        switch self {
        case .json(let value): Array(value.text.utf8)
        case .text(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        case .tombstone: []
        }
    }
}
