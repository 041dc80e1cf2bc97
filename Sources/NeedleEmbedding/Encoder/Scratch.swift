/// The matrices between layers, for one group of texts at a time.
final class Scratch: Sendable {
    /// Heads may be worked on by this many threads at once.
    static let attentionParts = 8

    let tokens: Int
    let longest: Int
    /// [tokens × hidden]: the residual stream.
    let stream: FloatBuffer
    /// [tokens × 3 hidden]: query, key, value.
    let attention: FloatBuffer
    /// [tokens × hidden]
    let mixed: FloatBuffer
    /// [tokens × hidden]
    let update: FloatBuffer
    /// [tokens × intermediate]
    let wide: FloatBuffer
    /// A part for each that works on attention, `attentionPart` floats.
    let attentionScratch: FloatBuffer
    let attentionPart: Int
    /// The inputs of the layer that is being computed, when weights are coded.
    let codes: InputCodes

    init(shape: BertConfiguration, isCoded: Bool, tokens: Int, longest: Int) {
        self.tokens = tokens
        self.longest = longest
        stream = FloatBuffer(count: tokens * shape.hidden)
        attention = FloatBuffer(count: tokens * shape.hidden * 3)
        mixed = FloatBuffer(count: tokens * shape.hidden)
        update = FloatBuffer(count: tokens * shape.hidden)
        wide = FloatBuffer(count: tokens * shape.intermediate)
        // Whole cache lines, so that no two threads write the same one.
        attentionPart = (EncoderKernels.attentionScratch(length: longest, size: shape.headSize) + 15) & ~15
        attentionScratch = FloatBuffer(count: Self.attentionParts * attentionPart)
        codes = InputCodes(rows: isCoded ? tokens : 0, inputs: max(shape.hidden, shape.intermediate))
    }
}
