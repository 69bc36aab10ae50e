//! `explain`: what an event means and what to do, without asking a daemon.

use std::fmt::Write;

use hats_catalogue::{Catalogue, Entry};
use serde::Serialize;

use crate::{
    cli::Format,
    failure::{Exit, Failure},
    output,
};

/// Columns of a page.
const WIDTH: usize = 80;

/// Where the texts begin.
const INDENT: usize = 10;

/// Prints the entry of `word`, a code or a name; with none, the list of all.
pub(crate) fn run(word: Option<&str>, format: Option<Format>) -> Result<Exit, Failure> {
    let catalogue = Catalogue::built_in();
    let entries: Vec<&Entry> = match word {
        Some(word) => vec![find(&catalogue, word)?],
        None => catalogue.events.iter().collect(),
    };
    let text = match format.unwrap_or(Format::Table) {
        Format::Table | Format::Wide if word.is_some() => page(&catalogue, entries[0]),
        Format::Table | Format::Wide | Format::Line => {
            entries.iter().map(|it| format!("{} {:<26} {}\n", it.code, it.name, it.brief)).collect()
        }
        Format::Json | Format::Jsonl => {
            entries.into_iter().map(|entry| json(&catalogue, entry) + "\n").collect()
        }
        Format::Nagios | Format::Prom | Format::Svg | Format::Dot => {
            let words = "explain prints text or JSON: -o table, line, json or jsonl";
            return Err(Failure::Usage(words.to_owned()));
        }
    };
    output::write(&text)?;
    Ok(Exit::Ok)
}

fn find<'a>(catalogue: &'a Catalogue, word: &str) -> Result<&'a Entry, Failure> {
    catalogue.find(word).ok_or_else(|| {
        let likely = catalogue.likely(word);
        let hint = likely.map_or_else(
            || "`hats-status explain` lists them all".to_owned(),
            |entry| format!("is {} {} meant?", entry.code, entry.name),
        );
        Failure::Usage(format!("no event has the code or name '{word}': {hint}"))
    })
}

fn page(catalogue: &Catalogue, entry: &Entry) -> String {
    let Entry { code, name, level, scope, .. } = entry;
    let planned = if entry.planned { ", planned" } else { "" };
    let names = |entries: Vec<&Entry>| {
        entries.iter().map(|it| format!("{} {}", it.code, it.name)).collect::<Vec<_>>().join(", ")
    };
    let cleared = entry.clears.iter().filter_map(|code| catalogue.find(code)).collect();
    let mut text = format!("{code} {name}  ({level}, {scope}{planned})\n\n");
    for line in wrapped(&entry.meaning, WIDTH) {
        writeln!(text, "{line}").expect("a string takes everything");
    }
    text.push('\n');
    for (at, cause) in entry.causes.iter().enumerate() {
        labelled(&mut text, if at == 0 { "causes" } else { "" }, cause);
    }
    labelled(&mut text, "to do", &entry.action);
    labelled(&mut text, "clears", &names(cleared));
    labelled(&mut text, "ended by", &names(catalogue.ended_by(entry)));
    labelled(&mut text, "authority", &entry.authority);
    labelled(&mut text, "fields", &entry.fields.join(" "));
    labelled(&mut text, "journal", &format!("MESSAGE_ID={}", entry.message_id));
    text
}

fn labelled(text: &mut String, label: &str, body: &str) {
    for (at, line) in wrapped(body, WIDTH - INDENT).iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        writeln!(text, "{label:<INDENT$}{line}").expect("a string takes everything");
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The entry as programs get it.
#[derive(Serialize)]
struct Explained<'a> {
    schema: &'static str,
    code: &'a str,
    event: &'a str,
    level: &'a str,
    scope: &'a str,
    planned: bool,
    brief: &'a str,
    meaning: &'a str,
    causes: &'a [String],
    action: &'a str,
    clears: &'a [String],
    ended_by: Vec<&'a str>,
    authority: &'a str,
    fields: &'a [String],
    message_id: &'a str,
}

fn json(catalogue: &Catalogue, entry: &Entry) -> String {
    let ended_by = catalogue.ended_by(entry).into_iter().map(|it| it.code.as_str()).collect();
    let explained = Explained {
        schema: "hats.explain/1",
        code: &entry.code,
        event: &entry.name,
        level: &entry.level,
        scope: &entry.scope,
        planned: entry.planned,
        brief: &entry.brief,
        meaning: &entry.meaning,
        causes: &entry.causes,
        action: &entry.action,
        clears: &entry.clears,
        ended_by,
        authority: &entry.authority,
        fields: &entry.fields,
        message_id: &entry.message_id,
    };
    serde_json::to_string(&explained).expect("texts under fixed names")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(word: &str) -> String {
        let catalogue = Catalogue::built_in();
        page(&catalogue, catalogue.find(word).unwrap())
    }

    #[test]
    fn a_page_says_what_happened_why_and_what_to_do() {
        let text = explained("HATS-2103");
        assert!(text.starts_with("HATS-2103 adapter.down  (error, cluster)\n\nAn adapter"));
        for part in
            ["\ncauses    transmit: ", "\nto do     Look at the port, ", "\nended by  HATS-2101"]
        {
            assert!(text.contains(part), "{part} not in {text}");
        }
        assert!(!text.contains("\nclears"), "{text}");
    }

    #[test]
    fn every_page_fits_a_terminal() {
        for entry in Catalogue::built_in().events {
            let text = explained(&entry.code);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest.is_some_and(|widest| widest <= WIDTH), "{text}");
        }
    }

    #[test]
    fn a_misspelt_event_is_a_usage_error_that_names_the_likely_one() {
        let catalogue = Catalogue::built_in();
        let failure = find(&catalogue, "adapter.dwon").unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.to_string().contains("is HATS-2103 adapter.down meant?"), "{failure}");
        assert!(find(&catalogue, "9999").unwrap_err().to_string().contains("lists them all"));
    }

    #[test]
    fn json_carries_its_schema() {
        let catalogue = Catalogue::built_in();
        let text = json(&catalogue, catalogue.find("2101").unwrap());
        assert!(text.starts_with(r#"{"schema":"hats.explain/1","code":"HATS-2101""#), "{text}");
        assert!(text.contains(r#""clears":["HATS-2103","HATS-2110"],"ended_by":[]"#), "{text}");
    }
}
