/// Snowball's stemmer for English (Porter2, https://snowballstem.org/algorithms/english/stemmer.html, as of Snowball
/// 3.1): "connection", "connected" and "connecting" become "connect".
///
/// Works on the bytes of one word of small ASCII letters and apostrophes; other words have no stem but themselves.
/// A `y` that is a consonant is a capital in between. O(bytes).
struct EnglishStemmer {
    private var word: [UInt8]
    /// Where the regions R1 and R2 begin.
    private var region1: Int
    private var region2: Int

    /// Replaces the word at the end of the buffer, from `start` on, by its stem.
    static func stem(_ bytes: inout [UInt8], from start: Int) {
        guard bytes.count - start > 2, bytes[start...].allSatisfy(isPlain) else { return }
        var stemmer = EnglishStemmer(Array(bytes[start...]))
        stemmer.run()
        bytes.replaceSubrange(start..., with: stemmer.word)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "'")
    }

    private init(_ word: [UInt8]) {
        self.word = word
        region1 = word.count
        region2 = word.count
    }

    private mutating func run() {
        if let exception = Self.exceptions.first(where: { isWhole($0.word) }) {
            word = Array(exception.stem.utf8)
            return
        }
        markConsonants()
        markRegions()
        removePossessive()
        removePlural()
        removePastAndProgressive()
        replaceFinalY()
        replaceSuffix(among: Self.step2)
        replaceSuffix(among: Self.step3)
        removeSuffixInRegion2()
        removeFinalEOrL()
        for index in word.indices where word[index] == Self.consonantY { word[index] = UInt8(ascii: "y") }
    }

    // MARK: Preparation

    private static let consonantY = UInt8(ascii: "Y")

    private mutating func markConsonants() {
        if word.first == UInt8(ascii: "'") { word.removeFirst() }
        for index in word.indices where word[index] == UInt8(ascii: "y") {
            if index == 0 || Self.isVowel(word[index - 1]) { word[index] = Self.consonantY }
        }
    }

    private mutating func markRegions() {
        region1 =
            Self.prefixes.first { word.starts(with: $0.utf8) }?.utf8.count ?? regionStart(from: 0)
        region2 = regionStart(from: region1)
    }

    /// Behind the first consonant that follows a vowel, at or after `start`.
    private func regionStart(from start: Int) -> Int {
        guard let vowel = word[start...].firstIndex(where: Self.isVowel),
            let consonant = word[vowel...].firstIndex(where: { !Self.isVowel($0) })
        else { return word.count }
        return consonant + 1
    }

    // MARK: Steps

    /// Step 0.
    private mutating func removePossessive() {
        for suffix in ["'s'", "'s", "'"] as [StaticString] where hasSuffix(suffix) {
            return replace(suffix, by: "")
        }
    }

    /// Step 1a.
    private mutating func removePlural() {
        if hasSuffix("sses") { return replace("sses", by: "ss") }
        for suffix in ["ied", "ies"] as [StaticString] where hasSuffix(suffix) {
            return replace(suffix, by: word.count > 4 ? "i" : "ie")
        }
        guard hasSuffix("s"), !hasSuffix("us"), !hasSuffix("ss") else { return }
        if word.dropLast(2).contains(where: Self.isVowel) { word.removeLast() }
    }

    /// Step 1b.
    private mutating func removePastAndProgressive() {
        for suffix in ["eedly", "eed"] as [StaticString] where hasSuffix(suffix) {
            let stem = word.dropLast(suffix.utf8CodeUnitCount)
            let isException = ["succ", "proc", "exc"].contains { stem.elementsEqual($0.utf8) }
            if stem.count >= region1, !isException { replace(suffix, by: "ee") }
            return
        }
        for suffix in ["ingly", "edly", "ing", "ed"] as [StaticString] where hasSuffix(suffix) {
            let stem = word.dropLast(suffix.utf8CodeUnitCount)
            if suffix.utf8CodeUnitCount == 3 {
                if stem.count == 2, stem[1] == UInt8(ascii: "y"), !Self.isVowel(stem[0]) {
                    word = [stem[0]] + Array("ie".utf8)
                    return
                }
                if Self.keptBeforeIng.contains(where: { stem.elementsEqual($0.utf8) }) { return }
            }
            guard stem.contains(where: Self.isVowel) else { return }
            word = Array(stem)
            return repairStem()
        }
    }

    /// What is left of "hoping" and "hopping" is "hope" and "hop".
    private mutating func repairStem() {
        for suffix in ["at", "bl", "iz"] as [StaticString] where hasSuffix(suffix) {
            return word.append(UInt8(ascii: "e"))
        }
        if let last = word.last, word.count >= 2, word[word.count - 2] == last, Self.doubles.contains(last) {
            let isShortWord = word.count == 3 && "aeo".utf8.contains(word[0])
            if !isShortWord { word.removeLast() }
        } else if word.count == region1, endsInShortSyllable {
            word.append(UInt8(ascii: "e"))
        }
    }

    /// Step 1c.
    private mutating func replaceFinalY() {
        guard word.count > 2, let last = word.last, last == UInt8(ascii: "y") || last == Self.consonantY,
            !Self.isVowel(word[word.count - 2])
        else { return }
        word[word.count - 1] = UInt8(ascii: "i")
    }

    /// Steps 2 and 3: the longest suffix decides, whether it may be replaced or not.
    private mutating func replaceSuffix(among rules: [Rule]) {
        guard let rule = rules.first(where: { hasSuffix($0.suffix) }) else { return }
        let stem = word.dropLast(rule.suffix.utf8CodeUnitCount)
        guard stem.count >= region1 else { return }
        switch rule.condition {
        case .none: break
        case .region2: guard stem.count >= region2 else { return }
        case .afterL: guard stem.last == UInt8(ascii: "l") else { return }
        case .afterValidLi: guard let last = stem.last, "cdeghkmnrt".utf8.contains(last) else { return }
        }
        replace(rule.suffix, by: rule.replacement)
    }

    /// Step 4.
    private mutating func removeSuffixInRegion2() {
        guard let suffix = Self.step4.first(where: { hasSuffix($0) }) else { return }
        let stem = word.dropLast(suffix.utf8CodeUnitCount)
        guard stem.count >= region2 else { return }
        if hasSuffix("ion"), stem.last != UInt8(ascii: "s"), stem.last != UInt8(ascii: "t") { return }
        replace(suffix, by: "")
    }

    /// Step 5.
    private mutating func removeFinalEOrL() {
        let rest = word.count - 1
        if hasSuffix("e") {
            guard rest >= region1 else { return }
            word.removeLast()
            if rest < region2, endsInShortSyllable { word.append(UInt8(ascii: "e")) }
        } else if hasSuffix("ll"), rest >= region2 {
            word.removeLast()
        }
    }

    // MARK: Letters

    private static func isVowel(_ byte: UInt8) -> Bool { "aeiouy".utf8.contains(byte) }

    /// Consonant, vowel and a consonant other than w, x and Y; or a vowel and a consonant as the whole word; or "past".
    private var endsInShortSyllable: Bool {
        guard word.count >= 2, let last = word.last else { return false }
        let isClosed = Self.isVowel(word[word.count - 2]) && !Self.isVowel(last)
        if word.count == 2 { return isClosed }
        let opener = word[word.count - 3]
        if isClosed, !Self.isVowel(opener), !"wxY".utf8.contains(last) { return true }
        return hasSuffix("past")
    }

    private func isWhole(_ other: StaticString) -> Bool {
        word.count == other.utf8CodeUnitCount && hasSuffix(other)
    }

    private func hasSuffix(_ suffix: StaticString) -> Bool {
        suffix.withUTF8Buffer { word.count >= $0.count && word.suffix($0.count).elementsEqual($0) }
    }

    private mutating func replace(_ suffix: StaticString, by replacement: StaticString) {
        word.removeLast(suffix.utf8CodeUnitCount)
        replacement.withUTF8Buffer { word.append(contentsOf: $0) }
    }
}

