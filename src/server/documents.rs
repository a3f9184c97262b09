use std::sync::LazyLock;

use super::route::Route;
use crate::render::{Page, openapi, schema};

/// A document that never changes while the program runs.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) content_type: &'static str,
    pub(super) page: Page,
}

static OPENAPI: LazyLock<Document> = LazyLock::new(|| Document {
    content_type: "application/json",
    page: Page::new(openapi::document()),
});

static SCHEMA: LazyLock<Document> = LazyLock::new(|| Document {
    content_type: "application/schema+json",
    page: Page::new(schema::document()),
});

/// The document of a route, if it has one.
pub(super) fn of(route: Route) -> Option<&'static Document> {
    match route {
        Route::OpenApi => Some(&OPENAPI),
        Route::Schema => Some(&SCHEMA),
        _ => None,
    }
}
