public import EgizCore

extension ProcessorRegistry {
    /// Every kind that comes with Digital Egiz. A new kind is one file in this folder and one line here.
    public static let builtin = ProcessorRegistry([
        .init(projector: TwinProjector.spec, publisher: TwinPublisher.make),
        .init(HistoryWriter.self, make: HistoryWriter.make),
        .init(Rollup.self),
        .init(BindingEvaluator.self),
        .init(AlertRule.self),
        .init(TypeSchema.self),
        .init(Filter.self),
        .init(PathMap.self),
        .init(Export.self),
        .init(records: Rekey.self),
        .init(records: DeadLetterHandler.self),
        .init(caller: Webhook.self),
        .init(FanOut.self),
        .init(caller: ModelCaller.self),
        .init(records: PredictionWriter.self),
    ])
}
