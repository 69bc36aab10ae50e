//! The configuration: what is written, and what is wrong with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use hats_catalogue::Catalogue;
use serde::Deserialize;

use crate::{
    action::{Action, Deed, Effort},
    matching::{Level, Matcher},
    webhook::Webhook,
};

const STATE_DIR: &str = "/var/lib/hats-exec";

/// More would be a mistake, or a load that no host should be put under by
/// events.
const ACTIONS_MAX: usize = 64;
const CONCURRENCY_MAX: usize = 64;
const QUEUE_MAX: usize = 100_000;
const RETRIES_MAX: u32 = 100;
const SPAN_MAX: Duration = Duration::from_secs(3600);

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

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    socket: Option<PathBuf>,
    state_dir: Option<PathBuf>,
    #[serde(default)]
    action: Vec<WrittenAction>,
}

/// `[[action]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAction {
    name: String,
    program: Option<Vec<String>>,
    webhook: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    ca: Option<PathBuf>,
    #[serde(default)]
    codes: Vec<String>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    networks: Vec<String>,
    #[serde(default)]
    nodes: Vec<String>,
    #[serde(default)]
    level: Level,
    #[serde(default = "yes")]
    authority: bool,
    #[serde(default)]
    maintenance: bool,
    #[serde(default = "yes")]
    recoveries: bool,
    concurrency: Option<usize>,
    timeout: Option<String>,
    retries: Option<u32>,
    pause: Option<String>,
    queue: Option<usize>,
}

fn yes() -> bool {
    true
}

impl Config {
    /// Reads and checks a file. The error has every mistake, a line each.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|mistakes| {
            let lines = mistakes.iter().map(|mistake| format!("{}: {mistake}", path.display()));
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    fn parse(text: &str) -> Result<Self, Vec<String>> {
        let written: Written = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
        let Written { socket, state_dir, action } = written;
        let mut mistakes = vec![];
        if action.is_empty() {
            mistakes.push("no [[action]]: there is nothing to do".to_owned());
        }
        if action.len() > ACTIONS_MAX {
            mistakes.push(format!("{} actions, at most {ACTIONS_MAX} are possible", action.len()));
        }
        let mut names = BTreeSet::new();
        let mut actions = vec![];
        for written in action {
            let name = written.name.clone();
            let mut check = Check { name: &name, mistakes: &mut mistakes };
            if !names.insert(name.clone()) {
                check.minds("the name is there twice");
            }
            actions.extend(check.action(written));
        }
        if mistakes.is_empty() {
            let state_dir = state_dir.unwrap_or_else(|| STATE_DIR.into());
            Ok(Config { socket, state_dir, actions })
        } else {
            Err(mistakes)
        }
    }
}

/// Checks one action and collects what is wrong with it.
struct Check<'a> {
    name: &'a str,
    mistakes: &'a mut Vec<String>,
}

impl Check<'_> {
    fn minds(&mut self, what: impl std::fmt::Display) {
        self.mistakes.push(format!("action \"{}\": {what}", self.name));
    }

    fn action(&mut self, written: WrittenAction) -> Option<Action> {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(good) {
            self.minds("a name has 1 to 64 letters, digits, - or _");
        }
        let WrittenAction { program, webhook, headers, ca, .. } = &written;
        if webhook.is_none() && !headers.is_empty() {
            self.minds("headers are for a webhook");
        }
        if webhook.is_none() && ca.is_some() {
            self.minds("ca is for a webhook");
        }
        let deed = match (program, webhook) {
            (Some(program), None) => self.program(program),
            (None, Some(url)) => match Webhook::new(url, headers, ca.as_deref()) {
                Ok(webhook) => Some(Deed::Webhook(webhook)),
                Err(error) => {
                    self.minds(error);
                    None
                }
            },
            (None, None) => {
                self.minds("program = [\"/path\", ...] or webhook = \"http://...\" is missing");
                None
            }
            (Some(_), Some(_)) => {
                self.minds("program and webhook are two actions: write two");
                None
            }
        };
        let effort = self.effort(&written);
        let matcher = self.matcher(written);
        Some(Action { name: self.name.to_owned(), matcher, deed: deed?, effort })
    }

    fn program(&mut self, command: &[String]) -> Option<Deed> {
        match command.first() {
            Some(program) if program.starts_with('/') => Some(Deed::Program(command.to_vec())),
            Some(program) => {
                self.minds(format!("program: \"{program}\" is no absolute path"));
                None
            }
            None => {
                self.minds("program: expected [\"/path\", \"argument\", ...]");
                None
            }
        }
    }

    fn effort(&mut self, written: &WrittenAction) -> Effort {
        let timeout = self.span("timeout", written.timeout.as_deref(), Duration::from_secs(30));
        let pause = self.span("pause", written.pause.as_deref(), Duration::from_secs(1));
        Effort {
            concurrency: self.number("concurrency", written.concurrency, 1, 1, CONCURRENCY_MAX),
            timeout,
            retries: self.number("retries", written.retries, 5, 0, RETRIES_MAX),
            pause,
            queue: self.number("queue", written.queue, 1000, 1, QUEUE_MAX),
        }
    }

    fn matcher(&mut self, written: WrittenAction) -> Matcher {
        let catalogue = Catalogue::built_in();
        for code in &written.codes {
            if !catalogue.events.iter().any(|entry| entry.code == *code) {
                self.minds(format!("codes: no event has the code \"{code}\""));
            }
        }
        for pattern in &written.events {
            let known = match pattern.strip_suffix('*') {
                Some(start) => catalogue.events.iter().any(|it| it.name.starts_with(start)),
                None => catalogue.events.iter().any(|it| it.name == *pattern),
            };
            if !known {
                let likely = catalogue.likely(pattern);
                let hint = likely.map_or_else(String::new, |it| format!(": is {} meant?", it.name));
                self.minds(format!("events: no event is called \"{pattern}\"{hint}"));
            }
        }
        let WrittenAction { codes, events, networks, nodes, level, .. } = written;
        let WrittenAction { authority, maintenance, recoveries, .. } = written;
        Matcher { codes, events, networks, nodes, level, authority, maintenance, recoveries }
    }

    fn number<T: PartialOrd + std::fmt::Display + Copy>(
        &mut self,
        key: &str,
        value: Option<T>,
        default: T,
        min: T,
        max: T,
    ) -> T {
        let value = value.unwrap_or(default);
        if value < min || value > max {
            self.minds(format!("{key} = {value}: expected {min} to {max}"));
        }
        value
    }

    fn span(&mut self, key: &str, text: Option<&str>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        let span = span(text).filter(|span| !span.is_zero() && *span <= SPAN_MAX);
        span.unwrap_or_else(|| {
            self.minds(format!(
                "{key} = \"{text}\": expected 1ms to 1h, with its unit: ms, s, m, h"
            ));
            default
        })
    }
}

