//! Brings signed releases to hosts, from wherever they are built.

fn main() {}
