use hyper::Uri;

use super::route::Route;
use crate::render::{FORMATS, Format, Order};

/// The content of a request's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) route: Route,
    /// The format, if the address names one: it takes precedence over `Accept`.
    pub(super) format: Option<&'static Format>,
    pub(super) order: Order,
}

impl Target {
    /// Parses an address whose path has this route. The error is one sentence.
    ///
    /// Names and values of the query are compared without decoding, as a proxy's rules compare them. Unknown names are
    /// ignored: a tracking suffix must not break the page.
    pub(super) fn of(route: Route, address: &Uri) -> Result<Self, String> {
        let mut target = Self {
            route,
            format: None,
            order: Order::default(),
        };
        if route == Route::Link {
            target.format = Route::linked_format(address.path());
        }
        if let Some(query) = address.query()
            && target.is_counts()
        {
            if route == Route::Counts {
                target.format = format(query)?;
            }
            target.order = order(query)?;
        }
        Ok(target)
    }

    /// The format that an address names, whatever else is wrong with the request: errors use it too.
    pub(super) fn named_format(route: Route, address: &Uri) -> Option<&'static Format> {
        match route {
            Route::Link => Route::linked_format(address.path()),
            Route::Counts => format(address.query()?).ok()?,
            _ => None,
        }
    }

    /// Whether the request is for the counts, in whatever format.
    pub(super) fn is_counts(&self) -> bool {
        matches!(self.route, Route::Counts | Route::Link)
    }
}

fn format(query: &str) -> Result<Option<&'static Format>, String> {
    let Some(name) = value("format", query)? else {
        return Ok(None);
    };
    let format = FORMATS.iter().find(|format| format.name == name);
    let names = || FORMATS.iter().map(|format| format.name);
    format.ok_or_else(|| unknown("format", name, names())).map(Some)
}

fn order(query: &str) -> Result<Order, String> {
    let Some(name) = value("order", query)? else {
        return Ok(Order::default());
    };
    let order = Order::ALL.into_iter().find(|order| order.name() == name);
    let names = || Order::ALL.into_iter().map(Order::name);
    order.ok_or_else(|| unknown("order", name, names()))
}

/// The value of a name in a query; none if the name is absent.
fn value<'a>(name: &str, query: &'a str) -> Result<Option<&'a str>, String> {
    let mut values = query.split('&').filter_map(|pair| {
        let (known, value) = pair.split_once('=').unwrap_or((pair, ""));
        (known == name).then_some(value)
    });
    let first = values.next();
    match values.next() {
        // Choosing one of the two would be a guess, and a proxy might choose the other.
        Some(_) => Err(format!("The address has '{name}' more than once: give it once.")),
        None => Ok(first),
    }
}

fn unknown(what: &str, value: &str, names: impl Iterator<Item = &'static str>) -> String {
    let shown = |c: char| {
        if c.is_ascii() {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    let value: String = value.chars().take(32).map(shown).collect();
    let names: Vec<_> = names.collect();
    let expected = match names.as_slice() {
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
        [] => String::new(),
    };
    format!("Unknown {what} '{value}': expected {expected}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Result<(Route, Option<&'static str>, Order), String> {
        let address: Uri = address.parse().unwrap();
        let target = Target::of(Route::of(address.path()), &address)?;
        Ok((
            target.route,
            target.format.map(|format| format.name),
            target.order,
        ))
    }

    #[test]
    fn a_link_names_format_and_order() {
        for (address, expected) in [
            ("/", (Route::Counts, None, Order::Count)),
            ("/?", (Route::Counts, None, Order::Count)),
            ("/?format=csv", (Route::Counts, Some("csv"), Order::Count)),
            (
                "/?utm_source=a&format=md&x",
                (Route::Counts, Some("md"), Order::Count),
            ),
            ("/?order=rate", (Route::Counts, None, Order::Rate)),
            (
                "/?order=count&format=html",
                (Route::Counts, Some("html"), Order::Count),
            ),
            ("/counts.txt", (Route::Link, Some("txt"), Order::Count)),
            (
                "/counts.html?order=rate",
                (Route::Link, Some("html"), Order::Rate),
            ),
            // The path has already named the format.
            ("/counts.csv?format=xls", (Route::Link, Some("csv"), Order::Count)),
            ("/healthz?format=xls", (Route::Health, None, Order::Count)),
            ("/?Format=csv", (Route::Counts, None, Order::Count)),
            ("/?formats=csv", (Route::Counts, None, Order::Count)),
            ("/?x=format=csv", (Route::Counts, None, Order::Count)),
        ] {
            assert_eq!(read(address), Ok(expected), "{address}");
        }
    }

    #[test]
    fn an_invalid_query_is_explained_in_one_sentence() {
        for (address, sentence) in [
            (
                "/?format=xls",
                "Unknown format 'xls': expected html, json, csv, md or txt.",
            ),
            (
                "/?format=",
                "Unknown format '': expected html, json, csv, md or txt.",
            ),
            (
                "/?format",
                "Unknown format '': expected html, json, csv, md or txt.",
            ),
            (
                "/?format=CSV",
                "Unknown format 'CSV': expected html, json, csv, md or txt.",
            ),
            ("/?order=name", "Unknown order 'name': expected count or rate."),
            (
                "/counts.csv?order=name",
                "Unknown order 'name': expected count or rate.",
            ),
            (
                "/?format=csv&format=csv",
                "The address has 'format' more than once: give it once.",
            ),
        ] {
            assert_eq!(read(address), Err(sentence.to_owned()), "{address}");
        }
        let long = read(&format!("/?format={}", "\u{e9}".repeat(400))).unwrap_err();
        assert!(long.chars().count() < 100, "{long}");
    }
}