// MARK: - Rules

extension EnglishStemmer {
    private struct Rule {
        enum Condition { case none, region2, afterL, afterValidLi }

        let suffix: StaticString
        let replacement: StaticString
        let condition: Condition

        init(_ suffix: StaticString, _ replacement: StaticString, _ condition: Condition = .none) {
            self.suffix = suffix
            self.replacement = replacement
            self.condition = condition
        }
    }

    private static let exceptions: [(word: StaticString, stem: String)] = [
        ("skis", "ski"), ("skies", "sky"), ("idly", "idl"), ("gently", "gentl"), ("ugly", "ugli"),
        ("early", "earli"), ("only", "onli"), ("singly", "singl"), ("sky", "sky"), ("news", "news"),
        ("howe", "howe"), ("atlas", "atlas"), ("cosmos", "cosmos"), ("bias", "bias"), ("andes", "andes"),
    ]

    /// R1 begins behind these.
    private static let prefixes = [
        "arsen", "commun", "emerg", "gener", "inter", "later", "organ", "past", "univers",
    ]

    private static let keptBeforeIng = ["even", "cann", "inn", "earr", "herr", "out"]
    private static let doubles = Set("bdfgmnprt".utf8)

    // Longer suffixes stand before those they end in.
    private static let step2: [Rule] = [
        Rule("ization", "ize"), Rule("ational", "ate"), Rule("iveness", "ive"), Rule("fulness", "ful"),
        Rule("ousness", "ous"), Rule("biliti", "ble"), Rule("tional", "tion"), Rule("lessli", "less"),
        Rule("ation", "ate"), Rule("alism", "al"), Rule("aliti", "al"), Rule("iviti", "ive"),
        Rule("ousli", "ous"), Rule("entli", "ent"), Rule("fulli", "ful"), Rule("ogist", "og"),
        Rule("izer", "ize"), Rule("ator", "ate"), Rule("alli", "al"), Rule("abli", "able"),
        Rule("anci", "ance"), Rule("enci", "ence"), Rule("bli", "ble"), Rule("ogi", "og", .afterL),
        Rule("li", "", .afterValidLi),
    ]

    private static let step3: [Rule] = [
        Rule("ational", "ate"), Rule("tional", "tion"), Rule("alize", "al"), Rule("icate", "ic"),
        Rule("iciti", "ic"), Rule("ative", "", .region2), Rule("ical", "ic"), Rule("ness", ""),
        Rule("ful", ""),
    ]

    private static let step4: [StaticString] = [
        "ement", "ment", "ance", "ence", "able", "ible", "ent", "ant", "ism", "ate", "iti", "ous", "ive",
        "ize", "ion", "al", "er", "ic",
    ]
}
