//! Wires the parts together.

fn main() {}
