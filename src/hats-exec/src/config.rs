//! The configuration: what is written, and what is wrong with it.

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    time::Duration,
};

use hats_catalogue::Catalogue;
use hats_config::{At, Problem, Refused, Section};
use ureq::tls::RootCerts;

use crate::{
    action::{Action, Deed, Effort},
    matching::{Level, Matcher},
    webhook::{self, Webhook},
};

const STATE_DIR: &str = "/var/lib/hats-exec";

/// More would be a mistake, or a load that no host should be put under by
/// events.
const ACTIONS_MAX: usize = 64;
const CONCURRENCY_MAX: u32 = 64;
const QUEUE_MAX: u32 = 100_000;
const RETRIES_MAX: u32 = 100;
const SPAN_MIN: Duration = Duration::from_millis(1);
const SPAN_MAX: Duration = Duration::from_secs(3600);

const NAME_MAX: usize = 64;

/// What the file says, checked.
#[derive(Debug)]
pub(crate) struct Config {
    /// The daemon's socket, if the file names one.
    pub(crate) socket: Option<PathBuf>,
    /// Where it is remembered what was done.
    pub(crate) state_dir: PathBuf,
    /// At least one.
    pub(crate) actions: Vec<Action>,
}

impl Config {
    /// Reads and checks a file. The error has every mistake.
    pub(crate) fn read(path: &Path) -> Result<Self, Refused> {
        let text =
            hats_config::read(path).map_err(|error| hats_config::unreadable(path, &error))?;
        Self::parse(path, &text, io::stderr().is_terminal())
    }

    fn parse(path: &Path, text: &str, colour: bool) -> Result<Self, Refused> {
        hats_config::parse(path, text, colour, config).map(|accepted| accepted.value)
    }
}

fn config(root: &Section<'_, '_>) -> Config {
    let path = |key| root.text(key).map(|at| PathBuf::from(at.value));
    let (socket, state_dir) = (path("socket"), path("state_dir"));
    let sections = root.tables("action");
    if sections.is_empty() && !root.has("action") {
        let title = "there is no `[[action]]`, expected at least one: there is nothing to do";
        root.source().error(Problem::new(0..0, title));
    }
    if let Some(first_too_many) = sections.get(ACTIONS_MAX) {
        let count = sections.len();
        let title = format!("there are {count} actions, expected at most {ACTIONS_MAX}");
        root.source().error(first_too_many.wrong(title));
    }
    let mut names: Vec<String> = vec![];
    let mut actions = vec![];
    for section in sections {
        let name = name(&section, &names);
        names.extend(name.clone());
        let (deed, matcher, effort) = (deed(&section), matcher(&section), effort(&section));
        section.finish();
        // Without any of them the file is refused, and this is not used.
        if let (Some(name), Some(deed)) = (name, deed) {
            actions.push(Action { name, matcher, deed, effort });
        }
    }
    Config { socket, state_dir: state_dir.unwrap_or_else(|| STATE_DIR.into()), actions }
}

/// A name that is none of those before, and good for a file.
fn name(section: &Section<'_, '_>, before: &[String]) -> Option<String> {
    let source = section.source();
    let expected = format!("expected 1 to {NAME_MAX} letters, digits, - or _");
    let Some(name) = section.text("name") else {
        if !section.has("name") {
            source.error(section.wrong(format!("it has no `name`, {expected}")));
        }
        return None;
    };
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let length = name.value.len();
    if length == 0 || length > NAME_MAX || !name.value.chars().all(good) {
        source.error(name.wrong(source, expected));
    }
    if before.contains(&name.value) {
        source.error(name.wrong(source, "expected a name that no action before it has"));
    }
    Some(name.value)
}

