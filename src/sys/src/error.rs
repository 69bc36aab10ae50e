//! What the kernel refused.

use std::io;

/// Something the kernel did not do: what, why, and what would help.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: {source}{}", .hint.map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct Error {
    /// What was tried, as it follows "cannot".
    pub doing: String,
    /// The kernel's answer.
    pub source: io::Error,
    /// What to do about it, where that is known.
    pub hint: Option<&'static str>,
}

impl Error {
    pub(crate) fn new(doing: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Error { doing: doing.into(), source: source.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// Names what was tried, for use with `map_err`.
pub(crate) fn doing(what: &str) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Error::new(what, source)
}
