//! The words that are served together and their addresses, from a JSON file that the host writes.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use crate::config::{Invalid, Listen, Word};
use crate::small_file::{self, Reader, Unreadable};

/// The largest file, in bytes. A word takes one or two hundred.
const MAX_FILE: u64 = 1024 * 1024;
/// The longest link, in bytes. Each page has several.
const MAX_URL: usize = 2048;
/// How long reading the file may take. It may be on a share that hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// A link to a word's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The word.
    pub word: String,
    /// Where: an absolute path, or a URL of http or https.
    pub url: String,
}

/// The links of an instance's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbours {
    /// The page with all words.
    pub index: String,
    /// The previous word.
    pub previous: Option<Link>,
    /// The next word.
    pub next: Option<Link>,
}

/// One word of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its page.
    pub link: Link,
    /// The address at which the index asks the instance, if it can.
    pub address: Option<Listen>,
}

/// All words that are served together, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The page with all words.
    pub index: String,
    /// The words.
    pub places: Vec<Place>,
}

/// The content of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    index: String,
    words: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    word: String,
    url: String,
    address: Option<String>,
}

impl Site {
    /// Reads and checks a site file.
    ///
    /// # Errors
    ///
    /// One sentence: the file, the place in it, and what would be right.
    pub fn read(path: &Path) -> Result<Self, Invalid> {
        let invalid = |what: &str| Invalid::new(format!("the site file '{}' {what}", path.display()));
        let bytes = small_file::read(path, MAX_FILE).map_err(|unreadable| match &unreadable {
            Unreadable::Io(error) if error.kind() == ErrorKind::NotFound => {
                invalid("does not exist: expected the path of a JSON file")
            }
            _ => invalid(&format!(
                "{unreadable}: expected a JSON file that the service's user may read"
            )),
        })?;
        Self::parse(&bytes).map_err(|what| invalid(&what))
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(bytes).map_err(|error| {
            format!("is invalid: {error}; expected {{\"index\": \"/\", \"words\": [{{\"word\": \"the\", \"url\": \"/the/\"}}]}}")
        })?;
        check_url(&file.index).map_err(|what| format!("is invalid at `index`: {what}"))?;
        let mut numbers = HashMap::new();
        let places = file.words.into_iter().enumerate().map(|(number, entry)| {
            let place = |what: String| format!("is invalid at `words[{number}]`: {what}");
            // With the same checks as an instance, so that the file cannot list a word that cannot be served.
            let word: Word = entry
                .word
                .parse()
                .map_err(|invalid: Invalid| place(invalid.to_string()))?;
            check_url(&entry.url).map_err(place)?;
            if let Some(first) = numbers.insert(entry.url.clone(), number) {
                return Err(place(format!(
                    "`words[{first}]` has the same link '{}': expected a different one for each word",
                    entry.url
                )));
            }
            let address = entry.address.map(|address| address.parse()).transpose();
            Ok(Place {
                link: Link {
                    word: word.to_string(),
                    url: entry.url,
                },
                address: address.map_err(|invalid: Invalid| place(invalid.to_string()))?,
            })
        });
        Ok(Self {
            index: file.index,
            places: places.collect::<Result<_, String>>()?,
        })
    }

    /// The links for the page of the word at this address; none if the site does not have the word. If two instances
    /// count the same word, the address tells which one is meant.
    pub fn neighbours(&self, word: &Word, address: Option<&Listen>) -> Option<Neighbours> {
        let is_word = |place: &Place| place.link.word == word.as_str();
        let own = self
            .places
            .iter()
            .position(|place| is_word(place) && address.is_some() && place.address.as_ref() == address)
            .or_else(|| self.places.iter().position(is_word))?;
        let link = |number: Option<usize>| Some(self.places.get(number?)?.link.clone());
        Some(Neighbours {
            index: self.index.clone(),
            previous: link(own.checked_sub(1)),
            next: link(own.checked_add(1)),
        })
    }
}

/// The source of a site.
#[derive(Debug, Clone)]
pub struct Source(From);

#[derive(Debug, Clone)]
enum From {
    /// A file, which is read again each time.
    File(PathBuf, Reader),
    /// A site that does not change.
    Fixed(Site),
}

impl Source {
    /// A file, which is read again each time.
    pub fn file(path: PathBuf) -> Self {
        Self(From::File(path, Reader::new()))
    }

    /// A site that does not change.
    pub fn fixed(site: Site) -> Self {
        Self(From::Fixed(site))
    }

