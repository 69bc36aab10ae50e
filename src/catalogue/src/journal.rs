//! deploy/hats.catalog: what `journalctl -x` says under a line of the log.

use std::fmt::Write;

use crate::{Catalogue, Entry};

/// What tells where an event happened, for its headline.
const PLACES: [(&str, &str); 4] = [
    ("network", "network @HATS_NETWORK@"),
    ("node", "node @HATS_NODE@"),
    ("adapter", "adapter @HATS_ADAPTER@"),
    ("addr", "address @HATS_ADDR@"),
];

/// The whole file.
pub(crate) fn catalogue(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "# The journal's catalogue of hats: written from src/core/events.toml by\n\
         # `cargo run -p hats-catalogue`. Install it as /usr/lib/systemd/catalog/hats.catalog,\n\
         # then run `journalctl --update-catalog`.\n",
    );
    for entry in catalogue.events.iter().filter(|entry| !entry.planned) {
        text.push_str(&message(catalogue, entry));
    }
    text
}

fn message(catalogue: &Catalogue, entry: &Entry) -> String {
    let Entry { code, name, brief, message_id, meaning, action, .. } = entry;
    // The journal leaves a placeholder as it is when the line lacks the field.
    let places: Vec<&str> = PLACES
        .iter()
        .filter(|(field, _)| entry.always_has(field))
        .map(|(_, place)| *place)
        .collect();
    let causes: String = entry.causes.iter().map(|cause| wrapped(cause, "- ", "  ")).collect();
    let mut text = format!(
        "\n-- {message_id}\nSubject: {}\nDefined-By: hats\n\n",
        brief.trim_end_matches('.')
    );
    let mut paragraph = |title: &str, body: &str| {
        write!(text, "{title}{body}").expect("a string takes everything");
    };
    paragraph("", &wrapped(&format!("{code} {name}: {}", places.join(", ")), "", ""));
    if entry.may_have("cause") {
        paragraph("", "Cause: @HATS_CAUSE@\n");
    }
    paragraph("\n", &wrapped(meaning, "", ""));
    paragraph("\nLikely causes:\n", &causes);
    paragraph("\nWhat to do:\n", &wrapped(action, "", ""));
    let ends: Vec<String> =
        catalogue.ended_by(entry).iter().map(|it| format!("{} {}", it.code, it.name)).collect();
    if !ends.is_empty() {
        paragraph("\nEnded by: ", &(ends.join(", ") + "\n"));
    }
    text
}

/// Lines of at most 76 characters.
fn wrapped(text: &str, first: &str, later: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.len() + 1 + word.len() > 76 {
            lines.push_str(&line);
            lines.push('\n');
            line = later.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines + line.trim_end_matches([' ', ':']) + "\n"
}
