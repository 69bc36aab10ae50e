//! A configuration file read key by key, so that every mistake in it is named
//! at once: where it is, the key, its value, and what was expected.
//!
//! It owns how files are read and how mistakes are shown. What keys there are
//! and what they mean is said by each program.
#![forbid(unsafe_code)]

pub mod duration;
mod problem;
mod tree;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fs, io, path::Path};

use toml::de::DeTable;

pub use problem::Problem;
pub use tree::{At, Section, Source};

use problem::{Severity, render};

/// The longest configuration file, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// A file that cannot be used, as text for the person who wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused(pub String);

/// What a file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted<T> {
    /// The value made of it.
    pub value: T,
    /// What is unwise about it, as text; empty when nothing is.
    pub warnings: String,
    /// The keys that it has, as "detection.sensitivity".
    pub given: BTreeSet<String>,
}

/// The text of a file.
///
/// # Errors
///
/// It cannot be read, or has more than a mebibyte.
pub fn read(path: &Path) -> io::Result<String> {
    let size = fs::metadata(path)?.len();
    if size > FILE_MAX {
        return Err(io::Error::other(format!("it has {size} bytes, expected at most {FILE_MAX}")));
    }
    fs::read_to_string(path)
}

/// Why a file cannot be read, as text.
pub fn unreadable(path: &Path, error: &io::Error) -> Refused {
    let path = path.display();
    Refused(format!("error: the configuration file {path} cannot be read: {error}\n"))
}

/// What `text`, from `path`, says according to `take`, which reads the keys and
/// tells [`Source`] what is wrong with them. Keys that it did not ask for are
/// mistakes, too.
///
/// # Errors
///
/// Every mistake, each with its line; `colour`: for a terminal.
pub fn parse<T>(
    path: &Path,
    text: &str,
    colour: bool,
    take: impl FnOnce(&Section<'_, '_>) -> T,
) -> Result<Accepted<T>, Refused> {
    let refused =
        |problems: &[Problem]| Err(Refused(render(path, text, problems, Severity::Error, colour)));
    let (table, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        let problem = |error: &toml::de::Error| {
            let title = format!("not TOML: {}", error.message());
            Problem::new(error.span().unwrap_or(0..0), title)
        };
        return refused(&syntax.iter().map(problem).collect::<Vec<_>>());
    }
    let source = Source::new(text);
    let root = Section::root(&source, table.get_ref());
    let value = take(&root);
    root.finish();
    let given = source.given();
    let (errors, warnings) = source.finish();
    if !errors.is_empty() {
        return refused(&errors);
    }
    let warnings = render(path, text, &warnings, Severity::Warning, colour);
    Ok(Accepted { value, warnings, given })
}
