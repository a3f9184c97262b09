//! The functions that SQLite lacks, or has with another meaning.
//!
//! Every one is NULL if an argument is.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSql, ValueRef};
use rusqlite::{Connection, Error};

use super::value;

/// Marks errors from these functions, which may be shown.
pub(super) const MARK: &str = "bq: ";

type Outcome<T> = Result<T, String>;

/// Adds the functions to a connection.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let db = connection;
    add(db, "bq_like", 2, |a| like(a.text(0)?, a.text(1)?))?;
    add(db, "bq_upper", 1, |a| Ok(a.text(0)?.to_uppercase()))?;
    add(db, "bq_lower", 1, |a| Ok(a.text(0)?.to_lowercase()))?;
    add(db, "bq_length", 1, |a| count(a.text(0)?.chars().count()))?;
    add(db, "bq_byte_length", 1, |a| count(a.text(0)?.len()))?;
    add(db, "bq_reverse", 1, |a| {
        Ok(a.text(0)?.chars().rev().collect::<String>())
    })?;
    add(db, "bq_starts_with", 2, |a| {
        Ok(a.text(0)?.starts_with(a.text(1)?))
    })?;
    add(db, "bq_ends_with", 2, |a| Ok(a.text(0)?.ends_with(a.text(1)?)))?;
    add(db, "bq_strpos", 2, |a| strpos(a.text(0)?, a.text(1)?))?;
    add(db, "bq_replace", 3, |a| {
        replace(a.text(0)?, a.text(1)?, a.text(2)?)
    })?;
    add(db, "bq_substr", 2, |a| substr(a.text(0)?, a.integer(1)?, None))?;
    add(db, "bq_substr", 3, |a| {
        substr(a.text(0)?, a.integer(1)?, Some(a.integer(2)?))
    })?;
    for (name, left, right) in [
        ("bq_trim", true, true),
        ("bq_ltrim", true, false),
        ("bq_rtrim", false, true),
    ] {
        add(db, name, 1, move |a| {
            Ok(trim(a.text(0)?, char::is_whitespace, left, right).to_owned())
        })?;
        add(db, name, 2, move |a| {
            let set = a.text(1)?;
            bounded(a.text(0)?, set, "TRIM")?;
            Ok(trim(a.text(0)?, |c| set.contains(c), left, right).to_owned())
        })?;
    }
    add(db, "bq_add_integers", 2, |a| checked(a, "+", i64::checked_add))?;
    add(db, "bq_subtract_integers", 2, |a| {
        checked(a, "-", i64::checked_sub)
    })?;
    add(db, "bq_multiply_integers", 2, |a| {
        checked(a, "*", i64::checked_mul)
    })?;
    add(db, "bq_div", 2, |a| division(a, "DIV", i64::checked_div))?;
    add(db, "bq_mod", 2, |a| match a.integer(1)? {
        // The one overflow with a result.
        -1 => a.integer(0).map(|_| 0),
        _ => division(a, "MOD", i64::checked_rem),
    })?;
    add(db, "bq_add_floats", 2, |a| {
        finite(a.float(0)? + a.float(1)?, a, "+")
    })?;
    add(db, "bq_subtract_floats", 2, |a| {
        finite(a.float(0)? - a.float(1)?, a, "-")
    })?;
    add(db, "bq_multiply_floats", 2, |a| {
        finite(a.float(0)? * a.float(1)?, a, "*")
    })?;
    add(db, "bq_divide", 3, |a| {
        let (left, right, safe) = (a.float(0)?, a.float(1)?, a.integer(2)? == 1);
        let result = if right == 0.0 {
            Err(format!("division by zero: {left} / {right}"))
        } else {
            finite(left / right, a, "/")
        };
        if safe { Ok(result.ok()) } else { result.map(Some) }
    })?;
    add(db, "bq_round", 1, |a| Ok(a.float(0)?.round()))?;
    add(db, "bq_round", 2, |a| round(a.float(0)?, a.integer(1)?))?;
    add(db, "bq_floor", 1, |a| Ok(a.float(0)?.floor()))?;
    add(db, "bq_ceil", 1, |a| Ok(a.float(0)?.ceil()))?;
    add(db, "bq_trunc", 1, |a| Ok(a.float(0)?.trunc()))?;
    add(db, "bq_sqrt", 1, |a| match a.float(0)? {
        value if value < 0.0 => Err(format!("Argument to SQRT cannot be negative: {value}")),
        value => Ok(value.sqrt()),
    })?;
    add(db, "bq_abs_integer", 1, |a| {
        a.integer(0)?
            .checked_abs()
            .ok_or_else(|| "int64 overflow: ABS".to_owned())
    })?;
    add(db, "bq_abs_float", 1, |a| Ok(a.float(0)?.abs()))?;
    add(db, "bq_sign_integer", 1, |a| Ok(a.integer(0)?.signum()))?;
    add(db, "bq_sign_float", 1, |a| {
        a.float(0)
            .map(|value| if value == 0.0 { 0.0 } else { value.signum() })
    })?;
    add(db, "bq_unix_micros", 1, |a| a.integer(0))?;
    add(db, "bq_timestamp_micros", 1, |a| {
        let micros = a.integer(0)?;
        // The years 1 to 9999.
        (-62_135_596_800_000_000..=253_402_300_799_999_999)
            .contains(&micros)
            .then_some(micros)
            .ok_or_else(|| format!("Invalid timestamp value: {micros}"))
    })?;
    add(db, "bq_to_integer", 2, |a| {
        let text = a.text(0)?;
        cast(a, value::integer(text), || format!("Bad int64 value: {text}"))
    })?;
    add(db, "bq_to_float", 2, |a| {
        let text = a.text(0)?;
        match value::float(text) {
            Some(value) if value.is_nan() => Err("NaN is not supported by the stand-in".to_owned()),
            parsed => cast(a, parsed, || format!("Bad double value: {text}")),
        }
    })?;
    add(db, "bq_to_boolean", 2, |a| {
        let text = a.text(0)?;
        cast(a, value::boolean(text), || format!("Bad bool value: {text}"))
    })?;
    add(db, "bq_round_to_integer", 2, |a| {
        let value = a.float(0)?;
        cast(a, to_integer(value.round()), || {
            format!("Illegal conversion of a floating point number to an integer: {value}")
        })
    })?;
    // The number of values of a SUM or AVG, and SQLite's result: an overflow is infinity or NULL.
    db.create_scalar_function("bq_finite", 2, FunctionFlags::SQLITE_UTF8, |context| {
        match (context.get::<i64>(0)?, context.get::<Option<f64>>(1)?) {
            (0, _) => Ok(None),
            (_, Some(value)) if value.is_finite() => Ok(Some(value)),
            _ => Err(fail(
                "Floating point error in aggregate function: the result is not finite".to_owned(),
            )),
        }
    })?;
    // The number of rows of a scalar subquery, and the least of its values.
    db.create_scalar_function("bq_one", 2, FunctionFlags::SQLITE_UTF8, |context| {
        if context.get::<i64>(0)? > 1 {
            return Err(fail("Scalar subquery produced more than one element".to_owned()));
        }
        context.get::<rusqlite::types::Value>(1)
    })
}

