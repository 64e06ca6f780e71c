import EgizCore
import EgizRuntime
import EgizTesting

/// Those whom the topology of one test asks: models, and receivers of webhooks, who take what comes.
final class ScriptedWorld: CallTransport {
    let model = ScriptedModel()
    let receiver = MemoryEndpoint { _ in .response(CallResponse(status: 204)) }

    /// Every try of a delivery, in order.
    var deliveries: [CallRequest] { receiver.requests }

    func send(_ request: CallRequest, completion: @escaping @Sendable (CallOutcome) -> Void) -> any CallHandle {
        // Only deliveries say which topic they come from.
        let isDelivery = request.header("egiz-topic") != nil
        return (isDelivery ? receiver : model.endpoint).send(request, completion: completion)
    }
}