/// `500ms`, `10s`, `5m`, `1h`.
fn span(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..at].parse().ok()?;
    let unit_ms = match &text[at..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit_ms).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mistakes of a file whose only action has these lines.
    fn mistakes(lines: &str) -> String {
        let text = format!("[[action]]\nname = \"a\"\n{lines}\n");
        Config::parse(&text).map_or_else(|mistakes| mistakes.join("\n"), |_| String::new())
    }

    #[test]
    fn an_action_needs_a_name_and_a_program_and_nothing_else() {
        let config =
            Config::parse("[[action]]\nname = \"page\"\nprogram = [\"/bin/true\"]").unwrap();
        assert_eq!(config.state_dir, Path::new(STATE_DIR));
        let action = &config.actions[0];
        assert_eq!(action.effort.concurrency, 1, "in order");
        assert!(action.matcher.authority && action.matcher.recoveries);
        assert!(!action.matcher.maintenance);
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        let program = "program = [\"/bin/true\"]\n";
        for (lines, words) in [
            ("", "program = [\"/path\", ...] or webhook = \"http://...\" is missing"),
            ("program = []", "expected [\"/path\""),
            ("program = [\"page\"]", "\"page\" is no absolute path"),
            ("program = [\"/a\"]\nwebhook = \"http://h/\"", "write two"),
            ("webhook = \"h\"", "expected http://"),
            (&format!("{program}headers = {{ A = \"b\" }}"), "headers are for a webhook"),
            (&format!("{program}events = [\"adapter.dwon\"]"), "is adapter.down meant?"),
            (&format!("{program}events = [\"x.*\"]"), "no event is called \"x.*\""),
            (&format!("{program}codes = [\"HATS-9999\"]"), "no event has the code"),
            (&format!("{program}level = \"bad\""), "unknown variant `bad`"),
            (&format!("{program}timeout = \"10\""), "timeout = \"10\": expected 1ms to 1h"),
            (&format!("{program}timeout = \"2h\""), "timeout = \"2h\": expected 1ms to 1h"),
            (&format!("{program}concurrency = 0"), "concurrency = 0: expected 1 to 64"),
            (&format!("{program}evnts = []"), "unknown field `evnts`"),
        ] {
            let said = mistakes(lines);
            assert!(said.contains(words), "{lines}: {said}");
        }
    }

    #[test]
    fn every_mistake_is_said_at_once() {
        let said = mistakes("events = [\"nope\"]\nretries = 1000");
        assert_eq!(said.lines().count(), 3, "{said}");
        assert!(said.lines().all(|line| line.starts_with("action \"a\": ")), "{said}");
    }

    #[test]
    fn a_name_is_that_of_one_action_and_of_a_file() {
        let twice = "[[action]]\nname = \"a\"\nprogram = [\"/b\"]\n".repeat(2);
        assert!(Config::parse(&twice).unwrap_err()[0].contains("twice"));
        let path = twice.replacen("\"a\"", "\"../a\"", 1);
        assert!(Config::parse(&path).unwrap_err()[0].contains("a name has"));
        assert!(Config::parse("").unwrap_err()[0].contains("nothing to do"));
    }

    #[test]
    fn the_configuration_that_is_shipped_has_no_mistakes() {
        let text = include_str!("../../../deploy/hats-exec.toml");
        assert!(Config::parse(text).is_ok(), "{:?}", Config::parse(text));
    }
}
