//! The README and docs/ against the program.
#![cfg(test)]
#![cfg(feature = "standin")]

mod lists;
mod pages;