fn deed(section: &Section<'_, '_>) -> Option<Deed> {
    let source = section.source();
    let program = program(section);
    let webhook = webhook(section);
    match (section.has("program"), section.has("webhook")) {
        (false, false) => {
            let title = "it has neither `program` nor `webhook`, expected one of them";
            source.error(section.wrong(title).help(
                "program = [\"/path\", \"argument\", ...] or webhook = \"https://host/path\"",
            ));
        }
        (true, true) => {
            let title = "it has `program` and `webhook`, expected one of them";
            source.error(section.wrong(title).help("write two actions"));
        }
        (true, false) | (false, true) => {}
    }
    program.map(Deed::Program).or(webhook.map(Deed::Webhook))
}

fn program(section: &Section<'_, '_>) -> Option<Vec<String>> {
    let source = section.source();
    let command = section.list::<String>("program", "text in quotes")?;
    match command.first() {
        // Its first element may be what was refused.
        None if section.is_empty_list("program") => {
            let title = "`program` is `[]`: expected [\"/path\", \"argument\", ...]";
            source.error(section.wrong(title));
        }
        Some(program) if program.path.ends_with("[1]") && !program.value.starts_with('/') => {
            source.error(program.wrong(source, "expected an absolute path, as \"/usr/bin/page\""));
        }
        Some(_) | None => {}
    }
    Some(command.into_iter().map(|at| at.value).collect())
}

fn webhook(section: &Section<'_, '_>) -> Option<Webhook> {
    let source = section.source();
    let text = section.text("webhook");
    let written = section.secrets("headers");
    let ca = section.text("ca");
    if !section.has("webhook") {
        for key in ["headers", "ca"].into_iter().filter(|key| section.has(key)) {
            let title = format!("it has `{key}`, expected that of a `webhook` only");
            source.error(section.wrong(title));
        }
        return None;
    }
    let mut headers = vec![];
    for (name, value) in written {
        match webhook::header(&name, &value.value) {
            Ok(header) => headers.push(header),
            Err(why) => {
                let title = format!("`{}`: {why}", value.path);
                source.error(Problem::new(value.span, title).secret());
            }
        }
    }
    let url = text.and_then(|at| match webhook::url(&at.value) {
        Ok(url) => Some(url),
        Err(why) => {
            source.error(at.wrong(source, why));
            None
        }
    });
    let roots = match ca {
        None => RootCerts::WebPki,
        Some(at) => match webhook::roots(Path::new(&at.value)) {
            Ok(_) if url.as_ref().is_some_and(|url| url.scheme_str() != Some("https")) => {
                source.error(at.wrong(source, "expected none, as the web hook is not https://"));
                return None;
            }
            Ok(roots) => roots,
            Err(why) => {
                source.error(at.wrong(source, format!("expected a file of certificates: {why}")));
                return None;
            }
        },
    };
    Some(Webhook::new(url?, headers, roots))
}

fn effort(section: &Section<'_, '_>) -> Effort {
    let number =
        |key, fallback, min, max| section.integer(key, min, max).map_or(fallback, |at| at.value);
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Effort {
        concurrency: size(number("concurrency", 1, 1, CONCURRENCY_MAX)),
        timeout: span(section, "timeout", Duration::from_secs(30)),
        retries: number("retries", 5, 0, RETRIES_MAX),
        pause: span(section, "pause", Duration::from_secs(1)),
        queue: size(number("queue", 1000, 1, QUEUE_MAX)),
    }
}

fn span(section: &Section<'_, '_>, key: &'static str, fallback: Duration) -> Duration {
    let Some(at) = section.duration(key) else { return fallback };
    if !(SPAN_MIN..=SPAN_MAX).contains(&at.value) {
        section.source().error(at.wrong(section.source(), "expected 1ms to 1h"));
    }
    at.value
}