    /// The current site.
    ///
    /// # Errors
    ///
    /// The mistake in the file, or that reading it takes too long.
    pub async fn read(&self) -> Result<Site, Invalid> {
        let (path, reader) = match &self.0 {
            From::Fixed(site) => return Ok(site.clone()),
            From::File(path, reader) => (path, reader),
        };
        let invalid = |what: &str| Invalid::new(format!("the site file '{}' {what}", path.display()));
        match timeout(PATIENCE, reader.read(path, |path| Site::read(&path))).await {
            Ok(Some(read)) => read,
            Ok(None) => Err(invalid("could not be read completely: expected a readable file")),
            Err(_) => Err(invalid(&format!(
                "could not be read within {} seconds: expected a file on a disk that responds",
                PATIENCE.as_secs()
            ))),
        }
    }
}

/// Logs that a site file became invalid and that its last valid content is still used.
pub(crate) fn keeping_the_last(invalid: &Invalid) {
    tracing::warn!(cause = invalid.to_string(), "keeping the last good site");
}

/// The neighbours of one instance, read again for each answer.
#[derive(Debug)]
pub struct Neighbourhood {
    source: Source,
    word: Word,
    address: Option<Listen>,
    last: Mutex<Option<Neighbours>>,
}

impl Neighbourhood {
    /// The neighbours of the word at this address.
    pub fn new(source: Source, word: Word, address: Option<Listen>) -> Self {
        Self {
            source,
            word,
            address,
            last: Mutex::default(),
        }
    }

    /// The current neighbours; the previous ones if the file became invalid.
    pub async fn neighbours(&self) -> Option<Neighbours> {
        let read = self.source.read().await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(site) => *last = site.neighbours(&self.word, self.address.as_ref()),
            Err(invalid) => keeping_the_last(&invalid),
        }
        last.clone()
    }
}

