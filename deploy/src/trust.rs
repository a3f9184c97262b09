//! Whether a release is one that a host takes: signed, whole, from where it should be, and not older than what runs.