/// The arguments of a call, none of them NULL.
struct Arguments<'c>(&'c Context<'c>);

impl Arguments<'_> {
    fn text(&self, place: usize) -> Outcome<&str> {
        self.0.get_raw(place).as_str().map_err(|_| internal())
    }

    fn integer(&self, place: usize) -> Outcome<i64> {
        self.0.get_raw(place).as_i64().map_err(|_| internal())
    }

    fn float(&self, place: usize) -> Outcome<f64> {
        self.0.get_raw(place).as_f64().map_err(|_| internal())
    }
}

fn internal() -> String {
    "A value is not of the type that the stand-in computed".to_owned()
}

fn add<T: ToSql>(
    connection: &Connection,
    name: &str,
    arguments: i32,
    body: impl Fn(&Arguments<'_>) -> Outcome<T> + Send + 'static,
) -> rusqlite::Result<()> {
    // SQLite then calls a function of constants once, and not for each row.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(name, arguments, flags, move |context| {
        if (0..context.len()).any(|place| context.get_raw(place) == ValueRef::Null) {
            return Ok(None);
        }
        body(&Arguments(context)).map(Some).map_err(fail)
    })
}

fn fail(message: String) -> Error {
    Error::UserFunctionError(format!("{MARK}{message}").into())
}

fn count(size: usize) -> Outcome<i64> {
    i64::try_from(size).map_err(|_| internal())
}

/// `LIKE`: `%` matches any text, `_` any character; `\` escapes the next one.
fn like(text: &str, pattern: &str) -> Outcome<bool> {
    bounded(text, pattern, "LIKE")?;
    #[derive(Clone, Copy, PartialEq)]
    enum Part {
        Any,
        One,
        Exact(char),
    }
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '%' => Part::Any,
            '_' => Part::One,
            '\\' => Part::Exact(
                chars
                    .next()
                    .ok_or_else(|| "LIKE pattern ends with a backslash".to_owned())?,
            ),
            other => Part::Exact(other),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut part) = (0, 0);
    // Where to continue after a mismatch: the latest `%`, and the first character that it has not consumed.
    let mut again: Option<(usize, usize)> = None;
    while at < text.len() {
        match (parts.get(part), text.get(at)) {
            (Some(Part::Any), _) => {
                again = Some((part + 1, at));
                part += 1;
            }
            (Some(Part::One), Some(_)) => (at, part) = (at + 1, part + 1),
            (Some(Part::Exact(want)), Some(have)) if want == have => (at, part) = (at + 1, part + 1),
            _ => match again {
                Some((after, from)) => {
                    again = Some((after, from + 1));
                    (part, at) = (after, from + 1);
                }
                None => return Ok(false),
            },
        }
    }
    Ok(parts.iter().skip(part).all(|part| *part == Part::Any))
}

