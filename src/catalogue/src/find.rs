//! Looking events up.

use crate::{Catalogue, Entry};

/// Names that share at least so much of their letters are offered for a
/// misspelt one, in percent.
const LIKENESS_MIN: usize = 60;

impl Catalogue {
    /// The event with this code (`HATS-2103`, `2103`) or name (`adapter.down`).
    pub fn find(&self, word: &str) -> Option<&Entry> {
        let digits = word.strip_prefix("HATS-").or_else(|| word.strip_prefix("hats-"));
        let digits = digits.unwrap_or(word);
        self.events.iter().find(|entry| {
            entry.name.eq_ignore_ascii_case(word)
                || entry.code.strip_prefix("HATS-") == Some(digits)
        })
    }

    /// The events whose field `clears` may name `entry`.
    pub fn ended_by(&self, entry: &Entry) -> Vec<&Entry> {
        self.events.iter().filter(|other| other.clears.contains(&entry.code)).collect()
    }

    /// The name that was probably meant.
    pub fn likely(&self, word: &str) -> Option<&Entry> {
        let likeness = |entry: &&Entry| likeness(&entry.name, &word.to_lowercase());
        self.events.iter().max_by_key(likeness).filter(|entry| likeness(entry) >= LIKENESS_MIN)
    }
}

/// How much two words have in common, in percent: their longest common
/// subsequence.
fn likeness(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row = vec![0; b.len() + 1];
    for x in a.chars() {
        let mut diagonal = 0;
        for (at, y) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if x == *y { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    200 * row[b.len()] / (a.chars().count() + b.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(word: &str) -> Option<String> {
        Catalogue::built_in().find(word).map(|entry| entry.name.clone())
    }

    #[test]
    fn an_event_is_found_by_code_with_and_without_prefix_and_by_name() {
        for word in ["HATS-2103", "hats-2103", "2103", "adapter.down", "Adapter.Down"] {
            assert_eq!(found(word).as_deref(), Some("adapter.down"), "{word}");
        }
        for wrong in ["", "HATS-", "210", "adapter", "2103 "] {
            assert_eq!(found(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant_and_nonsense_none() {
        let catalogue = Catalogue::built_in();
        let likely = |word| catalogue.likely(word).map(|entry| entry.name.as_str());
        assert_eq!(likely("adapter.dwon"), Some("adapter.down"));
        assert_eq!(likely("node_up"), Some("node.up"));
        assert_eq!(likely("qqqq"), None);
        assert_eq!(likely(""), None);
    }

    #[test]
    fn what_ends_a_fault_is_found() {
        let catalogue = Catalogue::built_in();
        let fault = catalogue.find("adapter.down").unwrap();
        let names: Vec<&str> =
            catalogue.ended_by(fault).into_iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["adapter.up"]);
    }
}
