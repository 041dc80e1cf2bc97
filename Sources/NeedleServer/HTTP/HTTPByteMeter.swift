import NIOCore

/// Stands next to the socket of an HTTP connection: counts bytes, and tells those behind it that some came, which a
/// decoder tells only when it has seen enough of them.
final class HTTPByteMeter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// Goes through the pipeline in front of the bytes.
    struct BytesCame: Sendable {}

    private let meter: TransportMeter

    init(_ meter: TransportMeter) {
        self.meter = meter
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        meter.noteReceived(unwrapInboundIn(data).readableBytes)
        context.fireUserInboundEventTriggered(BytesCame())
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        meter.noteSent(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }
}