fn matcher(section: &Section<'_, '_>) -> Matcher {
    let (source, catalogue) = (section.source(), Catalogue::built_in());
    let list = |key, expected: &str| -> Vec<At<String>> {
        section.list(key, expected).unwrap_or_default()
    };
    let codes = list("codes", "an event code in quotes, as \"HATS-2103\"");
    for code in &codes {
        if !catalogue.events.iter().any(|entry| entry.code == code.value) {
            let expected = "expected the code of an event, as HATS-2103";
            source.error(code.wrong(source, expected).help(EXPLAIN));
        }
    }
    let events = list("events", "the name of an event in quotes, as \"adapter.down\"");
    for pattern in &events {
        let known = match pattern.value.strip_suffix('*') {
            Some(start) => catalogue.events.iter().any(|it| it.name.starts_with(start)),
            None => catalogue.events.iter().any(|it| it.name == pattern.value),
        };
        if !known {
            let likely = catalogue.likely(&pattern.value);
            let hint = likely.map_or_else(String::new, |it| format!("; is {} meant?", it.name));
            let expected =
                format!("expected the name of an event, as adapter.down or node.*{hint}");
            source.error(pattern.wrong(source, expected).help(EXPLAIN));
        }
    }
    let values = |list: Vec<At<String>>| list.into_iter().map(|at| at.value).collect();
    let flag = |key, fallback| section.boolean(key).map_or(fallback, |at| at.value);
    Matcher {
        codes: values(codes),
        events: values(events),
        networks: values(list("networks", "the name of a network in quotes")),
        nodes: values(list("nodes", "the name of a node in quotes")),
        level: level(section),
        authority: flag("authority", true),
        maintenance: flag("maintenance", false),
        recoveries: flag("recoveries", true),
    }
}

/// Where the codes and names are.
const EXPLAIN: &str = "`hats-status explain` lists the events";