/// Refuses a call that would take the product of both lengths in steps, unless that is small: nothing can interrupt it.
fn bounded(text: &str, other: &str, name: &str) -> Outcome<()> {
    const MOST: usize = 10_000_000;
    match text.len().saturating_mul(other.len()) <= MOST {
        true => Ok(()),
        false => Err(format!("{name}: the texts are too long for the stand-in")),
    }
}

fn strpos(text: &str, part: &str) -> Outcome<i64> {
    match text.split_once(part) {
        Some((before, _)) => count(before.chars().count() + 1),
        None => Ok(0),
    }
}

fn replace(text: &str, from: &str, to: &str) -> Outcome<String> {
    const MOST: usize = 10 * 1024 * 1024;
    if from.is_empty() {
        return Ok(text.to_owned());
    }
    let found = text.matches(from).count();
    let kept = text.len().saturating_sub(found * from.len());
    if kept.saturating_add(found.saturating_mul(to.len())) > MOST {
        return Err("REPLACE: the result is too large for the stand-in".to_owned());
    }
    Ok(text.replace(from, to))
}

/// `SUBSTR`: positions count from 1, or back from the end; a position before the start is the start.
fn substr(text: &str, position: i64, length: Option<i64>) -> Outcome<String> {
    let size = count(text.chars().count())?;
    let start = match position {
        1.. => position - 1,
        0 => 0,
        _ => size.saturating_add(position).max(0),
    };
    let length = match length {
        Some(length) if length < 0 => return Err("Third argument in SUBSTR() cannot be negative".to_owned()),
        Some(length) => usize::try_from(length).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    Ok(text
        .chars()
        .skip(usize::try_from(start).unwrap_or(usize::MAX))
        .take(length)
        .collect())
}

fn trim(text: &str, drop: impl Fn(char) -> bool + Copy, left: bool, right: bool) -> &str {
    let text = if left { text.trim_start_matches(drop) } else { text };
    if right { text.trim_end_matches(drop) } else { text }
}

fn checked(a: &Arguments<'_>, operator: &str, compute: fn(i64, i64) -> Option<i64>) -> Outcome<i64> {
    let (left, right) = (a.integer(0)?, a.integer(1)?);
    compute(left, right).ok_or_else(|| format!("int64 overflow: {left} {operator} {right}"))
}

fn division(a: &Arguments<'_>, name: &str, compute: fn(i64, i64) -> Option<i64>) -> Outcome<i64> {
    let (left, right) = (a.integer(0)?, a.integer(1)?);
    if right == 0 {
        return Err(format!("division by zero: {name}({left}, 0)"));
    }
    compute(left, right).ok_or_else(|| format!("int64 overflow: {name}({left}, {right})"))
}

/// The result of finite numbers must be finite.
fn finite(value: f64, a: &Arguments<'_>, operator: &str) -> Outcome<f64> {
    let (left, right) = (a.float(0)?, a.float(1)?);
    if value.is_nan() {
        return Err("NaN is not supported by the stand-in".to_owned());
    }
    if value.is_infinite() && left.is_finite() && right.is_finite() {
        return Err(format!(
            "Floating point error in function: {left} {operator} {right}"
        ));
    }
    Ok(value)
}

/// `ROUND` to this many decimal places, halves away from zero.
fn round(value: f64, places: i64) -> Outcome<f64> {
    let places = i32::try_from(places.clamp(-400, 400)).map_err(|_| internal())?;
    let scale = 10_f64.powi(places.abs());
    let rounded = if places >= 0 {
        (value * scale).round() / scale
    } else {
        (value / scale).round() * scale
    };
    // The step is so fine or so coarse that its scale is not a finite number.
    match (rounded.is_finite(), places >= 0) {
        (true, _) => Ok(rounded),
        (false, true) => Ok(value),
        (false, false) => Ok(0.0),
    }
}

#[allow(clippy::cast_possible_truncation)]
fn to_integer(value: f64) -> Option<i64> {
    // Both bounds are exact; the upper one is the first number that does not fit.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    fits.then_some(value as i64)
}

/// The second argument says whether a failure yields NULL.
fn cast<T>(a: &Arguments<'_>, value: Option<T>, error: impl FnOnce() -> String) -> Outcome<Option<T>> {
    match value {
        Some(value) => Ok(Some(value)),
        None if a.integer(1)? == 1 => Ok(None),
        None => Err(error()),
    }
}
