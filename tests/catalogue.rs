//! The event catalogue and what is said of it in code, in the subscriber
//! protocol and in docs/events.md, held together.
//!
//! `HATS_BLESS=1` writes the page anew and adds new codes to those that are taken.

#[path = "catalogue/page.rs"]
mod page;
#[path = "catalogue/published.rs"]
mod published;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use hats_core::event::EventKind;
use serde::Deserialize;

/// src/core/events.toml.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    field: Vec<Field>,
    event: Vec<Entry>,
}

/// A field that events may have.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "in")]
    events: String,
    meaning: String,
}

/// An event.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: String,
    name: String,
    level: String,
    scope: String,
    message_id: String,
    fields: Vec<String>,
    #[serde(default)]
    clears: Vec<String>,
    #[serde(default)]
    planned: bool,
    authority: String,
    meaning: String,
    causes: Vec<String>,
    action: String,
}

fn top(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(top(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn catalogue() -> Catalogue {
    toml::from_str(&read("src/core/events.toml")).unwrap_or_else(|error| panic!("{error}"))
}

fn blessing() -> bool {
    env::var_os("HATS_BLESS").is_some()
}

/// A kind as its row of the catalogue begins.
fn row(kind: EventKind) -> String {
    format!("{} {} {}", kind.code(), kind.name(), kind.level().word())
}

#[test]
fn every_kind_is_in_the_catalogue_and_nothing_else() {
    let there: Vec<String> = catalogue()
        .event
        .iter()
        .map(|it| format!("{} {} {}", it.code, it.name, it.level))
        .collect();
    let wanted: Vec<String> = EventKind::ALL.iter().copied().map(row).collect();
    assert_eq!(there, wanted, "events.toml (left) and EventKind (right), both in order of codes");
}

#[test]
fn codes_are_four_digits_in_rising_order() {
    let codes: Vec<String> = catalogue().event.into_iter().map(|it| it.code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    for code in codes {
        let digits = code.strip_prefix("HATS-").unwrap_or_default();
        let good = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
        assert!(good && (b'1'..=b'7').contains(&digits.as_bytes()[0]), "{code}");
    }
}

#[test]
fn what_is_said_of_an_event_is_of_the_known_words() {
    for Entry { code, scope, message_id, meaning, causes, action, authority, .. } in
        catalogue().event
    {
        assert!(["cluster", "local"].contains(&scope.as_str()), "{code}: scope {scope}");
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let good = message_id.len() == 32 && message_id.bytes().all(hexadecimal);
        assert!(good, "{code}: message_id {message_id}: expected 32 hexadecimal digits");
        let texts = [&meaning, &action, &authority].map(|text| text.trim().len());
        assert!(
            texts.iter().all(|length| *length > 0) && !causes.is_empty(),
            "{code} says nothing"
        );
    }
}

#[test]
fn names_and_message_ids_are_of_one_event_each() {
    let catalogue = catalogue();
    for of in [|it: &Entry| it.name.clone(), |it: &Entry| it.message_id.clone()] {
        let all: BTreeSet<String> = catalogue.event.iter().map(of).collect();
        assert_eq!(all.len(), catalogue.event.len());
    }
}

/// `code name message_id` a line, as given out once and for all.
#[test]
fn what_was_given_out_is_never_changed_or_used_again() {
    let path = "tests/catalogue/taken.txt";
    let line = |it: &Entry| format!("{} {} {}", it.code, it.name, it.message_id);
    let there: BTreeSet<String> = catalogue().event.iter().map(line).collect();
    let taken: BTreeSet<String> =
        fs::read_to_string(top(path)).unwrap_or_default().lines().map(str::to_owned).collect();
    let column = |at: usize| {
        taken
            .iter()
            .filter_map(move |line| Some((line.split(' ').nth(at)?.to_owned(), line.clone())))
            .collect::<BTreeMap<String, String>>()
    };
    for (at, what) in ["code", "name", "message_id"].into_iter().enumerate() {
        let taken = column(at);
        for line in &there {
            let value = line.split(' ').nth(at).expect("three columns");
            let was = taken.get(value).unwrap_or(line);
            assert_eq!(was, line, "the {what} {value} was given out already");
        }
    }
    let fresh: BTreeSet<String> = there.union(&taken).cloned().collect();
    if blessing() {
        let text: String = fresh.iter().map(|line| format!("{line}\n")).collect();
        fs::write(top(path), text).expect("the list of what is taken");
    } else {
        assert_eq!(fresh, taken, "{path} lacks new ones: run with HATS_BLESS=1");
    }
}

#[test]
fn fields_are_those_of_the_subscriber_protocol() {
    let catalogue = catalogue();
    let proto = read("proto/hats/ipc/v1.proto");
    let (_, event) = proto.split_once("\nmessage Event {").expect("the message of an event");
    let (event, _) = event.split_once("\n}").expect("its end");
    let wanted: BTreeSet<&str> = event
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .filter_map(|line| line.split_once(" = ")?.0.rsplit(' ').next())
        .collect();
    let there: BTreeSet<&str> = catalogue.field.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(there, wanted, "[[field]] of events.toml (left) and message Event (right)");
    let optional: BTreeSet<&str> = catalogue
        .field
        .iter()
        .filter(|field| field.events == "some")
        .map(|field| field.name.as_str())
        .collect();
    for entry in &catalogue.event {
        for field in &entry.fields {
            let name = field.trim_end_matches('?');
            assert!(optional.contains(name), "{}: no field {name}", entry.code);
        }
    }
}

#[test]
fn what_is_cleared_is_there_and_is_cleared_in_a_field() {
    let catalogue = catalogue();
    let codes: BTreeSet<&str> = catalogue.event.iter().map(|it| it.code.as_str()).collect();
    for entry in &catalogue.event {
        assert!(entry.clears.iter().all(|code| codes.contains(code.as_str())), "{}", entry.code);
        let field = entry.fields.iter().any(|field| field.trim_end_matches('?') == "clears");
        assert_eq!(field, !entry.clears.is_empty(), "{}", entry.code);
    }
}

#[test]
fn faults_of_the_cluster_are_cleared_by_something() {
    let catalogue = catalogue();
    let cleared: BTreeSet<&String> = catalogue.event.iter().flat_map(|it| &it.clears).collect();
    let faults = catalogue.event.iter().filter(|it| it.level == "error" && !it.planned);
    for fault in faults {
        assert!(cleared.contains(&fault.code), "nothing ends {} {}", fault.code, fault.name);
    }
}

/// Rust sources that are not tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" && name != "target" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "event.rs" {
            found.push(path);
        }
    }
}

#[test]
fn planned_events_are_those_that_nothing_publishes() {
    let mut paths = vec![];
    sources(&top("src/core/src"), &mut paths);
    sources(&top("src/hatsd/src"), &mut paths);
    let code: String = paths
        .iter()
        .map(|path| fs::read_to_string(path).expect("a source"))
        .map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned())
        .collect();
    for (kind, entry) in EventKind::ALL.iter().zip(catalogue().event) {
        let word = format!("EventKind::{kind:?}");
        let published = code.match_indices(&word).any(|(at, _)| {
            !code[at + word.len()..].starts_with(|next: char| next.is_alphanumeric())
        });
        assert_eq!(published, !entry.planned, "{}: planned, or published by the code?", entry.name);
    }
}

#[test]
fn page_is_the_one_generated_from_the_catalogue() {
    let path = "docs/events.md";
    let page = page::page(&catalogue());
    if blessing() {
        fs::write(top(path), &page).expect("the page");
    }
    let there = fs::read_to_string(top(path)).unwrap_or_default();
    let differs = there.lines().zip(page.lines()).find(|(there, wanted)| there != wanted);
    assert_eq!(differs, None, "{path} (left) is not up to date: run with HATS_BLESS=1");
    assert_eq!(there.len(), page.len(), "{path} is not up to date: run with HATS_BLESS=1");
}
