//! The rules of the house that a compiler does not check.
//!
//! Each rule is a function that gives what it minds, tried here on a bad sample
//! before it is held against the project.

#[path = "tidy/crates.rs"]
mod crates;
#[path = "tidy/measures.rs"]
mod measures;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

/// Fails with one line for each thing that is minded.
#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
