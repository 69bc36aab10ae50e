//! The report as a Markdown page.

use std::fmt::Write as _;

use super::Told;
use crate::experiments::{Figure, Judgement, Outcome, number};

/// The folder of the plots, beside the page.
pub(super) const FOLDER: &str = "experiments";

/// The whole page.
pub(super) fn page(all: &[Told], command: &str) -> String {
    let mut page = format!(
        "# Experiments\n\n\
         Published experiments, told again by `hats-sim`: the machines of hatsd and hats-nim on a \
         simulated network. This page and its plots are written by `{command}`; the same command \
         of the same build writes the same page on every machine. A figure of somebody else \
         stands with its source, and *target* is what hats has set itself. Times are of the \
         simulated cluster.\n\n"
    );
    summary(&mut page, all);
    for told in all {
        match &told.outcome {
            Ok(outcome) => section(&mut page, outcome, &told.command),
            Err(why) => {
                let first = why.lines().next().unwrap_or("");
                let _ = writeln!(page, "## {}\n\nIt did not end: {first}\n", told.name);
            }
        }
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// How many figures are better, equal and worse, and which are worse.
fn summary(page: &mut String, all: &[Told]) {
    page.push_str("| experiment | better | equal | worse |\n|---|---|---|---|\n");
    for told in all {
        let Ok(outcome) = &told.outcome else {
            let _ = writeln!(page, "| [{0}](#{0}) | | | did not end |", told.name);
            continue;
        };
        let count =
            |judgement| outcome.figures.iter().filter(|it| it.judgement == Some(judgement)).count();
        let _ = writeln!(
            page,
            "| [{0}](#{0}) | {1} | {2} | {3} |",
            told.name,
            count(Judgement::Better),
            count(Judgement::Equal),
            count(Judgement::Worse)
        );
    }
    page.push('\n');
}

fn section(page: &mut String, outcome: &Outcome, command: &str) {
    let _ = writeln!(page, "## {}\n", outcome.experiment);
    let _ = writeln!(page, "{}. `{command}`\n", sentence(&outcome.about));
    page.push_str("| figure | setting | hats | other | | whose |\n|---|---|---:|---:|---|---|\n");
    for figure in &outcome.figures {
        line(page, figure);
    }
    page.push('\n');
    for plot in &outcome.plots {
        let _ = writeln!(page, "![{}]({FOLDER}/{}.svg)\n", cell(&plot.title), plot.name);
    }
    for note in &outcome.notes {
        let _ = writeln!(page, "- {note}");
    }
    if !outcome.notes.is_empty() {
        page.push('\n');
    }
}

fn line(page: &mut String, figure: &Figure) {
    let value = |value: f64| {
        let number = number(value);
        if figure.unit.is_empty() { number } else { format!("{number} {}", figure.unit) }
    };
    let ours = figure.ours.map_or_else(|| "-".to_owned(), value);
    let (theirs, source) = match &figure.theirs {
        Some(theirs) => (value(theirs.value), cell(&theirs.source)),
        None => Default::default(),
    };
    let judgement = match figure.judgement {
        Some(Judgement::Worse) => "**worse**".to_owned(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let (what, setting) = (cell(&figure.what), cell(&figure.setting));
    let _ = writeln!(page, "| {what} | {setting} | {ours} | {theirs} | {judgement} | {source} |");
}

/// With a capital.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Text that does not end a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
