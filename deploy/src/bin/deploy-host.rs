//! The part of a deployment that runs on the host.

fn main() {}
