use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName};
use wordtally::render::{FORMATS, Format};
use wordtally::server::fuzzing::{codings, format};

/// Any header fields: `Accept` and `Accept-Encoding` select what RFC 9110 says, according to a second, slow parser
/// here.
pub fn negotiation(data: &[u8]) {
    let fields = crate::header_fields(data);
    let (chosen, taken) = (format(&fields), codings(&fields));
    // If the list is not valid by the RFC, any choice without a panic is right.
    if let Some(ranges) = elements(&fields, &ACCEPT).and_then(|elements| media_ranges(&elements)) {
        assert_eq!(chosen, best(&ranges), "{fields:?}");
    }
    if let Some(wishes) = elements(&fields, &ACCEPT_ENCODING).and_then(|elements| content_codings(&elements))
    {
        assert_eq!(taken, accepted(&wishes), "{fields:?}");
    }
}

/// One element of a list, without its parameters, and its weight in thousandths.
type Weighted = (String, u32);

/// The preferred format, by section 12.5.1; if that leaves the choice to the server, by our own page on HTTP.
fn best(ranges: &[Weighted]) -> Option<&'static Format> {
    if ranges.is_empty() {
        return FORMATS.first();
    }
    let mut candidates = Vec::new();
    for (place, format) in FORMATS.iter().enumerate() {
        let kind = format.media_type().split('/').next().unwrap_or_default();
        let precedence = [
            (3, format.media_type().to_owned()),
            (2, format!("{kind}/*")),
            (1, "*/*".to_owned()),
        ];
        // The most specific matching range decides.
        for (specificity, range) in precedence {
            if let Some((_, quality)) = ranges.iter().find(|(named, _)| *named == range) {
                if *quality > 0 {
                    // At the same quality a named format precedes a wildcard, and then the order of the list decides.
                    candidates.push((*quality, specificity, usize::MAX - place, format));
                }
                break;
            }
        }
    }
    let best = candidates
        .into_iter()
        .max_by_key(|(quality, specificity, place, _)| (*quality, *specificity, *place));
    best.map(|(_, _, _, format)| format)
}

/// The media ranges in lower case. None if one of them is not a media range, so that our own rule applies.
fn media_ranges(elements: &[Element]) -> Option<Vec<Weighted>> {
    let mut ranges = Vec::new();
    for element in elements {
        let (kind, subtype) = element.name.split_once('/')?;
        let is_range = element.name == "*/*" || (is_token(kind) && kind != "*" && is_token(subtype));
        if !is_range {
            return None;
        }
        // Parameters are ignored, as our page says.
        let name = element.name.to_ascii_lowercase();
        ranges.push((name, element.weight()?));
    }
    Some(ranges)
}

/// The codings in lower case, each once.
fn content_codings(elements: &[Element]) -> Option<Vec<Weighted>> {
    let mut codings: Vec<Weighted> = Vec::new();
    for element in elements {
        let only_weight = element
            .parameters
            .iter()
            .all(|(name, _)| name.eq_ignore_ascii_case("q"));
        let name = match element.name.to_ascii_lowercase().as_str() {
            // By section 8.4.1.3.
            "x-gzip" => "gzip".to_owned(),
            name => name.to_owned(),
        };
        if !is_token(&name) || !only_weight || codings.iter().any(|(known, _)| *known == name) {
            return None;
        }
        codings.push((name, element.weight()?));
    }
    Some(codings)
}

/// Whether gzip may be sent, and whether identity: by section 12.5.3, and at equal quality gzip, by our page.
fn accepted(codings: &[Weighted]) -> (bool, bool) {
    let weight = |name: &str| {
        codings
            .iter()
            .find(|(coding, _)| coding == name)
            .map(|(_, weight)| *weight)
    };
    let gzip = weight("gzip").or(weight("*")).unwrap_or(0);
    // Acceptable unless it is excluded, by its name or by a `*` if it is not named.
    let identity = weight("identity").or(weight("*")) != Some(0);
    (gzip > 0 && gzip >= weight("identity").unwrap_or(0), identity)
}

/// An element of a list: `text/html;level=1;q=0.5`.
struct Element {
    name: String,
    parameters: Vec<(String, String)>,
}

impl Element {
    /// By section 12.4.2. None if it is not valid by that section.
    fn weight(&self) -> Option<u32> {
        let weights: Vec<&str> = self
            .parameters
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("q"))
            .map(|(_, value)| value.as_str())
            .collect();
        let text = match weights.as_slice() {
            [] => return Some(1000),
            [one] => *one,
            _ => return None,
        };
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, fraction),
            None => (text, ""),
        };
        let digits = fraction.len() <= 3 && fraction.chars().all(|digit| digit.is_ascii_digit());
        match whole {
            "0" if digits => format!("{fraction:0<3}").parse().ok(),
            "1" if digits && fraction.chars().all(|digit| digit == '0') => Some(1000),
            _ => None,
        }
    }
}

/// The elements of a field's list, by sections 5.6.1 and 5.6.6. None if one of them is not valid.
fn elements(fields: &HeaderMap, name: &HeaderName) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    for line in fields.get_all(name) {
        for element in split(line.to_str().ok()?, ',')? {
            if element.is_empty() {
                continue;
            }
            let mut parts = split(&element, ';')?.into_iter();
            let name = parts.next().unwrap_or_default();
            let mut parameters = Vec::new();
            for part in parts.filter(|part| !part.is_empty()) {
                let (name, value) = part.split_once('=')?;
                let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
                if !is_token(name) || !(quoted || is_token(value)) {
                    return None;
                }
                parameters.push((name.to_owned(), value.to_owned()));
            }
            elements.push(Element { name, parameters });
        }
    }
    Some(elements)
}

/// The parts between separators outside quoted strings, without surrounding white space.
fn split(text: &str, separator: char) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if c == separator && !quoted {
            parts.push(String::new());
            continue;
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    let trimmed = parts.iter().map(|part| part.trim_matches([' ', '\t']).to_owned());
    (!quoted).then(|| trimmed.collect())
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
