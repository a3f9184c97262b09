//! Compares the README and docs/ with the program.
#![cfg(test)]
#![cfg(feature = "standin")]

mod citation;
mod claims;
mod flow;
mod glossary;
mod journal;
mod lists;
mod pages;
mod pictures;
mod proof;
