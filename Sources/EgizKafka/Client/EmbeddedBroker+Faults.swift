import CRdkafka

extension EmbeddedBroker {
    /// Kafka's numbers of the requests whose answers can be made to fail.
    enum Request: Int16 {
        case produce = 0
        case offsetCommit = 8
        case offsetFetch = 9
        case findCoordinator = 10
        case initProducerID = 22
        case addPartitions = 24
        case addOffsets = 25
        case endTransaction = 26
        case transactionOffsetCommit = 28
    }

    /// Faults for tests: the next answers to such a request are these errors, in Kafka's numbers, one each.
    func answer(_ request: Request, with errors: [Int32]) {
        withMock { mock in
            let codes = errors.map { rd_kafka_resp_err_t(rawValue: $0) }
            rd_kafka_mock_push_request_errors_array(mock, request.rawValue, codes.count, codes)
        }
    }

    /// Faults for tests: answers take this long; zero ends that.
    func delayAnswers(_ delay: Duration) {
        withMock { mock in _ = rd_kafka_mock_broker_set_rtt(mock, -1, delay.milliseconds32) }
    }
}
