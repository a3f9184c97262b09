use wordtally::secrets::{redacted, remember};

/// Every piece of a known secret with at least this many characters is found.
const PIECE: usize = 15;
/// Every beginning of a secret with at least this many characters is found.
const BEGINNING: usize = 8;

/// A secret, then the text before it, how much of it is present, and the text after it. None of it may remain.
pub fn redaction(data: &[u8]) {
    let mut parts = crate::parts(data);
    let secret = parts.next().unwrap_or_default();
    let before = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let cut = parts.next().unwrap_or_default();
    let after = String::from_utf8_lossy(parts.next().unwrap_or_default());
    // As tokens are.
    let Some(secret) = str::from_utf8(secret)
        .ok()
        .filter(|secret| secret.bytes().all(is_tokens) && (BEGINNING..2048).contains(&secret.len()))
    else {
        drop(redacted(&before));
        return;
    };
    remember(secret);
    let number = |at: usize| cut.get(at).copied().map_or(0, usize::from);
    let from = number(0).min(secret.len());
    let to = secret.len().saturating_sub(number(1)).max(from);
    for piece in [secret, &secret[from..to], &secret[..to]] {
        let text = format!("{before}{piece}{after}");
        let left = redacted(&text);
        for window in secret.as_bytes().windows(PIECE) {
            assert!(!holds(&left, window), "{secret} in {text:?} left {left:?}");
        }
        // The text beside it may be a piece by chance, but not if there is none:
        let lone = redacted(piece);
        let is_piece = piece.len() >= PIECE || (secret.starts_with(piece) && piece.len() >= BEGINNING);
        // The replacement itself contains this word.
        let is_piece = is_piece && piece != "redacted";
        assert!(
            !is_piece || !lone.contains(piece),
            "{secret}: {piece} is left alone"
        );
    }
}

fn holds(text: &str, piece: &[u8]) -> bool {
    text.as_bytes().windows(piece.len()).any(|window| window == piece)
}

/// Letters, digits and the other characters of tokens, but not the brackets of the replacement.
fn is_tokens(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}
