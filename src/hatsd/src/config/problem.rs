//! What is wrong with a configuration file, shown where it is wrong.

use std::{fmt::Write as _, ops::Range, path::Path};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One thing that is wrong, or merely unwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem {
    /// Where, in bytes of the file.
    pub(crate) span: Range<usize>,
    /// The key, its value and what was expected.
    pub(crate) title: String,
    /// What to do about it, when the title does not say it.
    pub(crate) help: Option<String>,
}

impl Problem {
    /// A problem at `span`.
    pub(crate) fn new(span: Range<usize>, title: String) -> Self {
        Problem { span, title, help: None }
    }

    /// With a sentence on what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
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
        let snippet = Snippet::source(text)
            .path(path.as_str())
            .fold(true)
            .annotation(AnnotationKind::Primary.span(within(text, &problem.span)));
        let mut group = level.primary_title(problem.title.as_str()).element(snippet);
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
