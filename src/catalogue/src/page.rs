//! docs/events.md.

use std::fmt::Write;

use crate::{Catalogue, Entry};

/// The whole page.
pub(crate) fn page(catalogue: &Catalogue) -> String {
    let mut page = String::from(include_str!("intro.md"));
    overview(&mut page, catalogue);
    fields(&mut page, catalogue);
    causes(&mut page, catalogue);
    page.push_str("\n## The events\n");
    for entry in &catalogue.events {
        event(&mut page, catalogue, entry);
    }
    page
}

fn link(catalogue: &Catalogue, code: &str) -> String {
    match catalogue.events.iter().find(|entry| entry.code == code) {
        Some(entry) => format!("[{}]({})", entry.name, entry.anchor()),
        None => code.to_owned(),
    }
}

fn links(catalogue: &Catalogue, codes: &[String]) -> String {
    codes.iter().map(|code| link(catalogue, code)).collect::<Vec<_>>().join(", ")
}

fn ended_by(catalogue: &Catalogue, entry: &Entry) -> Vec<String> {
    catalogue.ended_by(entry).into_iter().map(|other| other.code.clone()).collect()
}

fn line(page: &mut String, text: std::fmt::Arguments) {
    page.write_fmt(text).expect("a string takes everything");
    page.push('\n');
}

fn overview(page: &mut String, catalogue: &Catalogue) {
    page.push_str(
        "\n## All of them\n\n| code | event | level | scope | ended by |\n|---|---|---|---|---|\n",
    );
    for entry in &catalogue.events {
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
    for (which, title) in
        [("always", "In every event"), ("some", "In some events"), ("log", "In the log only")]
    {
        line(page, format_args!("\n{title}:\n\n| field | type | meaning |\n|---|---|---|"));
        for field in catalogue.fields.iter().filter(|field| field.found_in == which) {
            line(page, format_args!("| `{}` | {} | {} |", field.name, field.kind, field.meaning));
        }
    }
    page.push_str(
        "\nIn the journal each is a field `HATS_` and its name in capitals, beside `MESSAGE` and \
         `PRIORITY`.\n",
    );
}

fn causes(page: &mut String, catalogue: &Catalogue) {
    page.push_str(
        "\n## Causes\n\n| `cause` | the adapter, node or daemon | known from |\n|---|---|---|\n",
    );
    for cause in &catalogue.causes {
        line(page, format_args!("| `{}` | {} | {} |", cause.name, cause.meaning, cause.known_from));
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
