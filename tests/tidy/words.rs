//! Words that must not be there, and what to write instead.

use crate::{
    none,
    source::{self, File, code},
};

/// Where a word is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Where {
    /// In code, tests included, not in comments and texts.
    Code,
    /// In code that is no test.
    Proper,
    /// In comments and texts too.
    Anywhere,
}

struct Rule {
    word: &'static str,
    place: Where,
    /// Paths that it holds for begin with one of these; none: all.
    only: &'static [&'static str],
    /// Paths that it does not hold for contain one of these.
    except: &'static [&'static str],
    instead: &'static str,
}

/// Crates that others link: what they have to say they return.
const LIBRARIES: &[&str] = &["src/core/", "src/wire/", "src/sys/", "src/client/", "proto/src/"];
/// Crates whose every run must be the same.
const PURE: &[&str] = &["src/core/", "src/wire/", "tests/sim/"];

const fn rule(word: &'static str, place: Where, instead: &'static str) -> Rule {
    Rule { word, place, only: &[], except: &[], instead }
}

const RULES: &[Rule] = &[
    rule("todo!", Where::Code, "the code, or an error that says what is missing"),
    rule("unimplemented!", Where::Code, "the code, or an error that says what is missing"),
    rule("dbg!", Where::Code, "a test, or a tracing line"),
    rule("FIXME", Where::Anywhere, "an issue, and a comment that says what holds now"),
    rule("XXX", Where::Anywhere, "an issue, and a comment that says what holds now"),
    rule("TODO", Where::Anywhere, "an issue, and a comment that says what holds now"),
    Rule { only: LIBRARIES, ..rule("println!", Where::Proper, "a value returned, or an event") },
    Rule { only: LIBRARIES, ..rule("eprintln!", Where::Proper, "an error returned") },
    Rule { only: PURE, ..rule("HashMap", Where::Code, "BTreeMap: its order is the same each run") },
    Rule { only: PURE, ..rule("HashSet", Where::Code, "BTreeSet: its order is the same each run") },
    Rule {
        except: CLOCKS,
        ..rule("Instant::now", Where::Proper, "the time of the wake-up, passed in")
    },
    Rule {
        except: CLOCKS,
        ..rule("SystemTime::now", Where::Proper, "the time of the wake-up, passed in")
    },
    Rule {
        except: WAITING,
        ..rule("thread::sleep", Where::Code, "a virtual clock, or waiting for what is expected")
    },
];

/// Files that read clocks for others, or whose waiting is bounded by one: the
/// programs that talk to a daemon are none that decide.
const CLOCKS: &[&str] = &[
    "clock.rs",
    "src/client/",
    "src/hats-status/",
    "src/hatsd/src/identity.rs",
    "src/hatsd/src/ipc/endpoint.rs",
    "src/hatsd/src/run.rs",
    "tests/",
];
/// Tests of real processes in real namespaces, which take real time.
const WAITING: &[&str] =
    &["tests/lab/", "tests/subscribers", "nim/tests/", "src/hatsd/tests/", "src/sys/"];

fn minded(rule: &Rule, file: &File) -> Vec<String> {
    let holds = (rule.only.is_empty() || rule.only.iter().any(|at| file.path.starts_with(at)))
        && !rule.except.iter().any(|part| file.path.contains(part))
        && !(rule.place == Where::Proper && file.is_test());
    if !holds {
        return vec![];
    }
    let text = match rule.place {
        Where::Anywhere => file.text.clone(),
        Where::Code => code(&file.text),
        Where::Proper => file.code_proper(),
    };
    let has = |line: &str| {
        line.match_indices(rule.word).any(|(at, _)| {
            let name = |c: char| c.is_alphanumeric() || c == '_';
            !line[..at].ends_with(name) && !line[at + rule.word.len()..].starts_with(name)
        })
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| has(line))
        .map(|(at, _)| {
            format!("{}:{}: {}; instead: {}", file.path, at + 1, rule.word, rule.instead)
        })
        .collect()
}

/// Parts of texts that are true of one machine only. Written in two so that
/// this file is held to it too.
const OF_A_MACHINE: [&str; 7] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/tmp/bash", "_jobs"),
    concat!("spar", "se+http"),
    concat!("[source.", "crates-io]"),
    concat!("goproxy", "="),
];

fn of_a_machine(file: &File) -> Vec<String> {
    let mut problems = vec![];
    for (at, line) in file.text.lines().enumerate() {
        for part in OF_A_MACHINE {
            if line.to_lowercase().contains(part) {
                problems.push(format!("{}:{}: {part} is of one machine", file.path, at + 1));
            }
        }
    }
    problems
}

#[test]
fn words_that_must_not_be_there_are_not() {
    let files = source::files(&[".rs"]);
    // The rules name the words.
    let files = || files.iter().filter(|file| file.path != "tests/tidy/words.rs");
    none(&RULES.iter().flat_map(|rule| files().flat_map(|f| minded(rule, f))).collect::<Vec<_>>());
}

#[test]
fn nothing_is_true_of_one_machine_only() {
    let endings =
        [".rs", ".md", ".toml", ".proto", ".sh", ".service", ".txt", ".yml", ".yaml", "run"];
    none(&source::files(&endings).iter().flat_map(of_a_machine).collect::<Vec<_>>());
}

#[test]
fn every_rule_notices_its_word_where_it_holds() {
    for rule in RULES {
        let folder = rule.only.first().copied().unwrap_or("src/hatsd/");
        let file = |text: &str| File::new(&format!("{folder}src/sample.rs"), text);
        let word = rule.word;
        assert_eq!(minded(rule, &file(&format!("let x = {word}(1);"))).len(), 1, "{word}");
        let comment = usize::from(rule.place == Where::Anywhere);
        assert_eq!(minded(rule, &file(&format!("// {word} that"))).len(), comment, "{word}");
        assert_eq!(minded(rule, &file(&format!("let my{word} = 1;"))).len(), 0, "{word}");
        let test = format!("#[cfg(test)]\nmod tests {{ {word}(1) }}");
        let expected = usize::from(rule.place != Where::Proper);
        assert_eq!(minded(rule, &file(&test)).len(), expected, "{word} in tests");
    }
}

#[test]
fn path_of_a_machine_is_noticed() {
    for part in OF_A_MACHINE {
        let file = File::new("README.md", &format!("first\nsee {part}x\n"));
        assert_eq!(of_a_machine(&file).len(), 1, "{part}");
    }
}
