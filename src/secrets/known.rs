use std::ops::Range;

/// How many secrets are remembered: a credential has up to seven in use at the same time.
const MOST: usize = 16;
/// How many bytes of a secret are compared at most.
const MOST_BYTES: usize = 16 * 1024;
/// How many consecutive characters are looked up.
const GRAM: usize = 8;
/// How many bits of a gram's hash address the filter, which tells without a search that a gram is not part of a secret.
const BITS: u32 = 16;

/// The most recently used secrets.
pub(super) struct Known {
    secrets: Vec<Secret>,
    /// Eight characters of a secret, and their secret and position, sorted.
    grams: Vec<(u64, usize, usize)>,
    maybe: Vec<u64>,
    uses: u64,
}

struct Secret {
    text: Vec<u8>,
    last_use: u64,
}

impl Known {
    pub(super) const fn new() -> Self {
        Self {
            secrets: Vec::new(),
            grams: Vec::new(),
            maybe: Vec::new(),
            uses: 0,
        }
    }

    pub(super) fn remember(&mut self, secret: &str) {
        let text = secret.as_bytes();
        let text = text.get(..MOST_BYTES).unwrap_or(text);
        if text.len() < GRAM {
            return;
        }
        self.uses += 1;
        let last_use = self.uses;
        if let Some(known) = self.secrets.iter_mut().find(|known| known.text == text) {
            known.last_use = last_use;
            return;
        }
        if self.secrets.len() >= MOST {
            let oldest = self
                .secrets
                .iter()
                .enumerate()
                .min_by_key(|(_, known)| known.last_use);
            if let Some((oldest, _)) = oldest {
                self.secrets.swap_remove(oldest);
            }
        }
        self.secrets.push(Secret {
            text: text.to_vec(),
            last_use,
        });
        self.index();
    }

    fn index(&mut self) {
        self.grams.clear();
        for (number, secret) in self.secrets.iter().enumerate() {
            let text = &secret.text;
            let mut own = Vec::new();
            for (at, gram) in text.windows(GRAM).enumerate() {
                let after_escape = at > 0 && text.get(at - 1).is_some_and(|byte| !is_plain(*byte));
                let sampled = at % GRAM == 0 || after_escape || at + GRAM == text.len();
                if sampled && gram.iter().all(is_taken) {
                    own.push((number_of(gram), number, at));
                }
            }
            // Each one once: a repetitive secret must not cost more.
            own.sort_unstable();
            own.dedup_by_key(|(gram, _, _)| *gram);
            self.grams.append(&mut own);
        }
        self.grams.sort_unstable();
        self.maybe.clear();
        self.maybe.resize((1 << BITS) / 64, 0);
        for (gram, _, _) in &self.grams {
            let (word, bit) = place(*gram);
            if let Some(bits) = self.maybe.get_mut(word) {
                *bits |= bit;
            }
        }
    }

    /// Adds the ranges where the text contains a piece of a secret.
    pub(super) fn find(&self, text: &[u8], found: &mut Vec<Range<usize>>) {
        if self.grams.is_empty() {
            return;
        }
        let (mut gram, mut after) = (0, 0);
        for (at, byte) in text.iter().enumerate() {
            gram = gram << 8 | u64::from(*byte);
            if at + 1 < after + GRAM {
                continue;
            }
            let (word, bit) = place(gram);
            if self.maybe.get(word).is_none_or(|bits| bits & bit == 0) {
                continue;
            }
            let start = at + 1 - GRAM;
            if let Some(range) = self.longest(gram, text, after, start) {
                after = range.end;
                found.push(range);
            }
        }
    }

    /// The longest piece of a secret that contains the eight characters of the text from `start` on, and nothing before
    /// `least`.
    fn longest(&self, gram: u64, text: &[u8], least: usize, start: usize) -> Option<Range<usize>> {
        let first = self.grams.partition_point(|(other, _, _)| *other < gram);
        let same = self
            .grams
            .get(first..)?
            .iter()
            .take_while(|(other, _, _)| *other == gram);
        let pieces = same.filter_map(|(_, number, at)| {
            let secret = &self.secrets.get(*number)?.text;
            let before = common(
                text.get(least..start)?.iter().rev(),
                secret.get(..*at)?.iter().rev(),
            );
            let from_here = common(text.get(start..)?.iter(), secret.get(*at..)?.iter());
            Some(start - before..start + from_here)
        });
        pieces.max_by_key(ExactSizeIterator::len)
    }
}

/// The length of the common prefix of the two.
fn common<'a>(text: impl Iterator<Item = &'a u8>, secret: impl Iterator<Item = &'a u8>) -> usize {
    text.zip(secret)
        .take_while(|(one, other)| one == other && is_taken(one))
        .count()
}

/// Whether the character may be removed from a log line: the characters of JSON's syntax must stay.
fn is_taken(byte: &u8) -> bool {
    byte.is_ascii_graphic() && !b"\"\\".contains(byte)
}

/// Whether URLs and JSON write the character unchanged.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn number_of(gram: &[u8]) -> u64 {
    gram.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The position of a gram's bit in the filter.
fn place(gram: u64) -> (usize, u64) {
    let hash = gram.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS);
    let word = usize::try_from(hash / 64).unwrap_or(0);
    (word, 1 << (hash % 64))
}
