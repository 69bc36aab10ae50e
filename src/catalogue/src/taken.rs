//! What was given out once and for all: codes, names and message ids.

use std::{collections::BTreeSet, fs, path::Path};

use crate::Catalogue;

/// `code name message_id` a line.
pub(crate) const PATH: &str = "tests/catalogue/taken.txt";

/// What was given out before, and what is new.
pub(crate) fn with(catalogue: &Catalogue, top: &Path) -> String {
    let before = fs::read_to_string(top.join(PATH)).unwrap_or_default();
    let lines =
        catalogue.events.iter().map(|it| format!("{} {} {}", it.code, it.name, it.message_id));
    let all: BTreeSet<String> = before.lines().map(str::to_owned).chain(lines).collect();
    all.into_iter().map(|line| line + "\n").collect()
}
