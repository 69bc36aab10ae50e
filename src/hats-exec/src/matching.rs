//! Which events an action is for.

use hats_client::ipc::Event;

/// What an event must have. What is empty lets everything through; the rest are
/// combined with *and*, the texts of one list with *or*.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Matcher {
    /// Codes: `HATS-2103`.
    pub(crate) codes: Vec<String>,
    /// Names, the last letter may be `*`: `adapter.*`.
    pub(crate) events: Vec<String>,
    /// Names of networks, likewise.
    pub(crate) networks: Vec<String>,
    /// Names of nodes, likewise.
    pub(crate) nodes: Vec<String>,
    /// At least so bad.
    pub(crate) level: Level,
    /// Only what this node decided: one node of the cluster acts.
    pub(crate) authority: bool,
    /// Also what is under maintenance.
    pub(crate) maintenance: bool,
    /// Also the event that ends one that matches, whatever its own level.
    pub(crate) recoveries: bool,
}

/// How bad an event is, in rising order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) enum Level {
    #[default]
    Info,
    Warn,
    Error,
}

impl Level {
    /// The level of this name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "info" => Some(Level::Info),
            "warn" => Some(Level::Warn),
            "error" => Some(Level::Error),
            _ => None,
        }
    }

    fn of(word: &str) -> Self {
        // A level of a later daemon is worth looking at.
        Level::named(word).unwrap_or(Level::Error)
    }
}

impl Matcher {
    /// Whether the action is for this event.
    pub(crate) fn matches(&self, event: &Event, catalogue: &hats_catalogue::Catalogue) -> bool {
        self.is_about(event)
            && (!self.authority || event.authority)
            && (self.maintenance || !event.maintenance)
            && (self.is_of(&event.code, &event.event, &event.level)
                || self.recoveries && self.is_end(event, catalogue))
    }

    fn is_about(&self, event: &Event) -> bool {
        let one_of = |patterns: &[String], value: &Option<String>| {
            patterns.is_empty() || value.as_ref().is_some_and(|value| any_fits(patterns, value))
        };
        one_of(&self.networks, &event.network)
            && (one_of(&self.nodes, &event.node) || one_of(&self.nodes, &event.peer_node))
    }

    fn is_of(&self, code: &str, name: &str, level: &str) -> bool {
        (self.codes.is_empty() || self.codes.iter().any(|it| it == code))
            && (self.events.is_empty() || any_fits(&self.events, name))
            && Level::of(level) >= self.level
    }

    fn is_end(&self, event: &Event, catalogue: &hats_catalogue::Catalogue) -> bool {
        let ended = event.clears.as_ref().and_then(|code| catalogue.find(code));
        ended.is_some_and(|entry| self.is_of(&entry.code, &entry.name, &entry.level))
    }
}

fn any_fits(patterns: &[String], value: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => pattern == value,
    })
}

#[cfg(test)]
mod tests {
    use hats_catalogue::Catalogue;

    use super::*;

    fn everything() -> Matcher {
        Matcher {
            codes: vec![],
            events: vec![],
            networks: vec![],
            nodes: vec![],
            level: Level::Info,
            authority: true,
            maintenance: false,
            recoveries: true,
        }
    }

    fn fault() -> Event {
        Event {
            code: "HATS-2103".into(),
            event: "adapter.down".into(),
            level: "error".into(),
            node: Some("n3".into()),
            network: Some("neta".into()),
            authority: true,
            ..Event::default()
        }
    }

    fn end() -> Event {
        Event {
            code: "HATS-2101".into(),
            event: "adapter.up".into(),
            level: "info".into(),
            clears: Some("HATS-2103".into()),
            ..fault()
        }
    }

    #[track_caller]
    fn fits(matcher: &Matcher, event: &Event, wanted: bool) {
        assert_eq!(matcher.matches(event, &Catalogue::built_in()), wanted, "{matcher:?} {event:?}");
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn an_empty_matcher_takes_all_that_this_node_decided() {
        fits(&everything(), &fault(), true);
        fits(&everything(), &Event { authority: false, ..fault() }, false);
        let anybody = Matcher { authority: false, ..everything() };
        fits(&anybody, &Event { authority: false, ..fault() }, true);
    }

    #[test]
    fn the_texts_of_a_list_are_alternatives_and_the_lists_are_not() {
        let matcher = Matcher { events: words(&["node.*", "adapter.*"]), ..everything() };
        fits(&matcher, &fault(), true);
        fits(&Matcher { networks: words(&["netb"]), ..matcher.clone() }, &fault(), false);
        fits(&Matcher { codes: words(&["HATS-3103"]), ..matcher.clone() }, &fault(), false);
        fits(&Matcher { events: words(&["adapter"]), ..everything() }, &fault(), false);
    }

    #[test]
    fn a_node_matches_as_either_end_of_a_path() {
        let path = Event { peer_node: Some("fdp7".into()), ..fault() };
        fits(&Matcher { nodes: words(&["fdp*"]), ..everything() }, &path, true);
        fits(&Matcher { nodes: words(&["fdp*"]), ..everything() }, &fault(), false);
    }

    #[test]
    fn an_event_that_names_no_network_is_not_about_one() {
        let node = Event { network: None, ..fault() };
        fits(&Matcher { networks: words(&["*"]), ..everything() }, &node, false);
    }

    #[test]
    fn the_level_is_the_least() {
        for (level, wanted) in [(Level::Info, true), (Level::Warn, true), (Level::Error, false)] {
            let warning = Event { level: "warn".into(), ..fault() };
            fits(&Matcher { level, ..everything() }, &warning, wanted);
        }
    }

    #[test]
    fn the_end_of_a_fault_that_matches_matches_too_unless_it_is_not_wanted() {
        let faults = Matcher { codes: words(&["HATS-2103"]), level: Level::Error, ..everything() };
        fits(&faults, &end(), true);
        fits(&faults, &Event { clears: None, ..end() }, false);
        fits(&faults, &Event { clears: Some("HATS-2110".into()), ..end() }, false);
        fits(&Matcher { recoveries: false, ..faults }, &end(), false);
    }

    #[test]
    fn what_is_under_maintenance_is_left_out_unless_it_is_wanted() {
        let planned = Event { maintenance: true, ..fault() };
        fits(&everything(), &planned, false);
        fits(&Matcher { maintenance: true, ..everything() }, &planned, true);
    }
}
