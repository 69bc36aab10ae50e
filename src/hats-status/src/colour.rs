//! Colour for the eye. Nothing depends on it: every word that is coloured says
//! the same without.

use std::{env, io, io::IsTerminal as _};

use clap::ValueEnum;

/// When tables are coloured.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    /// On a terminal that can, unless NO_COLOR is set.
    Auto,
    /// Always, as for a pager.
    Always,
    /// Never.
    Never,
}

impl When {
    /// Whether to colour standard output.
    pub(crate) fn now(self) -> bool {
        match self {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                let set = |name| env::var_os(name).filter(|value| !value.is_empty());
                io::stdout().is_terminal()
                    && set("NO_COLOR").is_none()
                    && set("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[33m";
const GREEN: &str = "\x1b[32m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// The words that stand for a state, and their colour.
fn of(word: &str) -> Option<&'static str> {
    match word {
        "DOWN" | "UNKNOWN" | "CRITICAL" | "failed" | "partitioned" => Some(RED),
        "DEGRADED" | "absent" | "unstable" | "joining" | "backing" | "maint" => Some(YELLOW),
        "OK" => Some(GREEN),
        _ => None,
    }
}

/// Colours the words that stand for a state, and makes titles bold. The text
/// has no control characters of its own.
pub(crate) fn paint(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive('\n') {
        if is_title(line) {
            let words = line.trim_end_matches('\n');
            out.push_str(&format!("{BOLD}{words}{PLAIN}\n"));
            continue;
        }
        if let Some(rest) = line.strip_prefix("! ") {
            out.push_str(&format!("{RED}!{PLAIN} "));
            words(&mut out, rest);
        } else {
            words(&mut out, line);
        }
    }
    out
}

/// The first line of a table: capitals throughout, as no name of ours is
/// alone on a line.
fn is_title(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return false };
    const TITLES: [&str; 10] = [
        "NETWORK",
        "NODE",
        "ID",
        "CLIENT",
        "PROBED",
        "PARAMETER",
        "Subsystem",
        "Network",
        "NAME",
        "KEY",
    ];
    TITLES.contains(&first) && words.next().is_some()
}

fn words(out: &mut String, line: &str) {
    let mut rest = line;
    while !rest.is_empty() {
        let word = |c: char| c.is_ascii_alphabetic();
        let end = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(end);
        // A word inside a name ("rack-OK1") is no state.
        let alone = !out.ends_with(['-', '_', '.', '/']) && !tail.starts_with(['-', '_', '.', '/']);
        match of(head).filter(|_| alone && !ends_in_letter(out)) {
            Some(colour) => out.push_str(&format!("{colour}{head}{PLAIN}")),
            None => out.push_str(head),
        }
        let gap = tail.find(word).unwrap_or(tail.len());
        let (between, next) = tail.split_at(gap);
        out.push_str(between);
        rest = next;
    }
}

fn ends_in_letter(out: &str) -> bool {
    out.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_colour(text: &str) -> String {
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\x1b') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain + rest
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let text =
            "NETWORK  UP\nneta     3\n! neta/n3 DOWN (transmit) !\noverall OK: 1/2 absent\n\n";
        let painted = paint(text);
        assert_eq!(without_colour(&painted), text);
        assert!(painted.contains("\x1b[1;31mDOWN\x1b[0m (transmit) !"), "{painted:?}");
        assert!(painted.starts_with("\x1b[1mNETWORK  UP\x1b[0m\n"), "{painted:?}");
    }

    #[test]
    fn a_name_that_holds_a_state_is_not_coloured() {
        for name in ["rack-DOWN1", "DOWN-1", "n1.OK", "7OK", "UNKNOWNS"] {
            assert_eq!(paint(&format!("up {name}\n")), format!("up {name}\n"));
        }
    }
}
