//! The alert rules made of the catalogue.

use hats_catalogue::Entry;

use super::{catalogue, read};

const FILES: [&str; 2] =
    ["deploy/alerting/hats-events.rules.yml", "deploy/alerting/hats-loki.rules.yml"];

/// The rule of `entry`, from its name to the next one.
fn rule<'a>(text: &'a str, entry: &Entry) -> Option<&'a str> {
    let start = text.find(&format!("- alert: Hats{}\n", entry.type_name()))?;
    let rest = &text[start..];
    Some(&rest[..rest[1..].find("- alert: ").map_or(rest.len(), |at| at + 1)])
}

#[test]
fn every_fault_and_warning_that_has_authority_raises_an_alert_and_nothing_else_does() {
    for path in FILES {
        let text = read(path);
        for entry in catalogue().events {
            let speaks = !entry.authority.starts_with("nobody");
            let wanted = entry.level != "info" && !entry.planned && speaks;
            assert_eq!(rule(&text, &entry).is_some(), wanted, "{path}: {}", entry.name);
        }
    }
}

#[test]
fn an_alert_that_something_ends_compares_with_it_by_what_both_name() {
    for path in FILES {
        let text = read(path);
        let catalogue = catalogue();
        for (name, by) in [
            ("adapter.down", "(cluster, node, network, adapter)"),
            ("adapter.inconclusive", "(cluster, node, network, adapter)"),
            ("daemon.down", "(cluster, node)"),
            ("network.partitioned", "(cluster, network)"),
        ] {
            let entry = catalogue.find(name).expect("there");
            let rule = rule(&text, entry).expect("a rule");
            assert_eq!(rule.matches(by).count(), 3, "{path}: {rule}");
            assert!(rule.contains(&format!("code: {}\n", entry.code)), "{rule}");
        }
    }
}

#[test]
fn adapters_that_went_with_their_node_raise_no_alert_of_their_own() {
    for path in FILES {
        let text = read(path);
        let rule = rule(&text, catalogue().find("adapter.down").expect("there")).map(str::to_owned);
        assert!(rule.expect("a rule").contains("cause!=\"node_down\""), "{path}");
    }
}

#[test]
fn only_lines_with_authority_count() {
    let loki = read(FILES[1]);
    assert_eq!(loki.matches("{job=\"hatsd\"}").count(), loki.matches("authority=\"true\"").count());
}
