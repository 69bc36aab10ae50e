//! The event catalogue and what is said of it in code, in the subscriber
//! protocol and in the files made from it, held together.
//!
//! `cargo run -p hats-catalogue` makes those files anew.

#[path = "catalogue/dashboard.rs"]
mod dashboard;
#[path = "catalogue/published.rs"]
mod published;
#[path = "catalogue/rsyslog.rs"]
mod rsyslog;
#[path = "catalogue/rules.rs"]
mod rules;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use hats_catalogue::{Catalogue, Entry};
use hats_core::event::EventKind;
use hats_wire::Cause;

fn top(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(top(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn catalogue() -> Catalogue {
    Catalogue::parse(&read("src/core/events.toml")).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn files_made_from_the_catalogue_are_up_to_date() {
    for output in hats_catalogue::outputs(&top("")).expect("a catalogue") {
        let path = output.path;
        let there = fs::read_to_string(top(path)).unwrap_or_default();
        let differs = there.lines().zip(output.text.lines()).find(|(there, new)| there != new);
        assert_eq!(differs, None, "{path} (left) is stale: cargo run -p hats-catalogue");
        assert_eq!(there, output.text, "{path} is stale: cargo run -p hats-catalogue");
    }
}

#[test]
fn a_changed_catalogue_makes_every_file_stale_that_says_it() {
    let dir = std::env::temp_dir().join(format!("hats-catalogue-{}", std::process::id()));
    let source = read("src/core/events.toml")
        .replace("An adapter has failed.", "An adapter has had enough.")
        .replace("d6aff9b39ae64bb08565caef4293e158", "d6aff9b39ae64bb08565caef4293e159");
    fs::create_dir_all(dir.join("src/core")).expect("a folder");
    fs::write(dir.join("src/core/events.toml"), source).expect("a copy");
    let changed = hats_catalogue::outputs(&dir).expect("a catalogue");
    fs::remove_dir_all(&dir).expect("the folder");
    for (old, new) in hats_catalogue::outputs(&top("")).expect("a catalogue").iter().zip(&changed) {
        assert_eq!(old.path, new.path);
        assert_ne!(old.text, new.text, "{}", old.path);
    }
}

#[test]
fn causes_are_those_of_the_wire_in_the_words_of_messages() {
    let there: Vec<[String; 3]> =
        catalogue().causes.into_iter().map(|it| [it.name, it.meaning, it.known_from]).collect();
    let wanted: Vec<[String; 3]> = Cause::ALL
        .into_iter()
        .map(|cause| {
            let from = if cause.is_fact() { "its own node" } else { "arbitration" };
            [cause.word(), hats_core::say::cause_in_words(cause), from].map(str::to_owned)
        })
        .collect();
    assert_eq!(there, wanted, "[[cause]] of events.toml (left) and hats_wire::Cause (right)");
}

#[test]
fn codes_are_four_digits_in_rising_order() {
    let codes: Vec<String> = catalogue().events.into_iter().map(|it| it.code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    for code in codes {
        let digits = code.strip_prefix("HATS-").unwrap_or_default();
        let good = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
        assert!(good && (b'1'..=b'7').contains(&digits.as_bytes()[0]), "{code}");
    }
}

#[test]
fn what_is_said_of_an_event_is_of_the_known_words() {
    for Entry { code, brief, scope, message_id, meaning, causes, action, authority, .. } in
        catalogue().events
    {
        assert!(["cluster", "local"].contains(&scope.as_str()), "{code}: scope {scope}");
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let good = message_id.len() == 32 && message_id.bytes().all(hexadecimal);
        assert!(good, "{code}: message_id {message_id}: expected 32 hexadecimal digits");
        let texts = [&brief, &meaning, &action, &authority].map(|text| text.trim().len());
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
        let all: BTreeSet<String> = catalogue.events.iter().map(of).collect();
        assert_eq!(all.len(), catalogue.events.len());
    }
}

/// `code name message_id` a line, as given out once and for all.
#[test]
fn what_was_given_out_is_never_changed_or_used_again() {
    let path = "tests/catalogue/taken.txt";
    let line = |it: &Entry| format!("{} {} {}", it.code, it.name, it.message_id);
    let there: BTreeSet<String> = catalogue().events.iter().map(line).collect();
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
    assert!(there.is_subset(&taken), "{path} lacks new ones: cargo run -p hats-catalogue");
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
    let there: BTreeSet<&str> = catalogue
        .fields
        .iter()
        .filter(|field| field.found_in != "log")
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(there, wanted, "[[field]] of events.toml (left) and message Event (right)");
    let optional: BTreeSet<&str> = catalogue
        .fields
        .iter()
        .filter(|field| field.found_in == "some")
        .map(|field| field.name.as_str())
        .collect();
    for entry in &catalogue.events {
        for field in &entry.fields {
            let name = field.trim_end_matches('?');
            assert!(optional.contains(name), "{}: no field {name}", entry.code);
        }
    }
}

#[test]
fn what_is_cleared_is_there_and_is_cleared_in_a_field() {
    let catalogue = catalogue();
    let codes: BTreeSet<&str> = catalogue.events.iter().map(|it| it.code.as_str()).collect();
    for entry in &catalogue.events {
        assert!(entry.clears.iter().all(|code| codes.contains(code.as_str())), "{}", entry.code);
        let field = entry.fields.iter().any(|field| field.trim_end_matches('?') == "clears");
        assert_eq!(field, !entry.clears.is_empty(), "{}", entry.code);
    }
}

#[test]
fn faults_of_the_cluster_are_cleared_by_something() {
    let catalogue = catalogue();
    let cleared: BTreeSet<&String> = catalogue.events.iter().flat_map(|it| &it.clears).collect();
    let faults = catalogue.events.iter().filter(|it| it.level == "error" && !it.planned);
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
        } else if name.ends_with(".rs")
            && name != "tests.rs"
            && path.parent().is_none_or(|it| !it.ends_with("event"))
            && name != "event.rs"
        {
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
    for (kind, entry) in EventKind::ALL.iter().zip(catalogue().events) {
        let word = format!("EventKind::{kind:?}");
        let published = code.match_indices(&word).any(|(at, _)| {
            !code[at + word.len()..].starts_with(|next: char| next.is_alphanumeric())
        });
        assert_eq!(published, !entry.planned, "{}: planned, or published by the code?", entry.name);
    }
}
