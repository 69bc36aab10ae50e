//! The event catalogue, `src/core/events.toml`, as values, and everything that
//! is written from it.
//!
//! Programs look events up in it: what `hats-status explain` prints and what
//! `hats-exec` holds its configuration against. The files made from it are
//! written by this crate's program and held to it by tests/catalogue.rs.
//!
//! It needs none of our crates, so that it can write the table of one that does
//! not build for want of it.
#![forbid(unsafe_code)]

mod alerts;
mod find;
mod journal;
mod page;
mod table;
mod taken;

use std::{io, path::Path};

use serde::Deserialize;

const SOURCE: &str = include_str!("../../core/events.toml");

/// The whole catalogue.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The fields that events may have.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
    /// Why an adapter, a node or a daemon is down.
    #[serde(rename = "cause")]
    pub causes: Vec<Cause>,
    /// The events, in the order of codes.
    #[serde(rename = "event")]
    pub events: Vec<Entry>,
}

/// A field that events may have.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its key in JSON.
    pub name: String,
    /// `text`, `texts`, `number` or `boolean`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `always`, `some`, or `log` when subscribers do not get it.
    #[serde(rename = "in")]
    pub found_in: String,
    /// What it says.
    pub meaning: String,
}

/// A value of the field `cause`.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// The value.
    pub name: String,
    /// What follows "the adapter".
    pub meaning: String,
    /// Who can know it.
    pub known_from: String,
}

/// An event.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `HATS-2103`.
    pub code: String,
    /// `adapter.down`.
    pub name: String,
    /// One sentence.
    pub brief: String,
    /// `info`, `warn` or `error`.
    pub level: String,
    /// `cluster` or `local`.
    pub scope: String,
    /// MESSAGE_ID in the journal.
    pub message_id: String,
    /// What it carries besides the fields of every event; `?`: when known.
    pub fields: Vec<String>,
    /// The codes that it ends.
    #[serde(default)]
    pub clears: Vec<String>,
    /// Causes with which another event speaks for this one: alert on that.
    #[serde(default)]
    pub spoken_for: Vec<String>,
    /// Not published by this version.
    #[serde(default)]
    pub planned: bool,
    /// Whose line has `"authority": true`.
    pub authority: String,
    /// What has happened.
    pub meaning: String,
    /// What it usually comes from.
    pub causes: Vec<String>,
    /// What to do.
    pub action: String,
}

impl Catalogue {
    /// The catalogue that was there when this program was built.
    pub fn built_in() -> Self {
        Self::parse(SOURCE).expect("tests/catalogue.rs reads the same text")
    }

    /// Reads a catalogue; the error says where it is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }
}

impl Entry {
    /// Whether an event of this kind has `field`.
    pub fn may_have(&self, field: &str) -> bool {
        self.fields.iter().any(|it| it.trim_end_matches('?') == field)
    }

    /// Whether every event of this kind has `field`.
    pub fn always_has(&self, field: &str) -> bool {
        self.fields.iter().any(|it| it == field)
    }

    /// `AdapterDown`: the name as types and alerts are called.
    pub fn type_name(&self) -> String {
        let words = self.name.split(['.', '_']);
        words
            .map(|word| {
                let (first, rest) = word.split_at(word.len().min(1));
                first.to_uppercase() + rest
            })
            .collect()
    }

    /// `#hats-2103-adapterdown`: its place in docs/events.md, as forges make it
    /// of a heading.
    pub fn anchor(&self) -> String {
        let kept = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
        let name: String = self.name.chars().filter(kept).collect();
        format!("#{}-{name}", self.code.to_lowercase())
    }
}

/// A file made from the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// Where it is in the repository.
    pub path: &'static str,
    /// What it has to say.
    pub text: String,
}

/// Every file made from the catalogue of the repository at `top`.
pub fn outputs(top: &Path) -> Result<Vec<Output>, String> {
    let path = top.join("src/core/events.toml");
    let read = |error: io::Error| format!("{}: {error}", path.display());
    let source = std::fs::read_to_string(&path).map_err(read)?;
    let catalogue = Catalogue::parse(&source)?;
    let output = |path, text| Output { path, text };
    Ok(vec![
        output("src/core/src/event/kind.rs", table::table(&catalogue)),
        output("docs/events.md", page::page(&catalogue)),
        output("deploy/hats.catalog", journal::catalogue(&catalogue)),
        output("deploy/alerting/hats-events.rules.yml", alerts::prometheus(&catalogue)),
        output("deploy/alerting/hats-loki.rules.yml", alerts::loki(&catalogue)),
        output(taken::PATH, taken::with(&catalogue, top)),
    ])
}
