//! Values in BigQuery's textual form.

use super::Type;

/// A value as SQLite stores it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// No value.
    Null,
    /// INTEGER, BOOLEAN (0 or 1) and TIMESTAMP (microseconds).
    Integer(i64),
    /// FLOAT.
    Real(f64),
    /// STRING, DATE (`YYYY-MM-DD`) and BYTES (base64).
    Text(String),
}

/// Reads a value of this type from its text.
///
/// # Errors
///
/// A sentence, if the text is not such a value.
pub(super) fn read(kind: Type, text: &str) -> Result<Value, String> {
    let bad = || format!("Invalid value for type {}: '{text}'", kind.sql_name());
    match kind {
        Type::String => Ok(Value::Text(text.to_owned())),
        Type::Integer => integer(text).map(Value::Integer).ok_or_else(bad),
        Type::Float => match float(text) {
            Some(value) if value.is_nan() => Err("NaN is not supported by the stand-in".to_owned()),
            Some(value) => Ok(Value::Real(value)),
            None => Err(bad()),
        },
        Type::Boolean => boolean(text)
            .map(|value| Value::Integer(value.into()))
            .ok_or_else(bad),
        Type::Bytes => {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|_| bad())?;
            Ok(Value::Text(
                base64::engine::general_purpose::STANDARD.encode(bytes),
            ))
        }
        Type::Date => date(text)
            .map(|days| Value::Text(date_text(days)))
            .ok_or_else(bad),
        Type::Timestamp => timestamp(text).map(Value::Integer).ok_or_else(bad),
    }
}

/// An INT64, decimal or with `0x`.
pub(super) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with(['+', '-']) => i64::from_str_radix(&format!("{sign}{hex}"), 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

/// A FLOAT64; none if it is too large to be finite, unless it is spelled as infinite.
pub(super) fn float(text: &str) -> Option<f64> {
    let value: f64 = text.trim().parse().ok()?;
    let spelled = text.contains(['i', 'I']);
    (!value.is_infinite() || spelled).then_some(value)
}

/// A BOOL, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A FLOAT64 as BigQuery's REST API writes it: `1.0`, `1.0E10`, `NaN`, `Infinity`.
pub(super) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e7).contains(&size) {
        let text = format!("{value:E}");
        return match text.split_once('E') {
            Some((digits, power)) if !digits.contains('.') => format!("{digits}.0E{power}"),
            _ => text,
        };
    }
    format!("{value:?}")
}

/// The days since 1970 of a `YYYY-MM-DD`.
fn date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let mut number = |digits: std::ops::RangeInclusive<usize>| {
        let part = parts.next()?;
        let fits = digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if fits { part.parse::<i64>().ok() } else { None }
    };
    let (year, month, day) = (number(4..=4)?, number(1..=2)?, number(1..=2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year == 0 || !(1..=length).contains(&day) {
        return None;
    }
    // Days are counted from 1 March, so that a leap day ends its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Some(days - 719_468)
}

/// A day, as a number since 1970, as `YYYY-MM-DD`.
fn date_text(days: i64) -> String {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + carry)
}

/// The microseconds since 1970 of `YYYY-MM-DD[ HH:MM:SS[.ffffff]][zone]`; the zone is `Z`, `UTC` or `±HH[:MM]`.
fn timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let (day, rest) = match text.find(['T', 't', ' ']) {
        Some(place) => (text.get(..place)?, text.get(place + 1..)?),
        None => (text, "00:00:00"),
    };
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-', 'U', ' ']) {
        Some(place) => (rest.get(..place)?, zone(rest.get(place..)?.trim_start())?),
        None => (rest, 0),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':');
    let mut number = |below: i64| {
        let part = parts.next()?;
        let fits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|value| fits && *value < below)
    };
    let seconds = (number(24)? * 60 + number(60)?) * 60 + number(60)?;
    // Node's client writes nine digits. Non-zero digits after the sixth would be lost, so they are refused.
    let fraction = match fraction.split_at_checked(6) {
        Some((micros, rest)) if rest.len() <= 6 && rest.bytes().all(|b| b == b'0') => micros,
        _ => fraction,
    };
    let digits = (1..=6).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || !digits {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").parse().ok()?;
    Some((date(day)? * 86_400 + seconds - offset) * 1_000_000 + micros)
}

/// The offset of a zone from UTC, in seconds.
fn zone(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':').unwrap_or((text.get(1..)?, "0"));
    let number = |part: &str, below: i64| {
        let fits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|value| fits && *value < below)
    };
    Some(sign * (number(hours, 15)? * 60 + number(minutes, 60)?) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_the_rest_api_does() {
        for (value, text) in [
            (1.0, "1.0"),
            (-0.5, "-0.5"),
            (0.1, "0.1"),
            (1e7, "1.0E7"),
            (12_345_678.5, "1.23456785E7"),
            (0.0001, "1.0E-4"),
            (f64::INFINITY, "Infinity"),
            (f64::NAN, "NaN"),
            (0.0, "0.0"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn timestamps_and_dates_are_read() {
        for (text, micros) in [
            ("1970-01-01 00:00:00 UTC", 0),
            ("1970-01-01T00:00:01Z", 1_000_000),
            ("2016-12-07 08:00:00+00:00", 1_481_097_600_000_000),
            ("2016-12-07 08:00:00.25+01:00", 1_481_094_000_250_000),
            ("1969-12-31", -86_400_000_000),
            ("1970-01-01T00:00:00.000006000Z", 6),
        ] {
            assert_eq!(timestamp(text), Some(micros), "{text}");
        }
        for text in [
            "",
            "now",
            "2016-13-01",
            "2015-02-29",
            "2016-12-07 25:00:00",
            "2016-12-07 08:00:00 Mars",
            "2016-12-07 08:00:00.000006001Z",
            "2016-12-07 08:00:00.Z",
            "é",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
        for text in ["1970-01-01", "2000-02-29", "1599-12-31", "2024-03-01"] {
            assert_eq!(date_text(date(text).unwrap()), text);
        }
    }

    #[test]
    fn integers_keep_every_bit() {
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(" 0x1F "), Some(31));
        for text in ["9223372036854775808", "1.0", "", "1e3", "0x-1"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }
}
