#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use hats_proto::ipc::{Adapter, Counter, Daemon, Network, Nim, Node, Snapshot};

use super::*;

fn adapter(node: &str, state: &str) -> Adapter {
    Adapter {
        network: "neta".into(),
        node: node.into(),
        adapter: "eth0".into(),
        addr: "10.0.0.1".into(),
        self_: node == "n1",
        state: state.into(),
        cause: (state == "down").then(|| "transmit".into()),
        ..Adapter::default()
    }
}

fn node(name: &str, state: &str) -> Node {
    Node { name: name.into(), state: state.into(), self_: name == "n1", ..Node::default() }
}

fn snapshot() -> Snapshot {
    Snapshot {
        cluster: "atc".into(),
        overall: "DEGRADED".into(),
        next_seq: 8,
        daemon: Some(Daemon {
            node: "n1".into(),
            lateness_max_us: 310,
            uptime_ms: 61_250,
            ..Daemon::default()
        }),
        networks: vec![
            Network { name: "neta".into(), state: "stable".into(), ..Network::default() },
            Network { name: "docker0".into(), state: "left_out".into(), ..Network::default() },
        ],
        nodes: vec![node("n1", "up"), node("n2", "up"), node("n3", "down")],
        adapters: vec![adapter("n1", "up"), adapter("n2", "up"), adapter("n3", "down")],
        nims: vec![Nim {
            network: "neta".into(),
            adapter: "eth0".into(),
            state: "running".into(),
            rejected: vec![Counter { name: "not_ours".into(), value: 2 }],
            ..Nim::default()
        }],
        ..Snapshot::default()
    }
}

#[test]
fn every_sample_belongs_to_a_family_that_is_told_once() {
    let text = render(&snapshot(), Part::Everything);
    let mut families = BTreeSet::new();
    for line in text.lines() {
        if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, kind) = of.split_once(' ').unwrap();
            assert!(families.insert(name), "{name} twice");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(families.contains(name), "{line}");
            assert!(line.rsplit_once(' ').unwrap().1.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(families.len() > 25, "{families:?}");
}

#[test]
fn of_other_nodes_a_scrape_gets_what_is_wrong_and_the_views_get_all() {
    let scrape = render(&snapshot(), Part::Everything);
    assert!(scrape.contains(r#"hats_adapter_up{network="neta",node="n1","#));
    assert!(!scrape.contains(r#"node="n2""#), "{scrape}");
    let failed = r#"node="n3",adapter="eth0",addr="10.0.0.1",state="down",cause="transmit"} 0"#;
    assert!(scrape.contains(failed), "{scrape}");
    assert!(scrape.contains("hats_adapters{state=\"up\"} 2\n"), "the counts have them");
    for part in [Part::Nodes, Part::Adapters] {
        assert!(render(&snapshot(), part).contains(r#"node="n2""#), "{part:?}");
    }
}

#[test]
fn a_scrape_of_a_large_cluster_that_is_well_is_no_longer_than_of_a_small_one() {
    let mut large = snapshot();
    for number in 10..1_010 {
        large.nodes.push(node(&format!("n{number}"), "up"));
        large.adapters.push(adapter(&format!("n{number}"), "up"));
    }
    let lines = |snapshot: &Snapshot| render(snapshot, Part::Everything).lines().count();
    assert_eq!(lines(&large), lines(&snapshot()));
}

#[test]
fn networks_that_are_left_out_are_no_series() {
    assert!(!render(&snapshot(), Part::Everything).contains("docker0"));
}

#[test]
fn names_cannot_forge_a_label_or_a_line() {
    let mut forged = snapshot();
    forged.networks[0].name = "a\"} 1\nhats_nodes \\".into();
    let text = render(&forged, Part::Networks);
    assert!(text.contains(r#"network="a\"} 1\nhats_nodes \\""#), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("hats_nodes")));
}

#[test]
fn times_are_in_seconds_and_lose_nothing() {
    let text = render(&snapshot(), Part::Everything);
    assert!(text.contains("\nhats_daemon_lateness_max_seconds 0.00031\n"), "{text}");
    assert!(text.contains("\nhats_daemon_uptime_seconds 61.25\n"));
    assert!(text.contains("\nhats_events_total 7\n"));
    assert!(text.contains("\nhats_cluster_status{cluster=\"atc\"} 1\n"));
}

#[test]
fn the_help_says_of_which_adapters_there_are_samples() {
    let help = |part| {
        let text = render(&snapshot(), part);
        text.lines().find(|line| line.starts_with("# HELP hats_adapter_up ")).unwrap().to_owned()
    };
    assert!(help(Part::Everything).ends_with("there are only those that are not up."));
    assert!(help(Part::Adapters).ends_with("which one is in the label."), "all of them");
    let count = "# HELP hats_adapters How many adapters, of this node and all others, are in this";
    assert!(render(&snapshot(), Part::Everything).contains(count));
}
