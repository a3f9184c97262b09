use std::ops::Range;

/// The beginnings of secrets, and how many characters must follow.
const MARKS: [(&[u8], usize); 4] = [
    // A JSON web token: `{"` in base64.
    (b"eyJ", 17),
    // Google's access tokens, refresh tokens and client secrets.
    (b"ya29.", 8),
    (b"1//0", 16),
    (b"GOCSPX-", 10),
];
/// The separator between `Bearer` and its token, plain and in a URL.
const SEPARATORS: [&[u8]; 3] = [b" ", b"%20", b"+"];
/// A bearer token has at least this many characters, and a digit: `Bearer error=invalid_token` has none.
const LEAST_BEARER: usize = 16;
/// A longer text needs no digit.
const MOST_WORD: usize = 64;

/// The least length of a piece of a token or key whose beginning is missing. It must have digits and letters of both
/// cases. BigQuery's job names have 32 characters.
const LEAST_RANDOM: usize = 40;

const BEGIN: &[u8] = b"-----BEGIN ";
const PRIVATE: &[u8] = b"PRIVATE KEY-----";
const END: &[u8] = b"-----END ";
/// The most characters between `BEGIN` and `PRIVATE KEY`.
const MOST_KIND: usize = 20;

/// The ranges where the text has the shape of a secret.
pub(super) fn find(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut run = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if at >= run {
            let length = random(rest);
            run = at + length.max(1);
            if is_random(rest.get(..length).unwrap_or_default()) {
                found.push(at..run);
            }
        }
        match at_start(rest) {
            Some(secret) => {
                found.push(at + secret.start..at + secret.end);
                at += secret.end;
            }
            None => at += 1,
        }
    }
    found
}

/// How many characters of URL-safe base64 the text begins with.
fn random(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-=".contains(byte))
        .count()
}

fn is_random(run: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| run.iter().any(kind);
    run.len() >= LEAST_RANDOM
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
}

/// The secret at the start of the text.
fn at_start(text: &[u8]) -> Option<Range<usize>> {
    match text.first()? {
        b'e' | b'y' | b'1' | b'G' => MARKS.iter().find_map(|(mark, least)| {
            let length = token(text.strip_prefix(*mark)?);
            (length >= *least).then_some(0..mark.len() + length)
        }),
        b'B' | b'b' => bearer(text),
        b'-' => private_key(text),
        _ => None,
    }
}

fn bearer(text: &[u8]) -> Option<Range<usize>> {
    let (scheme, rest) = text.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    let separator = SEPARATORS.iter().find(|separator| rest.starts_with(separator))?;
    let rest = rest.get(separator.len()..)?;
    let length = token(rest);
    let start = scheme.len() + separator.len();
    let digits = rest.get(..length.min(MOST_WORD))?.iter().any(u8::is_ascii_digit);
    (length >= LEAST_BEARER && (digits || length > MOST_WORD)).then_some(start..start + length)
}

/// Up to the end of the key, or of the text.
fn private_key(text: &[u8]) -> Option<Range<usize>> {
    let kind = text.strip_prefix(BEGIN)?;
    let most = MOST_KIND + PRIVATE.len();
    position(kind.get(..most).unwrap_or(kind), PRIVATE)?;
    let end = position(text, END).and_then(|end| {
        let last = position(text.get(end..)?, PRIVATE)?;
        Some(end + last + PRIVATE.len())
    });
    Some(0..end.unwrap_or(text.len()))
}

/// How many characters of a token the text begins with, URL escapes included.
fn token(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"._~+/=%-".contains(byte))
        .count()
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
