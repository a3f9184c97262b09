//! Text that `tabulate` treats as a number: whatever Python's `int` and `float` read.

/// The type that a cell gives its column. A column has the greatest type of its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Empty, `True` or `False`: fits any column.
    Neutral,
    /// A whole number.
    Integer,
    /// Another number.
    Float,
    /// Anything else.
    Text,
}

/// The kind of one cell.
pub(super) fn kind(text: &str) -> Kind {
    let grouped = is_grouped(text);
    if matches!(text, "" | "True" | "False") {
        Kind::Neutral
    } else if is_integer(text) || (grouped && !text.contains('.')) {
        Kind::Integer
    } else if grouped || is_float(text) {
        Kind::Float
    } else {
        Kind::Text
    }
}

/// The number as Python's `float` reads it.
pub(super) fn float(text: &str) -> Option<f64> {
    to_ascii(text)?.parse().ok()
}

/// The number as Python's `format(value, "g")` writes it: six significant digits.
pub(super) fn general(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    let scientific = format!("{value:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific; // infinite
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    match usize::try_from(5 - exponent) {
        Ok(places) if exponent >= -4 => without_zeros(&format!("{value:.places$}")).to_owned(),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", without_zeros(digits), exponent.abs())
        }
    }
}

/// How many characters a float has from its point on, or from its exponent if it has no point.
pub(super) fn fraction_width(text: &str) -> usize {
    if kind(text) != Kind::Float {
        return 0;
    }
    text.rfind('.')
        .or_else(|| text.rfind(['e', 'E']))
        .and_then(|at| text.get(at..))
        .map_or(0, |tail| tail.chars().count())
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

fn is_integer(text: &str) -> bool {
    to_ascii(text).is_some_and(|number| {
        let digits = number.strip_prefix(['+', '-']).unwrap_or(&number);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// A float, except one that overflows, and infinities and NaN in another spelling.
fn is_float(text: &str) -> bool {
    float(text).is_some_and(f64::is_finite)
        || matches!(text.to_ascii_lowercase().as_str(), "inf" | "-inf" | "nan")
}

/// A number with commas between its thousands; the integer part may be missing, or the fraction.
fn is_grouped(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    if !fraction.unwrap_or_default().bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    if whole.is_empty() {
        return fraction.is_none_or(|digits| !digits.is_empty());
    }
    let mut groups = whole.strip_prefix(['+', '-']).unwrap_or(whole).split(',');
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    groups
        .next()
        .is_some_and(|first| (1..=3).contains(&first.len()) && digits(first))
        && groups.all(|group| group.len() == 3 && digits(group))
}

/// The text without surrounding white space, with the digits of any script as ASCII, and without underscores between
/// two digits. None if there is an underscore elsewhere, or if any other character is not ASCII.
fn to_ascii(text: &str) -> Option<String> {
    let mut ascii = String::with_capacity(text.len());
    let mut characters = text.trim().chars().peekable();
    let mut after_digit = false;
    while let Some(c) = characters.next() {
        if let Some(digit) = digit(c) {
            ascii.push(digit);
            after_digit = true;
            continue;
        }
        if c == '_' {
            let before_digit = characters.peek().is_some_and(|next| digit(*next).is_some());
            if !(after_digit && before_digit) {
                return None;
            }
        } else if c.is_ascii() {
            ascii.push(c);
        } else {
            return None;
        }
        after_digit = false;
    }
    Some(ascii)
}

/// The ASCII digit for a decimal digit of any script.
fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let next = ZEROS.partition_point(|zero| *zero <= code);
    let zero = ZEROS.get(next.checked_sub(1)?)?;
    char::from_digit(code - zero, 10)
}

/// The zero of each script in Unicode; its other nine digits follow it.
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950,
    0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
    0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];
