import CRdkafka

/// Hears what became of each produced record, on whichever thread polls the client.
protocol DeliveryReceiver: AnyObject {
    func receive(_ message: rd_kafka_message_t)
}