/// A link must lead to a page: an absolute path on the same host, or an HTTP URL.
fn check_url(url: &str) -> Result<(), String> {
    if url.len() > MAX_URL {
        return Err(format!(
            "invalid link of {} bytes: expected at most {MAX_URL} bytes",
            url.len()
        ));
    }
    let is_page = if url.starts_with('/') {
        !url.starts_with("//")
    } else {
        url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_page && is_plain {
        Ok(())
    } else {
        Err(format!(
            "invalid link '{}': expected an absolute path or a URL of http or https, e.g. /the/",
            url.escape_debug()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let text = br#"{"index": "/", "words": [
            {"word": "the", "url": "/the/", "address": "unix:/run/the.sock"},
            {"word": "'Tis", "url": "http://127.0.0.1:8081/", "address": "127.0.0.1:8081"},
            {"word": "the", "url": "/other/", "address": "unix:/run/other.sock"},
            {"word": "love", "url": "/love/"}
        ]}"#;
        Site::parse(text).unwrap()
    }

    /// The links before and after a word's.
    fn beside(word: &str, address: Option<&str>) -> (Option<String>, Option<String>) {
        let address: Option<Listen> = address.map(|address| address.parse().unwrap());
        let found = site()
            .neighbours(&word.parse().unwrap(), address.as_ref())
            .unwrap();
        assert_eq!(found.index, "/");
        (
            found.previous.map(|link| link.url),
            found.next.map(|link| link.url),
        )
    }

    #[test]
    fn a_word_has_those_beside_it_as_neighbours_and_the_ends_have_one() {
        let url = |url: &str| Some(url.to_owned());
        assert_eq!(beside("the", None), (None, url("http://127.0.0.1:8081/")));
        assert_eq!(beside("'Tis", None), (url("/the/"), url("/other/")));
        assert_eq!(beside("love", Some("127.0.0.1:9")), (url("/other/"), None));
        assert_eq!(site().neighbours(&"The".parse().unwrap(), None), None);
    }

    #[test]
    fn of_two_instances_with_one_word_the_address_tells_which_is_meant() {
        let url = |url: &str| Some(url.to_owned());
        let around = (url("http://127.0.0.1:8081/"), url("/love/"));
        assert_eq!(beside("the", Some("unix:/run/other.sock")), around);
        assert_eq!(beside("the", Some("unix:/run/the.sock")).0, None);
    }

    #[test]
    fn a_bad_file_is_refused_with_the_place_and_what_would_be_right() {
        for (text, place, right) in [
            (
                "{\"index\": \"/\",\n \"words\": 3}",
                "line 2 column 11",
                "\"url\": \"/the/\"",
            ),
            ("", "line 1 column 0", "\"words\""),
            (
                r#"{"index": "/", "words": [], "more": 1}"#,
                "unknown field `more`",
                "`index`",
            ),
            (
                r#"{"index": "/", "words": [{"word": "a"}]}"#,
                "missing field `url`",
                "\"url\"",
            ),
            (
                r#"{"index": "javascript:x", "words": []}"#,
                "`index`",
                "absolute path",
            ),
            (
                r#"{"index": "//other.test/", "words": []}"#,
                "`index`",
                "absolute path",
            ),
            (
                r#"{"index": "/", "words": [{"word": "a", "url": "/a/"}, {"word": "", "url": "/b/"}]}"#,
                "`words[1]`",
                "e.g. 'the'",
            ),
            (
                r#"{"index": "/", "words": [{"word": "a", "url": "/a b/"}]}"#,
                "`words[0]`",
                "e.g. /the/",
            ),
            (
                r#"{"index": "/", "words": [{"word": "a", "url": "/a/", "address": "a.sock"}]}"#,
                "`words[0]`",
                "unix:/path",
            ),
            (
                r#"{"index": "/", "words": [{"word": "a", "url": "/a/"}, {"word": "b", "url": "/a/"}]}"#,
                "`words[1]`: `words[0]` has the same link '/a/'",
                "a different one",
            ),
            (
                &format!(r#"{{"index": "/{}", "words": []}}"#, "a".repeat(2048)),
                "`index`: invalid link of 2049 bytes",
                "at most 2048",
            ),
        ] {
            let sentence = Site::parse(text.as_bytes()).unwrap_err();
            assert!(
                sentence.contains(place) && sentence.contains(right),
                "{text}: {sentence}"
            );
            assert!(!sentence.contains('\n'), "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_file_that_became_bad_leaves_the_last_good_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.json");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        let here = Neighbourhood::new(Source::file(path.clone()), "a".parse().unwrap(), None);
        let next = async || {
            here.neighbours()
                .await
                .and_then(|found| found.next)
                .map(|link| link.url)
        };

        write(r#"{"index": "/", "words": [{"word": "a", "url": "/a/"}, {"word": "b", "url": "/b/"}]}"#);
        assert_eq!(next().await.as_deref(), Some("/b/"));
        for bad in ["{", r#"{"index": "/", "words": [{"word": "a", "url": "b"}]}"#] {
            write(bad);
            assert_eq!(next().await.as_deref(), Some("/b/"), "{bad}");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(next().await.as_deref(), Some("/b/"));
        write(r#"{"index": "/", "words": [{"word": "a", "url": "/a/"}, {"word": "c", "url": "/c/"}]}"#);
        assert_eq!(next().await.as_deref(), Some("/c/"));
        write(r#"{"index": "/", "words": []}"#);
        assert_eq!(here.neighbours().await, None);
    }

    /// As on a share that hangs: the reading thread does not return.
    #[tokio::test]
    async fn a_file_that_takes_too_long_leaves_the_last_good_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.json");
        std::fs::write(
            &path,
            r#"{"index": "/", "words": [{"word": "a", "url": "/a/"}, {"word": "b", "url": "/b/"}]}"#,
        )
        .unwrap();
        let reader = Reader::new();
        let source = Source(From::File(path.clone(), reader.clone()));
        let here = Neighbourhood::new(source.clone(), "a".parse().unwrap(), None);
        let before = here.neighbours().await;
        assert!(before.is_some());

        let (share_is_back, hung) = std::sync::mpsc::channel::<()>();
        let (begins, begun) = tokio::sync::oneshot::channel();
        let hanging = tokio::spawn(async move {
            let read = move |_| {
                begins.send(()).unwrap();
                hung.recv()
            };
            reader.read(Path::new("/"), read).await
        });
        begun.await.unwrap();
        let limit = PATIENCE * 4;
        assert_eq!(timeout(limit, here.neighbours()).await.unwrap(), before);
        let sentence = timeout(limit, source.read()).await.unwrap().unwrap_err();
        assert!(
            sentence
                .to_string()
                .contains("site.json' could not be read within 2 seconds: expected"),
            "{sentence}"
        );
        // Another source is not blocked.
        Source::file(path).read().await.unwrap();
        drop(share_is_back);
        hanging.await.unwrap();
        assert!(source.read().await.is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_refused_by_its_name() {
        for path in ["/nonexistent/site.json", "/dev/zero", "/"] {
            let sentence = Site::read(Path::new(path)).unwrap_err().to_string();
            assert!(
                sentence.contains(&format!("'{path}'")) && sentence.contains("expected"),
                "{sentence}"
            );
        }
    }
}
