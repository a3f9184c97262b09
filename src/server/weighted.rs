/// Splits one element of `Accept` or `Accept-Encoding`, such as `text/html;q=0.5`, into its value and its quality in
/// thousandths. None if the quality cannot be parsed. Other parameters are ignored.
pub(super) fn parse(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(outside_quotes(';')).map(str::trim);
    let named = parts.next().filter(|named| !named.is_empty())?;
    let mut quality = 1000;
    for parameter in parts {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            quality = thousandths(value.trim())?;
        }
    }
    Some((named, quality))
}

/// The elements of a field's list.
pub(super) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_comma = outside_quotes(',');
    list.split(move |byte| is_comma(char::from(*byte)))
}

/// Called with one character after another: whether it is this separator outside a quoted string.
fn outside_quotes(separator: char) -> impl FnMut(char) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    move |c| {
        let separates = c == separator && !quoted;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && quoted && !escaped;
        separates
    }
}

/// Parses `0`, `0.5`, `1.000`: at most three digits after the point, at most 1.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = (0..3).fold(0, |digits, place| {
        let digit = fraction.as_bytes().get(place).map_or(0, |digit| digit - b'0');
        digits * 10 + u16::from(digit)
    });
    match whole {
        "0" => Some(digits),
        "1" if digits == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_separates_nothing() {
        let list = br#"a/b;x="1,2;q=0";q=0.5, c/d;x="\",;", e/f"#;
        let found: Vec<_> = elements(list)
            .map(|element| parse(std::str::from_utf8(element).unwrap()))
            .collect();
        assert_eq!(
            found,
            [Some(("a/b", 500)), Some(("c/d", 1000)), Some(("e/f", 1000))]
        );
    }

    #[test]
    fn a_quality_has_at_most_three_digits_and_is_at_most_one() {
        assert_eq!(thousandths("0.5"), Some(500));
        assert_eq!(thousandths("0.05"), Some(50));
        assert_eq!(thousandths("0.999"), Some(999));
        assert_eq!(thousandths("1.000"), Some(1000));
        assert_eq!(thousandths("0."), Some(0));
        for bad in ["1.001", "2", "0.1234", "-0", "0,5", "", "+1", "1.+1"] {
            assert_eq!(thousandths(bad), None, "{bad}");
        }
    }
}
