use std::cell::RefCell;
use std::io::{Seek, Write};

use serde_json::Value;
use tempfile::NamedTempFile;
use wordtally::credentials::File;

/// A suffix for each text in a file, which must not occur in any message.
const CANARY: &str = "-c4nary-7f3e";

thread_local! {
    static FILE: RefCell<Option<NamedTempFile>> = const { RefCell::new(None) };
}

/// Any bytes as a credential file: it is read, or refused in one line that contains none of its values.
pub fn credentials(data: &[u8]) {
    if let Some(refusal) = read(data) {
        crate::must_be_one_line(&refusal);
    }
    let Ok(json) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    for which in 0..texts(&mut json.clone(), None).min(12) {
        let mut marked = json.clone();
        texts(&mut marked, Some(which));
        if let Some(refusal) = read(marked.to_string().as_bytes()) {
            assert!(!refusal.contains(CANARY), "a value is in the message: {refusal}");
            crate::must_be_one_line(&refusal);
        }
    }
}

/// Why the file is refused, if it is.
fn read(content: &[u8]) -> Option<String> {
    FILE.with_borrow_mut(|file| {
        let file = file.get_or_insert_with(|| {
            // In memory if possible, because it is written thousands of times.
            NamedTempFile::new_in("/dev/shm")
                .or_else(|_| NamedTempFile::new())
                .expect("a temporary file")
        });
        file.rewind().expect("rewinds");
        file.as_file().set_len(0).expect("empties");
        file.write_all(content).expect("writes");
        File::read(file.path()).err().map(|refused| refused.to_string())
    })
}

/// Counts the texts in a value, and marks one of them.
fn texts(value: &mut Value, mark: Option<usize>) -> usize {
    fn walk(value: &mut Value, mark: Option<usize>, seen: &mut usize) {
        match value {
            Value::String(text) => {
                if mark == Some(*seen) {
                    text.push_str(CANARY);
                }
                *seen += 1;
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, mark, seen)),
            Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, mark, seen)),
            _ => {}
        }
    }
    let mut seen = 0;
    walk(value, mark, &mut seen);
    seen
}
