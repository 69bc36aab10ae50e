//! docs/events.md.

use std::fmt::Write;

use hats_wire::Cause;

use super::{Catalogue, Entry};

/// The whole page.
pub(crate) fn page(catalogue: &Catalogue) -> String {
    let mut page = String::from(include_str!("intro.md"));
    overview(&mut page, catalogue);
    fields(&mut page, catalogue);
    causes(&mut page);
    page.push_str("\n## The events\n");
    for entry in &catalogue.event {
        event(&mut page, catalogue, entry);
    }
    page
}

/// `#hats-2103-adapterdown`, as forges make it of a heading.
fn anchor(entry: &Entry) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name: String = entry.name.chars().filter(|c| kept(*c)).collect();
    format!("#{}-{name}", entry.code.to_lowercase())
}

fn link(catalogue: &Catalogue, code: &str) -> String {
    match catalogue.event.iter().find(|entry| entry.code == code) {
        Some(entry) => format!("[{}]({})", entry.name, anchor(entry)),
        None => code.to_owned(),
    }
}

fn links(catalogue: &Catalogue, codes: &[String]) -> String {
    codes.iter().map(|code| link(catalogue, code)).collect::<Vec<_>>().join(", ")
}

fn ended_by(catalogue: &Catalogue, entry: &Entry) -> Vec<String> {
    let ends = catalogue.event.iter().filter(|other| other.clears.contains(&entry.code));
    ends.map(|other| other.code.clone()).collect()
}

fn line(page: &mut String, text: std::fmt::Arguments) {
    page.write_fmt(text).expect("a string takes everything");
    page.push('\n');
}

fn overview(page: &mut String, catalogue: &Catalogue) {
    page.push_str(
        "\n## All of them\n\n| code | event | level | scope | ended by |\n|---|---|---|---|---|\n",
    );
    for entry in &catalogue.event {
        let Entry { code, level, scope, .. } = entry;
        let planned = if entry.planned { " (planned)" } else { "" };
        let ended = links(catalogue, &ended_by(catalogue, entry));
        let name = link(catalogue, code);
        line(page, format_args!("| {code} | {name}{planned} | {level} | {scope} | {ended} |"));
    }
    page.push_str("\nThe planned ones have their codes and are not published by this version.\n");
}

fn fields(page: &mut String, catalogue: &Catalogue) {
    page.push_str(
        "\n## Fields\n\nAbsent fields are left out of JSON; a list that is empty is absent.\n",
    );
    for (which, title) in [("always", "In every event"), ("some", "In some events")] {
        line(page, format_args!("\n{title}:\n\n| field | type | meaning |\n|---|---|---|"));
        for field in catalogue.field.iter().filter(|field| field.events == which) {
            line(page, format_args!("| `{}` | {} | {} |", field.name, field.kind, field.meaning));
        }
    }
    page.push_str(
        "\nIn the journal each is a field `HATS_` and its name in capitals, beside `MESSAGE` and \
         `PRIORITY`.\n",
    );
}

fn causes(page: &mut String) {
    page.push_str(
        "\n## Causes\n\n| `cause` | the adapter, node or daemon | known from |\n|---|---|---|\n",
    );
    for cause in Cause::ALL {
        let from = if cause.is_fact() { "its own node" } else { "arbitration" };
        let words = hats_core::say::cause_in_words(cause);
        line(page, format_args!("| `{}` | {words} | {from} |", cause.word()));
    }
}

fn event(page: &mut String, catalogue: &Catalogue, entry: &Entry) {
    let Entry { code, name, level, scope, message_id, .. } = entry;
    line(page, format_args!("\n### {code} {name}\n"));
    if entry.planned {
        page.push_str("*Planned: not published by this version.*\n\n");
    }
    line(page, format_args!("{}\n", entry.meaning));
    line(page, format_args!("| | |\n|---|---|"));
    line(page, format_args!("| level, scope | {level}, {scope} |"));
    line(page, format_args!("| fields | {} |", show_fields(&entry.fields)));
    line(page, format_args!("| authority | {} |", entry.authority));
    if !entry.clears.is_empty() {
        line(page, format_args!("| clears | {} |", links(catalogue, &entry.clears)));
    }
    let ended = ended_by(catalogue, entry);
    if !ended.is_empty() {
        line(page, format_args!("| ended by | {} |", links(catalogue, &ended)));
    }
    line(page, format_args!("| likely causes | {} |", entry.causes.join("<br>")));
    line(page, format_args!("| what to do | {} |", entry.action));
    line(page, format_args!("| MESSAGE_ID | `{message_id}` |"));
}

fn show_fields(fields: &[String]) -> String {
    let show = |field: &String| match field.strip_suffix('?') {
        Some(name) => format!("`{name}` (when known)"),
        None => format!("`{field}`"),
    };
    fields.iter().map(show).collect::<Vec<_>>().join(", ")
}
