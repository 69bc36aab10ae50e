//! Which failures are of the same kind.

use super::story::Story;

/// So many words tell kinds apart.
const WORDS: usize = 16;

/// `why` without what differs from run to run: names, numbers and times.
pub(super) fn of(story: &Story, why: &str) -> String {
    // A place in the code is what tells one panic from another.
    if let Some(place) = why.strip_prefix("panic at ") {
        return format!("panic at {}", place.split(": ").next().unwrap_or(place));
    }
    let is_name = |part: &str| {
        story.networks.iter().any(|name| name == part)
            || story.nodes.iter().any(|node| node.name == part)
    };
    let mut kind: Vec<&str> = Vec::new();
    for word in why.split_whitespace() {
        let mut parts = word.split(|c: char| !c.is_alphanumeric() && c != '_');
        let varies = word.contains(|c: char| c.is_ascii_digit()) || parts.any(is_name);
        let word = if varies { "*" } else { word };
        // One name or several: it depends on the size of the cluster.
        if word != "*" || kind.last() != Some(&"*") {
            kind.push(word);
        }
    }
    kind.truncate(WORDS);
    kind.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_that_differ_in_names_and_numbers_are_of_one_kind() {
        let story = Story::of(9);
        let network = story.networks[0].as_str();
        let said = |at: &str, node: &str, peers: &str| {
            of(&story, &format!("unfair: n1 at {at} says adapter.down {node}/{network} by {peers}"))
        };
        assert_eq!(said("3.2s", "n1", "n2"), said("700ms", "n2", "n1 n2 n3"));
        assert_eq!(said("3.2s", "n1", "n2"), "unfair: * at * says adapter.down * by *");
        assert_ne!(of(&story, "panic at a.rs:1: x"), of(&story, "panic at a.rs:2: x"));
    }
}
