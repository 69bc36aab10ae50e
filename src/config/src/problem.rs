//! What is wrong with a configuration file, shown where it is wrong.

use std::{fmt::Write as _, ops::Range, path::Path};

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

/// One thing that is wrong, or merely unwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where, in bytes of the file.
    pub(crate) span: Range<usize>,
    /// The key, its value and what was expected.
    title: String,
    /// What to do about it, when the title does not say it.
    help: Option<String>,
    /// The line is not to be shown: it may hold a password.
    secret: bool,
}

impl Problem {
    /// A problem at `span`, in bytes of the file.
    pub fn new(span: Range<usize>, title: impl Into<String>) -> Self {
        Problem { span, title: title.into(), help: None, secret: false }
    }

    /// Without the line that it is in.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// With a sentence on what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// How bad a list of problems is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Severity {
    /// The file cannot be used.
    Error,
    /// It can.
    Warning,
}

/// All of them for a person: the line of the file under each.
pub(crate) fn render(
    file: &Path,
    text: &str,
    problems: &[Problem],
    severity: Severity,
    colour: bool,
) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let path = file.display().to_string();
    let mut out = String::new();
    for problem in problems {
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let span = within(text, &problem.span);
        let title = level.primary_title(problem.title.as_str());
        let mut group = if problem.secret {
            let line = text[..span.start].lines().count().max(1);
            title.element(Origin::path(path.as_str()).line(line))
        } else {
            let snippet = Snippet::source(text).path(path.as_str()).fold(true);
            title.element(snippet.annotation(AnnotationKind::Primary.span(span)))
        };
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", renderer.render(&[group]));
    }
    out
}

/// The span cut to the text, on character boundaries: a message must never panic.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let floor = |at: usize| {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}
