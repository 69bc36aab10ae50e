//! The table of kinds in hats-core.

use std::fmt::Write;

use crate::Catalogue;

/// `src/core/src/event/kind.rs`.
pub(crate) fn table(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "//! The kinds of events: written from src/core/events.toml by\n\
         //! `cargo run -p hats-catalogue`. Change that file, not this one.\n\n\
         use super::Level;\n\ncatalogue! {\n",
    );
    for entry in &catalogue.events {
        let digits = entry.code.trim_start_matches("HATS-");
        let (first, rest) = entry.level.split_at(1);
        let level = first.to_uppercase() + rest;
        write!(
            text,
            "    /// {}\n    {} \"{digits}\" \"{}\" {level}\n        \"{}\" has_end = {}\n",
            entry.brief,
            entry.type_name(),
            entry.name,
            entry.message_id,
            !catalogue.ended_by(entry).is_empty(),
        )
        .expect("a string takes everything");
    }
    text.push_str("}\n");
    text
}
