//! Asks words' pages, from outside as a client does and on the host itself, and compares them with the expected counts.
