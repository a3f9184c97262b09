//! Compares the README and docs/ with the program.
#![cfg(test)]
#![cfg(feature = "standin")]

mod claims;
mod citation;
mod flow;
mod glossary;
mod journal;
mod lists;
mod pages;
mod pictures;
mod proof;
