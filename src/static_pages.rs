//! The pages that a reverse proxy serves itself: its errors, and the list of words while no instance can be asked for
//! its counts. They are files, so that the proxy needs none of our programs to run.

use std::io;
use std::path::Path;

use hyper::StatusCode;

use crate::render::{
    ErrorForm, Failure, Listed, State, content_security_policy, html, index_page, json, text,
};
use crate::site::Site;

/// The formats of an error, and the suffixes of their file names.
const FORMS: [(ErrorForm, &str); 3] = [
    (ErrorForm::Html, "html"),
    (ErrorForm::Problem, "problem"),
    (ErrorForm::PlainText, "txt"),
];

/// Writes the files into a new directory: `errors/STATUS.FORM`, `list.FORM`, and the `content-security-policy` for the
/// HTML files.
///
/// # Errors
///
/// The system's, with the path that it is about.
pub fn write(site: &Site, out: &Path) -> io::Result<()> {
    let about = |path: &Path, error: &io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot write '{}': {error}", path.display()),
        )
    };
    let errors = out.join("errors");
    std::fs::create_dir(out).map_err(|error| about(out, &error))?;
    std::fs::create_dir(&errors).map_err(|error| about(&errors, &error))?;
    let file = |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).map_err(|error| about(path, &error));

    let nothing = format!("There is nothing here: the words are listed at {}.", site.index);
    for (status, sentence, retry_after) in [
        (StatusCode::NOT_FOUND, nothing.as_str(), None),
        (
            StatusCode::METHOD_NOT_ALLOWED,
            "Only GET and HEAD are answered here.",
            None,
        ),
        (
            StatusCode::TOO_MANY_REQUESTS,
            "This address sends too many requests. Wait a second.",
            Some(1),
        ),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "This word is not served at the moment. Try again soon.",
            Some(5),
        ),
    ] {
        let failure = Failure {
            status,
            sentence,
            home: &site.index,
            request_id: None,
            retry_after,
        };
        for (form, suffix) in FORMS {
            let path = errors.join(format!("{}.{suffix}", status.as_u16()));
            file(&path, form.write(&failure).as_bytes())?;
        }
    }

    let listed: Vec<Listed> = site
        .places
        .iter()
        .map(|place| Listed {
            word: place.link.word.clone(),
            url: place.link.url.clone(),
            state: State::Unavailable,
        })
        .collect();
    for wished in [&html::FORMAT, &json::FORMAT, &text::FORMAT] {
        let (format, body) = index_page(&listed, wished);
        file(&out.join(format!("list.{}", format.name)), &body)?;
    }
    file(
        &out.join("content-security-policy"),
        content_security_policy().as_bytes(),
    )
}