fn level(section: &Section<'_, '_>) -> Level {
    let Some(word) = section.text("level") else { return Level::default() };
    Level::named(&word.value).unwrap_or_else(|| {
        let source = section.source();
        source.error(word.wrong(source, "expected one of info, warn, error"));
        Level::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let parsed = Config::parse(Path::new("hats-exec.toml"), text, false);
        parsed.map_err(|Refused(message)| message)
    }

    /// The mistakes of a file whose only action has these lines.
    fn mistakes(lines: &str) -> String {
        let text = format!("[[action]]\nname = \"a\"\n{lines}\n");
        parse(&text).map_or_else(|mistakes| mistakes, |_| String::new())
    }

    #[test]
    fn an_action_needs_a_name_and_a_program_and_nothing_else() {
        let config = parse("[[action]]\nname = \"page\"\nprogram = [\"/bin/true\"]").unwrap();
        assert_eq!(config.state_dir, Path::new(STATE_DIR));
        let action = &config.actions[0];
        assert_eq!(action.effort.concurrency, 1, "in order");
        assert!(action.matcher.authority && action.matcher.recoveries);
        assert!(!action.matcher.maintenance);
    }

    #[test]
    fn each_mistake_is_named_with_line_key_value_and_what_was_expected() {
        let program = "program = [\"/bin/true\"]\n";
        for (lines, wanted) in [
            ("", &["`[action[1]]`", "neither `program` nor `webhook`"][..]),
            ("program = []", &["`program` is `[]`", "expected [\"/path\""]),
            ("program = [5, \"x\"]", &[":3:12", "program[1]` is `5`", "text in quotes"]),
            ("program = [\"page\"]", &[":3:12", "program[1]` is `\"page\"`", "an absolute path"]),
            ("program = [\"/a\"]\nwebhook = \"http://h/\"", &["expected one of them", "two"]),
            ("webhook = \"h\"", &[":3:11", "webhook` is `\"h\"`", "expected http://"]),
            ("webhook = \"http://h/\"\nca = \"/\"", &[":4:6", "a file of certificates"]),
            (&format!("{program}headers = {{ A = \"b\" }}"), &["`headers`", "of a `webhook` only"]),
            (&format!("{program}ca = \"/\""), &["`ca`", "of a `webhook` only"]),
            (
                &format!("{program}events = [\"adapter.dwon\"]"),
                &[":4:11", "action[1].events[1]", "`\"adapter.dwon\"`", "is adapter.down meant?"],
            ),
            (&format!("{program}events = [\"x.*\"]"), &["`\"x.*\"`", "expected the name of"]),
            (&format!("{program}codes = [\"HATS-9999\"]"), &["`\"HATS-9999\"`", "the code of"]),
            (&format!("{program}level = \"bad\""), &["`\"bad\"`", "info, warn, error"]),
            (&format!("{program}timeout = \"10\""), &["timeout` is `\"10\"`", "no unit"]),
            (&format!("{program}timeout = \"2h\""), &["timeout` is `\"2h\"`", "1ms to 1h"]),
            (&format!("{program}pause = \"0s\""), &["pause` is `\"0s\"`", "1ms to 1h"]),
            (&format!("{program}concurrency = 0"), &["concurrency` is `0`", "from 1 to 64"]),
            (&format!("{program}authority = 1"), &["authority` is `1`", "true or false"]),
            (&format!("{program}nodes = \"n1\""), &["nodes` is `\"n1\"`", "square brackets"]),
            (&format!("{program}evnts = []"), &[":4:1", "action[1].evnts", "expected `events`"]),
        ] {
            let said = mistakes(lines);
            for part in wanted {
                assert!(said.contains(part), "{lines}\nlacks {part}:\n{said}");
            }
            assert_eq!(said.matches("error: ").count(), 1, "{lines}\n{said}");
        }
    }

    #[test]
    fn every_mistake_is_said_at_once_whatever_its_kind() {
        let said = parse(
            "sockt = \"/x\"\n[[action]]\nprogram = \"/bin/true\"\nlevel = 3\ncodes = [7]\n\
             [[action]]\nname = \"b\"\nwebhook = \"h\"\nretries = 1000\n",
        )
        .unwrap_err();
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("--> ")).collect();
        assert_eq!(lines.len(), 7, "{said}");
        for (line, place) in lines.iter().zip([1, 2, 3, 4, 5, 8, 9]) {
            assert!(line.contains(&format!("hats-exec.toml:{place}:")), "{line} {place}\n{said}");
        }
    }

    #[test]
    fn what_a_header_holds_is_not_shown() {
        for headers in ["{ A = \"secret\\n\" }", "{ A = [\"secret\"] }", "\"secret\""] {
            let said = mistakes(&format!("webhook = \"http://h/\"\nheaders = {headers}"));
            assert!(said.contains("headers") && said.contains("hats-exec.toml:4"), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn a_ca_is_for_https_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(&path, key.cert.pem()).unwrap();
        let ca = format!("ca = \"{}\"", path.display());
        assert_eq!(mistakes(&format!("webhook = \"https://h/\"\n{ca}")), "");
        let said = mistakes(&format!("webhook = \"http://h/\"\n{ca}"));
        assert!(said.contains("not https://"), "{said}");
    }

    #[test]
    fn a_name_is_that_of_one_action_and_of_a_file() {
        let twice = "[[action]]\nname = \"a\"\nprogram = [\"/b\"]\n".repeat(2);
        assert!(parse(&twice).unwrap_err().contains("no action before it has"));
        let path = twice.replacen("\"a\"", "\"../a\"", 1);
        assert!(parse(&path).unwrap_err().contains("1 to 64 letters, digits"));
        assert!(parse("").unwrap_err().contains("nothing to do"));
        let many = "[[action]]\nname = \"a\"\nprogram = [\"/b\"]\n".repeat(65);
        assert!(parse(&many).unwrap_err().contains("there are 65 actions, expected at most 64"));
    }

    #[test]
    fn the_configuration_that_is_shipped_has_no_mistakes() {
        let text = include_str!("../../../deploy/hats-exec.toml");
        assert!(parse(text).is_ok(), "{:?}", parse(text));
    }
}
